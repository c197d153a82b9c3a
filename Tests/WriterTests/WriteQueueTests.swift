import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Writer

@Suite struct WriteQueueTests {
    private typealias Fixture = WriterFixture
    private let geometry = WriterFixture.oneFile.geometry
    private let regions = [
        Place(.hashWorker, 0): AssemblyGeometry(byteCount: 4 << 20),
        Place(.hashWorker, 1): AssemblyGeometry(byteCount: 4 << 20),
    ]
    private var region: AssemblyGeometry { regions[Place(.hashWorker, 0)]! }

    private func answer(_ assignment: AssignmentID, piece: Int, ordinal: Int = 0) -> WriteQueue.Answer {
        WriteQueue.Answer(
            place: Place(.hashWorker, ordinal), assignment: assignment, piece: PieceIndex(piece), content: .whole)
    }

    @Test func wholePieceIsAnsweredOnceWritten() {
        var queue = WriteQueue()
        #expect(
            queue.received(Fixture.batch(9, piece: 3, frames: [5, 2]), content: .whole, from: Fixture.hashWorker())
                == nil)
        let sources = queue.take(geometry: geometry, regions: regions)
        #expect(sources.map(\.offset) == [300_000, 365_536])
        #expect(sources.map(\.byteCount) == [65536, 34464])
        #expect(sources.map(\.regionOffset) == [region.offset(ofFrame: 5), region.offset(ofFrame: 2)])
        #expect(!queue.isIdle)
        #expect(queue.batchWritten() == [answer(9, piece: 3)])
        #expect(queue.isIdle)
    }

    @Test func partsMayComeInAnyOrderAndTwice() {
        var queue = WriteQueue()
        let head = Fixture.batch(9, piece: 3, firstFrame: 0, frames: [5])
        let tail = Fixture.batch(9, piece: 3, firstFrame: 1, frames: [2])
        #expect(queue.received(tail, content: .whole, from: Fixture.hashWorker()) == nil)
        #expect(queue.received(tail, content: .whole, from: Fixture.hashWorker()) == nil)
        #expect(queue.take(geometry: geometry, regions: regions).count == 1)
        #expect(queue.received(tail, content: .whole, from: Fixture.hashWorker()) == nil)
        #expect(queue.batchWritten() == [])
        #expect(queue.received(head, content: .whole, from: Fixture.hashWorker()) == nil)
        #expect(queue.take(geometry: geometry, regions: regions).map(\.offset) == [300_000])
        #expect(queue.batchWritten() == [answer(9, piece: 3)])
    }

    @Test func repeatedAssignmentIsAnsweredAndNotReadAgain() {
        var queue = WriteQueue()
        _ = queue.received(Fixture.batch(9, piece: 3), content: .whole, from: Fixture.hashWorker())
        _ = queue.take(geometry: geometry, regions: regions)
        _ = queue.batchWritten()
        let again = queue.received(Fixture.batch(9, piece: 3), content: .whole, from: Fixture.hashWorker(generation: 2))
        #expect(again == answer(9, piece: 3))
        #expect(queue.take(geometry: geometry, regions: regions).isEmpty)
    }

    @Test func failedBatchIsTheFirstToBeTriedAgain() {
        var queue = WriteQueue()
        _ = queue.received(Fixture.batch(1, piece: 1), content: .whole, from: Fixture.hashWorker())
        _ = queue.take(geometry: geometry, regions: regions)
        _ = queue.received(Fixture.batch(2, piece: 2), content: .whole, from: Fixture.hashWorker())
        #expect(queue.batchFailed() == [])
        #expect(queue.take(geometry: geometry, regions: regions).map(\.offset) == [100_000, 165_536, 200_000, 265_536])
        #expect(queue.batchWritten() == [answer(1, piece: 1), answer(2, piece: 2)])
    }

    @Test func deadHashWorkersWaitingPiecesAreDropped() {
        var queue = WriteQueue()
        _ = queue.received(Fixture.batch(1, piece: 1), content: .whole, from: Fixture.hashWorker(0))
        _ = queue.received(Fixture.batch(2, piece: 2), content: .whole, from: Fixture.hashWorker(1))
        #expect(queue.ownerDied(Place(.hashWorker, 0), before: 2) == [])
        #expect(queue.take(geometry: geometry, regions: regions).map(\.offset) == [200_000, 265_536])
        #expect(queue.batchWritten() == [answer(2, piece: 2, ordinal: 1)])
    }

    @Test func pieceBeingReadIsNamedAndAnsweredToTheSuccessor() {
        var queue = WriteQueue()
        _ = queue.received(Fixture.batch(1, piece: 1), content: .whole, from: Fixture.hashWorker())
        _ = queue.take(geometry: geometry, regions: regions)
        #expect(queue.ownerDied(Place(.hashWorker, 0), before: 2) == [1])
        #expect(queue.batchWritten() == [answer(1, piece: 1)])
    }

    @Test func halfReadPieceIsReleasedAndNotCalledWritten() {
        var queue = WriteQueue()
        let head = Fixture.batch(1, piece: 1, firstFrame: 0, frames: [5])
        _ = queue.received(head, content: .whole, from: Fixture.hashWorker())
        _ = queue.take(geometry: geometry, regions: regions)
        #expect(queue.ownerDied(Place(.hashWorker, 0), before: 2) == [1])
        let released = WriteQueue.Answer(
            place: Place(.hashWorker, 0), assignment: 1, piece: PieceIndex(1), content: nil)
        #expect(queue.batchWritten() == [released])
        // The successor hands it over whole; it was never remembered as written.
        #expect(
            queue.received(Fixture.batch(1, piece: 1), content: .whole, from: Fixture.hashWorker(generation: 2)) == nil)
        _ = queue.take(geometry: geometry, regions: regions)
        #expect(queue.batchWritten() == [answer(1, piece: 1)])
    }

    @Test func successorsFramesReplaceThoseStillRead() {
        var queue = WriteQueue()
        _ = queue.received(Fixture.batch(1, piece: 1, frames: [5, 6]), content: .whole, from: Fixture.hashWorker())
        _ = queue.take(geometry: geometry, regions: regions)
        _ = queue.ownerDied(Place(.hashWorker, 0), before: 2)
        _ = queue.received(
            Fixture.batch(1, piece: 1, frames: [7, 8]), content: .whole, from: Fixture.hashWorker(generation: 2))
        // One answer, and only when the successor's own frames are no longer read.
        #expect(queue.batchFailed() == [])
        #expect(
            queue.take(geometry: geometry, regions: regions).map(\.regionOffset)
                == [7, 8].map { region.offset(ofFrame: $0) })
        #expect(queue.batchWritten() == [answer(1, piece: 1)])
    }

    @Test func onlyMarkedBlocksOfAnUnfinishedPieceAreWritten() {
        var queue = WriteQueue()
        let blocks = BlockSet(blockCount: 7, [1..<3, 6..<7])
        _ = queue.received(Fixture.batch(4, piece: 0), content: .blocks(blocks), from: Fixture.hashWorker())
        let sources = queue.take(geometry: geometry, regions: regions)
        #expect(sources.map(\.offset) == [16384, 98304])
        #expect(sources.map(\.byteCount) == [32768, 1696])
        #expect(sources.map(\.regionOffset) == [region.offset(ofFrame: 0) + 16384, region.offset(ofFrame: 1) + 32768])
        #expect(queue.batchWritten().map(\.content) == [.blocks(blocks)])
    }

    @Test func frameWithoutMarkedBlocksNeedNotBeHandedOver() {
        var queue = WriteQueue()
        let blocks = BlockSet(blockCount: 7, [5..<6])
        let tail = Fixture.batch(4, piece: 0, firstFrame: 1, frames: [9])
        _ = queue.received(tail, content: .blocks(blocks), from: Fixture.hashWorker())
        #expect(queue.take(geometry: geometry, regions: regions).map(\.offset) == [81920])
        #expect(queue.batchWritten().count == 1)
    }

    /// A model of all hash-workers' frames: each assignment is answered exactly as often as it has to be, and its
    /// frames are never read after their owner was told that they are free.
    @Test func randomDeathsNeverReadFreedFrames() {
        var generator = SeededGenerator.printing()
        for _ in 0..<200 {
            var queue = WriteQueue()
            var generation: UInt32 = 1
            var handedOver: [AssignmentID: Int] = [:], free: Set<AssignmentID> = []
            var next: AssignmentID = 1
            var isReading = false
            for _ in 0..<120 {
                switch Int.random(in: 0..<7, using: &generator) {
                case 0, 1:
                    let piece = Int.random(in: 0..<10, using: &generator)
                    handedOver[next] = piece
                    let worker = Fixture.hashWorker(generation: generation)
                    _ = queue.received(Fixture.batch(next, piece: piece), content: .whole, from: worker)
                    next += 1
                case 2:
                    guard let old = handedOver.keys.randomElement(using: &generator) else { continue }
                    let worker = Fixture.hashWorker(generation: generation)
                    let answer = queue.received(
                        Fixture.batch(old, piece: handedOver[old]!), content: .whole, from: worker)
                    if answer == nil { #expect(!free.contains(old)) }
                case 3 where !isReading:
                    isReading = !queue.take(geometry: geometry, regions: regions).isEmpty
                case 4 where isReading:
                    for answer in queue.batchWritten() { free.insert(answer.assignment) }
                    isReading = false
                case 5 where isReading:
                    for answer in queue.batchFailed() where answer.content != nil {
                        Issue.record("failed is not written")
                    }
                    isReading = false
                case 6:
                    generation += 1
                    for assignment in queue.ownerDied(Place(.hashWorker, 0), before: generation) {
                        #expect(isReading && !free.contains(assignment))
                    }
                default: break
                }
                queue.checkInvariants()
            }
        }
    }
}
