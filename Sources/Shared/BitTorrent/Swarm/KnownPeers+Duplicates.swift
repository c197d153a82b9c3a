/// One peer, two ways to it: both ends connected to each other at the same time, or it came to us and is named by others
/// under the address where it listens.
extension KnownPeers {
    /// Two connections of opposite directions that were completed within so long crossed on their way (a guess: longer than
    /// a handshake takes, so that both ends see the same). Of others the first stays, as both ends saw it first.
    static let crossing: Duration = .seconds(10)

    /// Which connection has to make way for another to the same peer that is welcome and crossed it: both ends keep the
    /// one that the end with the lower listening port opened, as libtorrent does; with the same port, the lower peer id.
    /// - Returns: the address of the older connection; nil when it stays, or there is none.
    package func rival(
        of named: PeerAddress, remoteID: PeerID, isIncoming: Bool, now: MonotonicInstant
    ) -> PeerAddress? {
        let address = named.unmapped
        guard let older = remoteIDs[remoteID], let peer = peers[older], let since = peer.connectedSince,
            now - since < Self.crossing, (peer.origin == .incoming) != isIncoming,
            veto(address, remoteID: remoteID, isIncoming: isIncoming, unlessDuplicate: true) == nil,
            // Nor is it turned away for another reason: it came from where somebody is known, or it is not tried any more.
            isIncoming == (peers[address] == nil)
        else { return nil }
        let theirPort = isIncoming ? older.port : address.port
        let keepsOurs =
            listenPort == theirPort
            ? ownID.bytes.lexicographicallyPrecedes(remoteID.bytes) : listenPort < theirPort
        return keepsOurs == isIncoming ? nil : older
    }

    /// The connection is about to be closed in favour of another to the same peer.
    package mutating func makesWay(_ address: PeerAddress) {
        guard let id = peers[address]?.remoteID else { return }
        remoteIDs[id] = nil
        change(address) {
            $0.remoteID = nil
            $0.wasVetoed = true
        }
    }

    /// A peer that came to us listens at `address`: while it is connected it is not tried there.
    package mutating func connected(alsoAt address: PeerAddress) {
        connectedElsewhere[address.unmapped, default: 0] += 1
    }

    package mutating func noLongerConnected(alsoAt address: PeerAddress) {
        guard let count = connectedElsewhere[address.unmapped] else { return }
        connectedElsewhere[address.unmapped] = count > 1 ? count - 1 : nil
    }
}
