import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

/// Frames are counted before a piece is opened, so memory is bounded whatever peers and hash-workers do.
struct MemoryBoundTests {
    @Test func noMorePiecesAreOpenedThanFit() throws {
        // Pieces of 96 KiB take two frames each: three fit into seven.
        var talk = try TorrentConversation.fetching(byteCount: 10 * 98304, pieceByteCount: 98304, frames: 7)
        #expect(talk.want(1 << 30).opens.map(\.assignment) == [1, 2, 3])
        #expect(talk.want(1 << 30) == [])
        #expect(talk.budget.freeCount == 1)
        #expect(talk.opened([1, 2, 3]).opens == [])
        #expect(talk.written(1, 0).opens == [talk.order(4, 3)])
    }

    @Test func piecesGoWhereMostFramesAreFree() throws {
        var talk = try TorrentConversation.fetching(
            byteCount: 10 * 65536, pieceByteCount: 65536, hashWorkers: 2, frames: 2)
        #expect(
            talk.want(1 << 30) == [
                talk.open(talk.order(1, 0), talk.order(3, 2), at: 0),
                talk.open(talk.order(2, 1), talk.order(4, 3), at: 1),
            ])
        _ = talk.opened([1, 2, 3, 4])
        #expect(talk.written(2, 1).contains(talk.open(talk.order(5, 4), at: 1)))
    }

    @Test func deadHashWorkerGetsNoPieces() throws {
        var talk = try TorrentConversation.fetching(
            byteCount: 10 * 65536, pieceByteCount: 65536, hashWorkers: 2, frames: 2)
        talk.hashWorkers = [1]
        #expect(talk.want(1 << 30) == [talk.open(talk.order(1, 0), talk.order(2, 1), at: 1)])
    }

    @Test func refusedPieceIsMissingAgainAndDoesNotSpin() throws {
        var talk = try TorrentConversation.fetching(byteCount: 4 * 65536, pieceByteCount: 65536, frames: 2)
        _ = talk.want(1 << 30)
        _ = talk.opened([1])
        #expect(talk.refused([2]) == [])
        #expect(talk.state(1) == .missing)
        #expect(talk.budget.freeCount == 1)
        #expect(talk.want(1 << 30) == [], "not before something has changed there")
        #expect(talk.written(1, 0).opens == [talk.order(3, 1), talk.order(4, 2)])
    }

    @Test func refusalWithEveryFrameFreeIsTriedAgainWhenFramesAreFree() throws {
        // The supervisor has closed everything, but the writer's answer has not reached the hash-worker. No closed piece
        // will say that there is room now.
        var talk = try TorrentConversation.fetching(byteCount: 2 * 65536, pieceByteCount: 65536, frames: 1)
        _ = talk.want(1 << 30)
        _ = talk.opened([1])
        #expect(talk.written(1, 0).opens == [talk.order(2, 1)])
        #expect(talk.refused([2]) == [])
        #expect(talk.want(1 << 30) == [])
        #expect(talk.framesReported(0) == [])
        #expect(talk.framesReported(1) == [talk.open(talk.order(3, 1))])
    }

    @Test func refusedPieceGoesToAnotherHashWorker() throws {
        var talk = try TorrentConversation.fetching(
            byteCount: 3 * 65536, pieceByteCount: 65536, hashWorkers: 2, frames: 2)
        #expect(talk.want(1 << 30).opens.count == 3)
        // 1 and 3 went to the first one, 2 to the second.
        #expect(talk.refused([1]) == [talk.open(talk.order(4, 0), at: 1)])
    }

    @Test func successorIsNotBlamedForARefusalBeforeIt() throws {
        var talk = try TorrentConversation.fetching(byteCount: 2 * 65536, pieceByteCount: 65536, frames: 2)
        _ = talk.want(1 << 30)
        #expect(talk.refused([1, 2]) == [])
        talk.hashWorkerLost(0)
        #expect(talk.adoptionOrders(0) == [])
        _ = talk.adopted(0)
        #expect(talk.want(1 << 30).opens.count == 2)
    }

    @Test func reservedFramesNeverExceedThePlan() throws {
        var generator = SeededGenerator.printing()
        var budget = FrameBudget(frameCountEach: 20, hashWorkers: 0..<3)
        #expect(budget.totalByteCount == 60 * 65536)
        var held: [(assembler: Int, byteCount: UInt32)] = []
        var last: AssignmentID = 0
        for _ in 0..<20_000 {
            budget.framesReported(5, by: Int.random(in: 0..<30, using: &generator))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                let byteCount = UInt32.random(in: 1...400_000, using: &generator)
                let absent = Int.random(in: 0..<4, using: &generator)
                let place = budget.reserve(pieceByteCount: byteCount, for: 0) { $0 != absent }
                guard let (assembler, assignment) = place else { continue }
                #expect(assembler != absent && assignment > last)
                last = assignment
                held.append((assembler, byteCount))
            default:
                guard !held.isEmpty else { continue }
                let piece = held.remove(at: Int.random(in: held.indices, using: &generator))
                if generator.oneIn(4) {
                    budget.refused(pieceByteCount: piece.byteCount, of: 0, by: piece.assembler)
                } else {
                    budget.release(pieceByteCount: piece.byteCount, of: 0, at: piece.assembler)
                }
            }
            var used: [Int: Int] = [:]
            for piece in held {
                used[piece.assembler, default: 0] += AssemblyGeometry.framesNeeded(pieceByteCount: piece.byteCount)
            }
            #expect(used.values.allSatisfy { $0 <= 20 })
            #expect(budget.freeCount == 60 - used.values.reduce(0, +))
        }
        #expect(last > 1000)
    }

    @Test func framesOfAGivenUpPlaceAreNoMore() {
        var budget = FrameBudget(frameCountEach: 4, hashWorkers: 0..<2)
        budget.gaveUp(1)
        #expect(budget.freeCount == 4 && budget.totalByteCount == 4 * 65536)
        for _ in 0..<4 { #expect(budget.reserve(pieceByteCount: 1, for: 0) { _ in true }?.assembler == 0) }
        #expect(budget.reserve(pieceByteCount: 1, for: 0) { _ in true } == nil)
        budget.release(pieceByteCount: 1, of: 0, at: 1)
        budget.refused(pieceByteCount: 1, of: 0, by: 1)
        #expect(budget.freeCount == 0)
    }
}
