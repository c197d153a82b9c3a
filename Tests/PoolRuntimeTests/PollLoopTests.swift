import BitTorrent
import CLinux
import Glibc
import PoolRuntime
import Testing

@Suite struct PollLoopTests {
    @Test func timerFiresWhenItIsDueAndNotBefore() throws {
        let loop = PollLoop()
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
        let loop = PollLoop()
        let event = OwnedDescriptor(try checked("eventfd", clinux_eventfd()))
        var one: UInt64 = 1
        _ = write(event.rawValue, &one, 8)
        var calls = 0
        var identifier = 0
        identifier = loop.watch(descriptor: event.rawValue) { _ in
            // Still readable: only the removal keeps it from being called for ever.
            calls += 1
            loop.unwatch(identifier)
        }
        let end = MonotonicClock.now + .milliseconds(10)
        loop.nextDeadline = { end }
        loop.timerFired = { _ in loop.stop() }
        try loop.run()
        #expect(calls == 1)
    }

    @Test func handlerThatRemovesAnotherKeepsItFromBeingCalledInTheSameTurn() throws {
        let loop = PollLoop()
        let events = try (0..<2).map { _ in OwnedDescriptor(try checked("eventfd", clinux_eventfd())) }
        var one: UInt64 = 1
        for event in events { _ = write(event.rawValue, &one, 8) }
        var calls: [Int] = []
        var identifiers = [0, 0]
        for index in 0..<2 {
            identifiers[index] = loop.watch(descriptor: events[index].rawValue) { _ in
                calls.append(index)
                for identifier in identifiers { loop.unwatch(identifier) }
            }
        }
        let end = MonotonicClock.now + .milliseconds(10)
        loop.nextDeadline = { end }
        loop.timerFired = { _ in loop.stop() }
        try loop.run()
        #expect(calls == [0])
    }

    @Test func loopThatMustNotWaitComesBackAtOnce() throws {
        let loop = PollLoop()
        var turns = 0
        loop.turnEnded = {
            turns += 1
            if turns < 1000 { loop.mustNotWait = true } else { loop.stop() }
        }
        loop.nextDeadline = { turns == 0 ? .distantPast : .distantFuture }
        try loop.run()
        #expect(turns == 1000)
    }
}
