/// Owns the order in which missing pieces are opened: rarest first over all workers (BEP 3 recommends it for the health
/// of the swarm), or first to last. Which pieces are missing it is told by `PieceLedger` alone; it changes no piece's
/// state, and finishing what is open before opening anew is `BlockLedger`'s business.
package struct PiecePicker {
    package enum Order: Sendable, Equatable {
        case rarestFirst
        /// First to last, for people who look at the file while it comes.
        case sequential
    }

    /// Missing pieces that are looked at in order of rarity before the rest is scanned a word at a time: rarest first is
    /// exact up to here, which a worker that has a twentieth of the pieces rarely leaves, and one choice is bounded.
    static let probeLimit = 128
    /// Of that scan's finds, so many compete for being the rarest.
    static let scanLimit = 64

    package var order: Order
    package private(set) var availability: Availability
    private var rarity: RarityOrder
    /// Bit i of word w: piece 64·w + i is missing. The same set as `rarity`'s.
    private var missing: [UInt64]
    /// No piece below this word is missing.
    private var lowestWord = 0

    init(pieceCount: Int, missing pieces: [PieceIndex], order: Order) {
        self.order = order
        availability = Availability(pieceCount: pieceCount)
        rarity = RarityOrder(pieceCount: pieceCount)
        rarity.insert(pieces) { _ in 0 }
        missing = [UInt64](repeating: 0, count: (pieceCount + 63) / 64)
        for piece in pieces { missing[piece.value / 64] |= 1 << UInt64(piece.value % 64) }
    }

    // MARK: What workers tell

    /// How many peers that are no seeds can serve `piece` at this worker now.
    package mutating func workerReported(_ worker: Int, _ piece: PieceIndex, count: Int) {
        let (before, after) = availability.workerReported(worker, piece, count: count)
        if rarity.contains(piece) { rarity.move(piece, from: Self.rank(before), to: Self.rank(after)) }
    }

    /// How many complete seeds this worker can ask now.
    package mutating func workerSeeds(_ worker: Int, count: Int) { availability.workerSeeds(worker, count: count) }

    /// The worker died or was given up: it has no sources until it reports again.
    package mutating func workerGone(_ worker: Int) {
        guard availability.workerGone(worker) else { return }
        rarity.rebuild { [availability] in Self.rank(availability.countWithoutSeeds($0)) }
    }

    // MARK: What the ledger tells

    mutating func becameMissing(_ piece: PieceIndex) {
        rarity.insert(piece, rank: rank(piece))
        missing[piece.value / 64] |= 1 << UInt64(piece.value % 64)
        lowestWord = min(lowestWord, piece.value / 64)
    }

    mutating func noLongerMissing(_ piece: PieceIndex) {
        rarity.remove(piece, rank: rank(piece))
        missing[piece.value / 64] &= ~(1 << UInt64(piece.value % 64))
    }

    // MARK: Questions

    package var missingCount: Int { rarity.count }
    package func isMissing(_ piece: PieceIndex) -> Bool { rarity.contains(piece) }

    /// The missing pieces in ascending order.
    package func forEachMissing(_ body: (PieceIndex) -> Void) {
        for index in lowestWord..<missing.count {
            var rest = missing[index]
            while rest != 0 {
                body(PieceIndex(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
    }

    /// The missing piece that should be opened next for a worker: one that its peers have. Equally rare pieces are drawn
    /// evenly, so that two clients do not fetch the same ones. The piece stays missing until the ledger says otherwise.
    package mutating func next(for worker: Int, using generator: inout some RandomNumberGenerator) -> PieceIndex? {
        guard rarity.count > 0, let sources = availability.sources(worker) else { return nil }
        switch order {
        case .sequential: return lowest(of: sources)
        case .rarestFirst: return rarest(of: sources, using: &generator)
        }
    }

    private mutating func lowest(of sources: Availability.Sources) -> PieceIndex? {
        while lowestWord < missing.count, missing[lowestWord] == 0 { lowestWord += 1 }
        for index in lowestWord..<missing.count {
            let found = sources.seedCount > 0 ? missing[index] : missing[index] & sources.bits[index]
            if found != 0 { return PieceIndex(index * 64 + found.trailingZeroBitCount) }
        }
        return nil
    }

    /// Draws without putting back, bucket by bucket: what was looked at in vain moves to the front of its bucket.
    private mutating func rarest(
        of sources: Availability.Sources, using generator: inout some RandomNumberGenerator
    ) -> PieceIndex? {
        var probesLeft = Self.probeLimit
        // Without seeds, what no peer has need not be looked at.
        for rank in (sources.seedCount > 0 ? 0 : 1)..<RarityOrder.rankCount {
            let bucket = rarity.bucket(rank)
            for index in bucket {
                if probesLeft == 0 { return rarestInScan(of: sources, using: &generator) }
                probesLeft -= 1
                rarity.swap(index, Int.random(in: index..<bucket.upperBound, using: &generator))
                let piece = rarity.piece(at: index)
                if sources.contains(piece) { return piece }
            }
        }
        return nil
    }

    /// For a worker whose peers lack most rare pieces: the rarest of the first finds from a random place on.
    private func rarestInScan(
        of sources: Availability.Sources, using generator: inout some RandomNumberGenerator
    ) -> PieceIndex? {
        var best: (piece: PieceIndex, count: Int)?
        var findsLeft = Self.scanLimit
        let start = Int.random(in: 0..<missing.count, using: &generator)
        for step in 0..<missing.count {
            let index = start + step < missing.count ? start + step : start + step - missing.count
            var found = missing[index] & sources.bits[index]
            while found != 0 {
                let piece = PieceIndex(index * 64 + found.trailingZeroBitCount)
                let count = availability.countWithoutSeeds(piece)
                if best.map({ count < $0.count }) ?? true { best = (piece, count) }
                findsLeft -= 1
                if findsLeft == 0 { return best?.piece }
                found &= found - 1
            }
        }
        return best?.piece
    }

    private static func rank(_ countWithoutSeeds: Int) -> Int { min(countWithoutSeeds, RarityOrder.rankCount - 1) }
    private func rank(_ piece: PieceIndex) -> Int { Self.rank(availability.countWithoutSeeds(piece)) }

    /// Traps when the order, the bits and the counts disagree.
    package func checkInvariants() {
        availability.checkInvariants()
        rarity.checkInvariants { rank($0) }
        precondition(missing[..<lowestWord].allSatisfy { $0 == 0 })
        precondition(missing.reduce(0) { $0 + $1.nonzeroBitCount } == rarity.count)
        forEachMissing { precondition(rarity.contains($0)) }
    }
}
