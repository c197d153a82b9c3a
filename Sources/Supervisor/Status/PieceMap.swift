import BitTorrent

/// Which pieces of a torrent are there, under way or missing, to be drawn at any width.
struct PieceMap: Equatable {
    /// What some neighbouring pieces have in common, or a part of one piece.
    struct Cell: Equatable {
        /// Written pieces, and wanted ones that are not.
        var haveCount = 0
        var missingCount = 0
        /// Of the missing ones, at least one is being fetched, verified or written.
        var isInFlight = false
    }

    private let have: PieceSet
    /// nil: all.
    private let wanted: PieceSet?
    private let inFlight: [PieceIndex]

    init(have: PieceSet, wanted: PieceSet? = nil, inFlight: [PieceIndex] = []) {
        self.have = have
        self.wanted = wanted.map {
            // A piece that is there counts, wanted or not.
            var union = $0
            union.formUnion(have)
            return union
        }
        self.inFlight = inFlight
    }

    init(_ ledger: PieceLedger) {
        self.init(have: ledger.have, wanted: ledger.wantedPieces, inFlight: Array(ledger.piecesInFlight))
    }

    /// Cells of equal width, in the order of the pieces. With more cells than pieces, a piece takes several.
    func cells(_ cellCount: Int) -> [Cell] {
        let pieceCount = have.pieceCount
        guard pieceCount > 0, cellCount > 0 else { return [] }
        var flying = PieceSet(pieceCount: pieceCount)
        for piece in inFlight { flying.insert(piece) }
        return (0..<cellCount).map { index in
            let first = index * pieceCount / cellCount
            let range = first..<max(first + 1, (index + 1) * pieceCount / cellCount)
            let haveCount = have.count(in: range)
            return Cell(
                haveCount: haveCount, missingCount: (wanted?.count(in: range) ?? range.count) - haveCount,
                isInFlight: flying.count(in: range) > 0)
        }
    }
}
