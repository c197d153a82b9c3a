import BitTorrent

/// Owns the open pieces, to be found by their assignment. The same one is asked for many times in a row, so the last
/// answer is kept.
struct OpenPieces {
    private var pieces: [PieceAssembly] = []
    private var positions: [AssignmentID: Int] = [:]
    private var lastAssignment: AssignmentID = 0
    private var lastPosition = 0

    var indices: Range<Int> { pieces.indices }

    /// Valid until a piece is removed.
    mutating func position(of assignment: AssignmentID) -> Int? {
        if assignment == lastAssignment && lastAssignment != 0 { return lastPosition }
        guard let position = positions[assignment] else { return nil }
        lastAssignment = assignment
        lastPosition = position
        return position
    }

    subscript(position: Int) -> PieceAssembly { pieces[position] }

    mutating func insert(_ piece: PieceAssembly) {
        precondition(positions[piece.assignment] == nil, "an assignment is opened once")
        positions[piece.assignment] = pieces.count
        pieces.append(piece)
    }

    /// The last piece moves to the position that becomes free.
    mutating func remove(at position: Int) -> PieceAssembly {
        let removed = pieces[position]
        pieces.swapAt(position, pieces.count - 1)
        pieces.removeLast()
        positions[removed.assignment] = nil
        if position < pieces.count { positions[pieces[position].assignment] = position }
        lastAssignment = 0
        return removed
    }
}
