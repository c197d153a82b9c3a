/// Twenty bytes that SHA-1 made. `InfoHash` and `PieceHash` wrap it, so that the two are never mixed up.
package struct Digest: Hashable, Sendable {
    package static let byteCount = 20
    /// Big-endian words in the order of the bytes, so that equality is three compares and nothing is on the heap.
    private var high: UInt64
    private var middle: UInt64
    private var low: UInt32

    /// - Precondition: `bytes` holds exactly 20 bytes.
    package init(_ bytes: some Collection<UInt8>) {
        precondition(bytes.count == Self.byteCount, "a SHA-1 digest has 20 bytes")
        var high: UInt64 = 0, middle: UInt64 = 0, low: UInt32 = 0
        for (offset, byte) in bytes.enumerated() {
            switch offset {
            case 0..<8: high = high << 8 | UInt64(byte)
            case 8..<16: middle = middle << 8 | UInt64(byte)
            default: low = low << 8 | UInt32(byte)
            }
        }
        self.high = high
        self.middle = middle
        self.low = low
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        func append(_ word: UInt64, byteCount: Int) {
            for shift in (0..<byteCount).reversed() {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * shift)))
            }
        }
        append(high, byteCount: 8)
        append(middle, byteCount: 8)
        append(UInt64(low), byteCount: 4)
        return bytes
    }

    /// Forty lower-case hexadecimal digits.
    package var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// SHA-1 over the raw bytes of `info`: the name of a torrent (BEP 3).
package struct InfoHash: Hashable, Sendable, CustomStringConvertible {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
    package var description: String { digest.hex }
}

/// SHA-1 over the bytes of one piece (BEP 3, `pieces`).
package struct PieceHash: Hashable, Sendable, CustomStringConvertible {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
    package var description: String { digest.hex }
}
