import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

/// Deaths in a pool of one writer, hash-workers and peer-workers that all work.
struct PoolDeathTests {
    // MARK: The barrier

    @Test func successorOfAPeerWorkerJoinsAfterEveryHashWorkerHasAnswered() throws {
        var pool = try PoolConversation.working(hashWorkers: 2)
        #expect(
            pool.died(peer(0)) == [
                .lost(peer(0)), .tellReplaced(hash(0).place, by: peer(0, 2)),
                .tellReplaced(hash(1).place, by: peer(0, 2)),
            ])
        #expect(pool.wait() == [.spawn(peer(0, 2), adoptsRegion: false)])
        #expect(pool.hello(peer(0, 2)) == [])
        #expect(pool.seen(peer(0, 2), by: hash(1)) == [])
        #expect(pool.seen(peer(0, 2), by: hash(1)) == [])
        #expect(
            pool.seen(peer(0, 2), by: hash(0)) == [
                .replacementSeen(peer(0).place), .join(peer(0, 2), incumbents: [hash(0), hash(1)]),
            ])
        pool.settle(pool.ready(peer(0, 2)))
        #expect(pool.everybodyWorks)
        #expect(pool.keeper.restartCount == 1)
    }

    @Test func successorOfAHashWorkerTakesOverBeforeItWorks() throws {
        var pool = try PoolConversation.working()
        #expect(
            pool.died(hash(0)) == [
                .lost(hash(0)), .tellReplaced(writer().place, by: hash(0, 2)),
                .tellReplaced(peer(0).place, by: hash(0, 2)),
            ])
        #expect(pool.wait() == [.spawn(hash(0, 2), adoptsRegion: true)])
        _ = pool.hello(hash(0, 2))
        #expect(pool.seen(hash(0, 2), by: writer(), stillReading: [7, 9]) == [])
        #expect(
            pool.seen(hash(0, 2), by: peer(0)) == [
                .replacementSeen(hash(0).place), .join(hash(0, 2), incumbents: [writer(), peer(0)]),
            ])
        #expect(
            pool.ready(hash(0, 2)) == [
                .passRegion(RegionReader(reader: writer(), owner: hash(0, 2))),
                .passRegion(RegionReader(reader: hash(0, 2), owner: peer(0))),
                .adopt(hash(0, 2), stillReading: [7, 9]),
            ])
        #expect(pool.mapped(hash(0, 2), by: writer()) == [])
        #expect(pool.mapped(peer(0), by: hash(0, 2)) == [])
        #expect(pool.adopted(hash(0, 2)) == [.working(hash(0, 2))])
        #expect(pool.everybodyWorks)
    }

    @Test func successorOfAWriterGetsEveryRegionAnew() throws {
        var pool = try PoolConversation.working(hashWorkers: 2)
        #expect(pool.died(writer()).first == .lost(writer()))
        _ = pool.wait()
        _ = pool.hello(writer(2))
        _ = pool.seen(writer(2), by: hash(0))
        #expect(pool.seen(writer(2), by: hash(1)).last == .join(writer(2), incumbents: [hash(0), hash(1)]))
        #expect(
            pool.ready(writer(2)) == [
                .passRegion(RegionReader(reader: writer(2), owner: hash(0))),
                .passRegion(RegionReader(reader: writer(2), owner: hash(1))),
            ])
        _ = pool.mapped(hash(0), by: writer(2))
        #expect(pool.phase(writer(2)) == .settling)
        #expect(pool.mapped(hash(1), by: writer(2)) == [.working(writer(2))])
        #expect(pool.keeper.isWorking(hash(0).place), "those who live go on all the while")
    }

    @Test func deathCountsAsAnAnswer() throws {
        var pool = try PoolConversation.working(hashWorkers: 2)
        _ = pool.died(peer(0))
        _ = pool.seen(peer(0, 2), by: hash(0))
        let actions = pool.died(hash(1))
        #expect(actions.contains(.replacementSeen(peer(0).place)))
        #expect(actions.contains(.lost(hash(1))))
    }

    @Test func answerForAnEarlierSuccessorIsNoAnswer() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(peer(0))
        _ = pool.wait()
        #expect(pool.died(peer(0, 2), .ownDoing) == [.lost(peer(0, 2)), .tellReplaced(hash(0).place, by: peer(0, 3))])
        _ = pool.wait(.seconds(1))
        _ = pool.hello(peer(0, 3))
        #expect(pool.seen(peer(0, 2), by: hash(0)) == [])
        #expect(pool.phase(peer(0, 3)) == .waitingToJoin)
        #expect(pool.seen(peer(0, 3), by: hash(0)).contains(.join(peer(0, 3), incumbents: [hash(0)])))
    }

    @Test func regionOfTheDeadNeedNotBeMapped() throws {
        var pool = try PoolConversation.working(hashWorkers: 2)
        pool.settle(pool.died(peer(0)).filter { if case .tellReplaced = $0 { true } else { false } })
        #expect(pool.everybodyWorks)
        // The third life of the peer-worker waits for both hash-workers, one of which dies.
        let told = pool.died(peer(0, 2))
        _ = pool.wait()
        _ = pool.hello(peer(0, 3))
        _ = pool.seen(peer(0, 3), by: hash(0))
        _ = pool.seen(peer(0, 3), by: hash(1))
        #expect(told.contains(.tellReplaced(hash(0).place, by: peer(0, 3))))
        _ = pool.ready(peer(0, 3))
        #expect(pool.mapped(peer(0, 3), by: hash(0)) == [])
        #expect(pool.died(hash(1)).contains(.working(peer(0, 3))))
    }

    // MARK: Joins

    @Test func joinerWhoseIncumbentDiesStartsAnewWithoutBlame() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(peer(0))
        _ = pool.wait()
        _ = pool.hello(peer(0, 2))
        #expect(pool.seen(peer(0, 2), by: hash(0)).last == .join(peer(0, 2), incumbents: [hash(0)]))
        let actions = pool.died(hash(0))
        guard case .kill(peer(0, 2), _) = actions[1] else { return #expect(Bool(false), "\(actions)") }
        #expect(!actions.contains(.tellReplaced(peer(0).place, by: hash(0, 2))), "the joiner never knew it")
        _ = pool.wait()
        _ = pool.hello(hash(0, 2))
        // The dead joiner still has its turn: nobody joins before it was reaped.
        #expect(pool.seen(hash(0, 2), by: writer()) == [.replacementSeen(hash(0).place)])
        #expect(
            pool.died(peer(0, 2)) == [
                .lost(peer(0, 2)), .replacementSeen(peer(0).place), .join(hash(0, 2), incumbents: [writer()]),
            ])
        #expect(pool.keeper.state(of: peer(0).place)?.phase == .vacant(until: pool.now), "no back-off")
        _ = pool.settle(pool.wait() + pool.ready(hash(0, 2)))
        #expect(pool.everybodyWorks)
    }

    @Test func joinerIsLeftAloneWhenSomebodyDiesWhomItDoesNotWaitFor() throws {
        var pool = try PoolConversation(hashWorkers: 1, peerWorkers: 2)
        _ = pool.wait()
        _ = pool.hello(writer())
        _ = pool.ready(writer())
        #expect(pool.hello(hash(0)) == [.join(hash(0), incumbents: [writer()])])
        // A peer-worker that crashes while it starts is no incumbent of anybody.
        #expect(pool.died(peer(1), .ownDoing) == [.lost(peer(1)), .replacementSeen(peer(1).place)])
        #expect(pool.phase(hash(0)) == .joining)
        #expect(pool.ready(hash(0)) == [.passRegion(RegionReader(reader: writer(), owner: hash(0)))])
    }

    @Test func readyOfACondemnedJoinerChangesNothing() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(peer(0))
        _ = pool.wait()
        _ = pool.hello(peer(0, 2))
        _ = pool.seen(peer(0, 2), by: hash(0))
        _ = pool.died(hash(0))
        // It had been welcomed just before; it was never told that the hash-worker died.
        #expect(pool.ready(peer(0, 2)) == [])
        #expect(pool.died(peer(0, 2)).first == .lost(peer(0, 2)))
    }

    @Test func severalDeadAreReplacedInTheOrderOfRoles() throws {
        var pool = try PoolConversation.working(hashWorkers: 2, peerWorkers: 2)
        _ = pool.died(peer(1))
        _ = pool.died(hash(1))
        _ = pool.died(writer())
        _ = pool.wait()
        _ = pool.hello(peer(1, 2))
        _ = pool.hello(hash(1, 2))
        #expect(pool.hello(writer(2)) == [])
        _ = pool.seen(peer(1, 2), by: hash(0))
        _ = pool.seen(hash(1, 2), by: peer(0))
        #expect(
            pool.seen(writer(2), by: hash(0)) == [
                .replacementSeen(writer().place), .join(writer(2), incumbents: [hash(0)]),
            ])
        #expect(pool.ready(writer(2)).last == .join(hash(1, 2), incumbents: [writer(2), peer(0)]))
        let actions = pool.ready(hash(1, 2))
        #expect(actions.last == .join(peer(1, 2), incumbents: [hash(0), hash(1, 2)]))
        pool.settle(actions.filter { if case .join = $0 { false } else { true } } + pool.ready(peer(1, 2)))
        _ = pool.mapped(hash(0), by: writer(2))
        #expect(pool.everybodyWorks)
    }

    // MARK: What the writer still reads

    @Test func readsOfADeadWriterAreNotHandedOver() throws {
        // A hash-worker that waited for them would keep its frames for ever: nobody will answer.
        var pool = try PoolConversation.working()
        _ = pool.died(hash(0))
        _ = pool.seen(hash(0, 2), by: writer(), stillReading: [7])
        let told = pool.died(writer())
        #expect(pool.settle(told + pool.seen(hash(0, 2), by: peer(0))).contains(.adopt(hash(0, 2), stillReading: [])))
        #expect(pool.everybodyWorks)
    }

    @Test func readsAreAskedAnewForEverySuccessor() throws {
        // What the writer has finished between two answers, it does not answer a third time.
        var pool = try PoolConversation.working()
        _ = pool.died(hash(0))
        _ = pool.seen(hash(0, 2), by: writer(), stillReading: [7, 8])
        _ = pool.wait()
        _ = pool.died(hash(0, 2))
        _ = pool.seen(hash(0, 3), by: writer(), stillReading: [8])
        _ = pool.seen(hash(0, 3), by: peer(0))
        #expect(pool.settle(pool.wait(.seconds(1))).contains(.adopt(hash(0, 3), stillReading: [8])))
    }

    // MARK: What a region is worth

    @Test func regionIsDroppedAfterTwoDeathsWithoutAVerdict() throws {
        var pool = try PoolConversation.working()
        pool.workDone(hash(0))
        #expect(pool.settle(pool.died(hash(0), .ownDoing)).contains(.spawn(hash(0, 2), adoptsRegion: true)))
        pool.workDone(hash(0, 2))
        let second = pool.died(hash(0, 2), .ownDoing)
        #expect(pool.wait() == [.regionDropped(hash(0).place), .spawn(hash(0, 3), adoptsRegion: false)])
        pool.settle(second + pool.hello(hash(0, 3)))
        // The one that started empty hands its region on only after it has given a verdict.
        pool.workDone(hash(0, 3))
        #expect(pool.settle(pool.died(hash(0, 3), .ownDoing)).contains(.spawn(hash(0, 4), adoptsRegion: false)))
        pool.verdictGiven(hash(0, 4))
        #expect(pool.settle(pool.died(hash(0, 4), .ownDoing)).contains(.spawn(hash(0, 5), adoptsRegion: true)))
    }

    /// However quickly somebody kills them: nothing that was received is lost.
    @Test func killsFromOutsideSayNothingAboutTheRegion() throws {
        var pool = try PoolConversation.working()
        for generation in UInt32(1)...6 {
            let actions = pool.settle(pool.died(hash(0, generation), .killedFromOutside))
            #expect(actions.contains(.spawn(hash(0, generation + 1), adoptsRegion: true)))
        }
    }

    @Test func verdictMakesTheRegionTrustedAgain() throws {
        var pool = try PoolConversation.working()
        for generation in UInt32(1)...6 {
            pool.workDone(hash(0, generation))
            let actions = pool.settle(pool.died(hash(0, generation), .ownDoing))
            #expect(actions.contains(.spawn(hash(0, generation + 1), adoptsRegion: true)))
            pool.verdictGiven(hash(0, generation + 1))
        }
    }

    @Test func deathBeforeItsAdoptionSaysNothingAboutTheRegion() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(hash(0))
        for generation in UInt32(2)...4 {
            #expect(pool.wait(.seconds(5)) == [.spawn(hash(0, generation), adoptsRegion: true)])
            _ = pool.died(hash(0, generation))
        }
        // Neither does the death of an incumbent, for which a joining successor is restarted.
        _ = pool.wait(.seconds(5))
        _ = pool.hello(hash(0, 5))
        _ = pool.seen(hash(0, 5), by: writer())
        #expect(pool.seen(hash(0, 5), by: peer(0)).last == .join(hash(0, 5), incumbents: [writer(), peer(0)]))
        _ = pool.died(peer(0))
        _ = pool.died(hash(0, 5))
        #expect(pool.wait(.seconds(5)).contains(.spawn(hash(0, 6), adoptsRegion: true)))
    }

    @Test func replacementOnPurposeKeepsTheRegion() throws {
        var pool = try PoolConversation.working()
        for generation in UInt32(1)...4 {
            _ = pool.condemn(hash(0, generation), .orderly)
            let actions = pool.settle(pool.died(hash(0, generation)))
            #expect(actions.contains(.spawn(hash(0, generation + 1), adoptsRegion: true)))
        }
    }
}
