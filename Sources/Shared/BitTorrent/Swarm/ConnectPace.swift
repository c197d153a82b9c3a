/// Bounds how often connections are tried into one network, so that a tracker or a peer that names a victim a thousand
/// times cannot aim this client at it. Loopback is exempt: nobody but ourselves is there.
struct ConnectPace {
    /// Guesses: a home or a campus has few peers; a victim notices hundreds.
    static let window: Duration = .seconds(10)
    static let connectsPerWindow = 16
    /// Above so many networks, those whose window is over are forgotten.
    static let sweepThreshold = 4096

    private struct Count {
        let start: MonotonicInstant
        var connects: Int
    }
    private var networks: [PeerAddress: Count] = [:]

    /// When the address may be tried; at or before `now` if at once.
    func earliest(_ address: PeerAddress, now: MonotonicInstant) -> MonotonicInstant {
        guard !address.isLoopback, let count = networks[address.network], count.connects >= Self.connectsPerWindow
        else { return now }
        return max(now, count.start + Self.window)
    }

    mutating func connecting(_ address: PeerAddress, now: MonotonicInstant) {
        if address.isLoopback { return }
        if networks.count >= Self.sweepThreshold { networks = networks.filter { now - $0.value.start < Self.window } }
        let network = address.network
        if let count = networks[network], now - count.start < Self.window {
            networks[network]!.connects += 1
        } else {
            networks[network] = Count(start: now, connects: 1)
        }
    }
}
