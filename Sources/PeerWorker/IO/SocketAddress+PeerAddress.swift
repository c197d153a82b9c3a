import BitTorrent
import NIOCore

/// Numeric addresses only: nothing here ever resolves a name.
extension SocketAddress {
    init(_ address: PeerAddress) throws {
        try self.init(packedIPAddress: ByteBuffer(bytes: address.addressBytes), port: Int(address.port))
    }
}

extension PeerAddress {
    /// nil for what is no IP address; an IPv4 peer at an IPv6 socket gets its IPv4 address.
    init?(_ address: SocketAddress?) {
        switch address {
        // Family, port, address; in IPv6 four bytes of flow before the address (ip(7), ipv6(7)).
        case .v4(let v4): self.init(raw: withUnsafeBytes(of: v4.address) { Array($0) }, address: 4..<8)
        case .v6(let v6): self.init(raw: withUnsafeBytes(of: v6.address) { Array($0) }, address: 8..<24)
        case .unixDomainSocket, nil: return nil
        }
    }

    private init?(raw: [UInt8], address: Range<Int>) {
        let port = UInt16(raw[2]) << 8 | UInt16(raw[3])
        guard let given = PeerAddress(addressBytes: raw[address], port: port) else { return nil }
        self = given.unmapped
    }
}
