/// Owns whether we want something of a peer (BEP 3 wants the peer told at all times). Remembers one piece as the proof
/// and looks for another only when that one is no longer needed, so a finished piece costs most sessions one compare.
struct Interest {
    /// A piece that the peer has and the torrent needs; nil when there is none.
    private var proof: PieceIndex?

    var isInterested: Bool { proof != nil }
    /// Any piece that the peer has and the torrent needs.
    var piece: PieceIndex? { proof }

    /// The peer has `piece`, newly.
    mutating func pieceGained(_ piece: PieceIndex, needed: PieceSet, into actions: inout [SessionAction]) {
        if proof == nil, needed.contains(piece) { change(to: piece, into: &actions) }
    }

    /// Anything may have changed in either set.
    mutating func reconsider(theirs: PieceSet, needed: PieceSet, into actions: inout [SessionAction]) {
        if let proof, needed.contains(proof), theirs.contains(proof) { return }
        let start = proof ?? PieceIndex(0)
        let next =
            Self.firstCommon(theirs, needed, from: start) ?? Self.firstCommon(theirs, needed, from: PieceIndex(0))
        change(to: next, into: &actions)
    }

    private mutating func change(to next: PieceIndex?, into actions: inout [SessionAction]) {
        let before = isInterested
        proof = next
        if isInterested != before { actions.append(.send(isInterested ? .interested : .notInterested)) }
    }

    /// Leaps from set to set, a word at a time.
    private static func firstCommon(_ left: PieceSet, _ right: PieceSet, from start: PieceIndex) -> PieceIndex? {
        var candidate = left.first(from: start)
        while let inLeft = candidate {
            guard let inRight = right.first(from: inLeft) else { return nil }
            if inRight == inLeft { return inLeft }
            candidate = left.first(from: inRight)
            if candidate == inRight { return inRight }
        }
        return nil
    }
}
