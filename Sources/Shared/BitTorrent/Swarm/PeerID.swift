/// The twenty bytes by which a client names itself in the handshake and to trackers (BEP 3, style of BEP 20).
package struct PeerID: Hashable, Sendable {
    package static let byteCount = 20
    private let bytesDigest: Digest

    /// - Precondition: exactly 20 bytes.
    package init(_ bytes: some Collection<UInt8>) { bytesDigest = Digest(bytes) }

    package var bytes: [UInt8] { bytesDigest.bytes }

    /// Ours: `-SK0100-` and twelve random printable bytes.
    package static func random(using generator: inout some RandomNumberGenerator) -> PeerID {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        return PeerID(Array("-SK0100-".utf8) + (0..<12).map { _ in alphabet.randomElement(using: &generator)! })
    }
}
