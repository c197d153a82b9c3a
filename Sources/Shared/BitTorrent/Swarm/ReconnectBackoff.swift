/// How long an address is left alone after failures in a row.
package enum ReconnectBackoff {
    /// Guesses, as other clients': long enough for a peer to restart, short enough for a swarm of two.
    package static let first: Duration = .seconds(10)
    package static let longest: Duration = .seconds(600)
    /// After so many failures in a row an address is given up (the text of exit code 6).
    package static let failureLimit = 5

    /// Doubles with each failure; a quarter more or less, so that peers that fell together do not come back together.
    package static func delay(
        afterFailures count: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = min(max(count, 1) - 1, 16)
        let exact = min(first.wholeNanoseconds << Int64(doublings), longest.wholeNanoseconds)
        return .nanoseconds(Int64.random(in: exact - exact / 4...exact + exact / 4, using: &generator))
    }
}
