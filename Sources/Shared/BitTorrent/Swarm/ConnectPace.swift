/// Bounds how often connections are tried into one network, so that a tracker or a peer that names a victim a thousand
/// times cannot aim this client at it. Who shakes hands is no victim and does not count any more, so that a swarm within
/// one network is joined as fast as it answers. Loopback is exempt: nobody but ourselves is there.
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

    /// When the address may be tried; `now` if at once.
    /// - Parameter planned: connects into its network that are about to be reported.
    func earliest(_ address: PeerAddress, planned: Int, now: MonotonicInstant) -> MonotonicInstant {
        if address.isLoopback { return now }
        guard let count = networks[address.network], now - count.start < Self.window else {
            return planned < Self.connectsPerWindow ? now : now + Self.window
        }
        return count.connects + planned < Self.connectsPerWindow ? now : count.start + Self.window
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

    /// A peer that was tried is one.
    mutating func answered(_ address: PeerAddress) {
        guard let count = networks[address.network], count.connects > 0 else { return }
        networks[address.network]!.connects -= 1
    }
}
