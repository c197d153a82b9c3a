import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

/// How torrents of one run share the frames of the hash-workers.
struct FrameSharesTests {
    /// A budget and who has what of it.
    private final class Pool {
        var budget: FrameBudget
        var pieces: [UInt16: [(assembler: Int, byteCount: UInt32)]] = [:]

        init(frames: Int, hashWorkers: Int = 1) {
            budget = FrameBudget(frameCountEach: frames, hashWorkers: 0..<hashWorkers)
        }

        func open(_ torrent: UInt16, frames: Int = 1) -> Bool {
            let byteCount = UInt32(frames * AssemblyGeometry.frameByteCount)
            guard let place = budget.reserve(pieceByteCount: byteCount, for: torrent, isWorking: { _ in true }) else {
                return false
            }
            pieces[torrent, default: []].append((place.assembler, byteCount))
            return true
        }

        /// - Returns: how many were opened.
        func openAll(_ torrent: UInt16, atMost most: Int = .max, frames: Int = 1) -> Int {
            var count = 0
            while count < most, open(torrent, frames: frames) { count += 1 }
            return count
        }

        /// The oldest piece.
        func close(_ torrent: UInt16, _ count: Int = 1) {
            for _ in 0..<min(count, pieces[torrent]?.count ?? 0) {
                let piece = pieces[torrent]!.removeFirst()
                budget.release(pieceByteCount: piece.byteCount, of: torrent, at: piece.assembler)
            }
        }

        func waiting() -> [UInt16] { budget.takeWaiting() }

        func count(_ torrent: UInt16) -> Int { pieces[torrent]?.count ?? 0 }
    }

    @Test func oneThatHasLessThanItsPartGetsWhatComesFree() {
        let pool = Pool(frames: 8)
        #expect(pool.openAll(0) == 8)
        #expect(pool.waiting() == [], "nothing has come free")
        #expect(!pool.open(1))
        for expected in 1...4 {
            pool.close(0)
            #expect(pool.waiting() == [1, 0])
            #expect(!pool.open(0))
            #expect(pool.open(1))
            #expect(pool.count(1) == expected)
            #expect(!pool.open(1))
        }
        // Both have as many: each keeps what it has.
        pool.close(1)
        #expect(!pool.open(0))
        #expect(pool.open(1))
        pool.close(0)
        #expect(!pool.open(1))
        #expect(pool.open(0))
    }

    @Test func whatNobodyWaitsForIsAnybodys() {
        let pool = Pool(frames: 8)
        #expect(pool.openAll(0) == 8)
        #expect(!pool.open(1))
        pool.close(0, 5)
        #expect(pool.open(1))
        #expect(pool.openAll(0) == 1, "up to its part")
        _ = pool.waiting()
        pool.budget.isContent(1)
        #expect(pool.waiting() == [0], "it is told that it may try")
        #expect(pool.openAll(0) == 3)
    }

    @Test func longPieceGetsItsFramesFromManyShortOnes() {
        let pool = Pool(frames: 8, hashWorkers: 2)
        #expect(pool.openAll(0) == 16)
        #expect(!pool.open(1, frames: 6))
        var rounds = 0
        while !pool.open(1, frames: 6), rounds < 100 {
            pool.close(0)
            #expect(!pool.open(0), "the other has nothing yet")
            rounds += 1
        }
        #expect(rounds < 12)
    }

    @Test func longPiecesDoNotKeepEachOtherOut() {
        // The equal part is a piece and a half.
        let pool = Pool(frames: 12)
        #expect(pool.openAll(0, frames: 4) == 3)
        #expect(!pool.open(1, frames: 4))
        pool.close(0)
        #expect(pool.open(1, frames: 4))
        pool.close(0)
        let opened = pool.openAll(1, frames: 4)
        #expect(opened + pool.openAll(0, frames: 4) == 1, "nothing lies idle")
    }

    /// A fast swarm closes all its pieces in the time in which a slow one closes one.
    @Test(arguments: [1, 2, 3]) func fastSwarmDoesNotStarveASlowOne(slowTorrents: Int) {
        let pool = Pool(frames: 60, hashWorkers: 2)
        var slowSums = [Int](repeating: 0, count: slowTorrents)
        var fastSum = 0
        for round in 0..<2000 {
            pool.close(0, pool.count(0))
            let slow = UInt16(1 + round % slowTorrents)
            pool.close(slow)
            // Whoever's news comes first opens first: the fast one, nearly always.
            _ = pool.openAll(0)
            for torrent in pool.waiting() { _ = pool.openAll(torrent) }
            for torrent in 1...slowTorrents { _ = pool.openAll(UInt16(torrent)) }
            guard round >= 500 else { continue }
            fastSum += pool.count(0)
            for torrent in 0..<slowTorrents { slowSums[torrent] += pool.count(UInt16(torrent + 1)) }
        }
        let share = 120.0 / Double(slowTorrents + 1)
        for sum in slowSums { #expect(Double(sum) / 1500 > 0.9 * share) }
        #expect(Double(fastSum) / 1500 > 0.9 * share)
    }
}
