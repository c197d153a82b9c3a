/// A tracker's word that a packet from our address can reach us (BEP 15, "UDP connections / spoofing").
package struct UDPConnection: Hashable, Sendable {
    /// How long a client may name it; trackers take it for twice as long.
    package static let lifetime: Duration = .seconds(60)

    package let id: UInt64
    package let receivedAt: MonotonicInstant

    package init(id: UInt64, receivedAt: MonotonicInstant) {
        self.id = id
        self.receivedAt = receivedAt
    }

    package func isValid(now: MonotonicInstant) -> Bool { now - receivedAt < Self.lifetime }
}

/// The connections that the torrents of a run share, by the address of the tracker.
package struct UDPConnections: Sendable {
    /// Addresses that are remembered; a run has some dozens of trackers.
    static let limit = 256

    private var connections: [PeerAddress: UDPConnection] = [:]

    package init() {}

    package func connection(to address: PeerAddress, now: MonotonicInstant) -> UDPConnection? {
        connections[address].flatMap { $0.isValid(now: now) ? $0 : nil }
    }

    package mutating func learned(_ connection: UDPConnection, to address: PeerAddress) {
        connections[address] = connection
        guard connections.count > Self.limit else { return }
        connections = connections.filter { $0.value.isValid(now: connection.receivedAt) }
        // As many live ones are nothing that a run has: all but this one are asked for again.
        if connections.count > Self.limit { connections = [address: connection] }
    }

    /// The tracker does not know it (any more). A newer one stays.
    package mutating func refused(_ connection: UDPConnection, by address: PeerAddress) {
        if connections[address] == connection { connections[address] = nil }
    }
}
