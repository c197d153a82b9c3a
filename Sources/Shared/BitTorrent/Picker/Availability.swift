/// Owns how many usable sources each piece has, over all workers and worker by worker. A source is a connected peer
/// that has the piece and may be asked for it; seeds are counted apart, since they add the same to every piece.
/// Never chooses a piece.
///
/// Per worker a byte and a bit per piece, from its first report of a piece until its last is withdrawn.
package struct Availability {
    /// A worker's count of sources of one piece saturates here; beyond it "rare" has no meaning.
    package static let maximumCountPerWorker = Int(UInt8.max)

    /// What one worker's connections have.
    struct Sources {
        /// Complete seeds: sources of every piece.
        var seedCount = 0
        /// Per piece the peers that are no seeds; empty until the first report.
        var counts: [UInt8] = []
        /// Bit i of word w: the worker has a source that is no seed of piece 64·w + i. Empty when `counts` is.
        var bits: [UInt64] = []
        /// Number of set bits.
        var pieceCount = 0

        func contains(_ piece: PieceIndex) -> Bool {
            seedCount > 0 || pieceCount > 0 && bits[piece.value / 64] >> UInt64(piece.value % 64) & 1 == 1
        }
    }

    package let pieceCount: Int
    /// Complete seeds over all workers.
    package private(set) var seedCount = 0
    /// Per piece the sources that are no seeds, over all workers.
    private var totals: [UInt32]
    /// By ordinal; grows to the highest worker that has reported.
    private var workers: [Sources] = []

    package init(pieceCount: Int) {
        self.pieceCount = pieceCount
        totals = [UInt32](repeating: 0, count: pieceCount)
    }

    /// Sources of `piece` over all workers, seeds included.
    package func count(_ piece: PieceIndex) -> Int { Int(totals[piece.value]) + seedCount }
    /// Sources of `piece` over all workers, without the seeds: what rarity is measured by.
    func countWithoutSeeds(_ piece: PieceIndex) -> Int { Int(totals[piece.value]) }

    package func hasSource(_ worker: Int, _ piece: PieceIndex) -> Bool {
        worker < workers.count && workers[worker].contains(piece)
    }

    /// Sources of `piece` at one worker, seeds included.
    package func count(_ worker: Int, _ piece: PieceIndex) -> Int {
        guard worker < workers.count else { return 0 }
        let sources = workers[worker]
        return sources.seedCount + (sources.pieceCount > 0 ? Int(sources.counts[piece.value]) : 0)
    }

    /// Nil when the worker has no source of anything.
    func sources(_ worker: Int) -> Sources? {
        guard worker < workers.count else { return nil }
        let sources = workers[worker]
        return sources.seedCount > 0 || sources.pieceCount > 0 ? sources : nil
    }

    /// The worker's count of sources of a piece that are no seeds: absolute, so that a repeated report changes nothing.
    /// - Returns: the piece's count without seeds over all workers, before and after.
    mutating func workerReported(_ worker: Int, _ piece: PieceIndex, count: Int) -> (before: Int, after: Int) {
        precondition(count >= 0)
        if worker >= workers.count { addWorkers(upTo: worker) }
        let before = totals[piece.value]
        let new = UInt8(min(count, Self.maximumCountPerWorker))
        let old = workers[worker].set(piece, to: new, pieceCount: pieceCount)
        let after = before - UInt32(old) + UInt32(new)
        totals[piece.value] = after
        return (Int(before), Int(after))
    }

    mutating func workerSeeds(_ worker: Int, count: Int) {
        precondition(count >= 0)
        if worker >= workers.count { addWorkers(upTo: worker) }
        seedCount += count - workers[worker].seedCount
        workers[worker].seedCount = count
    }

    /// - Returns: whether a piece's count without seeds has changed.
    mutating func workerGone(_ worker: Int) -> Bool {
        guard worker < workers.count else { return false }
        let sources = workers[worker]
        workers[worker] = Sources()
        seedCount -= sources.seedCount
        guard sources.pieceCount > 0 else { return false }
        for (piece, count) in sources.counts.enumerated() where count > 0 { totals[piece] -= UInt32(count) }
        return true
    }

    /// Traps when totals and workers disagree.
    package func checkInvariants() {
        var sums = [UInt32](repeating: 0, count: pieceCount)
        for sources in workers {
            precondition(sources.counts.isEmpty == (sources.pieceCount == 0), "memory is held for reports only")
            precondition(sources.pieceCount == sources.bits.reduce(0) { $0 + $1.nonzeroBitCount })
            for (piece, count) in sources.counts.enumerated() {
                sums[piece] += UInt32(count)
                precondition((count > 0) == (sources.bits[piece / 64] >> UInt64(piece % 64) & 1 == 1))
            }
        }
        precondition(sums == totals)
        precondition(seedCount == workers.reduce(0) { $0 + $1.seedCount })
    }

    private mutating func addWorkers(upTo worker: Int) {
        workers.append(contentsOf: repeatElement(Sources(), count: worker + 1 - workers.count))
    }
}

extension Availability.Sources {
    /// - Returns: the count before.
    fileprivate mutating func set(_ piece: PieceIndex, to new: UInt8, pieceCount universe: Int) -> UInt8 {
        if counts.isEmpty {
            if new == 0 { return 0 }
            counts = [UInt8](repeating: 0, count: universe)
            bits = [UInt64](repeating: 0, count: (universe + 63) / 64)
        }
        let old = counts[piece.value]
        counts[piece.value] = new
        if (old == 0) != (new == 0) {
            bits[piece.value / 64] ^= 1 << UInt64(piece.value % 64)
            pieceCount += new == 0 ? -1 : 1
            if pieceCount == 0 {
                counts = []
                bits = []
            }
        }
        return old
    }
}
