import PoolProtocol

/// The fewest `pwritev` calls that bring a batch of frames into the files. Knows no descriptor and no address.
struct WritePlan: Equatable {
    /// Bytes of a torrent that lie somewhere in a hash-worker's region.
    struct Source: Equatable {
        /// First byte in the torrent.
        var offset: UInt64
        /// Ordinal of the hash-worker.
        var region: UInt16
        var regionOffset: Int
        /// Bytes; > 0.
        var byteCount: Int
    }

    struct Vector: Equatable {
        var region: UInt16
        var regionOffset: Int
        var byteCount: Int
    }

    struct Call: Equatable {
        /// Number in the table, or `FileMap.partsFile`.
        let file: Int
        let offset: UInt64
        fileprivate(set) var vectors: [Vector]
        fileprivate(set) var byteCount: Int
    }

    /// IOV_MAX of Linux.
    static let maximumVectorCount = 1024

    private(set) var calls: [Call] = []

    /// - Parameter sources: in any order; ranges that overlap hold the same bytes, since both were verified.
    init(_ sources: [Source], map: FileMap) throws(PoolCodecError) {
        for source in sources.sorted(by: { $0.offset < $1.offset }) {
            var regionOffset = source.regionOffset
            for span in try map.spans(offset: source.offset, byteCount: UInt64(source.byteCount)) {
                let vector = Vector(
                    region: source.region, regionOffset: regionOffset, byteCount: Int(span.byteCount))
                regionOffset += vector.byteCount
                if let file = span.file { append(vector, file: file, offset: span.offset) }
            }
        }
    }

    var byteCount: Int { calls.reduce(0) { $0 + $1.byteCount } }

    private mutating func append(_ vector: Vector, file: Int, offset: UInt64) {
        guard let last = calls.indices.last, calls[last].file == file,
            calls[last].offset + UInt64(calls[last].byteCount) == offset
        else { return calls.append(Call(file: file, offset: offset, vectors: [vector], byteCount: vector.byteCount)) }
        let end = calls[last].vectors.count - 1
        let previous = calls[last].vectors[end]
        if previous.region == vector.region && previous.regionOffset + previous.byteCount == vector.regionOffset {
            calls[last].vectors[end].byteCount += vector.byteCount
        } else if calls[last].vectors.count < Self.maximumVectorCount {
            calls[last].vectors.append(vector)
        } else {
            return calls.append(Call(file: file, offset: offset, vectors: [vector], byteCount: vector.byteCount))
        }
        calls[last].byteCount += vector.byteCount
    }
}
