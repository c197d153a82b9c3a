import BitTorrent
import PoolProtocol

extension FileTable {
    /// The files of a torrent as the user selected them, for the writer.
    init(infoHash: InfoHash, selected: SelectedFiles) {
        let layout = selected.layout
        var runs: [PartsRun] = []
        for index in layout.files.indices { runs += Self.runs(of: index, selected) }
        self.init(
            infoHash: infoHash, geometry: layout.geometry,
            files: layout.files.enumerated().map { index, file in Self.entry(file, isCreated: selected.isCreated(index))
            },
            partsPath: runs.isEmpty ? "" : PartsFile.name(of: infoHash), partsRuns: runs)
    }

    private static func entry(_ file: TorrentFile, isCreated: Bool) -> Entry {
        let kind: Entry.Kind =
            switch file.role {
            case .payload: isCreated ? .wanted : .unselected
            case .padding: .pad
            // Has no bytes and is never made.
            case .link: .unselected
            }
        return Entry(kind: kind, path: file.path.relative, offset: file.offset, byteCount: file.length)
    }

    /// The bytes of an unselected file that come along with a wanted piece: they are in its first or its last piece,
    /// since all others hold no other file.
    private static func runs(of index: Int, _ selected: SelectedFiles) -> [PartsRun] {
        let layout = selected.layout, file = layout.files[index]
        guard file.role == .payload, !selected.selection.contains(index), file.length > 0 else { return [] }
        let pieces = layout.pieces(of: index)
        var runs: [PartsRun] = []
        for number in Set([pieces.lowerBound, pieces.upperBound - 1]).sorted() {
            let piece = PieceIndex(number)
            guard selected.wantedPieces.contains(piece), let slot = selected.parts.slotOffset(of: piece) else {
                continue
            }
            let pieceStart = layout.geometry.offset(of: piece)
            let start = max(pieceStart, file.offset)
            let end = min(pieceStart + UInt64(layout.geometry.length(of: piece)), file.end)
            runs.append(PartsRun(offset: start, byteCount: end - start, partsOffset: slot + (start - pieceStart)))
        }
        return runs
    }
}
