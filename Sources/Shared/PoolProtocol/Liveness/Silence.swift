package import BitTorrent

/// Owns when a worker counts as silent: its loop has not turned for three heartbeats while our own loop was on time.
/// Does not kill; the pool keeper does.
package struct Silence {
    package enum Verdict: Equatable {
        case alive
        /// No turn for too long.
        case silent
        /// The loop turns or waits, but the disk thread has been in one call for this long: worth a word, never a kill.
        case diskIsSlow(DiskCall, Duration)
    }

    /// Heartbeats without a turn until a worker is silent (the zguide's liveness of 3).
    package static let missedBeats = 3
    /// A disk call of this length is told to the user (a guess: longer than a disk that spins up).
    package static let slowDiskAfter: Duration = .seconds(10)

    private let heartbeat: Duration
    private var lastTurn: UInt64 = 0
    private var lastChange: MonotonicInstant
    private var lastCheck: MonotonicInstant

    package init(heartbeat: Duration, now: MonotonicInstant) {
        self.heartbeat = heartbeat
        lastChange = now
        lastCheck = now
    }

    /// One look at the worker's status page; call it every heartbeat. Workers turn their loops at least that often.
    package mutating func observed(
        turn: UInt64, diskCall: DiskCall, diskCallStarted: MonotonicInstant, now: MonotonicInstant
    ) -> Verdict {
        // Our own loop was late (we were stopped, or the machine slept): the worker had no fair chance either.
        let weWereLate = now - lastCheck > heartbeat * 2
        lastCheck = now
        if turn != lastTurn || weWereLate {
            lastTurn = turn
            lastChange = now
        }
        if now - lastChange >= heartbeat * Self.missedBeats { return .silent }
        if diskCall != .none, now - diskCallStarted >= Self.slowDiskAfter {
            return .diskIsSlow(diskCall, now - diskCallStarted)
        }
        return .alive
    }
}
