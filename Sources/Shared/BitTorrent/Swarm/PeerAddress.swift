/// Where a peer listens: a numeric IP address and a TCP port. Resolving names is not its business.
package struct PeerAddress: Hashable, Sendable {
    /// 4 bytes (IPv4) or 16 (IPv6), network order; held in two words so that copies never touch the heap.
    private var high: UInt64
    private var low: UInt64
    package let isIPv6: Bool
    package let port: UInt16

    package init(v4 address: UInt32, port: UInt16) {
        high = 0
        low = UInt64(address)
        isIPv6 = false
        self.port = port
    }

    package init(v6High: UInt64, v6Low: UInt64, port: UInt16) {
        high = v6High
        low = v6Low
        isIPv6 = true
        self.port = port
    }

    /// - Parameter bytes: 4 or 16 address bytes in network order; nil for other counts.
    package init?(addressBytes bytes: some Collection<UInt8>, port: UInt16) {
        switch bytes.count {
        case 4: self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) }, port: port)
        case 16:
            self.init(
                v6High: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                v6Low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }, port: port)
        default: return nil
        }
    }

    /// Another port of the same machine.
    package init(_ other: PeerAddress, port: UInt16) {
        high = other.high
        low = other.low
        isIPv6 = other.isIPv6
        self.port = port
    }

    /// 4 or 16 bytes in network order.
    package var addressBytes: [UInt8] {
        func bytes(_ word: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: word >> UInt64((count - 1 - $0) * 8)) }
        }
        return isIPv6 ? bytes(high, 8) + bytes(low, 8) : bytes(low, 4)
    }

    /// `::ffff:a.b.c.d` as `a.b.c.d`, so that one peer has one name; others unchanged.
    package var unmapped: PeerAddress {
        isIPv6 && high == 0 && low >> 32 == 0xFFFF ? PeerAddress(v4: UInt32(truncatingIfNeeded: low), port: port) : self
    }

    /// The IPv4 address as a number; nil for IPv6.
    package var v4: UInt32? { isIPv6 ? nil : UInt32(truncatingIfNeeded: low) }
}

extension PeerAddress: CustomStringConvertible {
    /// `192.0.2.1:6881` or `[2001:db8:0:0:0:0:0:1]:6881`.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address alone, in a form that the socket calls read.
    package var host: String {
        let bytes = addressBytes
        if !isIPv6 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2)
            .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }
}
