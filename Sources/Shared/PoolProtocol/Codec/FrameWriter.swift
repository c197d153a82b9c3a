/// Builds the bytes of one frame: fixed-width little-endian fields, one message after another.
package struct FrameWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var isEmpty: Bool { bytes.isEmpty }
    package var byteCount: Int { bytes.count }

    /// Empties the frame and keeps its storage for the next one.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Takes the finished frame out and leaves an empty one.
    package mutating func take() -> [UInt8] {
        let finished = bytes
        bytes = []
        return finished
    }

    @inline(__always)
    package mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func put(raw: some Collection<UInt8>) { bytes.append(contentsOf: raw) }

    /// A string or bit map: 16-bit count, then the bytes.
    package mutating func put(counted raw: some Collection<UInt8>) {
        precondition(raw.count < Topology.batchByteCount)
        put(UInt16(raw.count))
        put(raw: raw)
    }

    /// A list: 16-bit count, then the entries.
    package mutating func put<Entry: PoolCodable>(list: [Entry]) {
        precondition(list.count <= Topology.maximumListCount, "long lists are split before they are sent")
        put(UInt16(list.count))
        for entry in list { entry.encode(into: &self) }
    }
}
