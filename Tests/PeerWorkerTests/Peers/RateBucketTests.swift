import BitTorrent
import TestSupport
import Testing

@testable import PeerWorker

@Suite struct RateBucketTests {
    /// Bytes that go in a time, when each step takes all that it may.
    private func bytes(limit: UInt64, step: Int, seconds: Int) -> Int {
        var clock = FakeClock()
        var bucket = RateBucket()
        bucket.setLimit(limit, now: clock.now)
        let end = clock.now + .seconds(seconds)
        var sum = 0
        while clock.now < end {
            if let next = bucket.nextAllowed(now: clock.now) {
                clock.advance(by: max(.nanoseconds(1), min(next, end) - clock.now))
            } else {
                bucket.spend(step)
                sum += step
            }
        }
        return sum
    }

    @Test(arguments: [1 << 10, 20 << 10, 1 << 20, 100 << 20, 10_000_000_000] as [UInt64])
    func theLimitIsKeptWithinFivePercent(limit: UInt64) {
        let seconds = limit < 16384 ? 200 : 10
        let sum = bytes(limit: limit, step: limit > 1 << 30 ? 1 << 20 : 16384, seconds: seconds)
        let expected = Double(limit) * Double(seconds)
        #expect(abs(Double(sum) - expected) <= expected * 0.05 + 16384, "\(sum) of \(expected)")
    }

    @Test func withoutALimitEverythingGoes() {
        var clock = FakeClock()
        var bucket = RateBucket()
        bucket.spend(1 << 40)
        #expect(bucket.nextAllowed(now: clock.now) == nil)
        bucket.setLimit(1000, now: clock.now)
        clock.advance(by: .seconds(1))
        #expect(bucket.nextAllowed(now: clock.now) == nil)
        bucket.spend(10_000)
        bucket.setLimit(nil, now: clock.now)
        #expect(bucket.nextAllowed(now: clock.now) == nil)
    }

    /// An idle hour earns a tenth of a second's worth.
    @Test func idleTimeEarnsNoBurst() {
        var clock = FakeClock()
        var bucket = RateBucket()
        bucket.setLimit(1_000_000, now: clock.now)
        clock.advance(by: .seconds(3600))
        var sum = 0
        while bucket.nextAllowed(now: clock.now) == nil {
            bucket.spend(1000)
            sum += 1000
        }
        #expect(sum == 100_000)
    }

    /// Looking often must not lose what is less than a byte.
    @Test func looksCostNothing() {
        var clock = FakeClock()
        var bucket = RateBucket()
        bucket.setLimit(1000, now: clock.now)
        bucket.spend(1000)
        var sum = 0
        for _ in 0..<100_000 {
            clock.advance(by: .microseconds(100))
            if bucket.nextAllowed(now: clock.now) == nil {
                bucket.spend(10)
                sum += 10
            }
        }
        #expect((8500...9500).contains(sum), "\(sum)")
    }
}
