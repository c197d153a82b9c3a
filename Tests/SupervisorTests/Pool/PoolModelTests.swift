import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

/// Thousands of random deaths against a model of the pool: every end is a pool in which all work, and nothing that the
/// keeper wants on the way is impossible.
struct PoolModelTests {
    private func plan(hashWorkers: Int, peerWorkers: Int) throws -> PoolPlan {
        try PoolPlan(peerWorkers: peerWorkers, hashWorkers: hashWorkers, memory: nil, longestPieceByteCount: 16384)
    }

    /// Runs until nothing is left to do.
    private func settle(_ pool: inout ModelPool) -> Bool {
        for _ in 0..<20_000 {
            if pool.isQuiet { return true }
            pool.step(.nobody)
        }
        return false
    }

    @Test(arguments: [(1, 1), (2, 3), (3, 8)])
    func poolAlwaysRecoversFromKills(hashWorkers: Int, peerWorkers: Int) throws {
        var seeds = SeededGenerator.printing("poolAlwaysRecoversFromKills")
        for _ in 0..<30 {
            let seed = seeds.next()
            var pool = ModelPool(plan: try plan(hashWorkers: hashWorkers, peerWorkers: peerWorkers), seed: seed)
            var dice = SeededGenerator(seed: ~seed)
            for round in 0..<20 {
                // Bursts from one to many; between them the pool comes to rest, so that no place dies five times before
                // it is ready.
                let burst = Int.random(in: 1...4, using: &dice)
                for _ in 0..<burst {
                    for _ in 0..<Int.random(in: 0..<60, using: &dice) { pool.step(.nobody) }
                    pool.step(.outside)
                }
                #expect(settle(&pool), "seed \(seed), round \(round): the pool never comes to rest")
                let idle = pool.keeper.allPlaces.filter { !pool.keeper.isWorking($0) }
                #expect(idle.isEmpty, "seed \(seed), round \(round): \(idle) do not work")
                pool.work()
                guard pool.complaints.isEmpty, idle.isEmpty else { break }
            }
            #expect(pool.complaints == [], "seed \(seed)")
            #expect(pool.givenUp == [], "seed \(seed)")
            guard pool.complaints.isEmpty else { return }
        }
    }

    @Test func crashesEndInAPoolThatWorksOrInPlacesGivenUpRightly() throws {
        var seeds = SeededGenerator.printing()
        var (deaths, givenUp, failed) = (0, 0, 0)
        for _ in 0..<100 {
            let seed = seeds.next()
            var pool = ModelPool(plan: try plan(hashWorkers: 2, peerWorkers: 3), seed: seed)
            var dice = SeededGenerator(seed: ~seed)
            for _ in 0..<1500 {
                pool.step(dice.oneIn(25) ? (dice.oneIn(2) ? .crash : .outside) : .nobody)
                if dice.oneIn(200) { pool.work() }
            }
            #expect(settle(&pool), "seed \(seed): the pool never comes to rest")
            let idle = pool.keeper.allPlaces.filter { !pool.keeper.isWorking($0) && !pool.givenUp.contains($0) }
            // Without a role before it a place waits for ever; the run has ended by then.
            if pool.failedRoles.isEmpty { #expect(idle == [], "seed \(seed)") }
            #expect(pool.complaints == [], "seed \(seed)")
            guard pool.complaints.isEmpty else { return }
            deaths += pool.deathCount
            givenUp += pool.givenUp.count
            failed += pool.failedRoles.count
        }
        #expect(deaths > 3000 && givenUp > 0 && failed > 0, "\(deaths), \(givenUp), \(failed)")
    }
}
