import BitTorrent
import Testing

@testable import Supervisor

struct AnnounceScheduleTests {
    private let halfHour = AnnounceResponse(interval: .seconds(1800))

    @Test func startedOnceThenRegularAnnouncesWithTrueCounters() throws {
        var talk = AnnounceConversation([["a"]])
        #expect(talk.start() == [talk.announce(1, "a", .started)])
        #expect(talk.start() == [])
        talk.seconds += 1
        #expect(talk.answer(1, halfHour) == [])
        talk.counters = TransferCounters(uploaded: 5, downloaded: 400, left: 600)
        #expect(talk.timer == 1800)
        #expect(talk.wait(1799.9) == [])
        #expect(talk.wait(0.1) == [talk.announce(2, "a", nil)])
    }

    @Test func peersAndWarningsAreHandedOnAndAWarningIsToldOnce() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        let peer = PeerAddress(v4: 0xC000_0201, port: 6881)
        let response = AnnounceResponse(
            interval: .seconds(600), warning: "old client", complete: 2, incomplete: 3, peers: [peer],
            oddities: [.unusablePeers(count: 1)])
        #expect(talk.answer(1, response) == [.peersFound([peer], from: talk.tracker("a"))])
        let answered = TrackerNotice.answered(SwarmCounts(seeders: 2, leechers: 3), peers: 1)
        #expect(talk.notices == [.warning("old client; 1 peers have no usable address"), answered])
        _ = try talk.waitForTimer()
        _ = talk.answer(2, response)
        #expect(talk.notices.dropFirst(2) == [answered])
    }

    @Test func trackerIDIsReturned() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1, AnnounceResponse(interval: .seconds(600), trackerID: [1, 2]))
        #expect(try talk.waitForTimer() == [talk.announce(2, "a", nil, trackerID: [1, 2])])
        _ = talk.answer(2, AnnounceResponse(interval: .seconds(600)))
        #expect(try talk.waitForTimer() == [talk.announce(3, "a", nil, trackerID: [1, 2])])
    }

    @Test func longerMinimumIntervalBeatsTheInterval() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1, AnnounceResponse(interval: .seconds(60), minInterval: .seconds(300)))
        #expect(talk.timer == 300)
    }

    @Test func deadTrackerIsFollowedByTheNextOfItsTierAndThenTheNextTier() throws {
        var talk = AnnounceConversation([["a"], ["b"], ["c"]])
        #expect(talk.start() == [talk.announce(1, "a", .started)])
        #expect(talk.fail(1) == [talk.announce(2, "b", .started)])
        #expect(talk.fail(2) == [talk.announce(3, "c", .started)])
        #expect(talk.answer(3, halfHour) == [])
        #expect(talk.timer == 1800)
        // BEP 12: the next announce repeats in the same order.
        #expect(try talk.waitForTimer() == [talk.announce(4, "a", .started)])
        #expect(talk.answer(4, halfHour) == [])
        #expect(try talk.waitForTimer() == [talk.announce(5, "a", nil)])
    }

    @Test func trackerThatAnsweredLeadsItsTierFromThenOn() throws {
        var talk = AnnounceConversation([["a", "b"]])
        func tracker(_ actions: [AnnounceAction]) throws -> TrackerURL {
            guard case .announce(_, let tracker, _)? = actions.first else { throw AnnounceError.notAnAnswer }
            return tracker
        }
        let first = try tracker(talk.start())
        let second = try tracker(talk.fail(1))
        #expect(first != second)
        _ = talk.answer(2, halfHour)
        let third = try tracker(talk.waitForTimer())
        #expect(third == second)
    }

    @Test func silentTrackerDoesNotHoldUpTheNext() throws {
        var talk = AnnounceConversation([["a"], ["b"]])
        _ = talk.start()
        #expect(talk.timer == 5)
        #expect(try talk.waitForTimer() == [talk.announce(2, "b", .started)])
        let peer = PeerAddress(v4: 0x7F00_0001, port: 1)
        #expect(talk.answer(2, AnnounceResponse(interval: .seconds(900), peers: [peer])).count == 1)
        // The late answer is used, and its tracker is the first of the next round.
        talk.seconds += 10
        #expect(talk.answer(1, AnnounceResponse(interval: .seconds(600), peers: [peer])).count == 1)
        #expect(talk.timer == 600)
        #expect(try talk.waitForTimer() == [talk.announce(3, "a", nil)])
    }

    @Test func whenAllFailTheBackOffGrowsToHalfAnHour() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        var delays: [Double] = []
        for id in 1...12 as ClosedRange<UInt64> {
            #expect(talk.fail(id) == [])
            delays.append(try #require(talk.timer))
            #expect(try talk.waitForTimer() == [talk.announce(id + 1, "a", .started)])
        }
        for (index, delay) in delays.enumerated() {
            let full = min(1800, 20 * Double(1 << index))
            #expect((full * 0.75...full).contains(delay), "failure \(index + 1)")
        }
        #expect(Set(delays.suffix(4)).count == 4, "delays without jitter")
        _ = talk.answer(13, halfHour)
        _ = try talk.waitForTimer()
        _ = talk.fail(14)
        #expect(try #require(talk.timer) <= 20)
    }

    @Test func trackerThatAsksForPeaceGetsIt() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.fail(1, .refused(reason: "busy", retry: .after(.seconds(7200))))
        #expect(talk.timer == 7200)
        _ = try talk.waitForTimer()
        _ = talk.fail(2, .refused(reason: "gone", retry: .never))
        #expect(talk.timer == nil)
        #expect(talk.notices.last == .failed(.refused(reason: "gone", retry: .never), retryAfter: nil))
        #expect(talk.wantMore() == [])
        #expect(talk.schedule.everyTrackerAnsweredOrFailed(since: .distantFuture))
        #expect(talk.stop() == [.stoppedDone])
    }

    @Test func morePeersObeyTheMinimumIntervalAndReachLaterTiers() throws {
        var talk = AnnounceConversation([["a"], ["b"]])
        _ = talk.start()
        #expect(talk.wantMore() == [], "an announce is on its way")
        _ = talk.answer(1, AnnounceResponse(interval: .seconds(1800), minInterval: .seconds(60)))
        #expect(talk.wantMore() == [talk.announce(2, "b", .started)])
        _ = talk.answer(2, AnnounceResponse(interval: .seconds(1800)))
        #expect(talk.wantMore() == [])
        talk.seconds += 59
        #expect(talk.wantMore() == [])
        talk.seconds += 1
        #expect(talk.wantMore() == [talk.announce(3, "a", nil)])
        _ = talk.answer(3, AnnounceResponse(interval: .seconds(1800), minInterval: .seconds(1800)))
        // A tracker that gives no minimum is left alone for two minutes.
        talk.seconds += 59
        #expect(talk.wantMore() == [])
        talk.seconds += 1
        #expect(talk.wantMore() == [talk.announce(4, "b", nil)])
    }

    @Test func failedSearchDoesNotBringTheRegularAnnounceForward() throws {
        var talk = AnnounceConversation([["a"], ["b"]])
        _ = talk.start()
        _ = talk.answer(1, halfHour)
        #expect(talk.wantMore() == [talk.announce(2, "b", .started)])
        _ = talk.fail(2)
        #expect(talk.timer == 1800)
        #expect(talk.wantMore() == [], "back-off")
    }

    @Test func udpTrackersAreAskedLikeOthers() throws {
        var talk = AnnounceConversation([["udp://u:1/announce"], ["a"]])
        let tracker = try TrackerURL("udp://u:1/announce")
        let request = AnnounceRequest(
            identity: AnnounceConversation.identity, counters: talk.counters, event: .started, peersWanted: 80)
        #expect(talk.start() == [.announce(AnnounceID(number: 1), tracker, request)])
        #expect(talk.fail(1) == [talk.announce(2, "a", .started)])
        #expect(talk.answer(2) == [])
        #expect(talk.schedule.everyTrackerAnsweredOrFailed(since: .distantPast))
    }

    @Test func noTrackerAtAllIsNoTrouble() {
        var talk = AnnounceConversation([])
        #expect(talk.start() == [])
        #expect(talk.timer == nil)
        #expect(talk.schedule.everyTrackerAnsweredOrFailed(since: talk.now))
        #expect(talk.stop() == [.stoppedDone])
    }

    @Test func everyTrackerMustAnswerOrFailAfterTheLastNewAddress() {
        var talk = AnnounceConversation([["a"], ["b"]])
        _ = talk.start()
        let opened = talk.now
        talk.seconds += 1
        _ = talk.fail(1)
        #expect(!talk.schedule.everyTrackerAnsweredOrFailed(since: opened))
        _ = talk.answer(2)
        #expect(talk.schedule.everyTrackerAnsweredOrFailed(since: talk.now))
        #expect(!talk.schedule.everyTrackerAnsweredOrFailed(since: talk.now + .seconds(1)))
    }

    @Test func answersToForgottenOrUnknownAnnouncesAreIgnored() {
        var talk = AnnounceConversation([["a"]])
        #expect(talk.answer(1) == [])
        _ = talk.start()
        _ = talk.answer(1)
        #expect(talk.answer(1) == [])
        #expect(talk.fail(1) == [])
        #expect(talk.fail(9) == [])
    }
}
