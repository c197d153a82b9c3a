import CSHA1

/// The chaining value of SHA-1 (FIPS 180-4): a message of which so many whole blocks have been read.
///
/// A plain value, so that a piece under way costs twenty bytes, can be put aside, and can share a step with others in
/// `SHA1Lanes`. Keeps neither bytes nor length: who holds the bytes knows both. `SHA1` is for those who do not.
package struct SHA1State: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of a block, the unit of everything here but the end of a message.
    package static let blockByteCount = Int(CSHA1_BLOCK_BYTES)

    // The initial value is FIPS 180-4, section 5.3.1. C sees the five words as an array: nothing else may be stored here.
    private var a: UInt32 = 0x6745_2301
    private var b: UInt32 = 0xefcd_ab89
    private var c: UInt32 = 0x98ba_dcfe
    private var d: UInt32 = 0x1032_5476
    private var e: UInt32 = 0xc3d2_e1f0

    /// Nothing has been read.
    package init() {}

    /// Reads whole blocks.
    /// - Precondition: the number of bytes is a multiple of 64.
    package mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        precondition(blocks.count % Self.blockByteCount == 0, "only whole blocks can be compressed")
        guard let bytes = blocks.baseAddress else { return }
        withWords { csha1_compress($0, bytes.assumingMemoryBound(to: UInt8.self), blocks.count / Self.blockByteCount) }
    }

    /// Reads whole blocks.
    /// - Precondition: the number of bytes is a multiple of 64.
    package mutating func compress(_ blocks: RawSpan) {
        blocks.withUnsafeBytes { compress($0) }
    }

    /// The digest of a message that was read up to `tail`. The state itself stays as it is.
    /// - Parameters:
    ///   - tail: the rest of the message, of any length, often empty.
    ///   - messageByteCount: bytes of the whole message, with the tail. SHA-1 ends at 2^61 bytes.
    /// - Precondition: what the message has before the tail is a multiple of 64 bytes.
    package func digest(tail: UnsafeRawBufferPointer, messageByteCount: UInt64) -> Digest {
        let block = Self.blockByteCount
        precondition(
            messageByteCount >= UInt64(tail.count) && (messageByteCount - UInt64(tail.count)) % UInt64(block) == 0,
            "a tail follows whole blocks")
        let wholeByteCount = tail.count / block * block
        let rest = UnsafeRawBufferPointer(rebasing: tail[wholeByteCount...])
        var state = self
        state.compress(UnsafeRawBufferPointer(rebasing: tail[..<wholeByteCount]))

        // FIPS 180-4, section 5.1.1: a one bit, zeros, the number of bits in eight bytes. Two blocks if one is too short.
        let bitCount = messageByteCount * 8
        let paddedByteCount = rest.count < block - MemoryLayout<UInt64>.size ? block : 2 * block
        withUnsafeTemporaryAllocation(byteCount: 2 * block, alignment: 16) { padded in
            padded.initializeMemory(as: UInt8.self, repeating: 0)
            padded.copyMemory(from: rest)
            padded[rest.count] = 0x80
            padded.storeBytes(
                of: bitCount.bigEndian, toByteOffset: paddedByteCount - MemoryLayout<UInt64>.size, as: UInt64.self)
            state.compress(UnsafeRawBufferPointer(rebasing: padded[..<paddedByteCount]))
        }
        return state.chainingValue
    }

    /// As above, for a tail in a span.
    package func digest(tail: RawSpan, messageByteCount: UInt64) -> Digest {
        tail.withUnsafeBytes { digest(tail: $0, messageByteCount: messageByteCount) }
    }

    private var chainingValue: Digest {
        func word(_ index: Int) -> UInt32 {
            switch index {
            case 0: a
            case 1: b
            case 2: c
            case 3: d
            default: e
            }
        }
        return Digest(
            (0..<Digest.byteCount).lazy.map { UInt8(truncatingIfNeeded: word($0 / 4) >> UInt32(24 - $0 % 4 * 8)) })
    }

    /// The five words as C takes them.
    private mutating func withWords(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
        withUnsafeMutablePointer(to: &self) { state in
            state.withMemoryRebound(to: UInt32.self, capacity: Int(CSHA1_STATE_WORDS), body)
        }
    }
}
