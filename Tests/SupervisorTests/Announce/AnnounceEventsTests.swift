import BitTorrent
import Testing

@testable import Supervisor

/// `completed` and `stopped`: once per tracker that knows us, and in time.
struct AnnounceEventsTests {
    @Test func finishedDownloadTellsCompletedThenStopped() {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1)
        talk.seconds += 60
        #expect(talk.complete() == [talk.announce(2, "a", .completed)])
        #expect(talk.answer(2) == [])
        #expect(talk.complete() == [])
        #expect(talk.stop() == [talk.announce(3, "a", .stopped)])
        #expect(talk.answer(3) == [.stoppedDone])
        #expect(talk.timer == nil)
        #expect(talk.stop() == [])
        #expect(talk.wantMore() == [])
        #expect(talk.wait(100_000) == [])
    }

    @Test func completedReachesTheTrackerEvenIfTheTorrentEndsAtOnce() {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        #expect(talk.complete() == [], "started has no answer yet")
        #expect(talk.stop() == [])
        #expect(talk.answer(1) == [talk.announce(2, "a", .completed)])
        #expect(talk.answer(2) == [talk.announce(3, "a", .stopped)])
        #expect(talk.answer(3) == [.stoppedDone])
    }

    @Test func torrentThatWasCompleteAtStartTellsNoCompleted() {
        var talk = AnnounceConversation([["a"]])
        talk.counters.left = 0
        _ = talk.start()
        _ = talk.answer(1)
        #expect(talk.complete() == [])
        #expect(talk.stop() == [talk.announce(2, "a", .stopped)])
    }

    @Test func trackerThatMeetsUsCompleteHearsNoCompleted() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.fail(1)
        #expect(talk.complete() == [])
        #expect(try talk.waitForTimer() == [talk.announce(2, "a", .started)])
        #expect(talk.answer(2) == [])
        #expect(talk.stop() == [talk.announce(3, "a", .stopped)])
    }

    @Test func completedWaitsForTheAnswerOfARegularAnnounce() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1)
        _ = try talk.waitForTimer()
        #expect(talk.complete() == [])
        #expect(talk.answer(2) == [talk.announce(3, "a", .completed)])
    }

    @Test func lostCompletedIsSentAgainAfterTheBackOff() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1)
        _ = talk.complete()
        #expect(talk.fail(2) == [])
        #expect(try #require(talk.timer) >= 15)
        #expect(try talk.waitForTimer() == [talk.announce(3, "a", .completed)])
        #expect(talk.answer(3) == [])
        let answeredAt = talk.seconds
        #expect(try talk.waitForTimer() == [], "a is fresh")
        #expect(try talk.waitForTimer() == [talk.announce(4, "a", nil)])
        #expect(abs(talk.seconds - answeredAt - 1800) < 1e-6)
    }

    @Test func completedDoesNotMoveARegularAnnounceBelowTheInterval() throws {
        var talk = AnnounceConversation([["a"], ["b"]])
        _ = talk.start()
        _ = talk.answer(1)
        talk.seconds += 1799
        _ = talk.complete()
        _ = talk.answer(2)
        #expect(talk.wait(1) == [], "a is fresh, so neither a nor b is asked")
        #expect(talk.timer == 1799)
        #expect(try talk.waitForTimer() == [talk.announce(3, "a", nil)])
    }

    @Test func roundThatFindsCompletedOnItsWayGoesOnWithItsAnswer() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1)
        talk.seconds += 1799
        _ = talk.complete()
        #expect(talk.wait(1) == [])
        #expect(talk.answer(2) == [])
        #expect(talk.timer == 1800)
    }

    @Test func everyTrackerThatKnowsUsHearsBothEvents() {
        var talk = AnnounceConversation([["a"], ["b"], ["c"]])
        _ = talk.start()
        _ = talk.answer(1)
        _ = talk.wantMore()
        _ = talk.answer(2)
        #expect(talk.complete() == [talk.announce(3, "a", .completed), talk.announce(4, "b", .completed)])
        _ = talk.answer(3)
        _ = talk.answer(4)
        #expect(talk.stop() == [talk.announce(5, "a", .stopped), talk.announce(6, "b", .stopped)])
        #expect(talk.fail(5) == [])
        #expect(talk.answer(6) == [.stoppedDone])
    }

    @Test func stoppingCancelsARegularAnnounceAndWaitsForStarted() throws {
        var talk = AnnounceConversation([["a"], ["b"]])
        _ = talk.start()
        _ = talk.answer(1)
        _ = talk.wantMore()
        _ = talk.fail(2)
        talk.seconds += 1800
        #expect(talk.wait(0) == [talk.announce(3, "a", nil)])
        #expect(talk.wait(5) == [talk.announce(4, "b", .started)])
        #expect(talk.stop() == [talk.cancel(3), talk.announce(5, "a", .stopped)])
        #expect(talk.answer(5) == [])
        #expect(talk.timer == 1)
        #expect(talk.answer(4) == [talk.announce(6, "b", .stopped)])
        #expect(talk.answer(6) == [.stoppedDone])
    }

    @Test func trackerThatNeverAnsweredIsNotWaitedFor() {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.wait(5)
        #expect(talk.stop() == [talk.cancel(1), .stoppedDone])
    }

    @Test func stoppingBeforeAnAnswerToStartedStillTellsStopped() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        #expect(talk.stop() == [])
        #expect(talk.timer == 1)
        #expect(try talk.waitForTimer() == [talk.cancel(1), talk.announce(2, "a", .stopped)])
        #expect(talk.timer == 4)
        #expect(try talk.waitForTimer() == [talk.cancel(2), .stoppedDone])
    }

    @Test func stoppingTakesFiveSecondsAtMost() throws {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1)
        _ = talk.complete()
        #expect(talk.stop() == [], "completed has no answer yet")
        #expect(talk.wait(1) == [talk.cancel(2), talk.announce(3, "a", .stopped)])
        #expect(talk.wait(3.9) == [])
        #expect(talk.wait(0.1) == [talk.cancel(3), .stoppedDone])
        #expect(talk.answer(3) == [], "too late")
    }

    @Test func slowCompletedIsNotRepeatedWhenStopping() {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1)
        _ = talk.complete()
        _ = talk.wait(6)
        #expect(talk.stop() == [talk.cancel(2), talk.announce(3, "a", .stopped)])
    }

    @Test func failuresWhileStoppingEndItWithoutRetries() {
        var talk = AnnounceConversation([["a"]])
        _ = talk.start()
        _ = talk.answer(1)
        _ = talk.complete()
        _ = talk.stop()
        #expect(talk.fail(2) == [talk.announce(3, "a", .stopped)])
        #expect(talk.fail(3) == [.stoppedDone])
    }

    @Test func stoppedBeforeStartedIsDoneAtOnce() {
        var talk = AnnounceConversation([["a"]])
        #expect(talk.stop() == [.stoppedDone])
        #expect(talk.start() == [])
    }
}
