import BitTorrent

/// Payload bytes of one torrent that went through this process since it began.
struct TransferTotals: Equatable {
    var downloadedByteCount: UInt64 = 0
    /// Payload that nobody had asked for, or that came twice.
    var wastedByteCount: UInt64 = 0
    var uploadedByteCount: UInt64 = 0
}

/// Owns when the supervisor gets a report of a torrent: every half second while anything moves, and a while longer, so
/// that it sees the rates fall to nothing.
struct ReportSchedule {
    static let interval: Duration = .milliseconds(500)
    /// Beyond the time that a rate looks back.
    static let tail: Duration = RateEstimator.span + .seconds(1)

    private var last = MonotonicInstant.distantPast
    private var movedAt = MonotonicInstant.distantPast
    private var seen = TransferTotals()
    /// Whether a report is to follow.
    private(set) var isDue = false

    /// A peer came or went.
    mutating func moved(now: MonotonicInstant) {
        movedAt = now
        isDue = true
    }

    /// - Parameter totals: at this moment; payload is seen by them.
    /// - Returns: whether to report now.
    mutating func ticked(_ totals: TransferTotals, now: MonotonicInstant) -> Bool {
        if totals != seen {
            seen = totals
            moved(now: now)
        }
        guard isDue, now - last >= Self.interval else { return false }
        last = now
        isDue = now - movedAt < Self.tail
        return true
    }
}
