import BitTorrent
import PoolProtocol

/// Owns which pieces of a torrent are written and not yet claimed, and when the next sync is due. Syncs nothing itself.
/// A piece leaves by exactly one of two doors: claimed after a good sync, or lost with a failed one.
struct SyncPolicy {
    /// Blocks of an unfinished piece that an orderly stop put in place.
    struct Partial: Equatable {
        let assignment: AssignmentID
        let piece: PieceIndex
        let blocks: BlockSet
    }

    /// What one sync covers.
    struct Batch: Equatable {
        var pieces: [PieceIndex] = []
        var partials: [Partial] = []
        /// Files that a predecessor wrote: they must be opened to be synced.
        var inheritedFiles: Set<Int> = []
        /// False when the user left syncing to the kernel: only the journal is written.
        var forcesToDisk = true

        var isEmpty: Bool { pieces.isEmpty && partials.isEmpty }
    }

    /// Longest time from the first unsynced write to the start of a sync: what a power cut may cost.
    static let longestWait: Duration = .seconds(1)
    /// With more files and directories than this, one `syncfs` is cheaper than a sync of each (measured: 20,000 small
    /// files take 0.6 s instead of 4 s).
    static let mostSingleSyncs = 64

    private let mode: SyncMode
    private var waiting: Batch
    private var oldestWrite: MonotonicInstant?
    /// The batch that is being synced.
    private var running: Batch?

    init(mode: SyncMode) {
        self.mode = mode
        waiting = Batch(forcesToDisk: mode != .none)
    }

    var isClean: Bool { waiting.isEmpty && running == nil }

    mutating func pieceWritten(_ piece: PieceIndex, now: MonotonicInstant) {
        waiting.pieces.append(piece)
        oldestWrite = oldestWrite ?? now
    }

    mutating func partialWritten(_ partial: Partial, now: MonotonicInstant) {
        waiting.partials.append(partial)
        oldestWrite = oldestWrite ?? now
    }

    /// Pieces that were on the disk before this process was, and are in no journal.
    mutating func piecesInherited(_ pieces: [PieceIndex], files: Set<Int>, now: MonotonicInstant) {
        guard !pieces.isEmpty else { return }
        waiting.pieces += pieces
        waiting.inheritedFiles.formUnion(files)
        oldestWrite = oldestWrite ?? now
    }

    /// When the next sync is due by itself.
    var dueAt: MonotonicInstant {
        guard running == nil, let oldestWrite else { return .distantFuture }
        switch mode {
        case .batch: return oldestWrite + Self.longestWait
        case .piece, .none: return oldestWrite
        }
    }

    /// Starts a sync of all that was written.
    mutating func begin() -> Batch {
        precondition(running == nil, "one sync at a time")
        let batch = waiting
        running = batch
        waiting = Batch(forcesToDisk: mode != .none)
        oldestWrite = nil
        return batch
    }

    /// The running sync went well and is in the journal.
    /// - Returns: what may be claimed now.
    mutating func succeeded() -> Batch {
        guard let batch = running else { preconditionFailure("a sync ends that never began") }
        running = nil
        return batch
    }

    /// The files are on the disk but the journal could not be written: everything waits for the next try.
    mutating func notRecorded(now: MonotonicInstant) {
        guard var batch = running else { preconditionFailure("a sync ends that never began") }
        batch.pieces += waiting.pieces
        batch.partials += waiting.partials
        batch.inheritedFiles.formUnion(waiting.inheritedFiles)
        waiting = batch
        running = nil
        oldestWrite = now
    }

    /// A sync failed, now or when a file was closed early. The kernel says so once and may have dropped the pages, so
    /// that a second, good sync would prove nothing: all since the last good one is lost.
    mutating func failed() -> [PieceIndex] {
        let lost = (running?.pieces ?? []) + waiting.pieces
        running = nil
        waiting = Batch(forcesToDisk: mode != .none)
        oldestWrite = nil
        return lost
    }

    /// Whether all of these are synced together with everything else of their file system.
    static func syncsWholeFileSystem(fileCount: Int, directoryCount: Int) -> Bool {
        fileCount + directoryCount > mostSingleSyncs
    }
}
