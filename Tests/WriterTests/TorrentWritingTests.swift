import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Writer

/// One torrent and its disk, as a conversation.
private struct Conversation {
    var clock = FakeClock()
    var writing: TorrentWriting
    var actions: [TorrentWriting.Action] = []
    let regions = [Place(.hashWorker, 0): AssemblyGeometry(byteCount: 4 << 20)]

    init(sync: SyncMode = .batch, isReady: Bool = true) throws {
        writing = TorrentWriting(torrent: 7, map: try FileMap(WriterFixture.oneFile), sync: sync)
        guard isReady else { return }
        for _ in 0..<2 { _ = try answer(.done) }
        _ = takeActions()
    }

    mutating func takeActions() -> [TorrentWriting.Action] {
        defer { actions = [] }
        return actions
    }

    mutating func order() throws -> DiskOrder? {
        let order = try writing.nextOrder(now: clock.now, regions: regions)
        if order == nil { #expect(writing.nextDeadline > clock.now, "the loop would spin") }
        return order
    }

    /// Has the next order end with `outcome`.
    mutating func answer(_ outcome: DiskOutcome) throws -> DiskOrder? {
        guard let order = try order() else { return nil }
        writing.orderEnded(order, outcome, now: clock.now, into: &actions)
        writing.checkInvariants()
        return order
    }

    mutating func handOver(_ assignment: AssignmentID, piece: Int) {
        writing.received(
            WriterFixture.batch(assignment, piece: piece), content: .whole, from: WriterFixture.hashWorker(),
            now: clock.now, into: &actions)
    }

    mutating func writePiece(_ assignment: AssignmentID, piece: Int) throws {
        handOver(assignment, piece: piece)
        guard case .write = try answer(.done) else {
            Issue.record("no write was due")
            return
        }
        _ = takeActions()
    }
}

@Suite struct TorrentWritingTests {
    private func written(_ assignment: AssignmentID, _ piece: Int) -> [TorrentWriting.Action] {
        [
            .tell(.piecesWritten([WrittenPiece(assignment: assignment, torrent: 7, piece: PieceIndex(piece))])),
            .answer(Place(.hashWorker, 0), assignment),
        ]
    }
    private func trouble(_ failure: DiskFailure) -> [TorrentWriting.Action] { [.tell(.diskTrouble(failure.trouble))] }

    @Test func nothingIsWrittenBeforeLockAndPreparation() throws {
        var talk = try Conversation(isReady: false)
        talk.handOver(9, piece: 3)
        #expect(try talk.answer(.done) == .lock(torrent: 7))
        #expect(try talk.answer(.done) == .prepare(torrent: 7))
        #expect(talk.takeActions() == [.tell(.torrentReady(torrent: 7))])
        guard case .write(7, let plan)? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        #expect(plan.byteCount == 100_000)
        #expect(talk.takeActions() == written(9, 3))
    }

    @Test func heldLockIsTriedForFiveSecondsAndThenIsTrouble() throws {
        var talk = try Conversation(isReady: false)
        let held = WriterFixture.failure(.writing, errno: 11, call: "flock")
        #expect(try talk.answer(.lockIsHeld(held)) == .lock(torrent: 7))
        #expect(talk.takeActions() == [.tell(.waitingForLock(torrent: 7))])
        #expect(try talk.order() == nil)
        for _ in 0..<49 {
            talk.clock.advance(by: .milliseconds(100))
            #expect(try talk.answer(.lockIsHeld(held)) == .lock(torrent: 7))
            #expect(talk.takeActions() == [])
        }
        talk.clock.advance(by: .milliseconds(100))
        _ = try talk.answer(.lockIsHeld(held))
        #expect(talk.takeActions() == trouble(held))
        #expect(talk.writing.isInTrouble)
        talk.clock.advance(by: .seconds(5))
        _ = try talk.answer(.done)
        #expect(!talk.writing.isInTrouble)
    }

    @Test func writtenPieceIsClaimedASecondLater() throws {
        var talk = try Conversation()
        try talk.writePiece(9, piece: 3)
        #expect(try talk.order() == nil)
        talk.clock.advance(by: .seconds(1))
        guard case .sync(7, let batch)? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        #expect(batch.pieces == [PieceIndex(3)])
        #expect(talk.takeActions() == [.tell(.piecesSynced(torrent: 7, [PieceIndex(3)]))])
        #expect(talk.writing.isDrained)
    }

    @Test func dueSyncGoesBeforeMoreWrites() throws {
        var talk = try Conversation()
        try talk.writePiece(9, piece: 3)
        talk.handOver(10, piece: 4)
        talk.clock.advance(by: .seconds(1))
        guard case .sync? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        guard case .write? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
    }

    @Test func fullDiskPausesIsToldOnceAndIsTriedEveryFiveSeconds() throws {
        var talk = try Conversation()
        let full = WriterFixture.failure(.writing)
        talk.handOver(9, piece: 3)
        _ = try talk.answer(.failed(full))
        #expect(talk.takeActions() == trouble(full))
        #expect(talk.writing.isInTrouble)
        for _ in 0..<3 {
            // Some bytes may have reached the file, so the journal stays as young as it.
            while let order = try talk.answer(.done) { #expect(order == .record(torrent: 7, [.beat])) }
            talk.clock.advance(by: .seconds(5))
            guard case .write? = try talk.answer(.failed(full)) else {
                Issue.record("another order was due")
                return
            }
            #expect(talk.takeActions() == [])
        }
        talk.clock.advance(by: .seconds(5))
        _ = try talk.answer(.done)
        #expect(talk.takeActions() == written(9, 3))
        #expect(!talk.writing.isInTrouble)
    }

    @Test func fullDiskDoesNotHoldUpTheSyncOfWhatIsWritten() throws {
        var talk = try Conversation()
        try talk.writePiece(8, piece: 2)
        talk.handOver(9, piece: 3)
        _ = try talk.answer(.failed(WriterFixture.failure(.writing)))
        talk.clock.advance(by: .seconds(1))
        guard case .sync(_, let batch)? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        #expect(batch.pieces == [PieceIndex(2)])
        #expect(talk.writing.isInTrouble, "a sync says nothing of the write that failed")
    }

    @Test func failedSyncLosesItsPiecesAndSaysSoInTheJournal() throws {
        var talk = try Conversation()
        try talk.writePiece(9, piece: 3)
        talk.clock.advance(by: .seconds(1))
        let failure = WriterFixture.failure(.syncing, errno: 5, call: "fdatasync")
        guard case .sync? = try talk.answer(.failed(failure)) else {
            Issue.record("another order was due")
            return
        }
        #expect(talk.takeActions() == trouble(failure))
        #expect(failure.trouble.isSync)
        #expect(try talk.answer(.done) == .record(torrent: 7, [.piecesLost([PieceIndex(3)])]))
        talk.clock.advance(by: .seconds(60))
        #expect(try talk.order() == nil, "no second sync may claim what the first one lost")
        #expect(talk.takeActions() == [])
    }

    @Test func unwrittenJournalKeepsTheClaimForTheNextTry() throws {
        var talk = try Conversation()
        try talk.writePiece(9, piece: 3)
        talk.clock.advance(by: .seconds(1))
        let full = WriterFixture.failure(.recording, call: "write")
        _ = try talk.answer(.failed(full))
        #expect(talk.takeActions() == trouble(full))
        #expect(try talk.order() == nil)
        talk.clock.advance(by: .seconds(5))
        guard case .sync(_, let batch)? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        #expect(batch.pieces == [PieceIndex(3)])
        #expect(talk.takeActions() == [.tell(.piecesSynced(torrent: 7, [PieceIndex(3)]))])
    }

    @Test func repeatedAssignmentIsToldAgainAndNotSyncedAgain() throws {
        var talk = try Conversation()
        try talk.writePiece(9, piece: 3)
        talk.clock.advance(by: .seconds(1))
        _ = try talk.answer(.done)
        _ = talk.takeActions()
        talk.handOver(9, piece: 3)
        #expect(talk.takeActions() == written(9, 3))
        #expect(talk.writing.isDrained)
    }

    @Test func partOfAPieceKeepsTheJournalFresh() throws {
        var talk = try Conversation()
        talk.clock.advance(by: .seconds(10))
        #expect(try talk.order() == nil, "nothing was written: no beat")
        let half = WriterFixture.batch(9, piece: 3, firstFrame: 0, frames: [4])
        talk.writing.received(
            half, content: .whole, from: WriterFixture.hashWorker(), now: talk.clock.now, into: &talk.actions)
        _ = try talk.answer(.done)
        #expect(try talk.order() == nil)
        talk.clock.advance(by: .seconds(1))
        #expect(try talk.answer(.done) == .record(torrent: 7, [.beat]))
        #expect(try talk.order() == nil)
    }

    @Test func countOfUploadsIsRecordedAtOnceAndTheNewestCounts() throws {
        var talk = try Conversation()
        talk.writing.uploadedReceived(5)
        let first = try talk.order()
        #expect(first == .record(torrent: 7, [.uploaded(5)]))
        talk.writing.uploadedReceived(6)
        talk.writing.orderEnded(first!, .done, now: talk.clock.now, into: &talk.actions)
        #expect(talk.writing.nextDeadline <= talk.clock.now)
        #expect(try talk.answer(.done) == .record(torrent: 7, [.uploaded(6)]))
        #expect(try talk.order() == nil)
    }

    @Test func countOfUploadsStandsBeforeTheCleanStopAndHoldsUpNoEnd() throws {
        for outcome in [DiskOutcome.done, .failed(WriterFixture.failure(.recording))] {
            var talk = try Conversation()
            talk.writing.uploadedReceived(5)
            talk.writing.finish(now: talk.clock.now)
            #expect(try talk.answer(outcome) == .record(torrent: 7, [.uploaded(5)]))
            #expect(try talk.answer(.done) == .finish(torrent: 7))
            #expect(talk.writing.isFinished)
        }
    }

    @Test func predecessorsPiecesAreSyncedWithTheirFiles() throws {
        var talk = try Conversation()
        try talk.writing.piecesInherited([PieceIndex(1), PieceIndex(2)], now: talk.clock.now)
        talk.clock.advance(by: .seconds(1))
        guard case .sync(_, let batch)? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        #expect(batch.inheritedFiles == [0] && batch.pieces == [PieceIndex(1), PieceIndex(2)])
        #expect(talk.takeActions() == [.tell(.piecesSynced(torrent: 7, [PieceIndex(1), PieceIndex(2)]))])
    }

    @Test func longListsOfClaimsAreSplit() throws {
        var talk = try Conversation()
        try talk.writing.piecesInherited((0..<1030).map { PieceIndex($0 % 10) }, now: talk.clock.now)
        talk.clock.advance(by: .seconds(1))
        _ = try talk.answer(.done)
        let counts = talk.takeActions().map { action in
            if case .tell(.piecesSynced(_, let pieces)) = action { pieces.count } else { 0 }
        }
        #expect(counts == [512, 512, 6])
    }

    @Test func unfinishedPieceIsToldOnceJournalled() throws {
        var talk = try Conversation()
        let blocks = BlockSet(blockCount: 7, [0..<2])
        talk.writing.received(
            WriterFixture.batch(9, piece: 3), content: .blocks(blocks), from: WriterFixture.hashWorker(),
            now: talk.clock.now, into: &talk.actions)
        _ = try talk.answer(.done)
        #expect(talk.takeActions() == [.answer(Place(.hashWorker, 0), 9)])
        talk.writing.finish(now: talk.clock.now)
        guard case .sync(_, let batch)? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        #expect(batch.partials == [SyncPolicy.Partial(assignment: 9, piece: PieceIndex(3), blocks: blocks)])
        #expect(talk.takeActions() == [.tell(.partialWritten(9))])
        #expect(try talk.answer(.done) == .finish(torrent: 7))
        #expect(talk.writing.isFinished)
    }

    @Test func finishWritesAndSyncsWhatWaitsFirst() throws {
        var talk = try Conversation()
        talk.handOver(9, piece: 3)
        talk.writing.finish(now: talk.clock.now)
        guard case .write? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        guard case .sync? = try talk.answer(.done) else {
            Issue.record("another order was due")
            return
        }
        #expect(try talk.answer(.done) == .finish(torrent: 7))
        #expect(try talk.order() == nil)
    }

    @Test func finishEndsOnADiskThatRefusesEverything() throws {
        for sync in SyncMode.allCases {
            var talk = try Conversation(sync: sync)
            try talk.writePiece(8, piece: 2)
            talk.handOver(9, piece: 3)
            talk.writing.finish(now: talk.clock.now)
            var orders = 0
            while !talk.writing.isFinished && orders < 10 {
                guard let order = try talk.order() else { break }
                let stage: DiskFailure.Stage = if case .write = order { .writing } else { .recording }
                talk.writing.orderEnded(
                    order, .failed(WriterFixture.failure(stage)), now: talk.clock.now, into: &talk.actions)
                orders += 1
            }
            #expect(talk.writing.isFinished, "\(sync)")
        }
    }

    @Test func finishDoesNotWaitForALock() throws {
        var talk = try Conversation(isReady: false)
        talk.writing.finish(now: talk.clock.now)
        _ = try talk.answer(.lockIsHeld(WriterFixture.failure(.writing, errno: 11)))
        #expect(talk.writing.isFinished)
    }
}
