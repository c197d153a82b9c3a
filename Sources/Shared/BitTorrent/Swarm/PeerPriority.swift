/// The order in which peers of a swarm prefer each other, the same at both ends of a connection (BEP 40): everybody prefers
/// others, so nobody can fill all places, and a newcomer always is somebody's first choice.
package enum PeerPriority {
    /// - Returns: higher is dearer; nil for addresses of two families, which have no rank among each other.
    package static func of(_ first: PeerAddress, _ second: PeerAddress) -> UInt32? {
        guard first.isIPv6 == second.isIPv6 else { return nil }
        var bytes = [first.addressBytes, second.addressBytes]
        if bytes[0] == bytes[1] {
            bytes = [first.port, second.port].map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        } else {
            let difference = bytes[0].indices.first { bytes[0][$0] != bytes[1][$0] }!
            bytes = bytes.map { masked($0, difference: difference) }
        }
        bytes.sort { $0.lexicographicallyPrecedes($1) }
        return CRC32C.of(bytes[0] + bytes[1])
    }

    /// Whole bytes count as far as the network that a neighbour is likely to share, and to the first difference beyond it;
    /// of the rest every other bit, so that one network cannot take every rank.
    /// - Parameter difference: index of the first byte in which the two addresses differ.
    private static func masked(_ address: [UInt8], difference: Int) -> [UInt8] {
        // /16 and /48. In the same /24 of IPv4 the whole address counts, which here is its last byte.
        let whole = max(difference + 1, address.count == 4 ? 2 : 6)
        return address.enumerated().map { $0.offset < whole ? $0.element : $0.element & 0x55 }
    }
}
