package import BitTorrent

/// Owns when a worker counts as silent: it does not come to its first word in time, or its loop has not turned for three
/// heartbeats since, while our own loop was on time. Does not kill; the pool keeper does.
package struct Silence {
    package enum Verdict: Equatable {
        case alive
        /// No turn for too long.
        case silent
        /// It was started long ago and has not said hello.
        case neverSpoke
        /// The loop turns or waits, but the disk thread has been in one call for this long: worth a word, never a kill.
        case diskIsSlow(DiskCall, Duration)
    }

    /// Heartbeats without a turn until a worker is silent (the zguide's liveness of 3).
    package static let missedBeats = 3
    /// Heartbeats from a process's start to its hello: many more than afterwards, since it may still be loading, from a
    /// slow disk or under strace (a guess, as is the floor below; a cold start takes 0.1 s).
    package static let startBeats = 20
    /// However fast the heart beats.
    package static let shortestStart: Duration = .seconds(5)
    /// A disk call of this length is told to the user (a guess: longer than a disk that spins up).
    package static let slowDiskAfter: Duration = .seconds(10)

    private let heartbeat: Duration
    private var hasSpoken = false
    private var lastTurn: UInt64 = 0
    /// Of the loop's turns; before hello, of nothing but our own lateness.
    private var lastChange: MonotonicInstant
    private var lastCheck: MonotonicInstant

    /// - Parameter now: when the process was started.
    package init(heartbeat: Duration, now: MonotonicInstant) {
        self.heartbeat = heartbeat
        lastChange = now
        lastCheck = now
    }

    /// From its start to its hello.
    package var startLimit: Duration { max(heartbeat * Self.startBeats, Self.shortestStart) }

    package mutating func helloReceived(now: MonotonicInstant) {
        hasSpoken = true
        lastChange = now
    }

    /// Whether we were late for this look: stopped ourselves, or the machine slept.
    package func wasLate(now: MonotonicInstant) -> Bool { now - lastCheck > heartbeat * 2 }

    /// One look at the worker's status page; call it every heartbeat. Workers turn their loops at least that often.
    package mutating func observed(
        turn: UInt64, diskCall: DiskCall, diskCallStarted: MonotonicInstant, now: MonotonicInstant
    ) -> Verdict {
        // Our own loop was late (we were stopped, or the machine slept): the worker had no fair chance either.
        let weWereLate = wasLate(now: now)
        lastCheck = now
        guard hasSpoken else {
            if weWereLate { lastChange = now }
            return now - lastChange >= startLimit ? .neverSpoke : .alive
        }
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
