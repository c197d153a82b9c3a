import TestSupport
import Testing

@testable import BitTorrent

@Suite struct RequestWindowTests {
    private let mebibyte = 1_048_576.0
    private var clock = FakeClock()

    /// Answers so many blocks, spread evenly over the time.
    private mutating func answer(_ count: Int, over duration: Duration, _ window: inout RequestWindow) {
        for _ in 0..<count {
            clock.advance(by: duration / count)
            window.blockAnswered(now: clock.now)
        }
    }

    /// A window that has left the doubling behind, with the given round trip.
    private mutating func measured(roundTrip: Duration, peerLimit: Int = 2000) -> RequestWindow {
        var window = RequestWindow()
        window.peerLimitReceived(peerLimit)
        window.firstByteReceived(sentAt: clock.now, now: clock.now + roundTrip)
        answer(10, over: .seconds(2), &window)
        return window
    }

    @Test func aFastPeerReachesHundredsInAFewRoundTrips() {
        var test = self
        var window = RequestWindow()
        window.peerLimitReceived(2000)
        #expect(window.limit(bytesPerSecond: 0) == 16)
        for _ in 0..<5 { test.answer(window.limit(bytesPerSecond: 0), over: .milliseconds(10), &window) }
        #expect(window.limit(bytesPerSecond: 0) == 512)
    }

    @Test func aMeasuredPeerGetsRateTimesDelay() {
        var test = self
        let window = test.measured(roundTrip: .milliseconds(500))
        // 1 MiB/s over 1.5 s is 96 blocks.
        #expect(window.limit(bytesPerSecond: mebibyte) == 96)
        #expect(window.limit(bytesPerSecond: 1024) == RequestWindow.smallest)
        #expect(window.limit(bytesPerSecond: 0) == RequestWindow.smallest)
        #expect(window.limit(bytesPerSecond: 1e12) == 2000)
    }

    @Test func aSlowPeerIsNotTakenForADistantOne() {
        var test = self
        let window = test.measured(roundTrip: .seconds(100))
        #expect(window.limit(bytesPerSecond: mebibyte) == 64 * 5)
    }

    @Test func theSmallestRoundTripCounts() {
        var test = self
        var window = test.measured(roundTrip: .zero)
        window.firstByteReceived(sentAt: test.clock.now, now: test.clock.now + .seconds(3))
        #expect(window.limit(bytesPerSecond: mebibyte) == 64)
    }

    @Test func thePeersQueueIsNeverOverrun() {
        for peerLimit in [1, 5, 250, 100_000] {
            var test = self
            var window = RequestWindow()
            window.peerLimitReceived(peerLimit)
            for _ in 0..<3000 {
                test.answer(1, over: .microseconds(100), &window)
                #expect(window.limit(bytesPerSecond: 1e12) <= min(peerLimit, RequestWindow.maximum))
            }
        }
    }

    @Test func aPeerThatDoesNotTellIsTakenToQueueTheUsual() {
        var test = self
        var window = RequestWindow()
        test.answer(1000, over: .milliseconds(100), &window)
        #expect(window.limit(bytesPerSecond: 1e12) == 250)
    }

    @Test func anEmptyPipelineStartsAgainWithTheInitialWindow() {
        var test = self
        var window = test.measured(roundTrip: .zero)
        window.pipelineRefilled(bytesPerSecond: 0)
        #expect(window.limit(bytesPerSecond: 0) == RequestWindow.initial)
        window = test.measured(roundTrip: .zero)
        window.pipelineRefilled(bytesPerSecond: mebibyte)
        #expect(window.limit(bytesPerSecond: 0) == 64)
    }

    @Test func aSilentPeerGetsNothingAndThenStartsSmall() {
        var test = self
        var window = test.measured(roundTrip: .zero)
        window.peerFellSilent()
        #expect(window.isPeerSilent)
        #expect(window.limit(bytesPerSecond: mebibyte) == 0)
        window.pipelineRefilled(bytesPerSecond: mebibyte)
        #expect(window.limit(bytesPerSecond: mebibyte) == 0)
        test.answer(1, over: .milliseconds(1), &window)
        #expect(!window.isPeerSilent)
        #expect(window.limit(bytesPerSecond: 0) == RequestWindow.smallest)
        test.answer(100, over: .milliseconds(100), &window)
        #expect(window.limit(bytesPerSecond: 0) == RequestWindow.smallest + 100)
    }

    @Test func aLostRequestLowersTheWindowOncePerWindow() {
        var test = self
        var window = test.measured(roundTrip: .zero)
        let sent = test.clock.now
        test.clock.advance(by: .seconds(10))
        for queued in [80, 70, 60] { window.requestLost(sentAt: sent, queued: queued, now: test.clock.now) }
        #expect(window.limit(bytesPerSecond: 1e12) == 60)
        let later = test.clock.now + .milliseconds(1)
        test.answer(1000, over: .seconds(14), &window)
        #expect(window.limit(bytesPerSecond: 1e12) == 60)
        for _ in 0..<5 { window.requestLost(sentAt: later, queued: 8, now: test.clock.now) }
        #expect(window.limit(bytesPerSecond: 1e12) == RequestWindow.initial)
    }

    @Test func aLoweredWindowGrowsBackByEighthsWithTime() {
        var test = self
        var window = test.measured(roundTrip: .zero)
        window.requestLost(sentAt: test.clock.now, queued: 80, now: test.clock.now)
        test.answer(1000, over: .seconds(15), &window)
        #expect(window.limit(bytesPerSecond: 1e12) == 67)
        test.answer(1000, over: .seconds(600), &window)
        #expect(window.limit(bytesPerSecond: 1e12) == RequestWindow.maximum)
    }
}

@Suite struct RequestTimeoutTests {
    private let start = FakeClock().now

    private func current(_ timeout: RequestTimeout) -> Duration { timeout.after(start) - start }

    @Test func aNewPeerGetsTenSeconds() {
        #expect(current(RequestTimeout()) == .seconds(10))
    }

    @Test func aFastPeerGetsTheShortestAndASlowOneMore() {
        var fast = RequestTimeout()
        var slow = RequestTimeout()
        for _ in 0..<100 {
            fast.blockAnswered(sentAt: start, now: start + .milliseconds(3))
            slow.blockAnswered(sentAt: start, now: start + .seconds(20))
        }
        #expect(current(fast) == RequestTimeout.shortest)
        #expect(current(slow) > .seconds(19) && current(slow) < .seconds(21))
    }

    @Test func anUnsteadyPeerGetsMoreThanASteadyOne() {
        var unsteady = RequestTimeout()
        for index in 0..<100 {
            unsteady.blockAnswered(sentAt: start, now: start + .seconds(index % 2 == 0 ? 2 : 18))
        }
        #expect(current(unsteady) > .seconds(20))
        #expect(current(unsteady) <= RequestTimeout.longest)
    }

    @Test func eachMissDoublesUpToTheLongest() {
        var timeout = RequestTimeout()
        let limits: [Duration] = (0..<5).map { _ in
            timeout.deadlineMissed()
            return current(timeout)
        }
        #expect(limits == [.seconds(20), .seconds(40), .seconds(60), .seconds(60), .seconds(60)])
    }
}

@Suite struct RateEstimatorTests {
    private var clock = FakeClock()

    @Test func aSteadyStreamIsMeasuredFromTheFirstSecondOn() {
        var test = self
        var rate = RateEstimator(now: test.clock.now)
        test.clock.advance(by: .seconds(60))
        for step in 1...1000 {
            test.clock.advance(by: .milliseconds(10))
            rate.add(byteCount: 1000, now: test.clock.now)
            if step >= 100 { #expect(abs(rate.bytesPerSecond(now: test.clock.now) - 100_000) < 15_000) }
        }
    }

    @Test func silenceFadesWithinTheSpan() {
        var test = self
        var rate = RateEstimator(now: test.clock.now)
        rate.add(byteCount: 1_000_000, now: test.clock.now)
        #expect(rate.bytesPerSecond(now: test.clock.now) > 0)
        test.clock.advance(by: RateEstimator.span)
        #expect(rate.bytesPerSecond(now: test.clock.now) == 0)
        rate.add(byteCount: 100, now: test.clock.now + .seconds(1_000_000))
        #expect(rate.bytesPerSecond(now: test.clock.now + .seconds(1_000_000)) == 200)
    }

    @Test func aClockThatStandsStillOrStumblesDoesNoHarm() {
        var test = self
        var rate = RateEstimator(now: test.clock.now)
        test.clock.advance(by: .seconds(1))
        for _ in 0..<100 { rate.add(byteCount: 10, now: test.clock.now) }
        rate.add(byteCount: 10, now: .distantPast)
        #expect(rate.bytesPerSecond(now: test.clock.now) == 2020)
    }
}
