import BitTorrent

/// Owns how many bytes may go one way now: a token bucket. Bytes are counted when they have gone, so it may be overdrawn
/// by one read or one block, which is paid back before anything else goes.
struct RateBucket {
    /// What may gather while nothing goes: short enough that a second sees no more than its share and a tenth.
    static let burst: Duration = .milliseconds(100)

    /// What has to gather before more may go: else every block would have a wake-up of its own.
    static let slice: Duration = .milliseconds(10)

    /// Bytes a second; nil: no limit.
    private(set) var bytesPerSecond: UInt64?
    /// Below zero: overdrawn.
    private var credit: Int64 = 0
    private var last = MonotonicInstant.distantPast

    mutating func setLimit(_ limit: UInt64?, now: MonotonicInstant) {
        refill(now: now)
        if bytesPerSecond == nil { last = now }
        bytesPerSecond = limit.map { max(1, $0) }
        credit = min(credit, largest)
    }

    /// - Returns: nil when bytes may go, else the moment from which on they may.
    mutating func nextAllowed(now: MonotonicInstant) -> MonotonicInstant? {
        guard let bytesPerSecond else { return nil }
        refill(now: now)
        guard credit <= 0 else { return nil }
        let slice = max(1, Double(bytesPerSecond) * Self.slice.inSeconds)
        let nanoseconds = ((slice - Double(credit)) / Double(bytesPerSecond) * 1e9).rounded(.up)
        return now + .nanoseconds(Int64(min(nanoseconds, 3.6e12)))
    }

    mutating func spend(_ byteCount: Int) {
        if bytesPerSecond != nil { credit -= Int64(byteCount) }
    }

    private var largest: Int64 {
        guard let bytesPerSecond else { return 0 }
        return max(1, Int64(Double(bytesPerSecond) * Self.burst.inSeconds))
    }

    private mutating func refill(now: MonotonicInstant) {
        guard let bytesPerSecond, now > last else { return }
        let seconds = Double((now - last).wholeNanoseconds) / 1e9
        let earned = Double(bytesPerSecond) * min(seconds, 3600)
        // What is less than a byte stays in the clock.
        guard earned >= 1 else { return }
        let whole = earned.rounded(.down)
        last =
            earned == whole || seconds >= 3600 ? now : last + .nanoseconds(Int64(whole / Double(bytesPerSecond) * 1e9))
        credit = min(largest, credit + Int64(whole))
    }
}
