/// Who else is connected to the sender (`ut_pex`, BEP 11): the changes since its last message to us.
package struct PeerExchangeMessage: Hashable, Sendable {
    /// The extension's name in the extension handshake (BEP 10).
    package static let name = "ut_pex"
    /// Our extended message id for it.
    package static let ourID: UInt8 = 1

    /// What the sender knows of a peer; a bit that is not set says nothing.
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let prefersEncryption = Flags(rawValue: 0x01)
        /// A seed, or a partial one (BEP 21).
        package static let uploadsOnly = Flags(rawValue: 0x02)
        package static let speaksUTP = Flags(rawValue: 0x04)
        package static let holePunches = Flags(rawValue: 0x08)
        /// The sender reached it under this address.
        package static let isReachable = Flags(rawValue: 0x10)
    }

    /// A peer and where it listens.
    package struct Contact: Hashable, Sendable {
        package var address: PeerAddress
        package var flags: Flags

        package init(_ address: PeerAddress, _ flags: Flags = []) {
            self.address = address
            self.flags = flags
        }
    }

    package var added: [Contact]
    package var dropped: [PeerAddress]

    package init(added: [Contact] = [], dropped: [PeerAddress] = []) {
        self.added = added
        self.dropped = dropped
    }

    private static let limits = BencodeDecoder.Limits(
        byteCount: WireLimits.extendedByteCount, depth: 8, itemCount: 256)

    /// Fields of another type count as absent, as do flags that do not go with the addresses.
    /// - Throws: `peerExchangeMalformed` for what is no bencoded dictionary, and for lists that end within an address.
    package init(payload: [UInt8]) throws(PeerWireError) {
        let root: BencodeView
        do {
            root = try BencodeDecoder(limits: Self.limits).decode(payload).value
        } catch {
            throw .peerExchangeMalformed
        }
        guard root.kind == .dictionary else { throw .peerExchangeMalformed }
        added = try Self.contacts(root, "added", .v4) + Self.contacts(root, "added6", .v6)
        dropped = try Self.addresses(root, "dropped", .v4) + Self.addresses(root, "dropped6", .v6)
    }

    private static func addresses(
        _ root: BencodeView, _ key: String, _ family: CompactPeers.Family
    ) throws(PeerWireError) -> [PeerAddress] {
        guard let bytes = root[key]?.string else { return [] }
        let peers = CompactPeers(parsing: bytes, family: family)
        guard peers.trailingByteCount == 0 else { throw .peerExchangeMalformed }
        return peers.addresses
    }

    private static func contacts(
        _ root: BencodeView, _ key: String, _ family: CompactPeers.Family
    ) throws(PeerWireError) -> [Contact] {
        let addresses = try addresses(root, key, family)
        let flags = root[key + ".f"]?.string.map { Array($0) } ?? []
        guard flags.count == addresses.count else { return addresses.map { Contact($0) } }
        return zip(addresses, flags).map { Contact($0, Flags(rawValue: $1)) }
    }

    /// With flags for every address: libtorrent passes over lists without them.
    package var payload: [UInt8] {
        var entries: [BencodeValue.Entry] = []
        func put(_ key: String, _ bytes: [UInt8]) {
            if !bytes.isEmpty { entries.append(.init(key, .string(bytes))) }
        }
        for (suffix, isIPv6) in [("", false), ("6", true)] {
            let contacts = added.filter { $0.address.isIPv6 == isIPv6 }
            put("added\(suffix)", contacts.flatMap { $0.address.compactBytes })
            put("added\(suffix).f", contacts.map(\.flags.rawValue))
            put("dropped\(suffix)", dropped.filter { $0.isIPv6 == isIPv6 }.flatMap(\.compactBytes))
        }
        return BencodeEncoder().encode(.dictionary(entries))
    }
}

extension PeerAddress {
    /// As in compact lists (BEP 23, BEP 7): address and port in network order.
    var compactBytes: [UInt8] { addressBytes + [UInt8(port >> 8), UInt8(port & 0xFF)] }
}
