import BitTorrent
import PoolProtocol
import TestSupport
import Testing

private struct Talk {
    var clock = FakeClock()
    var flood: Flood
    init() { flood = Flood(now: clock.now) }

    /// Frames with so many messages each, evenly over a while; ends early when it has become a flood.
    mutating func says(framesPerSecond: Int, messagesEach: Int, bytesEach: Int, seconds: Int) {
        for _ in 0..<framesPerSecond * seconds where !flood.isFlood {
            clock.advance(by: .nanoseconds(1_000_000_000 / framesPerSecond))
            flood.frameReceived(byteCount: bytesEach, now: clock.now)
            for _ in 0..<messagesEach { flood.messageReceived() }
        }
    }

    /// All at once.
    mutating func bursts(frames: Int, messagesEach: Int, bytesEach: Int) {
        for _ in 0..<frames {
            flood.frameReceived(byteCount: bytesEach, now: clock.now)
            for _ in 0..<messagesEach { flood.messageReceived() }
        }
    }
}

@Suite struct FloodTests {
    @Test func whatBusyWorkersSayIsNoFlood() {
        // A frame for each turn of a loop that never sleeps.
        var talk = Talk()
        talk.says(framesPerSecond: 20_000, messagesEach: 2, bytesEach: 100, seconds: 20)
        #expect(!talk.flood.isFlood)
        // A thousand peers' reports, twice a second.
        talk = Talk()
        talk.says(framesPerSecond: 2, messagesEach: 2, bytesEach: 30_000, seconds: 600)
        #expect(!talk.flood.isFlood)
        // Every block of 1 GB/s, each wanted by several workers.
        talk = Talk()
        talk.says(framesPerSecond: 5000, messagesEach: 12, bytesEach: 400, seconds: 20)
        #expect(!talk.flood.isFlood)
    }

    @Test func tooManyMessagesAreAFlood() {
        var talk = Talk()
        talk.says(framesPerSecond: 1000, messagesEach: 1000, bytesEach: 5000, seconds: 3)
        #expect(talk.flood.isFlood)
    }

    @Test func tooManyFramesAreAFloodEvenIfNothingIsInThem() {
        var talk = Talk()
        talk.says(framesPerSecond: 200_000, messagesEach: 0, bytesEach: 0, seconds: 12)
        #expect(talk.flood.isFlood)
    }

    @Test func tooManyBytesAreAFlood() {
        var talk = Talk()
        talk.says(framesPerSecond: 2000, messagesEach: 16, bytesEach: 48 << 10, seconds: 10)
        #expect(talk.flood.isFlood)
    }

    /// Sources of two million pieces, all at once for eight torrents, or what was said while we stood still.
    @Test func burstIsNoneUntilItIsSaidAgainAtOnce() {
        var talk = Talk()
        for _ in 0..<3 {
            talk.bursts(frames: 8 * 260, messagesEach: 16, bytesEach: 48 << 10)
            #expect(!talk.flood.isFlood)
            talk.clock.advance(by: .seconds(4))
        }
        for _ in 0..<4 { talk.bursts(frames: 8 * 260, messagesEach: 16, bytesEach: 48 << 10) }
        #expect(talk.flood.isFlood)
    }

    /// Steps that are too short to be counted alone: refills must not lose them.
    @Test func smallStepsOfTheClockAddUp() {
        var talk = Talk()
        talk.bursts(frames: 1, messagesEach: Flood.messagesPerSecond * Flood.seconds - 100, bytesEach: 1)
        talk.says(framesPerSecond: 90_000, messagesEach: 0, bytesEach: 1, seconds: 5)
        #expect(!talk.flood.isFlood)
        talk.says(framesPerSecond: 110_000, messagesEach: 0, bytesEach: 1, seconds: 10)
        #expect(talk.flood.isFlood)
    }
}
