import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Writer

@Suite struct WriterCoreTests {
    private struct Talk {
        var clock = FakeClock()
        var core = WriterCore()
        var report = WriteReport(writtenByteCount: 0, writeCallCount: 0, syncCount: 0, syncNanoseconds: 0)

        init(isMapped: Bool = true, hasTorrent: Bool = true) throws {
            if hasTorrent { _ = try add(7) }
            if isMapped { _ = try map() }
            if hasTorrent { for _ in 0..<2 { _ = try end(.done) } }
        }

        mutating func add(_ torrent: UInt16) throws -> [WriterCore.Action] {
            var actions: [WriterCore.Action] = []
            try core.torrentAdded(
                torrent, map: FileMap(WriterFixture.oneFile), sync: .batch, now: clock.now, into: &actions)
            return actions
        }

        mutating func map() throws -> [WriterCore.Action] {
            var actions: [WriterCore.Action] = []
            core.regionMapped(WriterFixture.hashWorker(), byteCount: 4 << 20, now: clock.now, into: &actions)
            return actions
        }

        mutating func handOver(_ batch: FrameBatch, bits: [UInt8]? = nil) throws -> [WriterCore.Action] {
            var actions: [WriterCore.Action] = []
            try core.framesReceived(batch, bits: bits, from: WriterFixture.hashWorker(), now: clock.now, into: &actions)
            return actions
        }

        mutating func turn() throws -> [WriterCore.Action] {
            var actions: [WriterCore.Action] = []
            try core.turnEnded(now: clock.now, into: &actions)
            return actions
        }

        /// Starts the next order and ends it.
        mutating func end(_ outcome: DiskOutcome) throws -> [WriterCore.Action] {
            let started = try turn()
            guard case .perform? = started.first else { return started }
            var actions: [WriterCore.Action] = []
            core.orderEnded(DiskResult(outcome: outcome, report: report), now: clock.now, into: &actions)
            return actions
        }
    }

    private func isWrite(_ actions: [WriterCore.Action]) -> Bool {
        if case .perform(.write)? = actions.first { true } else { false }
    }

    @Test func diskThreadHasOneOrderAtATime() throws {
        var talk = try Talk()
        _ = try talk.handOver(WriterFixture.batch(1, piece: 1))
        #expect(isWrite(try talk.turn()))
        _ = try talk.handOver(WriterFixture.batch(2, piece: 2))
        #expect(try talk.turn() == [])
        #expect(talk.core.nextDeadline == .distantFuture, "an order is under way: nothing else can start")
    }

    @Test func piecesOfOneTurnShareAnOrderAndAnAnswer() throws {
        var talk = try Talk()
        for number in 1...3 { _ = try talk.handOver(WriterFixture.batch(UInt64(number), piece: number)) }
        let actions = try talk.end(.done)
        #expect(actions.last == .answer(Place(.hashWorker, 0), [1, 2, 3]))
        #expect(actions.count == 4)
    }

    @Test func framesOfAnUnmappedRegionWaitForIt() throws {
        var talk = try Talk(isMapped: false)
        #expect(try talk.handOver(WriterFixture.batch(1, piece: 1)) == [])
        #expect(try talk.turn() == [])
        #expect(try talk.map() == [.tell(.regionMapped(WriterFixture.hashWorker()))])
        #expect(isWrite(try talk.turn()))
    }

    @Test func nonsenseFromAHashWorkerIsRefused() throws {
        var talk = try Talk()
        let good = WriterFixture.batch(1, piece: 1)
        var bad = [FrameBatch](repeating: good, count: 5)
        bad[0].piece = PieceIndex(10)
        bad[1].byteCount = 99_999
        bad[2].firstFrame = 1
        bad[3].frames = [0, 4000]
        bad[4].frames = []
        for batch in bad { #expect(throws: PoolCodecError.self) { try talk.handOver(batch) } }
        #expect(throws: PoolCodecError.invalidField("bits")) { try talk.handOver(good, bits: [0x80]) }
        #expect(throws: PoolCodecError.invalidField("bits")) { try talk.handOver(good, bits: [1, 1]) }
        #expect(try talk.handOver(good, bits: [0x41]) == [])
    }

    @Test func assignmentThatChangesItsPieceIsRefused() throws {
        var talk = try Talk()
        var part = WriterFixture.batch(1, piece: 1)
        part.frames = [part.frames[0]]
        #expect(try talk.handOver(part) == [])
        part.piece = PieceIndex(2)
        #expect(throws: PoolCodecError.invalidField("assignment")) { try talk.handOver(part) }
    }

    @Test func nonsenseThatCameEarlyIsHeldAgainstItsSenderAlone() throws {
        var talk = try Talk(isMapped: false)
        #expect(try talk.handOver(WriterFixture.batch(1, piece: 10)) == [])
        #expect(try talk.handOver(WriterFixture.batch(2, piece: 1)) == [])
        #expect(
            try talk.map() == [
                .tell(.regionMapped(WriterFixture.hashWorker())),
                .accuse(WriterFixture.hashWorker(), .invalidField("piece")),
            ])
        #expect(isWrite(try talk.turn()))
    }

    @Test func whatComesEarlyIsBounded() throws {
        var talk = try Talk(isMapped: false)
        for assignment in 1...WriterCore.mostEarlyCount {
            #expect(try talk.handOver(WriterFixture.batch(AssignmentID(assignment), piece: 1)) == [])
        }
        #expect(throws: PoolCodecError.invalidField("frames")) { try talk.handOver(WriterFixture.batch(1, piece: 1)) }
    }

    @Test func replacedHashWorkerHearsWhatIsStillRead() throws {
        var talk = try Talk()
        _ = try talk.handOver(WriterFixture.batch(1, piece: 1))
        _ = try talk.turn()
        _ = try talk.handOver(WriterFixture.batch(2, piece: 2))
        #expect(talk.core.hashWorkerDied(Place(.hashWorker, 0), before: 2) == [1])
        #expect(talk.core.hashWorkerDied(Place(.hashWorker, 1), before: 2) == [])
    }

    @Test func recoveryIsToldOnceTheFailedCallWentThrough() throws {
        var talk = try Talk()
        _ = try talk.handOver(WriterFixture.batch(1, piece: 1))
        let failure = WriterFixture.failure(.writing)
        #expect(try talk.end(.failed(failure)) == [.tell(.diskTrouble(failure.trouble))])
        talk.clock.advance(by: .seconds(5))
        #expect(try talk.end(.done).last == .tell(.diskRecovered))
    }

    @Test func syncAllIsAnsweredWhenNothingIsUnsynced() throws {
        var talk = try Talk()
        _ = try talk.handOver(WriterFixture.batch(1, piece: 1))
        talk.core.syncAllReceived()
        _ = try talk.end(.done)
        #expect(try talk.end(.done) == [.tell(.piecesSynced(torrent: 7, [PieceIndex(1)]))])
        #expect(try talk.turn() == [.tell(.syncedAll)])
        #expect(try talk.turn() == [])
        // Back to batches.
        _ = try talk.handOver(WriterFixture.batch(2, piece: 2))
        _ = try talk.end(.done)
        #expect(try talk.turn() == [])
    }

    /// A successor joined, was sent what its predecessor had not answered, and died of not knowing the torrent yet.
    @Test func framesThatComeBeforeTheirTorrentAreWrittenAfterIt() throws {
        var talk = try Talk(hasTorrent: false)
        #expect(try talk.handOver(WriterFixture.batch(1, piece: 1)) == [])
        #expect(try talk.turn() == [])
        _ = try talk.add(7)
        for _ in 0..<2 { _ = try talk.end(.done) }
        #expect(isWrite(try talk.turn()))
    }

    @Test func finishIsAnsweredOnceForAllTorrents() throws {
        var talk = try Talk()
        _ = try talk.add(8)
        talk.core.finishReceived(now: talk.clock.now)
        for _ in 0..<4 { #expect(try !talk.end(.done).contains(.tell(.finished))) }
        #expect(try talk.turn() == [.tell(.finished)])
        #expect(try talk.turn() == [])
    }

    @Test func torrentInTroubleDoesNotHoldUpAnother() throws {
        var talk = try Talk()
        _ = try talk.add(8)
        for _ in 0..<2 { _ = try talk.end(.done) }
        _ = try talk.handOver(WriterFixture.batch(1, piece: 1))
        _ = try talk.end(.failed(WriterFixture.failure(.writing)))
        var other = WriterFixture.batch(2, piece: 2)
        other.torrent = 8
        _ = try talk.handOver(other)
        #expect(try talk.end(.done).contains(.answer(Place(.hashWorker, 0), [2])))
    }

    @Test func reportsAreASecondApart() throws {
        var talk = try Talk()
        talk.report.writtenByteCount = 5
        talk.clock.advance(by: .seconds(2))
        _ = try talk.handOver(WriterFixture.batch(1, piece: 1))
        #expect(try talk.end(.done).last == .tell(.report(talk.report)))
        talk.report.writtenByteCount = 6
        _ = try talk.handOver(WriterFixture.batch(2, piece: 2))
        #expect(try talk.end(.done).last == .answer(Place(.hashWorker, 0), [2]))
    }

    /// A download may be over within a second.
    @Test func theLastReportIsToldWhenNothingMoreHappens() throws {
        var talk = try Talk()
        talk.clock.advance(by: .seconds(2))
        talk.report.writtenByteCount = 5
        _ = try talk.handOver(WriterFixture.batch(1, piece: 1))
        _ = try talk.end(.done)
        let told = talk.clock.now
        talk.report.writtenByteCount = 6
        _ = try talk.handOver(WriterFixture.batch(2, piece: 2))
        _ = try talk.end(.done)
        #expect(talk.core.nextDeadline == told + WriterCore.reportInterval)
        talk.clock.advance(by: .milliseconds(999))
        #expect(try talk.turn() == [])
        talk.clock.advance(by: .milliseconds(1))
        #expect(try talk.turn().first == .tell(.report(talk.report)))
        #expect(talk.core.nextDeadline > talk.clock.now)
    }
}
