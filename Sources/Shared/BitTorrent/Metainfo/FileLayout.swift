/// Which bytes of the torrent lie in which file, both ways. Knows no selection; `SelectedFiles` does.
package struct FileLayout: Hashable, Sendable {
    package let files: [TorrentFile]
    package let geometry: TorrentGeometry

    /// - Precondition: the lengths sum to more than 0 and less than 2⁶³; the metainfo parser refuses others by name.
    package init(files: [TorrentFile], pieceByteCount: UInt32) {
        var files = files
        var offset: UInt64 = 0
        for index in files.indices {
            files[index].offset = offset
            offset += files[index].length
        }
        self.files = files
        geometry = TorrentGeometry(totalByteCount: offset, pieceByteCount: pieceByteCount)
    }

    /// The parts of files that a range of the torrent covers, ascending; files without bytes never appear.
    /// - Precondition: the range ends within the torrent.
    package func spans(offset: UInt64, length: UInt64) -> [FileSpan] {
        precondition(offset + length <= geometry.totalByteCount)
        var spans: [FileSpan] = []
        var index = firstFile(endingAfter: offset)
        var position = offset
        while position < offset + length {
            let file = files[index]
            let count = min(file.end, offset + length) - position
            if count > 0 {
                spans.append(
                    FileSpan(
                        fileIndex: index, fileOffset: position - file.offset, length: count,
                        isPadding: file.role == .padding))
            }
            position += count
            index += 1
        }
        return spans
    }

    package func spans(of piece: PieceIndex) -> [FileSpan] {
        spans(offset: geometry.offset(of: piece), length: UInt64(geometry.length(of: piece)))
    }

    /// - Parameters:
    ///   - begin: first byte within the piece.
    ///   - length: bytes; the range stays within the piece.
    package func spans(of piece: PieceIndex, begin: UInt32, length: UInt32) -> [FileSpan] {
        precondition(UInt64(begin) + UInt64(length) <= UInt64(geometry.length(of: piece)))
        return spans(offset: geometry.offset(of: piece) + UInt64(begin), length: UInt64(length))
    }

    /// The numbers of all pieces that hold a byte of the file; empty for an empty file.
    package func pieces(of fileIndex: Int) -> Range<Int> {
        let file = files[fileIndex]
        let pieceByteCount = UInt64(geometry.pieceByteCount)
        let first = Int(file.offset / pieceByteCount)
        return file.length == 0 ? first..<first : first..<Int((file.end - 1) / pieceByteCount) + 1
    }

    /// The file that holds the byte at `offset`.
    private func firstFile(endingAfter offset: UInt64) -> Int {
        var low = 0, high = files.count
        while low < high {
            let middle = (low + high) / 2
            if files[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Adjacent bytes of one file.
package struct FileSpan: Hashable, Sendable {
    package let fileIndex: Int
    /// Bytes before the span in its file.
    package let fileOffset: UInt64
    /// Bytes; > 0.
    package let length: UInt64
    /// Bytes of a pad file: zeros, on no disk.
    package let isPadding: Bool

    package init(fileIndex: Int, fileOffset: UInt64, length: UInt64, isPadding: Bool = false) {
        self.fileIndex = fileIndex
        self.fileOffset = fileOffset
        self.length = length
        self.isPadding = isPadding
    }
}
