import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

private let honest = Contributor(worker: 0, peer: 1), liar = Contributor(worker: 0, peer: 2)
private let other = Contributor(worker: 1, peer: 3)

private func digest(_ block: UInt32, _ contributor: Contributor, isRight: Bool = true) -> BlockDigest {
    BlockDigest(block: block, contributor: contributor, digest: Digest(Array(repeating: isRight ? 1 : 2, count: 20)))
}

/// Who is to blame for a bad piece, from the first failure to the ban.
struct BlameTests {
    private func oneOpenPiece() throws -> TorrentConversation {
        var talk = try TorrentConversation.fetching(byteCount: 32768)
        _ = talk.want(1 << 20)
        _ = talk.opened([1])
        return talk
    }

    @Test func onlyContributorOfABadPieceIsBannedAtOnce() throws {
        var talk = try oneOpenPiece()
        talk.digests(1, [digest(0, liar, isRight: false), digest(1, liar)])
        #expect(
            talk.failed(1) == [
                .tellPeerWorker(0, .assignmentsClosed([1])), .tellHashWorker(0, .closePieces([1])),
                .banPeer(liar, piece: PieceIndex(0)), talk.open(talk.order(2, 0)),
            ])
        #expect(talk.coordinator.failedPieceCount == 1 && talk.coordinator.failedByteCount == 32768)
        #expect(talk.budget.freeCount == 63)
        #expect(talk.news.last?.1 == .failed)
    }

    @Test func liarAmongSeveralIsFoundWhenThePieceComesRight() throws {
        var talk = try oneOpenPiece()
        talk.digests(1, [digest(0, honest), digest(1, liar, isRight: false)])
        // The next attempt's digests are wanted even if it succeeds.
        #expect(talk.failed(1).opens == [talk.order(2, 0, wantsDigests: true)])
        _ = talk.opened([2])
        talk.digests(2, [digest(0, other), digest(1, other)])
        #expect(
            talk.verified([2]) == [
                .tellPeerWorker(0, .assignmentsClosed([2])), .banPeer(liar, piece: PieceIndex(0)),
            ])
    }

    /// Two peers that share every piece would fail together for ever.
    @Test func afterSeveralHaveFailedOneIsOnTrial() throws {
        var talk = try TorrentConversation.fetching(byteCount: 32768, workers: 2)
        _ = talk.want(16384, by: 0)
        #expect(talk.opened([1]).grants == [grant(1, 0, 0..<1)])
        #expect(talk.want(16384, by: 1).grants == [grant(1, 0, 1..<2)])
        talk.digests(1, [digest(0, honest), digest(1, other, isRight: false)])
        _ = talk.failed(1)
        _ = talk.want(16384, by: 0)
        _ = talk.want(16384, by: 1)
        #expect(talk.opened([2]).grants == [grant(2, 0, 0..<2, isTrial: true)])
        talk.digests(2, [digest(0, other, isRight: false), digest(1, other)])
        #expect(talk.failed(2).contains(.banPeer(other, piece: PieceIndex(0))))
    }

    /// A second lie is then its author's alone.
    @Test func whileALiarIsSoughtEveryPieceComesFromOnePeer() throws {
        var talk = try TorrentConversation.fetching(byteCount: 3 * 32768, frames: 64)
        let first = talk.want(16384).opens
        _ = talk.opened([1])
        talk.digests(1, [digest(0, honest), digest(1, liar, isRight: false)])
        _ = talk.failed(1)
        let again = talk.want(1 << 20).opens
        let opened = (first.dropFirst() + again).map(\.assignment)
        let grants = talk.opened(opened).grants
        #expect(!grants.isEmpty && grants.allSatisfy(\.isTrial))
    }

    @Test func aFailedPieceIsTriedAgainBeforeOthers() throws {
        var talk = try TorrentConversation.fetching(byteCount: 200 * 32768, pieceByteCount: 32768, frames: 10)
        let first = talk.want(1 << 20).opens
        let last = try #require(first.last)
        _ = talk.opened(first.map(\.assignment))
        talk.digests(last.assignment, [digest(0, honest), digest(1, liar, isRight: false)])
        #expect(talk.failed(last.assignment).opens.map(\.piece) == [last.piece])
    }

    @Test func liarIsFoundEvenIfThePieceIsWrittenBeforeItsVerdict() throws {
        var talk = try oneOpenPiece()
        talk.digests(1, [digest(0, honest), digest(1, liar, isRight: false)])
        _ = talk.failed(1)
        _ = talk.opened([2])
        talk.digests(2, [digest(0, other), digest(1, other)])
        #expect(talk.written(2, 0).contains(.banPeer(liar, piece: PieceIndex(0))))
        #expect(talk.verified([2]) == [])
    }

    /// It spoiled what its peers sent: what is found out later about them proves nothing.
    @Test func whoWasBehindALyingWorkerIsNotBlamedLater() throws {
        var talk = try oneOpenPiece()
        talk.digests(1, [digest(0, honest), digest(1, liar, isRight: false)])
        _ = talk.failed(1)
        _ = talk.tell { coordinator, _, _, _ in coordinator.blame.workerWasLiar(liar.worker) }
        _ = talk.opened([2])
        talk.digests(2, [digest(0, other), digest(1, other)])
        #expect(!talk.written(2, 0).contains(.banPeer(liar, piece: PieceIndex(0))))
    }

    @Test func adoptedPieceUnderSuspicionKeepsItsDigestsWanted() throws {
        var talk = try oneOpenPiece()
        talk.digests(1, [digest(0, honest), digest(1, liar, isRight: false)])
        _ = talk.failed(1)
        _ = talk.opened([2])
        talk.hashWorkerLost(0)
        #expect(talk.adoptionOrders(0) == [talk.order(2, 0, wantsDigests: true)])
    }

    /// The worker is told first: it would take the grant for one that it has served.
    @Test func blocksOfALiarAreGrantedAgain() throws {
        var talk = try oneOpenPiece()
        #expect(
            talk.dropped(1, [1]) == [
                .tellPeerWorker(0, .blocksDropped(assignment: 1, bits: [0b10])),
                .tellPeerWorker(0, .grantBlocks([grant(1, 0, 1..<2)])),
            ])
        #expect(talk.dropped(5, [1]) == [], "the piece has ended")
    }

    @Test func digestsOfAnEndedAssignmentAreNoEvidence() throws {
        var talk = try oneOpenPiece()
        _ = talk.failed(1)
        talk.digests(1, [digest(0, liar, isRight: false)])
        _ = talk.opened([2])
        #expect(!talk.failed(2).contains(.banPeer(liar, piece: PieceIndex(0))))
    }

    // MARK: The ban's own books

    private let piece = PieceIndex(5)

    @Test func everyLiarOfSeveralAttemptsIsFound() {
        var blame = SmartBan()
        blame.digestsReceived(piece, 1, [digest(0, liar, isRight: false), digest(1, honest)])
        #expect(blame.failed(piece, 1) == [])
        blame.digestsReceived(piece, 2, [digest(0, honest), digest(1, other, isRight: false)])
        #expect(blame.failed(piece, 2) == [])
        #expect(blame.isSuspicious(piece) && !blame.isSuspicious(PieceIndex(6)))
        blame.digestsReceived(piece, 3, [digest(0, honest), digest(1, honest)])
        #expect(Set(blame.verified(piece)) == [liar, other])
        #expect(!blame.isSuspicious(piece))
    }

    @Test func digestsMayComeInParts() {
        var blame = SmartBan()
        blame.digestsReceived(piece, 1, [digest(0, liar)])
        blame.digestsReceived(piece, 1, [digest(1, honest)])
        #expect(blame.failed(piece, 1) == [], "two have contributed")
    }

    @Test func halfOfALostReportIsForgotten() {
        // The hash-worker died between two parts; its successor tells all of them again for its own attempt.
        var blame = SmartBan()
        blame.digestsReceived(piece, 1, [digest(0, honest)])
        blame.digestsReceived(piece, 2, [digest(0, liar), digest(1, liar, isRight: false)])
        #expect(blame.failed(piece, 2) == [liar])
    }

    @Test func bytesFromDiskAreNobodysFault() {
        var blame = SmartBan()
        blame.digestsReceived(piece, 1, [digest(0, .disk, isRight: false), digest(1, .disk)])
        #expect(blame.failed(piece, 1) == [])
        blame.digestsReceived(piece, 2, [digest(0, .disk, isRight: false), digest(1, honest)])
        #expect(blame.failed(piece, 2) == [])
        blame.digestsReceived(piece, 3, [digest(0, other), digest(1, other)])
        #expect(blame.verified(piece) == [])
    }

    @Test func pieceThatFailsWithoutDigestsAccusesNobody() {
        var blame = SmartBan()
        #expect(blame.failed(piece, 1) == [])
        #expect(blame.verified(piece) == [])
    }

    @Test func evidenceOfTheOldestPiecesGoesFirst() {
        var blame = SmartBan()
        for index in 0...SmartBan.maximumPieceCount {
            let piece = PieceIndex(index), assignment = AssignmentID(index + 1)
            blame.digestsReceived(piece, assignment, [digest(0, honest), digest(1, liar, isRight: false)])
            _ = blame.failed(piece, assignment)
        }
        #expect(!blame.isSuspicious(PieceIndex(0)))
        for index in 1...SmartBan.maximumPieceCount { #expect(blame.isSuspicious(PieceIndex(index))) }
    }
}
