/// Under which addresses the swarm sees us: what most of those say who were asked, one voice for each network, since
/// anybody may say anything (BEP 40: "a hint", not to be trusted blindly; BEP 10 `yourip`, BEP 24 `external ip`).
package struct ExternalAddress {
    package enum Voter: Hashable, Sendable {
        /// The peer's address.
        case peer(PeerAddress)
        /// One voice for all trackers of the torrent.
        case tracker
    }

    /// Voices that are remembered for each family; the oldest is forgotten first (a guess).
    static let mostVoices = 16
    /// So many have to agree (a guess), and they have to be more than half.
    static let quorum = 2

    private struct Voices {
        var list: [(voter: Voter, address: PeerAddress)] = []
        var winner: PeerAddress?
    }
    private var v4 = Voices()
    private var v6 = Voices()

    package init() {}

    /// - Parameter bytes: 4 or 16; others, and addresses that mean something on one network only, are not counted.
    /// - Returns: our address with port 0, if it is another than before.
    package mutating func heard(_ bytes: [UInt8], from voter: Voter) -> PeerAddress? {
        guard let address = PeerAddress(addressBytes: bytes, port: 0)?.unmapped, !address.isLocal,
            PeerAddress(addressBytes: address.addressBytes, port: 1)?.isConnectable == true
        else { return nil }
        let voter = Self.network(of: voter)
        return address.isIPv6 ? Self.count(address, voter, &v6) : Self.count(address, voter, &v4)
    }

    private static func network(of voter: Voter) -> Voter {
        switch voter {
        case .peer(let address): .peer(address.unmapped.network)
        case .tracker: voter
        }
    }

    private static func count(_ address: PeerAddress, _ voter: Voter, _ voices: inout Voices) -> PeerAddress? {
        voices.list.removeAll { $0.voter == voter }
        voices.list.append((voter, address))
        if voices.list.count > mostVoices { voices.list.removeFirst() }
        let agreeing = voices.list.count { $0.address == address }
        guard agreeing >= quorum, 2 * agreeing > voices.list.count, address != voices.winner else { return nil }
        voices.winner = address
        return address
    }
}
