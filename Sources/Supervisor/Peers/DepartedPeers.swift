import BitTorrent

/// Remembers for a while who was behind connections that have ended: a lie is found only when its piece is hashed, and
/// who leaves before that is to be banned all the same.
struct DepartedPeers {
    struct Peer: Equatable {
        let address: PeerAddress
        let isIncoming: Bool
    }

    /// Connections that are remembered; the oldest are forgotten first (a guess: more than can end between a block and
    /// the verdict on its piece).
    static let maximumCount = 256

    private var peers: [PeerBook.Key: Peer] = [:]
    /// Keys of `peers` in the order of their ends, behind those that were forgotten.
    private var order: [PeerBook.Key] = []

    subscript(key: PeerBook.Key) -> Peer? { peers[key] }

    mutating func left(_ key: PeerBook.Key, _ peer: Peer) {
        if peers.updateValue(peer, forKey: key) != nil { order.removeAll { $0 == key } }
        order.append(key)
        if order.count > Self.maximumCount { peers[order.removeFirst()] = nil }
    }

    /// The worker's successor may give the same names to others.
    mutating func workerLost(_ worker: Int) {
        order.removeAll { $0.worker == worker }
        peers = peers.filter { $0.key.worker != worker }
    }
}
