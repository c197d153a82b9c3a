import BitTorrent

/// Owns when progress is due to a reader: at once, and then after every interval; never in a burst after a pause.
struct ProgressPace {
    /// nil: this reader wants no progress.
    let interval: Duration?
    private var next = MonotonicInstant.distantPast

    init(every interval: Duration?) { self.interval = interval }

    var nextDeadline: MonotonicInstant { interval == nil ? .distantFuture : next }

    /// - Returns: whether progress is to be shown now; the next interval begins.
    mutating func isDue(now: MonotonicInstant) -> Bool {
        guard let interval, now >= next else { return false }
        next = now + interval
        return true
    }
}
