import BitTorrent
import PoolProtocol
import TestSupport
import Testing

/// A worker and the supervisor's looks at its loop's thread, once a heartbeat.
private struct Watch {
    var clock = FakeClock()
    var spinning: Spinning
    var look = Spinning.Look(useful: .zero, ran: .zero, waited: .zero)
    let heartbeat: Duration

    init(heartbeat: Duration = .seconds(1)) {
        self.heartbeat = heartbeat
        spinning = Spinning(heartbeat: heartbeat)
    }

    /// - Parameters: permille of the time since the last look.
    mutating func observe(
        ran: Int, waited: Int = 0, useful: Int = 0, after wait: Duration? = nil
    ) -> Spinning.Finding? {
        let wait = wait ?? heartbeat
        clock.advance(by: wait)
        look.ran += wait * ran / 1000
        look.waited += wait * waited / 1000
        look.useful += wait * useful / 1000
        return spinning.observed(look, now: clock.now)
    }

    /// The number of the first look that finds it spinning, of the first `count`.
    mutating func firstFind(within count: Int, ran: Int, waited: Int = 0, useful: Int = 0) -> Int? {
        (1...count).first { _ in observe(ran: ran, waited: waited, useful: useful) != nil }
    }
}

struct SpinningTests {
    @Test func threadThatNeverRestsForTenBeatsSpins() {
        var watch = Watch()
        _ = watch.observe(ran: 0)
        for _ in 1...9 { #expect(watch.observe(ran: 1000) == nil) }
        #expect(watch.observe(ran: 1000)?.duration == .seconds(10))
        // It is told once, and looked at anew.
        #expect(watch.firstFind(within: 20, ran: 1000) == 11)
    }

    @Test func whoMovesSomethingDoesNotSpin() {
        var watch = Watch()
        #expect(watch.firstFind(within: 1000, ran: 1000, useful: 210) == nil)
        // A single long turn does nobody harm either.
        for _ in 1...20 {
            for _ in 1...4 { #expect(watch.observe(ran: 1000) == nil) }
            #expect(watch.observe(ran: 1000, useful: 5000) == nil)
        }
    }

    @Test func anEventThatNobodyConsumesIsFoundBesideWork() {
        var watch = Watch()
        _ = watch.observe(ran: 900, useful: 900)
        for _ in 1...9 { #expect(watch.observe(ran: 1000, useful: 150) == nil) }
        let finding = watch.observe(ran: 1000, useful: 150)
        #expect(finding?.duration == .seconds(10) && finding?.useful == .milliseconds(1500))
    }

    /// A writer in a disk call, a hash-worker whose other threads re-check: the loop's thread rests.
    @Test func threadThatRestsDoesNotSpin() {
        var watch = Watch()
        #expect(watch.firstFind(within: 1000, ran: 850) == nil)
        #expect(watch.firstFind(within: 1000, ran: 0) == nil)
    }

    @Test func aRestBeginsTheTimeAnew() {
        var watch = Watch()
        for _ in 1...9 { #expect(watch.observe(ran: 1000) == nil) }
        for _ in 1...2 { #expect(watch.observe(ran: 0) == nil) }
        #expect(watch.firstFind(within: 20, ran: 1000) == 10)
    }

    /// With a tenth of a processor ten beats of work take a hundred.
    @Test func onABusyMachineOnlyWhatItGotIsHeldAgainstIt() {
        var watch = Watch()
        _ = watch.observe(ran: 0)
        #expect(watch.firstFind(within: 200, ran: 100, waited: 890) == 90)
    }

    @Test func threadThatOnlyWaitsForAProcessorIsNeverToBlame() {
        var watch = Watch()
        #expect(watch.firstFind(within: 10_000, ran: 0, waited: 1000) == nil)
    }

    @Test func aFastHeartbeatLeavesTwoSeconds() {
        var watch = Watch(heartbeat: .milliseconds(20))
        _ = watch.observe(ran: 0)
        #expect(watch.firstFind(within: 1000, ran: 1000) == 100)
    }

    /// All processes were stopped, or the machine slept.
    @Test func timeInWhichNobodyRanIsNoSpinning() {
        var watch = Watch()
        for _ in 1...9 { #expect(watch.observe(ran: 1000) == nil) }
        #expect(watch.observe(ran: 1, after: .seconds(60)) == nil)
        #expect(watch.firstFind(within: 9, ran: 1000) == nil)
    }
}
