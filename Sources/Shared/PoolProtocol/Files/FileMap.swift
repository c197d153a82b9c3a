package import BitTorrent

/// Says where each byte of a torrent belongs on the disk. Knows no descriptor.
package struct FileMap: Equatable, Sendable {
    /// Adjacent bytes that stay adjacent.
    package struct Span: Equatable, Sendable {
        /// Number in the table, `partsFile`, or nil for the bytes of a pad file, which are kept nowhere.
        package let file: Int?
        /// Bytes before the span in its file.
        package let offset: UInt64
        /// Bytes; > 0.
        package let byteCount: UInt64
    }

    package let table: FileTable

    /// - Parameter hasPaths: whether the table names its files.
    /// - Throws: when the files do not cover the torrent without gaps, or a file that has to exist has no name.
    package init(_ table: FileTable, hasPaths: Bool = true) throws(PoolCodecError) {
        var end: UInt64 = 0
        for file in table.files {
            let isNamed = !hasPaths || file.kind != .wanted || !file.path.isEmpty
            guard file.offset == end, isNamed, file.byteCount <= UInt64.max - end else { throw .invalidField("files") }
            end += file.byteCount
        }
        guard end == table.geometry.totalByteCount else { throw .invalidField("files") }
        var runEnd: UInt64 = 0
        for run in table.partsRuns {
            guard run.offset >= runEnd, run.byteCount > 0, run.byteCount <= UInt64.max - run.offset,
                run.byteCount <= UInt64.max - run.partsOffset, !hasPaths || !table.partsPath.isEmpty
            else { throw .invalidField("partsRuns") }
            runEnd = run.offset + run.byteCount
        }
        self.table = table
    }

    package var geometry: TorrentGeometry { table.geometry }
    /// The number of the hidden parts file.
    package var partsFile: Int { table.files.count }

    /// Relative to `--dir`.
    package func path(of file: Int) -> String { file == partsFile ? table.partsPath : table.files[file].path }

    /// Bytes that the file has when it is complete; nil for the parts file, which grows as it must.
    package func byteCount(of file: Int) -> UInt64? { file == partsFile ? nil : table.files[file].byteCount }

    /// Where a range of the torrent goes, ascending.
    /// - Throws: when a byte of an unselected file has no place in the parts file: the supervisor wants a piece that it
    ///   did not plan for.
    package func spans(offset: UInt64, byteCount: UInt64) throws(PoolCodecError) -> [Span] {
        guard offset <= geometry.totalByteCount, byteCount <= geometry.totalByteCount - offset else {
            throw .invalidField("range")
        }
        var spans: [Span] = []
        var position = offset
        while position < offset + byteCount {
            let span = try span(at: position, before: offset + byteCount)
            spans.append(span)
            position += span.byteCount
        }
        return spans
    }

    /// The adjacent bytes from `offset` on, up to `end` at the furthest. Allocates nothing.
    /// - Precondition: `offset < end`, and `end` is within the torrent.
    /// - Throws: as `spans`.
    package func span(at offset: UInt64, before end: UInt64) throws(PoolCodecError) -> Span {
        let index = Self.first(of: table.files.count) { table.files[$0].offset + table.files[$0].byteCount > offset }
        let file = table.files[index]
        let byteCount = min(end, file.offset + file.byteCount) - offset
        switch file.kind {
        case .wanted: return Span(file: index, offset: offset - file.offset, byteCount: byteCount)
        case .pad: return Span(file: nil, offset: offset - file.offset, byteCount: byteCount)
        case .unselected: return try partsSpan(at: offset, before: offset + byteCount)
        }
    }

    /// The files, and the parts file, that hold bytes of a piece.
    package func files(of piece: PieceIndex) throws(PoolCodecError) -> Set<Int> {
        let all = try spans(offset: geometry.offset(of: piece), byteCount: UInt64(geometry.length(of: piece)))
        return Set(all.compactMap(\.file))
    }

    private func partsSpan(at offset: UInt64, before end: UInt64) throws(PoolCodecError) -> Span {
        let index = Self.first(of: table.partsRuns.count) {
            table.partsRuns[$0].offset + table.partsRuns[$0].byteCount > offset
        }
        guard index < table.partsRuns.count, table.partsRuns[index].offset <= offset else {
            throw .invalidField("partsRuns")
        }
        let run = table.partsRuns[index]
        return Span(
            file: partsFile, offset: run.partsOffset + (offset - run.offset),
            byteCount: min(end, run.offset + run.byteCount) - offset)
    }

    /// The lowest number below `count` that `isAfter` holds for, when it holds for all above it too.
    private static func first(of count: Int, where isAfter: (Int) -> Bool) -> Int {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if isAfter(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
