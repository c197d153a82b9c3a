/// Addresses packed end to end: 4 (BEP 23) or 16 (BEP 7) bytes of address and 2 of port each, network order.
package struct CompactPeers: Hashable, Sendable {
    package enum Family: Int, Sendable {
        /// `peers`.
        case v4 = 6
        /// `peers6`.
        case v6 = 18

        /// Bytes of one entry.
        package var stride: Int { rawValue }
    }

    /// All whole entries, usable or not, in the tracker's order.
    package let addresses: [PeerAddress]
    /// Bytes after the last whole entry; not 0 means that the sender erred.
    package let trailingByteCount: Int

    package init(parsing bytes: some RandomAccessCollection<UInt8>, family: Family) {
        var addresses: [PeerAddress] = []
        addresses.reserveCapacity(bytes.count / family.stride)
        var rest = bytes[...]
        while rest.count >= family.stride {
            let entry = rest.prefix(family.stride)
            let port = entry.suffix(2).reduce(0) { $0 << 8 | UInt16($1) }
            if let address = PeerAddress(addressBytes: entry.dropLast(2), port: port) {
                addresses.append(address.unmapped)
            }
            rest = rest.dropFirst(family.stride)
        }
        self.addresses = addresses
        trailingByteCount = rest.count
    }
}

extension PeerAddress {
    /// False for what no peer can have: port 0, "this network", multicast, reserved and broadcast addresses, and IPv6
    /// addresses that mean nothing without an interface. Loopback and private addresses stay: swarms live there too.
    package var canBeDialled: Bool {
        guard port != 0 else { return false }
        let address = unmapped
        if let v4 = address.v4 { return v4 >> 24 != 0 && v4 >> 28 < 0xE }
        let bytes = address.addressBytes
        if bytes[0] == 0xFF { return false }
        if bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 { return false }
        return bytes.contains { $0 != 0 }
    }
}
