import BitTorrent
import TestSupport
import Testing

@testable import PeerWorker

@Suite struct LoopWatchTests {
    @Test func answeringLoopIsPingedOnceAHeartbeat() {
        var clock = FakeClock()
        var watch = LoopWatch(heartbeat: .seconds(1))
        #expect(watch.beat(answered: 0, now: clock.now) == 1)
        clock.advance(by: .milliseconds(500))
        #expect(watch.beat(answered: 1, now: clock.now) == nil)
        clock.advance(by: .milliseconds(500))
        #expect(watch.beat(answered: 1, now: clock.now) == 2)
        #expect(watch.isTurning(now: clock.now))
    }

    @Test func silentLoopCountsAsStuckAfterThreeHeartbeatsUntilItAnswers() {
        var clock = FakeClock()
        var watch = LoopWatch(heartbeat: .seconds(1))
        _ = watch.beat(answered: 0, now: clock.now)
        clock.advance(by: .milliseconds(2999))
        #expect(watch.beat(answered: 0, now: clock.now) == nil, "one question at a time")
        #expect(watch.isTurning(now: clock.now))
        clock.advance(by: .milliseconds(1))
        #expect(!watch.isTurning(now: clock.now))
        #expect(watch.beat(answered: 1, now: clock.now) == 2)
        #expect(watch.isTurning(now: clock.now))
    }
}
