import BitTorrent

/// Remembers for a while who was behind connections that have ended: a lie is found only when its piece is hashed, and
/// who leaves before that, or whose worker dies, is to be banned all the same.
struct DepartedPeers {
    struct Peer: Equatable {
        let address: PeerAddress
        let isIncoming: Bool

        init(_ connection: PeerBook.Connection) {
            address = connection.address
            isIncoming = connection.isIncoming
        }
    }

    /// Connections that are remembered; the oldest are forgotten first (a guess: more than can end between a block and
    /// the verdict on its piece, a worker's with the worker).
    static let maximumCount = 1024

    private var peers: [PeerBook.Key: Peer] = [:]
    /// Keys of `peers` in the order of their ends, behind those that were forgotten.
    private var order: [PeerBook.Key] = []

    subscript(key: PeerBook.Key) -> Peer? { peers[key] }

    mutating func left(_ key: PeerBook.Key, _ connection: PeerBook.Connection) {
        if peers.updateValue(Peer(connection), forKey: key) != nil { order.removeAll { $0 == key } }
        order.append(key)
        if order.count > Self.maximumCount { peers[order.removeFirst()] = nil }
    }
}
