import BitTorrent

/// Owns which peers of a torrent the workers know to be connected, so that they can tell their peers of each other: under
/// the addresses where others can reach them, each once, however many connections lead there.
struct SwarmRoster {
    /// News are gathered for so long: who leaves at once is not worth telling of (a guess).
    static let pace: Duration = .seconds(1)

    struct Changes: Equatable {
        var added: [PeerAddress] = []
        var dropped: [PeerAddress] = []
        var isEmpty: Bool { added.isEmpty && dropped.isEmpty }
    }

    /// Connections by the address where the peer listens.
    private var counts: [PeerAddress: Int] = [:]
    /// In the order in which the workers were told.
    private(set) var told: [PeerAddress] = []
    /// What may differ from `told`.
    private var changed: Set<PeerAddress> = []
    private var nextNews = MonotonicInstant.distantPast

    mutating func joined(_ address: PeerAddress) {
        counts[address, default: 0] += 1
        changed.insert(address)
    }

    mutating func left(_ address: PeerAddress) {
        guard let count = counts[address] else { return }
        counts[address] = count > 1 ? count - 1 : nil
        changed.insert(address)
    }

    /// What the workers are to be told now, if anything; they count as told.
    mutating func news(now: MonotonicInstant) -> Changes {
        var changes = Changes()
        guard now >= nextNews, !changed.isEmpty else { return changes }
        nextNews = now + Self.pace
        let before = Set(told)
        for address in changed.sorted(by: { $0.description < $1.description }) {
            switch (before.contains(address), counts[address] != nil) {
            case (false, true): changes.added.append(address)
            case (true, false): changes.dropped.append(address)
            case (true, true), (false, false): break
            }
        }
        changed = []
        let dropped = Set(changes.dropped)
        if !dropped.isEmpty { told.removeAll { dropped.contains($0) } }
        told += changes.added
        return changes
    }
}
