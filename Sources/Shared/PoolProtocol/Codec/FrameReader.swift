/// Reads the fields of one frame that another process wrote. Trusts no count: every read is checked against the end.
/// Borrows the bytes: it must not outlive the call that was handed them.
package struct FrameReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var isAtEnd: Bool { offset == bytes.count }
    private var remaining: Int { bytes.count - offset }

    @inline(__always)
    package mutating func get<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(PoolCodecError) -> Value {
        guard remaining >= MemoryLayout<Value>.size else { throw .truncated }
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: Value.self)
        offset += MemoryLayout<Value>.size
        return Value(littleEndian: value)
    }

    package mutating func getRaw(byteCount: Int) throws(PoolCodecError) -> [UInt8] {
        guard byteCount <= remaining else { throw .truncated }
        defer { offset += byteCount }
        return [UInt8](bytes[offset..<offset + byteCount])
    }

    package mutating func getCounted() throws(PoolCodecError) -> [UInt8] {
        let byteCount = Int(try get(UInt16.self))
        return try getRaw(byteCount: byteCount)
    }

    package mutating func getList<Entry: PoolCodable>(
        of type: Entry.Type = Entry.self
    ) throws(PoolCodecError) -> [Entry] {
        let count = Int(try get(UInt16.self))
        guard count <= Topology.maximumListCount, count <= remaining else { throw .listTooLong(count) }
        var list: [Entry] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try Entry(from: &self)) }
        return list
    }
}

extension PoolMessage {
    /// Reads every message of one frame; any unreadable byte makes the whole frame an error.
    package static func decodeAll(
        _ frame: UnsafeRawBufferPointer, each body: (Self) -> Void
    ) throws(PoolCodecError) {
        var reader = FrameReader(frame)
        while !reader.isAtEnd { body(try Self(from: &reader)) }
    }
}
