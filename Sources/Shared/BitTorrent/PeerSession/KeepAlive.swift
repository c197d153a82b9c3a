/// Owns when our side says "still here" on a quiet connection (BEP 3). Sends nothing itself.
struct KeepAlive {
    /// BEP 3 expects a message every two minutes; ten seconds are spare for a slow link (a guess).
    static let sendAfter: Duration = .seconds(110)

    /// Invariant: never later than the newest `now` seen.
    private var lastSent: MonotonicInstant

    init(now: MonotonicInstant) { lastSent = now }

    var nextDeadline: MonotonicInstant { lastSent + Self.sendAfter }

    mutating func messageSent(now: MonotonicInstant) { lastSent = now }

    /// Appends the message once it is due; sending it is `messageSent`.
    func timerFired(now: MonotonicInstant, into actions: inout [SessionAction]) {
        if now >= nextDeadline { actions.append(.send(.keepAlive)) }
    }
}
