package import BitTorrent

/// Owns when a worker counts as spinning although its loop turns: the loop's thread never rests, and next to nothing
/// comes of it. A loop that does not turn is found by `Silence`. Does not kill; the pool keeper does.
///
/// Only the loop's own thread is looked at, so that disk calls, re-checks and reads, which other threads do, are never
/// taken for it. Every turn in which anything came or went counts as useful from its beginning to its end, so that peers
/// who keep a worker busy cannot end it; an event that nobody consumes (an end of a stream that is reported again and
/// again) makes turns in which nothing came, and is found although other connections go on.
package struct Spinning {
    /// What one look finds, all since the process began.
    package struct Look {
        /// `StatusPage.usefulTimeOffset`.
        package var useful: Duration
        /// Of the loop's thread, on a processor.
        package var ran: Duration
        /// Of the same, ready to run while others had the processors.
        package var waited: Duration

        package init(useful: Duration, ran: Duration, waited: Duration) {
            self.useful = useful
            self.ran = ran
            self.waited = waited
        }
    }

    /// What was found.
    package struct Finding: Equatable {
        /// Since the thread last rested.
        package let duration: Duration
        /// Of it, in turns that moved something.
        package let useful: Duration
    }

    /// Heartbeats, 10 s as a rule: what a loop does for one thing that came takes milliseconds, and a user who sees a
    /// standstill has not given up yet (a guess).
    package static let beats = 10
    /// However fast the heart beats: a start in a slow build may take a second of work.
    package static let shortestLimit: Duration = .seconds(2)
    /// Of 10: the share of the time in which the thread does not rest. The kernel counts by ticks, and we look late.
    private static let busyTenths = 9
    /// Of 10: a loop that never rests and has work spends all its time in useful turns but for the calls between them,
    /// which take less than the reading that each turn brings.
    private static let usefulTenths = 2

    private let limit: Duration
    /// The look since which it has not rested, nor done much.
    private var first: (look: Look, time: MonotonicInstant)?

    package init(heartbeat: Duration) { limit = max(heartbeat * Self.beats, Self.shortestLimit) }

    /// One look; call it every heartbeat.
    /// - Returns: what it was, when it has spun for long enough; the next look begins anew.
    package mutating func observed(_ look: Look, now: MonotonicInstant) -> Finding? {
        guard let first else {
            first = (look, now)
            return nil
        }
        let elapsed = now - first.time
        let ran = look.ran - first.look.ran
        let useful = look.useful - first.look.useful
        // A thread that has to wait for a processor rests as little as one that has it.
        let isBusy = ran + look.waited - first.look.waited >= elapsed * Self.busyTenths / 10
        guard isBusy, useful <= elapsed * Self.usefulTenths / 10 else {
            self.first = (look, now)
            return nil
        }
        // Only what it got itself is held against it: on a busy machine that takes longer.
        guard elapsed >= limit, ran >= limit * Self.busyTenths / 10 else { return nil }
        self.first = nil
        return Finding(duration: elapsed, useful: max(.zero, useful))
    }
}
