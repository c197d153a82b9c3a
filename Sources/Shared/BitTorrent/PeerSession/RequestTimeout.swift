/// Learns how long one peer takes to answer a request, and from that how long is too long. Holds no deadline itself.
/// Counts in nanoseconds, since it is asked for every block.
struct RequestTimeout {
    /// Before the first answer (a guess between libtorrent's 60 s and a user's patience).
    static let initial: Duration = .seconds(10)
    /// A peer may read from a sleeping disk or lose a few segments in a row.
    static let shortest: Duration = .seconds(5)
    /// However steadily a peer trickles, a block is not left to it for longer (libtorrent's `request_timeout`).
    static let longest: Duration = .seconds(60)

    private static let bounds = Double(shortest.wholeNanoseconds)...Double(longest.wholeNanoseconds)
    private static let longestNanoseconds = longest.wholeNanoseconds

    /// Smoothed nanoseconds between request and last byte; nil before the first answer.
    private var smoothed: Double?
    /// Smoothed distance from `smoothed`, in nanoseconds.
    private var variation = 0.0
    /// Nanoseconds, within `bounds`.
    private var current = initial.wholeNanoseconds

    /// When a request sent at this moment, or one that made progress then, has waited too long.
    func after(_ instant: MonotonicInstant) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: instant.nanoseconds &+ current)
    }

    /// When a request has waited too long whatever progress it makes.
    static func latest(for sentAt: MonotonicInstant) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: sentAt.nanoseconds &+ longestNanoseconds)
    }

    /// Learns as TCP's retransmission timer does (RFC 6298): the limit is four variations above the mean.
    mutating func blockAnswered(sentAt: MonotonicInstant, now: MonotonicInstant) {
        let sample = min(max(0, Double(now.nanoseconds &- sentAt.nanoseconds)), Self.bounds.upperBound)
        if let smoothed {
            variation += (abs(sample - smoothed) - variation) / 4
            self.smoothed = smoothed + (sample - smoothed) / 8
        } else {
            smoothed = sample
            variation = sample / 2
        }
        update()
    }

    /// The peer did not answer in time: the next request gets twice as long, so that a slow peer is not asked for ever
    /// in vain.
    mutating func deadlineMissed() {
        smoothed = Double(current) * 2
        variation = 0
        update()
    }

    private mutating func update() {
        guard let smoothed else { return }
        current = Int64(min(max(smoothed + 4 * variation, Self.bounds.lowerBound), Self.bounds.upperBound))
    }
}
