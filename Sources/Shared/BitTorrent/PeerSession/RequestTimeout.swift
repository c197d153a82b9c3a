/// Learns how long one peer takes to answer a request, and from that how long is too long. Holds no deadline itself.
struct RequestTimeout {
    /// Before the first answer (a guess between libtorrent's 60 s and a user's patience).
    static let initial: Duration = .seconds(10)
    /// A peer may read from a sleeping disk or lose a few segments in a row.
    static let shortest: Duration = .seconds(5)
    /// However steadily a peer trickles, a block is not left to it for longer (libtorrent's `request_timeout`).
    static let longest: Duration = .seconds(60)

    /// Smoothed delay between request and last byte, in seconds; nil before the first answer.
    private var smoothed: Double?
    /// Smoothed distance from `smoothed`, in seconds.
    private var variation = 0.0

    /// For a request sent now. As TCP's retransmission timer (RFC 6298): four variations above the mean.
    var current: Duration {
        guard let smoothed else { return Self.initial }
        return min(max(.nanoseconds(Int64((smoothed + 4 * variation) * 1e9)), Self.shortest), Self.longest)
    }

    mutating func blockAnswered(delay: Duration) {
        let sample = min(max(0, delay.inSeconds), Self.longest.inSeconds)
        if let smoothed {
            variation += (abs(sample - smoothed) - variation) / 4
            self.smoothed = smoothed + (sample - smoothed) / 8
        } else {
            smoothed = sample
            variation = sample / 2
        }
    }

    /// The peer did not answer in time: the next request gets twice as long, so that a slow peer is not asked for ever
    /// in vain.
    mutating func deadlineMissed() {
        smoothed = min(current.inSeconds * 2, Self.longest.inSeconds)
        variation = 0
    }
}
