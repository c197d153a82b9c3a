import BitTorrent

/// Owns how much of the loop's time answers may take: whoever asks without end gets his answers later, and the transfer
/// goes on. CPU time that an answer took is a debt that is paid off at a fixed share of the time that passes. Each client has
/// one, so that a greedy one delays nobody else, and all clients together have one.
struct AnswerPace {
    /// Of the loop's time for one client, and for all of a server (chosen: a busy supervisor of a fast download uses a
    /// tenth of a core).
    static let shareOfOne = 40
    static let shareOfAll = 10
    /// Debt up to which the next answer is given at once: a `ps` of a thousand peers.
    static let allowance: Duration = .milliseconds(10)

    /// One part in so many of the time that passes.
    private let share: Int
    private var debt: Duration = .zero
    private var since: MonotonicInstant

    init(share: Int, now: MonotonicInstant) {
        self.share = share
        since = now
    }

    mutating func spent(_ duration: Duration, now: MonotonicInstant) {
        payOff(now: now)
        debt += duration
    }

    /// When the next answer may be given.
    var nextAllowed: MonotonicInstant {
        debt <= Self.allowance ? since : since + (debt - Self.allowance) * share
    }

    private mutating func payOff(now: MonotonicInstant) {
        guard now > since else { return }
        debt = max(.zero, debt - (now - since) / share)
        since = now
    }
}
