import BitTorrent
import Testing

@Suite struct BlockLedgerTests {
    static let blockBytes = Int(TorrentGeometry.blockByteCount)
    let everyPiece: (PieceIndex) -> Bool = { _ in true }

    /// One open assignment 1 of piece 0 with `blockCount` blocks, the last of which is a byte short.
    static func ledger(_ blockCount: Int) -> BlockLedger {
        var ledger = BlockLedger()
        ledger.opened(1, PieceIndex(0), byteCount: UInt32(blockCount * blockBytes - 1))
        return ledger
    }

    static func blocks(_ blockCount: Int, _ ranges: Range<UInt32>...) -> BlockSet {
        BlockSet(blockCount: blockCount, ranges)
    }

    @Test func rangesAreAtMostAMebibyteAndCoverThePiece() {
        var ledger = Self.ledger(150)
        let ranges = ledger.grant(to: 3, maximumByteCount: .max, hasSource: everyPiece)
        #expect(ranges.map(\.blocks) == [0..<64, 64..<128, 128..<150])
        #expect(ranges.map(\.needsAdmission) == [true, false, false])
        #expect(ranges.allSatisfy { $0.assignment == 1 && $0.piece == PieceIndex(0) && !$0.isShared })
        #expect(ledger.grant(to: 4, maximumByteCount: .max, hasSource: everyPiece).isEmpty)
        #expect(!ledger.hasUngranted(where: everyPiece))
    }

    @Test func grantStopsAtTheBytesThatWereAskedFor() {
        var ledger = Self.ledger(10)
        #expect(ledger.grant(to: 0, maximumByteCount: 0, hasSource: everyPiece).isEmpty)
        #expect(ledger.grant(to: 0, maximumByteCount: 1, hasSource: everyPiece).map(\.blocks) == [0..<1])
        let three = 3 * Self.blockBytes
        #expect(ledger.grant(to: 0, maximumByteCount: three, hasSource: everyPiece).map(\.blocks) == [1..<4])
        #expect(ledger.ungrantedByteCount(where: everyPiece) == 6 * Self.blockBytes - 1)
    }

    @Test func oldestPieceThatTheWorkerHasComesFirst() {
        var ledger = BlockLedger()
        for (assignment, piece) in [(30, 3), (10, 1), (20, 2)] as [(AssignmentID, Int)] {
            ledger.opened(assignment, PieceIndex(piece), byteCount: 16384)
        }
        let ranges = ledger.grant(to: 0, maximumByteCount: .max) { $0 != PieceIndex(2) }
        #expect(ranges.map(\.assignment) == [10, 30])
        #expect(ledger.hasUngranted { $0 == PieceIndex(2) })
        #expect(!ledger.hasUngranted { $0 != PieceIndex(2) })
        ledger.checkInvariants()
    }

    @Test func severalWorkersShareAPieceFromTheStart() {
        var ledger = Self.ledger(8)
        let half = 4 * Self.blockBytes
        #expect(ledger.grant(to: 0, maximumByteCount: half, hasSource: everyPiece).map(\.blocks) == [0..<4])
        #expect(ledger.grant(to: 1, maximumByteCount: half, hasSource: everyPiece).map(\.blocks) == [4..<8])
        #expect(ledger.admitted(1) == [0, 1])
        #expect(ledger.closed(1) == [0, 1])
        #expect(ledger.closed(1).isEmpty)
    }

    @Test func aTrialIsGrantedToOneWorkerAsAWhole() {
        var ledger = BlockLedger()
        ledger.opened(1, PieceIndex(0), byteCount: UInt32(150 * Self.blockBytes), isTrial: true)
        let ranges = ledger.grant(to: 3, maximumByteCount: 1, hasSource: everyPiece)
        #expect(ranges.map(\.blocks) == [0..<64, 64..<128, 128..<150])
        #expect(ranges.allSatisfy { $0.isTrial })
        #expect(ledger.grant(to: 4, maximumByteCount: .max, hasSource: everyPiece).isEmpty)
        ledger.checkInvariants()
    }

    @Test func aTrialThatFailsForWantOfBlocksIsAnAttemptLikeOthers() {
        var ledger = BlockLedger()
        ledger.opened(1, PieceIndex(0), byteCount: UInt32(8 * Self.blockBytes), isTrial: true)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        ledger.returned(1, [6..<8], by: 0, wasSlow: true)
        let ranges = ledger.grant(to: 1, maximumByteCount: 1, hasSource: everyPiece)
        #expect(ranges.map(\.blocks) == [6..<7])
        #expect(ranges.allSatisfy { !$0.isTrial })
        _ = ledger.workerGone(0)
        ledger.checkInvariants()
    }

    @Test func returnedBlocksAreGrantedToAnother() {
        var ledger = Self.ledger(8)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        ledger.returned(1, [2..<4, 6..<7], by: 0, wasSlow: false)
        #expect(ledger.grant(to: 1, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [2..<4, 6..<7])
        // The second time, and from one that never held them: nothing.
        ledger.returned(1, [2..<4], by: 0, wasSlow: false)
        ledger.returned(1, [0..<8], by: 5, wasSlow: false)
        ledger.returned(77, [0..<8], by: 0, wasSlow: false)
        #expect(!ledger.hasUngranted(where: everyPiece))
        ledger.checkInvariants()
    }

    @Test func slowWorkerGetsBlocksOfOtherPiecesFirst() {
        var ledger = Self.ledger(2)
        ledger.opened(2, PieceIndex(1), byteCount: 16384)
        _ = ledger.grant(to: 0, maximumByteCount: 2 * Self.blockBytes - 1, hasSource: everyPiece)
        ledger.returned(1, [0..<2], by: 0, wasSlow: true)
        #expect(ledger.grant(to: 0, maximumByteCount: 1, hasSource: everyPiece).map(\.assignment) == [2])
        // Nothing else is left: better slow than idle.
        #expect(ledger.grant(to: 0, maximumByteCount: 1, hasSource: everyPiece).map(\.assignment) == [1])
        #expect(ledger.grant(to: 1, maximumByteCount: 1, hasSource: everyPiece).map(\.assignment) == [1])
    }

    @Test func blocksOfADeadWorkerWaitUntilProgressIsKnown() {
        var ledger = Self.ledger(8)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        #expect(ledger.workerGone(0) == [1])
        #expect(ledger.grant(to: 1, maximumByteCount: .max, hasSource: everyPiece).isEmpty)
        #expect(ledger.progress(1, Self.blocks(8, 0..<3)).isEmpty)
        #expect(ledger.grant(to: 1, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [3..<8])
        #expect(ledger.present(1) == Self.blocks(8, 0..<3))
        // It was admitted anew or not at all: the dead worker's admission died with it.
        #expect(ledger.admitted(1) == [1])
        ledger.checkInvariants()
    }

    @Test func droppedBlocksAreGrantedAgainWhereverTheyWere() {
        var ledger = Self.ledger(8)
        _ = ledger.grant(to: 0, maximumByteCount: 4 * Self.blockBytes, hasSource: everyPiece)
        _ = ledger.grant(to: 1, maximumByteCount: 4 * Self.blockBytes, hasSource: everyPiece)
        _ = ledger.progress(1, Self.blocks(8, 0..<2))
        // One that was known to be here, one of which nobody had told, and one of a worker that is dead by now.
        #expect(ledger.workerGone(1) == [1])
        #expect(ledger.dropped(1, Self.blocks(8, 1..<3, 5..<6)) == [0])
        #expect(ledger.present(1) == Self.blocks(8, 0..<1))
        #expect(ledger.grant(to: 2, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [1..<3, 5..<6])
        _ = ledger.progress(1, Self.blocks(8, 0..<1, 4..<5))
        #expect(ledger.grant(to: 2, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [6..<8])
        #expect(ledger.dropped(7, Self.blocks(8, 0..<1)).isEmpty)
        ledger.checkInvariants()
    }

    @Test func workerWithoutGrantsDiesUnnoticed() {
        var ledger = Self.ledger(2)
        #expect(ledger.workerGone(0).isEmpty)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        ledger.returned(1, [0..<2], by: 0, wasSlow: false)
        #expect(ledger.workerGone(0).isEmpty)
        #expect(ledger.grant(to: 0, maximumByteCount: 1, hasSource: everyPiece).map(\.needsAdmission) == [true])
    }

    @Test func deathBetweenQuestionAndAnswerWaitsForTheSecondAnswer() {
        var ledger = Self.ledger(8)
        _ = ledger.grant(to: 0, maximumByteCount: 4 * Self.blockBytes, hasSource: everyPiece)
        _ = ledger.grant(to: 1, maximumByteCount: 4 * Self.blockBytes, hasSource: everyPiece)
        #expect(ledger.workerGone(0) == [1])
        #expect(ledger.workerGone(1) == [1])
        // This answer may be older than worker 1's last delivery.
        _ = ledger.progress(1, Self.blocks(8, 0..<2))
        #expect(!ledger.hasUngranted(where: everyPiece))
        _ = ledger.progress(1, Self.blocks(8, 0..<2, 4..<7))
        #expect(ledger.grant(to: 2, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [2..<4, 7..<8])
    }

    @Test func answerThatAHashWorkerTookToItsGraveIsGivenByItsSuccessor() {
        var ledger = Self.ledger(4)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        _ = ledger.workerGone(0)
        ledger.hashWorkerReplaced([1, 99])
        #expect(!ledger.hasUngranted(where: everyPiece))
        _ = ledger.progress(1, Self.blocks(4, 0..<1))
        #expect(ledger.grant(to: 1, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [1..<4])
    }

    @Test func blocksRestoredFromDiskAreGrantedOnlyIfTheyDidNotCome() {
        var ledger = BlockLedger()
        ledger.opened(1, PieceIndex(0), byteCount: 4 * 16384, restoring: Self.blocks(4, 0..<3))
        #expect(ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [3..<4])
        _ = ledger.progress(1, Self.blocks(4, 0..<2))
        #expect(ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [2..<3])
        ledger.checkInvariants()
    }

    @Test func loneHolderIsNotToldOfWhatItDelivered() {
        var ledger = Self.ledger(4)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        #expect(ledger.blocksPresent(1, Self.blocks(4, 0..<2)).isEmpty)
        #expect(ledger.present(1) == Self.blocks(4, 0..<2))
    }

    @Test func presentBlocksAreNotGrantedAgain() {
        var ledger = Self.ledger(4)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        _ = ledger.blocksPresent(1, Self.blocks(4, 0..<2))
        ledger.returned(1, [0..<4], by: 0, wasSlow: true)
        #expect(ledger.grant(to: 1, maximumByteCount: .max, hasSource: everyPiece).map(\.blocks) == [2..<4])
    }

    @Test func secondHolderIsToldWhenTheFirstDeliversLate() {
        var ledger = Self.ledger(2)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: everyPiece)
        ledger.returned(1, [0..<2], by: 0, wasSlow: true)
        _ = ledger.grant(to: 1, maximumByteCount: .max, hasSource: everyPiece)
        #expect(
            ledger.blocksPresent(1, Self.blocks(2, 0..<1)) == [BlocksHeld(worker: 1, blocks: Self.blocks(2, 0..<1))])
        #expect(ledger.blocksPresent(1, Self.blocks(2, 0..<1)).isEmpty)
    }

    @Test func newsOfAClosedAssignmentChangesNothing() {
        var ledger = Self.ledger(2)
        ledger.closed(1)
        #expect(ledger.progress(1, Self.blocks(2, 0..<1)).isEmpty)
        #expect(ledger.blocksPresent(1, Self.blocks(2, 0..<1)).isEmpty)
        ledger.progressAsked(1)
        ledger.returned(1, [0..<1], by: 0, wasSlow: false)
        #expect(ledger.workerGone(0).isEmpty)
        #expect(ledger.openCount == 0)
        ledger.checkInvariants()
    }
}
