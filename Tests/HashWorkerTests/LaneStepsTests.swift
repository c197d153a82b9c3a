import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

@Suite struct LaneStepsTests {
    private let start = MonotonicInstant.distantPast + .seconds(100)

    private func deadline(
        _ steps: LaneSteps, roomIsShort: Bool = false, companyMayCome: Bool = true
    ) -> MonotonicInstant {
        steps.deadline(roomIsShort: roomIsShort, companyMayCome: companyMayCome)
    }

    @Test func nothingIsDueWithoutPieces() {
        #expect(deadline(LaneSteps(), roomIsShort: true, companyMayCome: false) == .distantFuture)
    }

    @Test func completePieceWaitsForCompanyNoLongerThanItsBound() {
        var steps = LaneSteps()
        steps.moved(1, from: .idle, to: .complete, now: start)
        steps.moved(2, from: .idle, to: .complete, now: start + .milliseconds(30))
        #expect(deadline(steps) == start + LaneSteps.completeWait)
        steps.moved(1, from: .complete, to: .idle, now: start + .milliseconds(40))
        #expect(deadline(steps) == start + .milliseconds(30) + LaneSteps.completeWait)
    }

    @Test func completePieceDoesNotWaitWhenRoomIsShortOrNobodyElseCanCome() {
        var steps = LaneSteps()
        steps.moved(1, from: .idle, to: .complete, now: start)
        #expect(deadline(steps, roomIsShort: true) == .distantPast)
        #expect(deadline(steps, companyMayCome: false) == .distantPast)
    }

    @Test func ripePieceWaitsLongerAndFreesNoRoom() {
        var steps = LaneSteps()
        steps.moved(1, from: .idle, to: .ripe, now: start)
        #expect(deadline(steps, roomIsShort: true) == start + LaneSteps.ripeWait)
        steps.moved(1, from: .ripe, to: .complete, now: start + .milliseconds(240))
        #expect(deadline(steps) == start + .milliseconds(240) + LaneSteps.completeWait)
    }

    @Test func sixteenPiecesOfEitherKindAreDueAtOnce() {
        var steps = LaneSteps()
        for assignment in 1...15 {
            steps.moved(AssignmentID(assignment), from: .idle, to: assignment % 2 == 0 ? .ripe : .complete, now: start)
        }
        #expect(deadline(steps) == start + LaneSteps.completeWait)
        steps.moved(16, from: .idle, to: .ripe, now: start)
        #expect(deadline(steps) == .distantPast)
    }

    @Test func completePiecesGoFirstAndOldOnesBeforeNewOnes() {
        var steps = LaneSteps()
        for assignment in 1...20 { steps.moved(AssignmentID(assignment), from: .idle, to: .ripe, now: start) }
        steps.moved(18, from: .ripe, to: .complete, now: start)
        steps.moved(3, from: .ripe, to: .complete, now: start)
        #expect(steps.nextLanes == [18, 3, 1, 2] + Array(4...15))
    }

    @Test func strideIsAWholeNumberOfBlocksAndKeepsTheStepBounded() {
        for laneCount in 1...16 {
            let stride = LaneSteps.strideByteCount(laneCount: laneCount)
            #expect(stride % 64 == 0 && stride > 0 && stride * laneCount <= LaneSteps.stepByteCount)
        }
        #expect(LaneSteps.strideByteCount(laneCount: 16) == 65536)
    }

    @Test func tableWaitsWhileBlocksMayComeAndHashesTheLastPieceAtOnce() {
        let world = AssemblyWorld()
        let first = SourcePiece(1, byteCount: 65536), second = SourcePiece(2, byteCount: 65536)
        world.open(first, second)
        world.send(first)
        #expect(world.table.hashDeadline == world.now + LaneSteps.completeWait)
        #expect(world.hash(after: .milliseconds(49)) == [])
        #expect(world.hash(after: .milliseconds(1)).verified == [1])
        #expect(world.table.hashDeadline == .distantFuture)
        world.send(second)
        #expect(world.hash(after: .zero).verified == [2])
    }

    @Test func tableHashesAtOnceWhenCompletePiecesHoldHalfOfTheFrames() {
        let world = AssemblyWorld(frameCount: 8)
        let pieces = (1...7).map { SourcePiece(AssignmentID($0), byteCount: 65536) }
        for piece in pieces { world.open(piece) }
        for piece in pieces[..<4] { world.send(piece) }
        #expect(world.table.hashDeadline == world.now + LaneSteps.completeWait)
        world.send(pieces[4])
        #expect(world.hash(after: .zero).verified == [1, 2, 3, 4, 5])
    }

    @Test func dataOfUnfinishedPiecesSharesTheStepOfACompleteOne() {
        let world = AssemblyWorld()
        let whole = SourcePiece(1, byteCount: 65536), part = SourcePiece(2, byteCount: 131072)
        world.open(whole, part)
        world.send(whole)
        world.send(part, 0..<5)
        #expect(world.hash(after: LaneSteps.completeWait).verified == [1])
        #expect(world.table.pieces[1].hashedByteCount == 65536)
        #expect(world.table.counts.laneCount == 2)
    }
}
