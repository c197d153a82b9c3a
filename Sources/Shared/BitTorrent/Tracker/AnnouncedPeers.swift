/// Collects the usable addresses of one answer.
struct AnnouncedPeers {
    private(set) var peers: [PeerAddress] = []
    private var seen: Set<PeerAddress> = []
    private var unusable = 0
    private var surplus = 0
    private var trailing: [AnnounceResponse.Oddity] = []

    var oddities: [AnnounceResponse.Oddity] {
        var oddities = trailing
        if unusable > 0 { oddities.append(.unusablePeers(count: unusable)) }
        if surplus > 0 { oddities.append(.tooManyPeers(count: peers.count + surplus)) }
        return oddities
    }

    /// A compact string (BEP 23, 7) or a list of dictionaries (BEP 3); a tracker may send either, whatever was asked
    /// for.
    mutating func read(_ value: BencodeView, key: String, family: CompactPeers.Family) throws(AnnounceError) {
        if let bytes = value.string {
            read(compact: bytes, key: key, family: family)
        } else if let elements = value.elements {
            for element in elements { add(Self.address(of: element)) }
        } else {
            throw .wrongType(key: key)
        }
    }

    mutating func read(compact bytes: some RandomAccessCollection<UInt8>, key: String, family: CompactPeers.Family) {
        let compact = CompactPeers(parsing: bytes, family: family)
        for address in compact.addresses { add(address) }
        if compact.trailingByteCount > 0 {
            trailing.append(.trailingPeerBytes(key: key, count: compact.trailingByteCount))
        }
    }

    private mutating func add(_ address: PeerAddress?) {
        guard let address, address.canBeDialled else { return unusable += 1 }
        guard !seen.contains(address) else { return }
        guard peers.count < AnnounceResponse.mostPeers else { return surplus += 1 }
        seen.insert(address)
        peers.append(address)
    }

    /// Names are dropped too: nobody resolves what a tracker makes up.
    private static func address(of peer: BencodeView) -> PeerAddress? {
        guard let host = peer["ip"]?.string, host.count <= 64,
            let port = peer["port"]?.integer.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        return PeerAddress(numericHost: String(decoding: host, as: UTF8.self), port: port)?.unmapped
    }
}
