import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

struct PoolGiveUpTests {
    /// Lets a worker die five times of its own doing.
    private func giveUp(_ place: Place, in pool: inout PoolConversation) -> [PoolKeeper.Action] {
        var actions: [PoolKeeper.Action] = []
        for _ in 0..<RestartPolicy.limit {
            actions = pool.died(pool.keeper.state(of: place)!.incarnation(at: place), .ownDoing)
            if !actions.contains(.gaveUp(place)) { pool.settle(actions + pool.wait(.seconds(5))) }
        }
        return actions
    }

    @Test func placeIsGivenUpAfterFiveBlamedDeaths() throws {
        var pool = try PoolConversation.working(hashWorkers: 2, peerWorkers: 2)
        #expect(
            giveUp(peer(1).place, in: &pool) == [
                .lost(peer(1, 5)), .tellGivenUp(hash(0).place, of: peer(1).place),
                .tellGivenUp(hash(1).place, of: peer(1).place), .gaveUp(peer(1).place),
            ])
        #expect(pool.wait(.seconds(60)) == [])
        #expect(pool.keeper.workingOrdinals(of: .peerWorker) == [0])
        #expect(pool.keeper.livingCount == 4)
    }

    @Test func lastPlaceOfItsRoleEndsThePool() throws {
        var pool = try PoolConversation.working(hashWorkers: 1, peerWorkers: 2)
        #expect(!giveUp(peer(0).place, in: &pool).contains(.failed(.peerWorker)))
        #expect(giveUp(peer(1).place, in: &pool).last == .failed(.peerWorker))
    }

    @Test func writerThatCannotLiveEndsThePool() throws {
        var pool = try PoolConversation.working()
        #expect(giveUp(writer().place, in: &pool).suffix(2) == [.gaveUp(writer().place), .failed(.writer)])
    }

    @Test func nobodyIsAskedAboutAPlaceThatWasGivenUp() throws {
        var pool = try PoolConversation.working(hashWorkers: 2)
        // The fourth death is not yet answered by the second hash-worker when the fifth comes.
        for generation in UInt32(1)...4 {
            let actions = pool.died(peer(0, generation), .ownDoing)
            if generation < 4 { pool.settle(actions + pool.wait(.seconds(5))) }
        }
        _ = pool.seen(peer(0, 5), by: hash(0))
        _ = pool.wait(.seconds(5))
        #expect(pool.died(peer(0, 5), .ownDoing).contains(.gaveUp(peer(0).place)))
        #expect(pool.seen(peer(0, 5), by: hash(1)) == [])
        #expect(!pool.died(hash(1)).contains(.replacementSeen(peer(0).place)))
    }

    @Test func othersDoNotWaitForAPlaceThatWasGivenUp() throws {
        var pool = try PoolConversation.working(hashWorkers: 2)
        _ = giveUp(hash(1).place, in: &pool)
        let actions = pool.settle(pool.died(peer(0)))
        #expect(actions.contains(.join(peer(0, 2), incumbents: [hash(0)])))
        #expect(pool.phase(peer(0)) == .working)
    }

    @Test func joinersGoOnWhenAPlaceBeforeThemIsGivenUp() throws {
        var pool = try PoolConversation(hashWorkers: 2)
        _ = pool.wait()
        _ = pool.hello(writer())
        _ = pool.ready(writer())
        _ = pool.hello(hash(0))
        _ = pool.ready(hash(0))
        #expect(pool.hello(peer(0)) == [])
        for generation in UInt32(1)..<5 {
            _ = pool.died(hash(1, generation), .ownDoing)
            _ = pool.wait(.seconds(5))
        }
        #expect(pool.died(hash(1, 5), .ownDoing).last == .join(peer(0), incumbents: [hash(0)]))
    }

    @Test func killsFromOutsideNeverGiveUp() throws {
        var pool = try PoolConversation.working()
        for generation in UInt32(1)...30 {
            let actions = pool.died(peer(0, generation))
            #expect(!actions.contains(.gaveUp(peer(0).place)))
            pool.settle(actions)
            #expect(pool.everybodyWorks, "it is back without a delay")
        }
    }

    @Test func workForgivesTheDeathsBefore() throws {
        var pool = try PoolConversation.working()
        for generation in UInt32(1)...30 {
            if generation % 5 == 0 { pool.workDone(hash(0, generation)) }
            let actions = pool.died(hash(0, generation), .ownDoing)
            #expect(!actions.contains(.gaveUp(hash(0).place)))
            pool.settle(actions + pool.wait(.seconds(5)))
        }
    }

    @Test func crashesAreFollowedByADelay() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(peer(0), .ownDoing)
        #expect(pool.keeper.nextDeadline == pool.now + .milliseconds(100))
        #expect(pool.wait(.milliseconds(99)) == [])
        #expect(pool.wait(.milliseconds(1)) == [.spawn(peer(0, 2), adoptsRegion: false)])
    }

    @Test func condemnedWorkerIsKilledOnceAndBlamedForWhatCondemnedIt() throws {
        var pool = try PoolConversation.working()
        #expect(pool.condemn(peer(0)) == [.kill(peer(0), reason: "test")])
        #expect(pool.condemn(peer(0)) == [])
        // SIGKILL looks like a kill from outside, but it was we who sent it.
        _ = pool.died(peer(0), .killedFromOutside)
        #expect(pool.keeper.nextDeadline == pool.now + .milliseconds(100))
    }

    @Test func processThatCannotBeStartedIsTriedAgainLater() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(peer(0))
        _ = pool.wait()
        var actions: [PoolKeeper.Action] = []
        var keeper = pool.keeper
        keeper.spawnFailed(peer(0, 2), now: pool.now, into: &actions)
        #expect(actions.first == .lost(peer(0, 2)))
        #expect(keeper.nextDeadline == pool.now + .milliseconds(100))
    }

    @Test func deathsBeforeReadyGiveUpWhoeverKilled() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(hash(0))
        var last: [PoolKeeper.Action] = []
        for generation in UInt32(2)...6 {
            _ = pool.wait(.seconds(5))
            last = pool.died(hash(0, generation))
        }
        #expect(last.contains(.gaveUp(hash(0).place)))
        #expect(last.contains(.failed(.hashWorker)))
    }
}
