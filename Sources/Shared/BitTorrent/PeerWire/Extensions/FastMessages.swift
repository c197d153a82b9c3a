/// Owns whether both sides speak the fast extension (BEP 6), and which pieces the peer gives although it chokes us.
struct FastMessages {
    /// Allowed-fast pieces that are remembered; BEP 6 speaks of ten, the rest is room.
    static let maximumAllowedCount = 64

    /// Both handshakes carried the bit.
    let isNegotiated: Bool
    /// In the order they came; the peer need not have them.
    private(set) var allowed: [PieceIndex] = []

    init(isNegotiated: Bool) { self.isNegotiated = isNegotiated }

    /// BEP 6: without the extension each of its messages ends the connection.
    func check(_ identifier: PeerMessage.Identifier) throws(PeerWireError) {
        guard isNegotiated else { throw .fastExtensionNotNegotiated(identifier) }
    }

    /// - Returns: whether the piece was new and is remembered.
    mutating func allowedFastReceived(_ piece: PieceIndex) -> Bool {
        guard allowed.count < Self.maximumAllowedCount, !allowed.contains(piece) else { return false }
        allowed.append(piece)
        return true
    }

    /// BEP 6: a peer may take back its word for a piece by rejecting a request for it.
    mutating func rejected(_ piece: PieceIndex) { allowed.removeAll { $0 == piece } }
}
