/// Measures bytes per second over the last few seconds. Time is an argument and may stand still, but not go back far.
package struct RateEstimator: Sendable {
    /// Nanoseconds of one bucket; a rate is at most this much out of date.
    private static let bucket: Int64 = 500_000_000
    private static let bucketCount = 8
    /// How far back a rate looks: long enough to level out single blocks, short enough to follow a line (a guess).
    package static let span: Duration = .seconds(4)

    /// Bytes of the last `bucketCount` buckets, the bucket number modulo `bucketCount` being the place.
    private var buckets = InlineArray<8, UInt64>(repeating: 0)
    /// Sum of all buckets.
    private var sum: UInt64 = 0
    /// Number of the newest bucket since the clock's start.
    private var newest: Int64
    /// When bytes began to flow after a silence longer than `span`.
    private var start: MonotonicInstant

    package init(now: MonotonicInstant) {
        start = now
        newest = Self.bucketNumber(now)
    }

    package mutating func add(byteCount: Int, now: MonotonicInstant) {
        advance(to: now)
        if sum == 0 { start = now }
        buckets[Int(newest % Int64(Self.bucketCount))] += UInt64(byteCount)
        sum += UInt64(byteCount)
    }

    /// Bytes per second over `span`, or since bytes began to flow while that is shorter (but at least one bucket, so
    /// that a first burst is not taken for a line's speed).
    package func bytesPerSecond(now: MonotonicInstant) -> Double {
        if Self.bucketNumber(now) > newest {
            var current = self
            current.advance(to: now)
            return current.bytesPerSecond(now: now)
        }
        guard sum > 0 else { return 0 }
        let covered = Self.bucket * Int64(Self.bucketCount - 1) + max(0, now.nanoseconds - newest * Self.bucket)
        let age = max(now.nanoseconds - start.nanoseconds, Self.bucket)
        return Double(sum) * 1e9 / Double(min(covered, age))
    }

    private static func bucketNumber(_ instant: MonotonicInstant) -> Int64 { instant.nanoseconds / bucket }

    /// Empties the buckets between the newest and `now`.
    private mutating func advance(to now: MonotonicInstant) {
        let number = Self.bucketNumber(now)
        guard number > newest else { return }
        if sum > 0 {
            let first = max(newest + 1, number - Int64(Self.bucketCount) + 1)
            for passed in first...number {
                let place = Int(passed % Int64(Self.bucketCount))
                sum -= buckets[place]
                buckets[place] = 0
            }
        }
        newest = number
    }
}
