/// Keeps a set of pieces sorted by rank in one array of buckets, so that a piece changes its bucket in one swap per
/// step of rank, and a piece of a bucket is drawn evenly without reading the others. Knows no worker and no state.
///
/// Invariant: bucket r is `ranked[bounds[r] ..< bounds[r + 1]]`, and `place` is the inverse of `ranked`.
struct RarityOrder {
    /// Ranks are `0 ..< rankCount`; pieces with more sources share the last one, where rarity is no concern. A bound on
    /// the buckets bounds every move.
    static let rankCount = 128
    private static let absent = UInt32.max

    private(set) var ranked: [UInt32] = []
    /// Per piece its index in `ranked`, or `absent`.
    private var place: [UInt32]
    private var bounds = [Int](repeating: 0, count: rankCount + 1)

    init(pieceCount: Int) { place = [UInt32](repeating: Self.absent, count: pieceCount) }

    var count: Int { ranked.count }
    var pieceCount: Int { place.count }
    /// Places in `ranked` of the pieces with this rank.
    func bucket(_ rank: Int) -> Range<Int> { bounds[rank]..<bounds[rank + 1] }
    func contains(_ piece: PieceIndex) -> Bool { place[piece.value] != Self.absent }
    func piece(at index: Int) -> PieceIndex { PieceIndex(ranked[index]) }

    mutating func insert(_ piece: PieceIndex, rank: Int) {
        precondition(!contains(piece))
        place[piece.value] = UInt32(ranked.count)
        ranked.append(piece.rawValue)
        bounds[Self.rankCount] += 1
        lower(piece, from: Self.rankCount - 1, to: rank)
    }

    /// Many at once, in linear time.
    mutating func insert(_ pieces: [PieceIndex], rank: (PieceIndex) -> Int) {
        for piece in pieces {
            precondition(!contains(piece))
            place[piece.value] = UInt32(ranked.count)
            ranked.append(piece.rawValue)
        }
        rebuild(rank: rank)
    }

    mutating func remove(_ piece: PieceIndex, rank: Int) {
        precondition(contains(piece) && bucket(rank).contains(Int(place[piece.value])))
        raise(piece, from: rank, to: Self.rankCount - 1)
        swap(Int(place[piece.value]), ranked.count - 1)
        ranked.removeLast()
        bounds[Self.rankCount] -= 1
        place[piece.value] = Self.absent
    }

    mutating func move(_ piece: PieceIndex, from rank: Int, to newRank: Int) {
        if newRank < rank { lower(piece, from: rank, to: newRank) } else { raise(piece, from: rank, to: newRank) }
    }

    mutating func swap(_ left: Int, _ right: Int) {
        guard left != right else { return }
        ranked.swapAt(left, right)
        place[Int(ranked[left])] = UInt32(left)
        place[Int(ranked[right])] = UInt32(right)
    }

    /// Sorts all pieces anew in linear time: the loss of a worker changes very many ranks at once.
    mutating func rebuild(rank: (PieceIndex) -> Int) {
        let pieces = ranked
        bounds = [Int](repeating: 0, count: Self.rankCount + 1)
        for piece in pieces { bounds[rank(PieceIndex(piece)) + 1] += 1 }
        for index in 1...Self.rankCount { bounds[index] += bounds[index - 1] }
        var next = bounds
        for piece in pieces {
            let rank = rank(PieceIndex(piece))
            ranked[next[rank]] = piece
            place[Int(piece)] = UInt32(next[rank])
            next[rank] += 1
        }
    }

    /// Swaps with the first of each bucket on the way and moves that bucket's lower bound past it.
    private mutating func lower(_ piece: PieceIndex, from rank: Int, to newRank: Int) {
        var current = rank
        while current > newRank {
            swap(Int(place[piece.value]), bounds[current])
            bounds[current] += 1
            current -= 1
        }
    }

    private mutating func raise(_ piece: PieceIndex, from rank: Int, to newRank: Int) {
        var current = rank
        while current < newRank {
            current += 1
            bounds[current] -= 1
            swap(Int(place[piece.value]), bounds[current])
        }
    }

    /// Traps when a piece lies in another bucket than `rank` says.
    func checkInvariants(rank: (PieceIndex) -> Int) {
        precondition(bounds[0] == 0 && bounds[Self.rankCount] == ranked.count)
        for index in 0..<Self.rankCount {
            precondition(bounds[index] <= bounds[index + 1])
            for position in bucket(index) {
                let piece = piece(at: position)
                precondition(Int(place[piece.value]) == position && rank(piece) == index)
            }
        }
        precondition(place.count { $0 != Self.absent } == ranked.count)
    }
}
