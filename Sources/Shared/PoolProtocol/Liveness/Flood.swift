package import BitTorrent

/// Owns whether one worker says more to the supervisor than a sound one ever does. What waits of its messages is bounded
/// by the connection; this bounds the time that they take from the others.
package struct Flood {
    /// Messages a second. Most are said by a hash-worker in the endgame, one for each block that several workers fetch:
    /// 60,000 at 1 GB/s.
    package static let messagesPerSecond = 100_000
    /// Bytes a second. Most are said by a peer-worker of a torrent with two million pieces: 12 MiB of source counts, then
    /// 1 MiB a second.
    package static let bytesPerSecond = 32 << 20
    /// Both are averages over so many seconds, so that a worker may say at once what it had to keep while we were stopped.
    package static let seconds = 10

    private var messageCredit = Flood.messagesPerSecond * Flood.seconds
    private var byteCredit = Flood.bytesPerSecond * Flood.seconds
    private var last: MonotonicInstant

    package init(now: MonotonicInstant) { last = now }

    /// Whether what came so far was too much.
    package var isFlood: Bool { messageCredit < 0 || byteCredit < 0 }

    /// A frame came; even an empty one costs as much as a message.
    package mutating func frameReceived(byteCount: Int, now: MonotonicInstant) {
        let elapsed = min(max(now - last, .zero), .seconds(Self.seconds)).wholeNanoseconds
        // So seldom that what is lost by rounding does not count.
        if elapsed >= 1_000_000 {
            last = now
            messageCredit = Self.refill(messageCredit, elapsed, Self.messagesPerSecond)
            byteCredit = Self.refill(byteCredit, elapsed, Self.bytesPerSecond)
        }
        messageCredit -= 1
        byteCredit -= byteCount
    }

    /// One of the messages in the frame.
    package mutating func messageReceived() { messageCredit -= 1 }

    private static func refill(_ credit: Int, _ nanoseconds: Int64, _ perSecond: Int) -> Int {
        min(perSecond * seconds, credit + Int(nanoseconds / 1000) * perSecond / 1_000_000)
    }
}
