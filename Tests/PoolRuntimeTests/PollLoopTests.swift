import BitTorrent
import CLinux
import Glibc
import PoolRuntime
import Testing

@Suite struct PollLoopTests {
    @Test func timerFiresWhenItIsDueAndNotBefore() throws {
        let loop = try PollLoop()
        let due = MonotonicClock.now + .milliseconds(20)
        var fired: MonotonicInstant?
        loop.nextDeadline = { fired == nil ? due : .distantFuture }
        loop.timerFired = { now in
            fired = now
            loop.stop()
        }
        try loop.run()
        #expect(try #require(fired) >= due)
    }

    @Test func readableDescriptorCallsItsHandlerAndIsLetGo() throws {
        let loop = try PollLoop()
        let event = OwnedDescriptor(try checked("eventfd", clinux_eventfd()))
        var one: UInt64 = 1
        _ = write(event.rawValue, &one, 8)
        var calls = 0
        var identifier: PollLoop.WatchID?
        identifier = try loop.watch(descriptor: event.rawValue) { _ in
            // Still readable: only the removal keeps it from being called for ever.
            calls += 1
            loop.unwatch(identifier!)
        }
        let end = MonotonicClock.now + .milliseconds(10)
        loop.nextDeadline = { end }
        loop.timerFired = { _ in loop.stop() }
        try loop.run()
        #expect(calls == 1)
    }

    @Test func handlerThatRemovesAnotherKeepsItFromBeingCalledInTheSameTurn() throws {
        let loop = try PollLoop()
        let events = try (0..<2).map { _ in OwnedDescriptor(try checked("eventfd", clinux_eventfd())) }
        var one: UInt64 = 1
        for event in events { _ = write(event.rawValue, &one, 8) }
        var calls: [Int] = []
        var identifiers: [PollLoop.WatchID?] = [nil, nil]
        for index in 0..<2 {
            identifiers[index] = try loop.watch(descriptor: events[index].rawValue) { _ in
                calls.append(index)
                for identifier in identifiers { loop.unwatch(identifier!) }
            }
        }
        let end = MonotonicClock.now + .milliseconds(10)
        loop.nextDeadline = { end }
        loop.timerFired = { _ in loop.stop() }
        try loop.run()
        #expect(calls == [0])
    }

    @Test func loopThatMustNotWaitComesBackAtOnce() throws {
        let loop = try PollLoop()
        var turns = 0
        loop.turnEnded = {
            turns += 1
            if turns < 1000 { loop.mustNotWait = true } else { loop.stop() }
        }
        loop.nextDeadline = { turns == 0 ? .distantPast : .distantFuture }
        try loop.run()
        #expect(turns == 1000)
    }

    @Test func eventOfAnEndedWatchIsNotMistakenForItsSuccessors() throws {
        let loop = try PollLoop()
        let events = try (0..<2).map { _ in OwnedDescriptor(try checked("eventfd", clinux_eventfd())) }
        var one: UInt64 = 1
        for event in events { _ = write(event.rawValue, &one, 8) }
        let silent = OwnedDescriptor(try checked("eventfd", clinux_eventfd()))
        var identifiers: [PollLoop.WatchID] = []
        var calls: [Int] = []
        for index in 0..<2 {
            identifiers.append(
                try loop.watch(descriptor: events[index].rawValue) { _ in
                    calls.append(index)
                    for identifier in identifiers { loop.unwatch(identifier) }
                    // Takes the place of one that has just ended and whose event was taken already.
                    for _ in 0..<2 { _ = try? loop.watch(descriptor: silent.rawValue) { _ in calls.append(9) } }
                })
        }
        try loop.turn(longestWait: 0)
        try loop.turn(longestWait: 0)
        #expect(calls == [0])
    }

    @Test func changedInterestIsObeyed() throws {
        let loop = try PollLoop()
        let event = OwnedDescriptor(try checked("eventfd", clinux_eventfd()))
        var seen: [PollLoop.Readiness] = []
        let identifier = try loop.watch(descriptor: event.rawValue) { seen.append($0) }
        try loop.turn(longestWait: 0)
        #expect(seen.isEmpty)
        loop.change(identifier, to: .writable)
        try loop.turn(longestWait: 0)
        #expect(seen == [.writable])
        loop.change(identifier, to: [])
        try loop.turn(longestWait: 0)
        #expect(seen.count == 1)
    }
}
