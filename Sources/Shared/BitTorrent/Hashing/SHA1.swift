/// SHA-1 of a message that comes in parts of any length: info dictionaries, handshakes, blocks of a suspect piece.
///
/// Buffers up to one block. For pieces, whose bytes lie in memory anyway, `SHA1State` and `SHA1Lanes` do without.
package struct SHA1 {
    private var state = SHA1State()
    /// Bytes read so far.
    private var messageByteCount: UInt64 = 0
    /// The first `messageByteCount % 64` bytes are the ones that no block has been made of yet.
    private var pending = InlineArray<64, UInt8>(repeating: 0)

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let block = SHA1State.blockByteCount
        var rest = bytes
        let pendingByteCount = Int(messageByteCount % UInt64(block))
        messageByteCount += UInt64(bytes.count)
        if pendingByteCount > 0 {
            let taken = min(block - pendingByteCount, rest.count)
            for offset in 0..<taken { pending[pendingByteCount + offset] = rest[offset] }
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            guard pendingByteCount + taken == block else { return }
            state.compress(pending.span.bytes)
        }
        let wholeByteCount = rest.count / block * block
        state.compress(UnsafeRawBufferPointer(rebasing: rest[..<wholeByteCount]))
        for offset in 0..<(rest.count - wholeByteCount) { pending[offset] = rest[wholeByteCount + offset] }
    }

    package mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of everything read. Ends the stream; copy the value first to go on from here.
    package consuming func finalize() -> Digest {
        let pendingByteCount = Int(messageByteCount % UInt64(SHA1State.blockByteCount))
        return state.digest(
            tail: pending.span.extracting(first: pendingByteCount).bytes, messageByteCount: messageByteCount)
    }

    /// The digest of a message that is there as a whole.
    package static func hash(of message: UnsafeRawBufferPointer) -> Digest {
        SHA1State().digest(tail: message, messageByteCount: UInt64(message.count))
    }

    package static func hash(of message: RawSpan) -> Digest {
        message.withUnsafeBytes { hash(of: $0) }
    }

    package static func hash(of message: Span<UInt8>) -> Digest {
        message.withUnsafeBytes { hash(of: $0) }
    }

    package static func hash(of message: [UInt8]) -> Digest {
        message.withUnsafeBytes { hash(of: $0) }
    }
}
