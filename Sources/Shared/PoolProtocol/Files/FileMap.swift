import BitTorrent
import PoolProtocol

/// Says where each byte of a torrent belongs on the disk. Knows no descriptor.
struct FileMap: Equatable {
    /// Adjacent bytes that stay adjacent.
    struct Span: Equatable {
        /// Number in the table, `partsFile`, or nil for the bytes of a pad file, which are kept nowhere.
        let file: Int?
        /// Bytes before the span in its file.
        let offset: UInt64
        /// Bytes; > 0.
        let byteCount: UInt64
    }

    let table: FileTable

    /// - Throws: when the files do not cover the torrent without gaps, or a file that has to exist has no name.
    init(_ table: FileTable) throws(PoolCodecError) {
        var end: UInt64 = 0
        for file in table.files {
            guard file.offset == end, file.kind != .wanted || !file.path.isEmpty else { throw .invalidField("files") }
            end += file.byteCount
        }
        guard end == table.geometry.totalByteCount else { throw .invalidField("files") }
        var runEnd: UInt64 = 0
        for run in table.partsRuns {
            guard run.offset >= runEnd, run.byteCount > 0, !table.partsPath.isEmpty else {
                throw .invalidField("partsRuns")
            }
            runEnd = run.offset + run.byteCount
        }
        self.table = table
    }

    var geometry: TorrentGeometry { table.geometry }
    /// The number of the hidden parts file.
    var partsFile: Int { table.files.count }

    /// Relative to `--dir`.
    func path(of file: Int) -> String { file == partsFile ? table.partsPath : table.files[file].path }

    /// Bytes that the file has when it is complete; nil for the parts file, which grows as it must.
    func byteCount(of file: Int) -> UInt64? { file == partsFile ? nil : table.files[file].byteCount }

    /// Where a range of the torrent goes, ascending.
    /// - Throws: when a byte of an unselected file has no place in the parts file: the supervisor wants a piece that it
    ///   did not plan for.
    func spans(offset: UInt64, byteCount: UInt64) throws(PoolCodecError) -> [Span] {
        guard offset <= geometry.totalByteCount, byteCount <= geometry.totalByteCount - offset else {
            throw .invalidField("range")
        }
        var spans: [Span] = []
        var position = offset
        let end = offset + byteCount
        var index = Self.first(of: table.files.count) { table.files[$0].offset + table.files[$0].byteCount > offset }
        while position < end {
            let file = table.files[index]
            let fileEnd = min(end, file.offset + file.byteCount)
            if fileEnd > position {
                switch file.kind {
                case .wanted:
                    spans.append(Span(file: index, offset: position - file.offset, byteCount: fileEnd - position))
                case .pad: spans.append(Span(file: nil, offset: position - file.offset, byteCount: fileEnd - position))
                case .unselected: try appendParts(from: position, to: fileEnd, to: &spans)
                }
                position = fileEnd
            }
            index += 1
        }
        return spans
    }

    /// The files, and the parts file, that hold bytes of a piece.
    func files(of piece: PieceIndex) throws(PoolCodecError) -> Set<Int> {
        let all = try spans(offset: geometry.offset(of: piece), byteCount: UInt64(geometry.length(of: piece)))
        return Set(all.compactMap(\.file))
    }

    private func appendParts(from start: UInt64, to end: UInt64, to spans: inout [Span]) throws(PoolCodecError) {
        var position = start
        var index = Self.first(of: table.partsRuns.count) {
            table.partsRuns[$0].offset + table.partsRuns[$0].byteCount > start
        }
        while position < end {
            guard index < table.partsRuns.count, table.partsRuns[index].offset <= position else {
                throw .invalidField("partsRuns")
            }
            let run = table.partsRuns[index]
            let runEnd = min(end, run.offset + run.byteCount)
            spans.append(
                Span(
                    file: partsFile, offset: run.partsOffset + (position - run.offset),
                    byteCount: runEnd - position))
            position = runEnd
            index += 1
        }
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
