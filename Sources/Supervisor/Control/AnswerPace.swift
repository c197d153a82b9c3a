import BitTorrent

/// Owns how much of the loop's time answers may take: whoever asks without end gets his answers later, and the transfer
/// goes on. Time that an answer took is a debt that is paid off at a fixed share of the time that passes.
struct AnswerPace {
    /// A twentieth of the loop's time (chosen: a busy supervisor of a fast download uses a tenth of a core).
    static let share = 20
    /// Debt up to which the next answer is given at once: a `ps` of a thousand peers.
    static let allowance: Duration = .milliseconds(10)

    private var debt: Duration = .zero
    private var since: MonotonicInstant

    init(now: MonotonicInstant) { since = now }

    mutating func spent(_ duration: Duration, now: MonotonicInstant) {
        payOff(now: now)
        debt += duration
    }

    /// When the next answer may be given.
    var nextAllowed: MonotonicInstant {
        debt <= Self.allowance ? since : since + (debt - Self.allowance) * Self.share
    }

    private mutating func payOff(now: MonotonicInstant) {
        guard now > since else { return }
        debt = max(.zero, debt - (now - since) / Self.share)
        since = now
    }
}
