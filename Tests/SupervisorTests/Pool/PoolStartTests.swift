import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

struct PoolStartTests {
    @Test func everyPlaceIsFilledAtOnce() throws {
        var pool = try PoolConversation(hashWorkers: 2, peerWorkers: 2)
        #expect(pool.keeper.nextDeadline == pool.now)
        #expect(
            pool.wait() == [
                .spawn(writer(), adoptsRegion: false), .spawn(hash(0), adoptsRegion: false),
                .spawn(hash(1), adoptsRegion: false), .spawn(peer(0), adoptsRegion: false),
                .spawn(peer(1), adoptsRegion: false),
            ])
        #expect(pool.wait(.seconds(1)) == [])
        #expect(pool.keeper.nextDeadline == .distantFuture)
        #expect(pool.keeper.livingCount == 5)
    }

    @Test func joinsAreSerialInTheOrderOfRoles() throws {
        var pool = try PoolConversation(hashWorkers: 2, peerWorkers: 1)
        _ = pool.wait()
        // The peer-worker is quickest, and waits for all before it.
        #expect(pool.hello(peer(0)) == [])
        #expect(pool.hello(hash(1)) == [])
        #expect(pool.hello(writer()) == [.join(writer(), incumbents: [])])
        #expect(pool.hello(hash(0)) == [])
        #expect(pool.ready(writer()) == [.working(writer()), .join(hash(0), incumbents: [writer()])])
        let region = RegionReader(reader: writer(), owner: hash(0))
        #expect(pool.ready(hash(0)) == [.passRegion(region), .join(hash(1), incumbents: [writer()])])
        #expect(pool.mapped(hash(0), by: writer()) == [.working(hash(0))])
        #expect(
            pool.ready(hash(1)) == [
                .passRegion(RegionReader(reader: writer(), owner: hash(1))),
                .join(peer(0), incumbents: [hash(0), hash(1)]),
            ])
        #expect(
            pool.ready(peer(0)) == [
                .passRegion(RegionReader(reader: hash(0), owner: peer(0))),
                .passRegion(RegionReader(reader: hash(1), owner: peer(0))),
            ])
        #expect(pool.mapped(peer(0), by: hash(1)) == [])
        #expect(pool.mapped(peer(0), by: hash(0)) == [.working(peer(0))])
        #expect(pool.mapped(hash(1), by: writer()) == [.working(hash(1))])
        #expect(pool.everybodyWorks)
        #expect(pool.keeper.restartCount == 0)
    }

    @Test func poolOfACheckHasHashWorkersAlone() {
        let plan = PoolPlan(checkingWith: 2)
        #expect(plan.places == [Place(.hashWorker, 0), Place(.hashWorker, 1)])
        var keeper = PoolKeeper(plan: plan, now: .distantPast)
        var actions: [PoolKeeper.Action] = []
        keeper.timerFired(now: .distantPast, into: &actions)
        keeper.helloReceived(from: hash(1), into: &actions)
        keeper.readyReceived(from: hash(1), into: &actions)
        #expect(actions.suffix(2) == [.join(hash(1), incumbents: []), .working(hash(1))])
    }

    @Test func wordsAtTheWrongTimeChangeNothing() throws {
        var pool = try PoolConversation()
        _ = pool.wait()
        #expect(pool.ready(writer()) == [])
        #expect(pool.adopted(hash(0)) == [])
        #expect(pool.mapped(hash(0), by: writer()) == [])
        #expect(pool.hello(writer()) == [.join(writer(), incumbents: [])])
        #expect(pool.hello(writer()) == [])
        #expect(pool.ready(writer()) == [.working(writer())])
        #expect(pool.ready(writer()) == [])
        #expect(pool.seen(hash(0, 2), by: writer()) == [])
    }

    @Test func wordsOfTheDeadChangeNothing() throws {
        var pool = try PoolConversation.working()
        pool.settle(pool.died(hash(0)))
        #expect(pool.phase(hash(0)) == .working)
        #expect(!pool.keeper.isCurrent(hash(0)) && pool.keeper.isCurrent(hash(0, 2)))
        #expect(pool.hello(hash(0)) == [])
        #expect(pool.ready(hash(0)) == [])
        #expect(pool.adopted(hash(0)) == [])
        #expect(pool.seen(peer(0, 2), by: hash(0)) == [])
        #expect(pool.condemn(hash(0)) == [])
        #expect(pool.died(hash(0)) == [])
        #expect(pool.everybodyWorks)
    }

    @Test func nobodyIsStartedAtTheEnd() throws {
        var pool = try PoolConversation.working()
        pool.stopping()
        #expect(pool.died(peer(0)) == [.lost(peer(0))])
        #expect(pool.died(writer(), .ownDoing) == [.lost(writer())])
        #expect(pool.wait(.seconds(10)) == [])
        #expect(pool.keeper.nextDeadline == .distantFuture)
        #expect(pool.keeper.livingCount == 1)
    }

    @Test func nobodyJoinsAtTheEnd() throws {
        var pool = try PoolConversation()
        _ = pool.wait()
        _ = pool.hello(writer())
        _ = pool.hello(hash(0))
        pool.stopping()
        #expect(pool.ready(writer()) == [.working(writer())])
    }
}
