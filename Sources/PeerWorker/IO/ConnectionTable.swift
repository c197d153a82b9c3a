import BitTorrent

/// Owns which connections there are, by the peer's name, and hands out names for incoming ones.
struct ConnectionTable {
    /// Names below are the supervisor's (`PeerToConnect`).
    static let firstIncoming: UInt32 = 1 << 31

    let capacity: Int
    private var byPeer: [UInt32: Connection] = [:]
    private var nextIncoming = firstIncoming

    init(capacity: Int) { self.capacity = capacity }

    var isEmpty: Bool { byPeer.isEmpty }
    var isFull: Bool { byPeer.count >= capacity }
    var all: some Collection<Connection> { byPeer.values }

    subscript(peer: UInt32) -> Connection? { byPeer[peer] }

    /// A name that no connection of this process ever had.
    mutating func nameIncoming() -> UInt32 {
        defer { nextIncoming += 1 }
        return nextIncoming
    }

    mutating func insert(_ connection: Connection) { byPeer[connection.peer] = connection }

    /// - Returns: whether it was there.
    mutating func remove(_ connection: Connection) -> Bool { byPeer.removeValue(forKey: connection.peer) != nil }
}
