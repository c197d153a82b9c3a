import BitTorrent
import PoolProtocol
import TestSupport
import Testing

/// A worker's status page and the supervisor's looks at it, once a heartbeat.
private struct Watch {
    var clock = FakeClock()
    var silence: Silence

    init(heartbeat: Duration = .seconds(1), hasSpoken: Bool = true) {
        silence = Silence(heartbeat: heartbeat, now: clock.now)
        if hasSpoken { silence.helloReceived(now: clock.now) }
    }

    mutating func look(
        after wait: Duration = .seconds(1), turn: UInt64, disk: DiskCall = .none, since: Duration = .zero
    ) -> Silence.Verdict {
        clock.advance(by: wait)
        let started = MonotonicInstant(nanoseconds: clock.now.nanoseconds - since.wholeNanoseconds)
        return silence.observed(turn: turn, diskCall: disk, diskCallStarted: started, now: clock.now)
    }
}

struct SilenceTests {
    @Test func loopThatTurnsIsAlive() {
        var watch = Watch()
        for turn in 1...20 { #expect(watch.look(turn: UInt64(turn)) == .alive) }
    }

    @Test func loopThatStandsStillForThreeBeatsIsSilent() {
        var watch = Watch()
        #expect(watch.look(turn: 5) == .alive)
        #expect(watch.look(turn: 5) == .alive)
        #expect(watch.look(turn: 5) == .alive)
        #expect(watch.look(turn: 5) == .silent)
    }

    @Test func oneTurnInThreeBeatsIsEnough() {
        var watch = Watch()
        for turn in 1...10 {
            for _ in 0..<3 { #expect(watch.look(turn: UInt64(turn)) == .alive) }
        }
    }

    @Test func workerIsNotBlamedForOurOwnLateness() {
        var watch = Watch()
        #expect(watch.look(turn: 5) == .alive)
        // We were stopped for a minute; the worker gets its three beats anew.
        #expect(watch.look(after: .seconds(60), turn: 5) == .alive)
        #expect(watch.look(turn: 5) == .alive)
        #expect(watch.look(turn: 5) == .alive)
        #expect(watch.look(turn: 5) == .silent)
    }

    @Test func slowDiskIsAWordAndNoSilence() {
        var watch = Watch()
        #expect(watch.look(turn: 1, disk: .write, since: .seconds(9)) == .alive)
        #expect(watch.look(turn: 2, disk: .write, since: .seconds(10)) == .diskIsSlow(.write, .seconds(10)))
        #expect(watch.look(turn: 3, disk: .sync, since: .seconds(3)) == .alive)
    }

    @Test func loopThatStandsStillWhileTheDiskIsSlowIsSilent() {
        var watch = Watch()
        for _ in 0..<3 { _ = watch.look(turn: 1, disk: .write, since: .seconds(30)) }
        #expect(watch.look(turn: 1, disk: .write, since: .seconds(30)) == .silent)
    }

    // MARK: The start

    @Test func whoIsStillLoadingIsGivenMuchLonger() {
        var watch = Watch(hasSpoken: false)
        for _ in 1...19 { #expect(watch.look(turn: 0) == .alive) }
        #expect(watch.look(turn: 0) == .neverSpoke)
    }

    /// A loop that turns and is not heard of is of no use.
    @Test func turnsBeforeHelloAreNoExcuse() {
        var watch = Watch(hasSpoken: false)
        for turn in 1...19 { #expect(watch.look(turn: UInt64(turn)) == .alive) }
        #expect(watch.look(turn: 20) == .neverSpoke)
    }

    @Test func theThreeBeatsBeginWithHello() {
        var watch = Watch(hasSpoken: false)
        for _ in 1...19 { _ = watch.look(turn: 0) }
        watch.silence.helloReceived(now: watch.clock.now)
        #expect(watch.look(turn: 0) == .alive)
        #expect(watch.look(turn: 0) == .alive)
        #expect(watch.look(turn: 0) == .silent)
    }

    @Test func aFastHeartbeatLeavesTimeToLoad() {
        var watch = Watch(heartbeat: .milliseconds(50), hasSpoken: false)
        for _ in 1...99 { #expect(watch.look(after: .milliseconds(50), turn: 0) == .alive) }
        #expect(watch.look(after: .milliseconds(50), turn: 0) == .neverSpoke)
    }

    @Test func ourOwnLatenessIsNotTakenFromTheTimeToLoad() {
        var watch = Watch(hasSpoken: false)
        for _ in 1...10 { _ = watch.look(turn: 0) }
        #expect(watch.look(after: .seconds(60), turn: 0) == .alive)
        for _ in 1...19 { #expect(watch.look(turn: 0) == .alive) }
        #expect(watch.look(turn: 0) == .neverSpoke)
    }

    // MARK: The page

    @Test func pageFieldsLieWithinThePage() {
        let offsets = [
            StatusPage.turnOffset, StatusPage.turnStartedOffset, StatusPage.diskCallOffset,
            StatusPage.diskCallStartedOffset, StatusPage.progressOffset, StatusPage.sentNewsOffset,
            StatusPage.receivedOrdersOffset, StatusPage.heldCountOffset, StatusPage.turnEndedOffset,
            StatusPage.handlerOffset, StatusPage.resentBlockCountOffset, StatusPage.usefulTimeOffset,
            StatusPage.trailCountOffset,
            StatusPage.sandboxOffset, StatusPage.sentMessagesOffset,
        ]
        #expect(Set(offsets).count == offsets.count)
        for offset in offsets { #expect(offset % 8 == 0 && offset + 8 <= StatusPage.turnTimesOffset) }
        #expect(StatusPage.turnTimesOffset + StatusPage.histogramByteCount <= StatusPage.syncTimesOffset)
        #expect(StatusPage.syncTimesOffset + StatusPage.histogramByteCount <= StatusPage.slowHandlersOffset)
        let lastHandler = LoopHandler.allCases.map(\.rawValue).max()!
        #expect(StatusPage.slowHandlersOffset + 16 * (Int(lastHandler) + 1) <= StatusPage.stackOffset)
        #expect(Set(LoopHandler.allCases.map(\.name)).count == LoopHandler.allCases.count)
        #expect(Set(DiskCall.allCases.map(\.name)).count == DiskCall.allCases.count)
    }
}
