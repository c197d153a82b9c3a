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
