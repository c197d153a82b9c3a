import BitTorrent
import PoolProtocol

/// Owns the count of free frames of every hash-worker, so that a piece is opened only where it fits: memory is bounded
/// by construction. Shared by all torrents of the run: one that has its equal part gets no more while another that has
/// less waits, and none gets any while one waits that has nothing; what nobody waits for is anybody's. The hash-workers keep
/// the true books; this one is never ahead of them for longer than a message takes.
struct FrameBudget {
    private struct Region {
        var freeCount: Int
        /// A refusal came: nothing more is opened here until a piece is closed, or the hash-worker says that it has free
        /// frames. It may have fewer than we count: the writer's answer reaches us before it reaches the hash-worker.
        var isRefusing = false
    }

    let frameCountEach: Int
    private var regions: [Int: Region] = [:]
    /// Frames that each torrent has, if any.
    private var reservedCounts: [UInt16: Int] = [:]
    /// Torrents that could open pieces and got no frames for them.
    private var waiting: Set<UInt16> = []
    /// Frames have come free, or need not be waited for any more, since torrents that wait were last told.
    private var hasNews = false
    /// Names of attempts, never reused within the run.
    private var latestAssignment: AssignmentID = 0

    init(frameCountEach: Int, hashWorkers: some Sequence<Int>) {
        self.frameCountEach = frameCountEach
        for worker in hashWorkers { regions[worker] = Region(freeCount: frameCountEach) }
    }

    /// All frames, as bytes: the bound on what may be open at a time.
    var totalByteCount: UInt64 { UInt64(regions.count * frameCountEach * AssemblyGeometry.frameByteCount) }
    var freeCount: Int { regions.values.reduce(0) { $0 + $1.freeCount } }
    /// Frames that pieces have; nil where the place was given up.
    func reservedCount(at assembler: Int) -> Int? { regions[assembler].map { frameCountEach - $0.freeCount } }

    /// Takes frames for a piece where most are free among the hash-workers that work.
    /// - Returns: the hash-worker and the name of the attempt; nil when none has room, or another torrent is to have it.
    mutating func reserve(
        pieceByteCount: UInt32, for torrent: UInt16, isWorking: (Int) -> Bool
    ) -> (assembler: Int, assignment: AssignmentID)? {
        let needed = AssemblyGeometry.framesNeeded(pieceByteCount: pieceByteCount)
        guard mayHave(needed, torrent), let place = take(needed, isWorking: isWorking) else {
            waiting.insert(torrent)
            return nil
        }
        reservedCounts[torrent, default: 0] += needed
        return place
    }

    /// One without any frame always may, however long its pieces are; the others leave it frames until one fits.
    private func mayHave(_ needed: Int, _ torrent: UInt16) -> Bool {
        guard let own = reservedCounts[torrent] else { return true }
        let others = waiting.filter { $0 != torrent }
        guard let fewest = others.map({ reservedCounts[$0, default: 0] }).min() else { return true }
        guard fewest > 0 else { return false }
        let share = regions.count * frameCountEach / waiting.union(reservedCounts.keys).count
        return own + needed <= share || own <= fewest
    }

    private mutating func take(
        _ needed: Int, isWorking: (Int) -> Bool
    ) -> (assembler: Int, assignment: AssignmentID)? {
        let roomy = regions.filter { $0.value.freeCount >= needed && !$0.value.isRefusing && isWorking($0.key) }
        guard
            let best = roomy.max(by: { ($0.value.freeCount, -$0.key) < ($1.value.freeCount, -$1.key) })?.key
        else { return nil }
        regions[best]!.freeCount -= needed
        latestAssignment += 1
        return (best, latestAssignment)
    }

    /// The piece was closed: its frames are free as soon as the writer has answered too.
    mutating func release(pieceByteCount: UInt32, of torrent: UInt16, at assembler: Int) {
        let count = AssemblyGeometry.framesNeeded(pieceByteCount: pieceByteCount)
        let left = reservedCounts[torrent, default: count] - count
        reservedCounts[torrent] = left > 0 ? left : nil
        hasNews = true
        guard regions[assembler] != nil else { return }
        regions[assembler]!.freeCount += count
        regions[assembler]!.isRefusing = false
    }

    /// The hash-worker had no frames after all.
    mutating func refused(pieceByteCount: UInt32, of torrent: UInt16, by assembler: Int) {
        release(pieceByteCount: pieceByteCount, of: torrent, at: assembler)
        regions[assembler]?.isRefusing = true
    }

    // MARK: Torrents that wait

    /// The torrent has all the pieces open that it has use for.
    mutating func isContent(_ torrent: UInt16) {
        if waiting.remove(torrent) != nil { hasNews = true }
    }

    /// - Returns: the torrents that should try again, those with the fewest frames first; empty until something changes.
    mutating func takeWaiting() -> [UInt16] {
        guard hasNews else { return [] }
        hasNews = false
        return waiting.sorted { (reservedCounts[$0, default: 0], $0) < (reservedCounts[$1, default: 0], $1) }
    }

    /// The hash-worker's own count.
    mutating func framesReported(_ freeCount: Int, by assembler: Int) {
        if freeCount > 0 { regions[assembler]?.isRefusing = false }
    }

    /// The process died; its successor has refused nothing.
    mutating func workerLost(_ assembler: Int) { regions[assembler]?.isRefusing = false }

    /// The place was given up: its frames are no more.
    mutating func gaveUp(_ assembler: Int) { regions[assembler] = nil }
}
