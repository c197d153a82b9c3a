import BitTorrent

/// Owns whether the loop that holds the connections still turns, as seen from the message thread: a ping each heartbeat,
/// and how long one has gone without an answer. While the loop is stuck the message thread leaves the status page alone,
/// so that the supervisor sees the whole process as silent.
struct LoopWatch {
    /// Heartbeats without an answer until the loop counts as stuck.
    static let missedBeats = 3

    private let heartbeat: Duration
    private var lastPing: UInt64 = 0
    private var sentAt = MonotonicInstant.distantPast
    /// When the oldest ping without an answer was sent.
    private var unansweredSince: MonotonicInstant?

    init(heartbeat: Duration) { self.heartbeat = heartbeat }

    /// - Parameter answered: the newest ping that the loop has answered.
    /// - Returns: a ping to send now, if one is due.
    mutating func beat(answered: UInt64, now: MonotonicInstant) -> UInt64? {
        if answered == lastPing { unansweredSince = nil }
        guard unansweredSince == nil, now - sentAt >= heartbeat else { return nil }
        lastPing += 1
        sentAt = now
        unansweredSince = now
        return lastPing
    }

    func isTurning(now: MonotonicInstant) -> Bool {
        guard let unansweredSince else { return true }
        return now - unansweredSince < heartbeat * Self.missedBeats
    }
}
