/// What the number of an address says about where it leads.
extension PeerAddress {
    /// Whether a TCP connection to a stranger can make sense. Any port but 0 will do: that a swarm avoids low ports is a
    /// user's policy, not a rule.
    package var isConnectable: Bool {
        if port == 0 { return false }
        if let v4 {
            // 0.0.0.0/8 is "this network"; 224.0.0.0/4 multicast; 240.0.0.0/4 reserved, with broadcast.
            return v4 >> 24 != 0 && v4 >> 28 < 0xE
        }
        let bytes = addressBytes
        // ff00::/8 is multicast; fe80::/10 leads nowhere without an interface, which no tracker can name.
        if bytes[0] == 0xFF || bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 { return false }
        return bytes.contains { $0 != 0 }
    }

    package var isLoopback: Bool {
        if let v4 { return v4 >> 24 == 127 }
        let bytes = addressBytes
        return bytes[15] == 1 && bytes.dropLast().allSatisfy { $0 == 0 }
    }

    /// Addresses that mean something on one network only: RFC 1918, RFC 3927, RFC 6598, RFC 4193, and loopback.
    package var isLocal: Bool {
        if isLoopback { return true }
        guard let v4 else {
            let first = addressBytes[0]
            return first & 0xFE == 0xFC || isLinkLocal
        }
        return v4 >> 24 == 10 || v4 >> 20 == 0xAC1 || v4 >> 16 == 0xC0A8 || v4 >> 16 == 0xA9FE || v4 >> 22 == 0x191
    }

    private var isLinkLocal: Bool {
        let bytes = addressBytes
        return bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
    }

    /// Whether somebody at `source` can know of this address and mean the machine that we would reach under it. What is on
    /// one network only may be named by those who are there, so that no stranger aims us at our own neighbours.
    package func isKnowable(at source: PeerAddress) -> Bool {
        if isLoopback { return source.isLoopback }
        return !isLocal || source.isLocal
    }

    /// The machine: the same address with port 0.
    var machine: PeerAddress {
        if let v4 { return PeerAddress(v4: v4, port: 0) }
        return PeerAddress(addressBytes: addressBytes, port: 0)!
    }

    /// What one organisation is likely to own: the /24 (IPv4) or the /48 (IPv6).
    var network: PeerAddress {
        if let v4 { return PeerAddress(v4: v4 & 0xFFFF_FF00, port: 0) }
        return PeerAddress(addressBytes: addressBytes.prefix(6) + [UInt8](repeating: 0, count: 10), port: 0)!
    }
}
