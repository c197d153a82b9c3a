/// The first 68 bytes of either side (BEP 3): which torrent, who speaks, and which extensions it knows.
package struct Handshake: Hashable, Sendable {
    /// The length byte and the name, in front of everything.
    package static let prefix: [UInt8] = [19] + Array("BitTorrent protocol".utf8)

    /// The eight reserved bytes as one big-endian number.
    package struct Extensions: OptionSet, Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        /// BEP 6: `reserved[7] & 0x04`.
        package static let fast = Extensions(rawValue: 0x04)
        /// BEP 10: `reserved[5] & 0x10`.
        package static let extensionProtocol = Extensions(rawValue: 0x10_0000)

        /// What this client speaks.
        package static let ours: Extensions = [.fast, .extensionProtocol]
    }

    package let extensions: Extensions
    package let infoHash: InfoHash
    package let peerID: PeerID

    package init(extensions: Extensions = .ours, infoHash: InfoHash, peerID: PeerID) {
        self.extensions = extensions
        self.infoHash = infoHash
        self.peerID = peerID
    }

    package func encode(into bytes: inout [UInt8]) {
        bytes += Self.prefix
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: extensions.rawValue >> UInt64(shift)))
        }
        bytes += infoHash.digest.bytes
        bytes += peerID.bytes
    }
}

/// Gathers a handshake from however many reads it comes in. Counts what it has; never reads past the 68th byte.
struct HandshakeDecoder {
    /// Bytes so far; at most `WireLimits.handshakeByteCount`.
    private var received: [UInt8] = []

    var receivedByteCount: Int { received.count }

    /// - Parameter offset: where to read on; moved past what was taken.
    /// - Returns: nil when more bytes are needed.
    /// - Throws: `notBitTorrent` at the first byte that differs, so that a stranger's protocol is not waited for.
    mutating func next(in bytes: RawSpan, at offset: inout Int) throws(PeerWireError) -> Handshake? {
        while offset < bytes.byteCount, received.count < WireLimits.handshakeByteCount {
            let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            if received.count < Handshake.prefix.count, byte != Handshake.prefix[received.count] {
                throw .notBitTorrent
            }
            received.append(byte)
            offset += 1
        }
        guard received.count == WireLimits.handshakeByteCount else { return nil }
        return Handshake(
            extensions: .init(rawValue: received[20..<28].reduce(0) { $0 << 8 | UInt64($1) }),
            infoHash: InfoHash(Digest(received[28..<48])),
            peerID: PeerID(received[48..<68]))
    }
}
