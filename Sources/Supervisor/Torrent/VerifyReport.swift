import BitTorrent

/// What `verify` found: pieces, and the files that they touch.
struct VerifyReport {
    struct File {
        var path: String
        var byteCount: UInt64
        var badPieceCount = 0
    }

    let metainfo: Metainfo
    private(set) var rightPieceCount = 0
    /// Read, and not what the torrent says.
    private(set) var wrong: [PieceIndex] = []
    /// Not there, or not readable.
    private(set) var missing: [PieceIndex] = []
    /// Why the first missing piece is missing.
    private(set) var reason: String?

    init(metainfo: Metainfo) { self.metainfo = metainfo }

    var isRight: Bool { wrong.isEmpty && missing.isEmpty }

    mutating func right(_ piece: PieceIndex) { rightPieceCount += 1 }
    mutating func wrong(_ piece: PieceIndex) { wrong.append(piece) }
    mutating func missing(_ piece: PieceIndex, because reason: String) {
        missing.append(piece)
        if self.reason == nil { self.reason = reason }
    }

    /// Files with a bad or missing piece, in the torrent's order.
    var badFiles: [File] {
        var counts: [Int: Int] = [:]
        for piece in wrong + missing {
            for span in metainfo.layout.spans(of: piece) where !span.isPadding {
                counts[span.fileIndex, default: 0] += 1
            }
        }
        return counts.sorted { $0.key < $1.key }.map { index, count in
            let file = metainfo.files[index]
            return File(
                path: TerminalText.escaped(file.path.relative), byteCount: file.length, badPieceCount: count)
        }
    }

    /// One line for the end.
    var summary: String {
        let parts = [
            wrong.isEmpty ? nil : "\(wrong.count) wrong", missing.isEmpty ? nil : "\(missing.count) missing",
        ].compactMap { $0 }
        let line = "\(parts.joined(separator: ", ")) of \(metainfo.geometry.pieceCount) pieces"
        return reason.map { "\(line) (\($0))" } ?? line
    }
}
