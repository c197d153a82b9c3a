/// Owns when this client announces its torrents on the local network, and what it believes of others' announcements
/// (BEP 14). Holds no socket.
package struct LocalDiscovery {
    package enum Action: Equatable, Sendable {
        /// To both groups, on every network.
        case send(LocalAnnouncement)
        case learn(PeerAddress, InfoHash)
    }

    /// BEP 14.
    static let interval: Duration = .seconds(300)
    /// BEP 14: no more than one announcement a minute. The second one comes that soon: the first may get lost, or not all
    /// networks be up yet.
    static let leastInterval: Duration = .seconds(60)
    /// Addresses that are believed in a minute: a network of neighbours has fewer, a flood more (a guess).
    static let mostLearned = 100

    private let port: UInt16
    private let cookie: String
    private var infoHashes: [InfoHash] = []
    /// nil while there is nothing to announce.
    private var nextAnnouncement: MonotonicInstant?
    private var lastAnnouncement: MonotonicInstant?
    private var isSoon = true
    private var learnedCount = 0
    private var countingSince = MonotonicInstant.distantPast

    /// - Parameter port: where we listen, not 0.
    package init(port: UInt16, using generator: inout some RandomNumberGenerator) {
        precondition(port != 0, "who cannot be reached has nothing to announce")
        self.port = port
        cookie = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
    }

    /// The torrent wants peers from now on. Never to be called for a private one (BEP 27).
    package mutating func added(_ infoHash: InfoHash, now: MonotonicInstant) {
        guard !infoHashes.contains(infoHash) else { return }
        infoHashes.append(infoHash)
        isSoon = true
        nextAnnouncement = lastAnnouncement.map { max(now, $0 + Self.leastInterval) } ?? now
    }

    package mutating func removed(_ infoHash: InfoHash) {
        infoHashes.removeAll { $0 == infoHash }
        if infoHashes.isEmpty { nextAnnouncement = nil }
    }

    package var nextDeadline: MonotonicInstant { nextAnnouncement ?? .distantFuture }

    package mutating func timerFired(now: MonotonicInstant, into actions: inout [Action]) {
        guard let due = nextAnnouncement, now >= due else { return }
        lastAnnouncement = now
        nextAnnouncement = now + (isSoon ? Self.leastInterval : Self.interval)
        isSoon = false
        let most = LocalAnnouncement.maximumTorrentCount
        for first in stride(from: 0, to: infoHashes.count, by: most) {
            let part = Array(infoHashes[first..<min(first + most, infoHashes.count)])
            actions.append(.send(LocalAnnouncement(port: port, infoHashes: part, cookie: cookie)))
        }
    }

    /// - Parameter sender: of the datagram; its port says nothing.
    package mutating func received(
        _ datagram: [UInt8], from sender: PeerAddress, now: MonotonicInstant, into actions: inout [Action]
    ) {
        guard let announcement = LocalAnnouncement(datagram: datagram), announcement.cookie != cookie else { return }
        let address = PeerAddress(sender.unmapped, port: announcement.port)
        for hash in announcement.infoHashes where infoHashes.contains(hash) {
            if now - countingSince >= Self.leastInterval { (learnedCount, countingSince) = (0, now) }
            guard learnedCount < Self.mostLearned else { return }
            learnedCount += 1
            actions.append(.learn(address, hash))
        }
    }
}
