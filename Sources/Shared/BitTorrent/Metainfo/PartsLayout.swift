/// Where a byte of an unselected file lies in the hidden parts file. Only pieces that hold bytes of two or more files
/// can need it; each has a slot of one piece length, in ascending order. Slots do not depend on the selection, so a
/// parts file stays true when the user selects other files in the next run; unused slots are holes.
package struct PartsLayout: Hashable, Sendable {
    /// Numbers of the pieces with bytes of several payload files, ascending.
    private let sharedPieces: [UInt32]
    private let pieceByteCount: UInt32

    package init(_ layout: FileLayout) {
        var shared: [UInt32] = []
        var previousLast = -1
        for (index, file) in layout.files.enumerated() where file.role == .payload && file.length > 0 {
            let pieces = layout.pieces(of: index)
            let first = UInt32(pieces.lowerBound)
            if pieces.lowerBound == previousLast && shared.last != first { shared.append(first) }
            previousLast = pieces.upperBound - 1
        }
        sharedPieces = shared
        pieceByteCount = layout.geometry.pieceByteCount
    }

    package var slotCount: Int { sharedPieces.count }

    /// Offset in the parts file of the piece's first byte; nil when no two files share the piece.
    package func slotOffset(of piece: PieceIndex) -> UInt64? {
        var low = 0, high = sharedPieces.count
        while low < high {
            let middle = (low + high) / 2
            if sharedPieces[middle] < piece.rawValue { low = middle + 1 } else { high = middle }
        }
        guard low < sharedPieces.count, sharedPieces[low] == piece.rawValue else { return nil }
        return UInt64(low) * UInt64(pieceByteCount)
    }
}
