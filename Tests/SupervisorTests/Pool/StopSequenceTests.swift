import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

struct StopSequenceTests {
    @Test func stepsFollowEachOther() {
        var clock = FakeClock()
        var stop = StopSequence(now: clock.now)
        for (step, next) in zip(StopSequence.Step.allCases, StopSequence.Step.allCases.dropFirst()) {
            #expect(stop.step == step)
            clock.advance(by: .milliseconds(10))
            #expect(stop.timerFired(now: clock.now) == nil)
            #expect(stop.completed(step, now: clock.now) == next)
        }
        #expect(stop.step == .done && stop.overran.isEmpty)
        #expect(stop.nextDeadline == .distantFuture)
        #expect(stop.completed(.done, now: clock.now) == nil)
    }

    @Test func lateWordOfAnEarlierStepChangesNothing() {
        var stop = StopSequence(now: .distantPast)
        _ = stop.completed(.draining, now: .distantPast)
        #expect(stop.completed(.draining, now: .distantPast) == nil)
        #expect(stop.completed(.finishing, now: .distantPast) == nil)
        #expect(stop.step == .savingPartials)
    }

    @Test func everyStepEndsAndAllOfThemWithinTenSeconds() {
        var clock = FakeClock()
        let start = clock.now
        var stop = StopSequence(now: start)
        while stop.step != .done {
            let step = stop.step
            clock.advance(to: stop.nextDeadline)
            #expect(stop.timerFired(now: clock.now) != nil)
            #expect(stop.overran.last == step)
        }
        #expect(clock.now - start < .seconds(10))
        #expect(stop.timerFired(now: clock.now + .seconds(99)) == nil)
    }

    @Test func timeThatAStepDidNotNeedIsNotAddedToTheNext() {
        var stop = StopSequence(now: .distantPast)
        _ = stop.completed(.draining, now: .distantPast + .milliseconds(100))
        #expect(stop.nextDeadline == .distantPast + .milliseconds(100) + StopSequence.Step.savingPartials.limit)
    }

    /// `stopped` may take its five seconds where the disk was quick, and two where it was not.
    @Test(arguments: [(Duration.milliseconds(50), Duration.seconds(5)), (.milliseconds(3500), .seconds(2))])
    func trackersGetWhatTheStepsBeforeLeft(taken: Duration, left: Duration) {
        var clock = FakeClock()
        var stop = StopSequence(now: clock.now)
        while stop.step != .sayingGoodbye {
            let step = stop.step
            clock.advance(by: min(taken, step.limit))
            #expect(stop.completed(step, now: clock.now) != nil)
        }
        #expect(stop.nextDeadline == clock.now + left)
    }
}
