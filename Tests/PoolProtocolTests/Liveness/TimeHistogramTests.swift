import Testing

@testable import PoolProtocol

@Suite struct TimeHistogramTests {
    @Test func everyTimeLiesBelowTheBoundOfItsBucketAndNotBelowTheOneBefore() {
        for nanoseconds in [0, 999, 1000, 3999, 4000, 7999, 8000, 9999, 1_000_000, 123_456_789, 30_000_000_000] {
            let bucket = TimeHistogram.bucket(ofNanoseconds: UInt64(nanoseconds))
            #expect(nanoseconds / 1000 < TimeHistogram.upperMicroseconds(ofBucket: bucket), "\(nanoseconds)")
            if bucket > 0 {
                #expect(nanoseconds / 1000 >= TimeHistogram.upperMicroseconds(ofBucket: bucket - 1), "\(nanoseconds)")
            }
        }
        #expect(TimeHistogram.bucket(ofNanoseconds: .max) == TimeHistogram.bucketCount - 1)
    }

    @Test func boundsGrowByAQuarterAtMost() {
        for bucket in 5..<TimeHistogram.bucketCount {
            let (lower, upper) = (
                TimeHistogram.upperMicroseconds(ofBucket: bucket - 1),
                TimeHistogram.upperMicroseconds(ofBucket: bucket)
            )
            #expect(upper > lower && (upper - lower) * 4 <= lower)
        }
    }

    @Test func percentilesAreOfTheValues() {
        var histogram = TimeHistogram()
        #expect(histogram.percentile(500) == .zero && histogram.mean == .zero)
        for milliseconds in 1...100 { histogram.add(.milliseconds(milliseconds)) }
        let half = histogram.percentile(500), most = histogram.percentile(990)
        #expect(half >= .milliseconds(50) && half <= .milliseconds(63))
        #expect(most >= .milliseconds(99) && most <= .milliseconds(100))
        #expect(histogram.longest == .milliseconds(100))
        #expect(histogram.mean == .microseconds(50_500))
        #expect(histogram.count == 100)
        #expect(histogram.count(belowMicroseconds: 1 << 17) == 100)
        #expect(histogram.count(belowMicroseconds: 1 << 14) == 16)
    }

    @Test func oneValueIsItsOwnPercentileAndMaximum() {
        var histogram = TimeHistogram()
        histogram.add(.microseconds(150))
        #expect(histogram.percentile(1) == .microseconds(150))
        #expect(histogram.percentile(990) == .microseconds(150))
    }

    @Test func nonsenseOfAnotherProcessIsNoOverflow() {
        let histogram = TimeHistogram(
            counts: [UInt64](repeating: .max, count: TimeHistogram.bucketCount), longestNanoseconds: .max,
            totalNanoseconds: .max)
        #expect(histogram.count == .max)
        #expect(histogram.percentile(990) > .zero)
        #expect(histogram.longest > .zero && histogram.mean >= .zero)
    }
}
