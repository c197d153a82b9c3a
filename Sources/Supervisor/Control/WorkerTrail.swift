import BitTorrent
import PoolProtocol

/// The last events of a worker, which it wrote down itself: nothing in them is believed but that they are numbers.
struct WorkerTrail {
    /// Oldest first.
    let records: [TrailRecord]
    let now: MonotonicInstant

    init(_ records: [TrailRecord], now: MonotonicInstant) {
        // What is said to be of the future is nonsense of a page that was overwritten.
        self.records = records.filter { $0.time <= now }
        self.now = now
    }

    /// For the log, with the time before `now`.
    var lines: [String] { records.map { "  \(Self.age(now - $0.time)) ago  \($0.text)" } }

    /// The last of them, as `where` shows them.
    var entries: [EventRing.Entry] {
        records.suffix(EventRing.capacity).map { EventRing.Entry(time: $0.time, text: $0.text) }
    }

    /// To the microsecond, since a crash comes shortly after its cause.
    private static func age(_ duration: Duration) -> String {
        let microseconds = max(0, duration.wholeNanoseconds / 1000)
        let fraction = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction + "s"
    }
}
