/// A torrent's layout seen through the user's selection: which pieces are wanted, and where each byte of them goes.
package struct SelectedFiles: Sendable {
    /// Adjacent bytes of a piece and the place they belong to.
    package struct Target: Hashable, Sendable {
        package enum Place: Hashable, Sendable {
            /// A selected file.
            case file(index: Int)
            /// The hidden parts file, for bytes of an unselected file.
            case parts
            /// A pad file: zeros, on no disk; `offset` is within the pad file.
            case nowhere
        }
        package let place: Place
        /// Bytes before the target in its file.
        package let offset: UInt64
        /// Bytes; > 0.
        package let length: UInt64

        package init(place: Place, offset: UInt64, length: UInt64) {
            self.place = place
            self.offset = offset
            self.length = length
        }
    }

    /// Bytes of an unselected file that were fetched with a piece it shares, and where the parts file keeps them.
    package struct KeptPart: Hashable, Sendable {
        package let piece: PieceIndex
        package let fileOffset: UInt64
        package let partsOffset: UInt64
        /// Bytes; > 0.
        package let length: UInt64

        package init(piece: PieceIndex, fileOffset: UInt64, partsOffset: UInt64, length: UInt64) {
            self.piece = piece
            self.fileOffset = fileOffset
            self.partsOffset = partsOffset
            self.length = length
        }
    }

    package let layout: FileLayout
    package let selection: FileSelection
    package let parts: PartsLayout
    /// Pieces with a byte of a selected file.
    package let wantedPieces: PieceSet
    /// Bytes of the wanted pieces; what a progress display counts to.
    package let wantedByteCount: UInt64

    /// - Precondition: the selection was made for as many files as the layout has.
    package init(layout: FileLayout, selection: FileSelection) {
        precondition(selection.fileCount == layout.files.count)
        self.layout = layout
        self.selection = selection
        parts = PartsLayout(layout)
        var wanted = PieceSet(pieceCount: layout.geometry.pieceCount)
        var byteCount: UInt64 = 0
        for (index, file) in layout.files.enumerated() where file.role == .payload && selection.contains(index) {
            for number in layout.pieces(of: index) where wanted.insert(PieceIndex(number)) {
                byteCount += UInt64(layout.geometry.length(of: PieceIndex(number)))
            }
        }
        wantedPieces = wanted
        wantedByteCount = byteCount
    }

    /// Whether the file appears on the disk; empty selected files do.
    package func isCreated(_ fileIndex: Int) -> Bool {
        layout.files[fileIndex].role == .payload && selection.contains(fileIndex)
    }

    /// Where the bytes of a wanted piece go, ascending, without gaps.
    /// - Precondition: the piece is wanted.
    package func targets(of piece: PieceIndex) -> [Target] {
        precondition(wantedPieces.contains(piece))
        return targets(layout.spans(of: piece), in: piece)
    }

    /// The bytes of a file that lie in pieces it shares with others, and where they are while the file is not selected:
    /// what has to be copied when it becomes selected. At most its first and its last piece.
    package func keptParts(of fileIndex: Int) -> [KeptPart] {
        guard layout.files[fileIndex].role == .payload else { return [] }
        let pieces = layout.pieces(of: fileIndex)
        var result: [KeptPart] = []
        for number in Set([pieces.first, pieces.last].compactMap { $0 }).sorted() {
            let piece = PieceIndex(number)
            guard let slot = parts.slotOffset(of: piece) else { continue }
            for span in layout.spans(of: piece) where span.fileIndex == fileIndex {
                result.append(
                    KeptPart(
                        piece: piece, fileOffset: span.fileOffset, partsOffset: slot + offsetInPiece(span, piece),
                        length: span.length))
            }
        }
        return result
    }

    private func targets(_ spans: [FileSpan], in piece: PieceIndex) -> [Target] {
        spans.map { span in
            if span.isPadding { return Target(place: .nowhere, offset: span.fileOffset, length: span.length) }
            if selection.contains(span.fileIndex) {
                return Target(place: .file(index: span.fileIndex), offset: span.fileOffset, length: span.length)
            }
            guard let slot = parts.slotOffset(of: piece) else {
                preconditionFailure("a wanted piece with unselected bytes is shared by two files")
            }
            return Target(place: .parts, offset: slot + offsetInPiece(span, piece), length: span.length)
        }
    }

    private func offsetInPiece(_ span: FileSpan, _ piece: PieceIndex) -> UInt64 {
        layout.files[span.fileIndex].offset + span.fileOffset - layout.geometry.offset(of: piece)
    }
}
