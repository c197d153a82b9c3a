import BitTorrent

/// How long a tracker that failed is left in peace.
enum AnnounceBackOff {
    /// The first delay, before it is shortened by up to a quarter: 15 … 20 s.
    static let first: Duration = .seconds(20)
    /// As long as a usual announce interval: a tracker that is back is found as soon as one that was never away.
    static let longest: Duration = .seconds(1800)
    /// A tracker may ask for more (BEP 31), within a day.
    static let longestOnDemand: Duration = .seconds(86_400)

    /// Doubles with every failure in a row and is then shortened by up to a quarter, so that the clients of a tracker
    /// that fell do not all come back in the same second.
    static func delay(
        failuresInARow: Int, retry: AnnounceError.Retry?, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        var delay = longest
        if failuresInARow < 8 { delay = min(longest, first * (1 << (max(1, failuresInARow) - 1))) }
        delay -= .nanoseconds(Int64.random(in: 0...delay.wholeNanoseconds / 4, using: &generator))
        if case .after(let wish) = retry { delay = max(delay, min(wish, longestOnDemand)) }
        return delay
    }
}
