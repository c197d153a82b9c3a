import BitTorrent

/// How long something took each time, in buckets whose bounds grow with the value (four to each doubling, so that a
/// percentile is at most a quarter too high). Adding costs one count; nothing is ever forgotten.
package struct TimeHistogram: Equatable, Sendable {
    /// From 1 µs up to 33 s; the last one holds all that is longer.
    package static let bucketCount = 96

    package private(set) var counts: [UInt64]
    /// The longest time, and all of them together, in nanoseconds.
    package private(set) var longestNanoseconds: UInt64
    package private(set) var totalNanoseconds: UInt64

    package init() {
        self.init(
            counts: [UInt64](repeating: 0, count: Self.bucketCount), longestNanoseconds: 0, totalNanoseconds: 0)
    }

    /// - Precondition: `counts` has `bucketCount` elements.
    package init(counts: [UInt64], longestNanoseconds: UInt64, totalNanoseconds: UInt64) {
        precondition(counts.count == Self.bucketCount)
        self.counts = counts
        self.longestNanoseconds = longestNanoseconds
        self.totalNanoseconds = totalNanoseconds
    }

    package mutating func add(_ duration: Duration) {
        let nanoseconds = UInt64(max(0, duration.wholeNanoseconds))
        counts[Self.bucket(ofNanoseconds: nanoseconds)] &+= 1
        longestNanoseconds = max(longestNanoseconds, nanoseconds)
        totalNanoseconds &+= nanoseconds
    }

    /// The bucket of a time: whole microseconds below 4, then four buckets to each doubling.
    package static func bucket(ofNanoseconds nanoseconds: UInt64) -> Int {
        let microseconds = nanoseconds / 1000
        guard microseconds >= 4 else { return Int(microseconds) }
        let shift = UInt64.bitWidth - microseconds.leadingZeroBitCount - 3
        return min(4 * shift + Int(microseconds >> UInt64(shift)), bucketCount - 1)
    }

    /// The time below which every value of the bucket lies, in microseconds.
    package static func upperMicroseconds(ofBucket bucket: Int) -> UInt64 {
        guard bucket >= 4 else { return UInt64(bucket) + 1 }
        return UInt64(bucket % 4 + 5) << UInt64(bucket / 4 - 1)
    }

    /// How many values there are. What another process counted may be nonsense, so sums stop at the largest number.
    package var count: UInt64 { counts.reduce(0, Self.sum) }

    /// How many values lie below a time.
    package func count(belowMicroseconds limit: UInt64) -> UInt64 {
        counts.indices.lazy.filter { Self.upperMicroseconds(ofBucket: $0) <= limit }.map { counts[$0] }
            .reduce(0, Self.sum)
    }

    /// The time that `permille` of 1000 values do not exceed; never more than the longest. Zero when there is none.
    package func percentile(_ permille: UInt64) -> Duration {
        let all = count
        guard all > 0 else { return .zero }
        // Rounded up, so that the last of two values is the one of 999.
        let rank = all / 1000 * permille + (all % 1000 * permille + 999) / 1000
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            seen = Self.sum(seen, count)
            guard seen >= rank else { continue }
            return min(.microseconds(Int64(Self.upperMicroseconds(ofBucket: bucket))), longest)
        }
        return longest
    }

    package var longest: Duration { .nanoseconds(Int64(clamping: longestNanoseconds)) }

    /// Zero when there is none.
    package var mean: Duration {
        let all = count
        return all == 0 ? .zero : .nanoseconds(Int64(clamping: totalNanoseconds / all))
    }

    private static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
