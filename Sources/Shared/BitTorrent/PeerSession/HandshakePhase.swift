/// Owns a connection until both handshakes are done (BEP 3): who speaks first, which torrent, and whether the peer is us.
struct HandshakePhase {
    enum State: Equatable {
        /// Nothing has come; goes to `identifying`.
        case waiting
        /// The owner is asked whether it has the peer's torrent; goes to `done`.
        case identifying(Handshake)
        /// Both sides have said their part.
        case done
    }

    private let role: PeerSession.Role
    private let peerID: PeerID
    private(set) var state = State.waiting

    init(role: PeerSession.Role, peerID: PeerID) {
        self.role = role
        self.peerID = peerID
    }

    /// The connection is there.
    func connected(into actions: inout [SessionAction]) {
        switch role {
        case .outgoing(let infoHash): actions.append(.sendHandshake(Handshake(infoHash: infoHash, peerID: peerID)))
        case .incoming: break
        }
    }

    mutating func handshakeReceived(
        _ theirs: Handshake, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        precondition(state == .waiting, "the decoder yields one handshake")
        if case .outgoing(let infoHash) = role, theirs.infoHash != infoHash { throw .infoHashWrong }
        state = .identifying(theirs)
        actions.append(.identifyTorrent(theirs.infoHash))
    }

    /// The owner has the torrent. Appends our handshake if the peer spoke first, to ourselves too: only the connecting
    /// end knows the address that must not be tried again, and it learns from this answer.
    /// - Returns: the peer's handshake; its id may be ours.
    mutating func torrentIdentified(into actions: inout [SessionAction]) -> Handshake {
        guard case .identifying(let theirs) = state else { preconditionFailure("no torrent was asked for") }
        state = .done
        if role == .incoming {
            actions.append(.sendHandshake(Handshake(infoHash: theirs.infoHash, peerID: peerID)))
        }
        return theirs
    }
}
