package import BitTorrent

/// Owns when a worker counts as spinning although its loop turns: the loop's thread never rests, and nothing comes of it.
/// A loop that does not turn is found by `Silence`. Does not kill; the pool keeper does.
///
/// Only the loop's own thread is looked at, so that disk calls, re-checks and reads, which other threads do, are never
/// taken for it; and everything that came or went counts as work, so that peers who keep a worker busy cannot end it.
package struct Spinning {
    /// What one look finds, all since the process began.
    package struct Look {
        /// `StatusPage.workOffset`.
        package var work: UInt64
        /// Of the loop's thread, on a processor.
        package var ran: Duration
        /// Of the same, ready to run while others had the processors.
        package var waited: Duration

        package init(work: UInt64, ran: Duration, waited: Duration) {
            self.work = work
            self.ran = ran
            self.waited = waited
        }
    }

    /// Heartbeats, 10 s as a rule: what a loop does for one thing that came takes milliseconds, and a user who sees a
    /// standstill has not given up yet (a guess).
    package static let beats = 10
    /// However fast the heart beats: a start in a slow build may take a second of work.
    package static let shortestLimit: Duration = .seconds(2)
    /// Of 10: the share of the time in which the thread does not rest. The kernel counts by ticks, and we look late.
    private static let busyTenths = 9

    private let limit: Duration
    /// Since when all looks were alike.
    private var first: (look: Look, time: MonotonicInstant)?

    package init(heartbeat: Duration) { limit = max(heartbeat * Self.beats, Self.shortestLimit) }

    /// One look; call it every heartbeat.
    /// - Returns: for how long it has spun, when that is long enough; the next look begins anew.
    package mutating func observed(_ look: Look, now: MonotonicInstant) -> Duration? {
        guard let first, look.work == first.look.work else {
            first = (look, now)
            return nil
        }
        let elapsed = now - first.time
        let ran = look.ran - first.look.ran
        // A thread that has to wait for a processor rests as little as one that has it.
        guard ran + look.waited - first.look.waited >= elapsed * Self.busyTenths / 10 else {
            self.first = (look, now)
            return nil
        }
        // Only what it got itself is held against it: on a busy machine that takes longer.
        guard elapsed >= limit, ran >= limit * Self.busyTenths / 10 else { return nil }
        self.first = nil
        return elapsed
    }
}
