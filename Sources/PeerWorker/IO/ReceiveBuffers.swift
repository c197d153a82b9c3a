import NIOCore

/// The one buffer that all connections receive into, one after another: it stays in the cache, and 500 quiet peers
/// hold none. Belongs to the connections' loop.
final class ReceiveBuffers: @unchecked Sendable {
    // NIO wants allocators to be Sendable; every channel that uses this one lives on the same loop.

    /// Bytes of one read: 16 blocks, so that the calls around a read cost little beside its bytes (measured: 128 KiB
    /// cost 4 % more CPU a GiB, 64 KiB 17 %).
    static let byteCount = 256 << 10
    /// While slots are short: little more than a block, so that what must wait stays small.
    static let shortByteCount = 32 << 10

    private var spare: ByteBuffer?
    /// Whether slots are short.
    var isShort = false

    func take(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        if isShort { return allocator.buffer(capacity: Self.shortByteCount) }
        guard var buffer = spare else { return allocator.buffer(capacity: Self.byteCount) }
        spare = nil
        buffer.clear()
        return buffer
    }

    /// What was received is used up; the buffer may be received into again once its reader has let go of it.
    func giveBack(_ buffer: consuming ByteBuffer) {
        if spare == nil, buffer.storageCapacity >= Self.byteCount { spare = buffer }
    }
}

/// A channel's view of the shared buffer. NIO's pool keeps the first buffer of a channel for good, so that one is small;
/// from the second read on, `record` says that the next may be larger, and the pool asks anew for each read.
/// Wants `maxMessagesPerRead` 1: with more, the pool keeps more.
struct ReceiveAllocator: RecvByteBufferAllocator {
    /// Handshake, extension handshake and the bitfield of most torrents.
    private static let firstByteCount = 2048

    let buffers: ReceiveBuffers
    private var hasRead = false

    init(_ buffers: ReceiveBuffers) { self.buffers = buffers }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        hasRead ? buffers.take(allocator) : allocator.buffer(capacity: Self.firstByteCount)
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        hasRead = true
        return true
    }
}
