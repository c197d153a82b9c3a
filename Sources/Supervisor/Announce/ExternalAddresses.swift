import BitTorrent

/// How the world sees this machine, as trackers say (BEP 24). They may be wrong or lie: nothing is decided by it but
/// whom we do not connect to, and in which order.
struct ExternalAddresses {
    /// Different ones that are believed in one run: a machine has a few, a liar as many as it likes.
    static let limit = 8

    /// The newest of each IP version, with the port on which we accept peers (0: none).
    private(set) var v4: PeerAddress?
    private(set) var v6: PeerAddress?
    private var seen: Set<PeerAddress> = []

    /// - Parameter bytes: 4 or 16 in network order.
    /// - Returns: an address that was not known yet.
    mutating func learned(_ bytes: [UInt8], port: UInt16) -> PeerAddress? {
        guard let address = PeerAddress(addressBytes: bytes, port: port)?.unmapped,
            PeerAddress(addressBytes: address.addressBytes, port: 1)?.canBeDialled ?? false,
            seen.contains(address) || seen.count < Self.limit
        else { return nil }
        if address.isIPv6 { v6 = address } else { v4 = address }
        return seen.insert(address).inserted ? address : nil
    }
}
