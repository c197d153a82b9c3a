import BitTorrent
import PoolProtocol

/// Owns the count of free frames of every hash-worker, so that a piece is opened only where it fits: memory is bounded
/// by construction. Shared by all torrents of the run. The hash-workers keep the true books; this one is never ahead of
/// them for longer than a message takes.
struct FrameBudget {
    private struct Region {
        var freeCount: Int
        /// A refusal came: nothing more is opened here until a piece is closed, or the hash-worker says that it has free
        /// frames. It may have fewer than we count: the writer's answer reaches us before it reaches the hash-worker.
        var isRefusing = false
    }

    let frameCountEach: Int
    private var regions: [Int: Region] = [:]
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
    /// - Returns: the hash-worker and the name of the attempt; nil when none has room.
    mutating func reserve(
        pieceByteCount: UInt32, isWorking: (Int) -> Bool
    ) -> (assembler: Int, assignment: AssignmentID)? {
        let needed = AssemblyGeometry.framesNeeded(pieceByteCount: pieceByteCount)
        let roomy = regions.filter { $0.value.freeCount >= needed && !$0.value.isRefusing && isWorking($0.key) }
        guard
            let best = roomy.max(by: { ($0.value.freeCount, -$0.key) < ($1.value.freeCount, -$1.key) })?.key
        else { return nil }
        regions[best]!.freeCount -= needed
        latestAssignment += 1
        return (best, latestAssignment)
    }

    /// The piece was closed: its frames are free as soon as the writer has answered too.
    mutating func release(pieceByteCount: UInt32, at assembler: Int) {
        guard regions[assembler] != nil else { return }
        regions[assembler]!.freeCount += AssemblyGeometry.framesNeeded(pieceByteCount: pieceByteCount)
        regions[assembler]!.isRefusing = false
    }

    /// The hash-worker had no frames after all.
    mutating func refused(pieceByteCount: UInt32, by assembler: Int) {
        release(pieceByteCount: pieceByteCount, at: assembler)
        regions[assembler]?.isRefusing = true
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
