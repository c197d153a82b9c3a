import BitTorrent
import Testing

@Suite struct EndGameTests {
    typealias Fixture = BlockLedgerTests
    let oneSource: (PieceIndex) -> Int = { _ in 1 }
    let twoSources: (PieceIndex) -> Int = { _ in 2 }
    let anything: (PieceIndex) -> Bool = { _ in true }

    /// Assignment 1 with all its blocks granted to worker 0.
    func grantedLedger(_ blockCount: Int) -> BlockLedger {
        var ledger = Fixture.ledger(blockCount)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: anything)
        return ledger
    }

    @Test func endGameIsOnOnlyWhenTheLastPiecesAreUnderWay() {
        var pieces = PiecePickerTests.ledger(2)
        var blocks = BlockLedger()
        pieces.picker.workerReported(0, PieceIndex(0), count: 1)
        pieces.opening(PieceIndex(0), assignment: 1)
        pieces.opened(1)
        blocks.opened(1, PieceIndex(0), byteCount: 16384)
        _ = blocks.grant(to: 0, maximumByteCount: .max, hasSource: anything)
        // Piece 1 is missing, whether somebody has it or not.
        #expect(!EndGame.isOn(blocks, pieces))
        pieces.picker.workerReported(0, PieceIndex(1), count: 1)
        #expect(!EndGame.isOn(blocks, pieces))
        pieces.opening(PieceIndex(1), assignment: 2)
        #expect(!EndGame.isOn(blocks, pieces))
        pieces.opened(2)
        blocks.opened(2, PieceIndex(1), byteCount: 16384)
        #expect(!EndGame.isOn(blocks, pieces))
        _ = blocks.grant(to: 0, maximumByteCount: .max, hasSource: anything)
        #expect(EndGame.isOn(blocks, pieces))
        blocks.returned(1, [0..<1], by: 0, wasSlow: false)
        #expect(!EndGame.isOn(blocks, pieces))
        // Nobody has the piece any more: the other is not to wait for it.
        pieces.picker.workerGone(0)
        #expect(EndGame.isOn(blocks, pieces))
    }

    @Test func idleWorkerSharesTheOutstandingBlocksAfterProgressIsKnown() {
        var ledger = grantedLedger(8)
        // Worker 0 was alone: what it has delivered was never told.
        var plan = EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        #expect(plan == EndGame.Plan(progressNeeded: [1]))
        #expect(ledger.admitted(1) == [0, 1])
        // The question is not put twice.
        plan = EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        #expect(plan == EndGame.Plan())
        _ = ledger.progress(1, Fixture.blocks(8, 0..<5))
        plan = EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        #expect(plan.ranges == [GrantRange(assignment: 1, piece: PieceIndex(0), blocks: 5..<8, isShared: true)])
        #expect(
            ledger.blocksPresent(1, Fixture.blocks(8, 6..<7)) == [
                BlocksHeld(worker: 0, blocks: Fixture.blocks(8, 6..<7)),
                BlocksHeld(worker: 1, blocks: Fixture.blocks(8, 6..<7)),
            ])
        ledger.checkInvariants()
    }

    @Test func aTrialIsNotShared() {
        var ledger = BlockLedger()
        ledger.opened(1, PieceIndex(0), byteCount: 8 * 16384, isTrial: true)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: anything)
        for worker in [0, 1] {
            let plan = EndGame.grant(to: worker, maximumByteCount: .max, from: &ledger, sourceCount: twoSources)
            #expect(plan == EndGame.Plan())
        }
    }

    @Test func blockHasAtMostThreeHolders() {
        var ledger = grantedLedger(4)
        _ = EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        _ = ledger.progress(1, Fixture.blocks(4))
        for worker in 1...2 {
            let plan = EndGame.grant(to: worker, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
            #expect(plan.ranges.map(\.blocks) == [0..<4])
        }
        for worker in 0...5 {
            let plan = EndGame.grant(to: worker, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
            #expect(plan == EndGame.Plan())
        }
        // One of the three dies; its blocks are in doubt, so nobody gets them before progress is told.
        #expect(ledger.workerGone(1) == [1])
        #expect(
            EndGame.grant(to: 4, maximumByteCount: .max, from: &ledger, sourceCount: oneSource) == EndGame.Plan())
        _ = ledger.progress(1, Fixture.blocks(4, 0..<1))
        #expect(
            EndGame.grant(to: 4, maximumByteCount: .max, from: &ledger, sourceCount: oneSource).ranges.map(\.blocks)
                == [1..<4])
        ledger.checkInvariants()
    }

    @Test func blocksWithFewestHoldersComeFirstAndFromTheTop() {
        var ledger = grantedLedger(8)
        ledger.opened(2, PieceIndex(1), byteCount: 4 * 16384)
        _ = ledger.grant(to: 0, maximumByteCount: .max, hasSource: anything)
        _ = EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        _ = ledger.progress(1, Fixture.blocks(8))
        _ = ledger.progress(2, Fixture.blocks(4))
        let five = 5 * Fixture.blockBytes - 1
        var plan = EndGame.grant(to: 1, maximumByteCount: five, from: &ledger, sourceCount: oneSource)
        #expect(plan.ranges.map(\.blocks) == [3..<8])
        // Worker 2: first what only worker 0 holds, oldest piece first, then what two hold.
        plan = EndGame.grant(to: 2, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        #expect(plan.ranges.map(\.assignment) == [1, 2, 1])
        #expect(plan.ranges.map(\.blocks) == [0..<3, 0..<4, 3..<8])
        #expect(plan.ranges.map(\.needsAdmission) == [true, true, false])
    }

    @Test func loneWorkerMayAskASecondPeerOnce() {
        var ledger = grantedLedger(100)
        #expect(
            EndGame.grant(to: 0, maximumByteCount: 1, from: &ledger, sourceCount: oneSource) == EndGame.Plan())
        let plan = EndGame.grant(to: 0, maximumByteCount: 1, from: &ledger, sourceCount: twoSources)
        #expect(plan.ranges.map(\.blocks) == [36..<100, 0..<36])
        #expect(plan.ranges.allSatisfy { $0.isShared && !$0.needsAdmission })
        #expect(
            EndGame.grant(to: 0, maximumByteCount: .max, from: &ledger, sourceCount: twoSources) == EndGame.Plan())
        ledger.returned(1, [10..<20], by: 0, wasSlow: true)
        #expect(ledger.grant(to: 0, maximumByteCount: .max, hasSource: anything).map(\.blocks) == [10..<20])
        ledger.checkInvariants()
    }

    @Test func workerWithoutASourceGetsNoShare() {
        var ledger = grantedLedger(4)
        #expect(
            EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger) { _ in 0 } == EndGame.Plan())
        #expect(ledger.admitted(1) == [0])
    }

    @Test func blockHeldByAStalledWorkerComesBackAfterItsCancel() {
        var ledger = grantedLedger(2)
        _ = EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        _ = ledger.progress(1, Fixture.blocks(2, 0..<1))
        _ = EndGame.grant(to: 1, maximumByteCount: .max, from: &ledger, sourceCount: oneSource)
        // The second holder gives up: the first still holds the block, so it is not up for grants.
        ledger.returned(1, [1..<2], by: 1, wasSlow: true)
        #expect(!ledger.hasUngranted(where: anything))
        ledger.returned(1, [1..<2], by: 0, wasSlow: true)
        #expect(ledger.hasUngranted(where: anything))
        ledger.checkInvariants()
    }
}
