package import BitTorrent

/// A clock that moves only when a test says so.
package struct FakeClock {
    package private(set) var now: MonotonicInstant

    /// Starts an hour after the machine's own zero, so that differences with `.distantPast` are real.
    package init() { now = .distantPast + .seconds(3600) }

    package mutating func advance(by duration: Duration) { now = now + duration }

    /// Does nothing when the moment has passed.
    package mutating func advance(to instant: MonotonicInstant) { now = max(now, instant) }
}
