import BitTorrent
import PoolProtocol

/// Routes what workers tell about one torrent to the part that owns it, and its answers back. Owns nothing itself but
/// which hash-worker assembles which attempt. Grants, verdicts and replacements have files of their own.
struct TorrentCoordinator {
    enum Action: Equatable {
        case tellPeerWorker(Int, SupervisorToPeerWorker)
        /// To every peer-worker that has the torrent.
        case tellPeerWorkers(SupervisorToPeerWorker)
        case tellHashWorker(Int, SupervisorToHashWorker)
        /// Read these blocks back from disk into the piece that was just opened.
        case restore(AssignmentID, PieceIndex, bits: [UInt8], at: Int)
        /// For the event stream.
        case pieceChanged(PieceIndex, PieceNews)
        /// The peer sent a wrong block.
        case banPeer(Contributor, piece: PieceIndex)
        /// Every wanted piece is written.
        case allWritten
        /// Every wanted piece is on disk and in the journal.
        case allSynced
    }

    /// What the event stream calls the states of a piece.
    enum PieceNews: String { case granted, assembled, verified, written, synced, failed }

    let torrent: UInt16
    let metainfo: Metainfo
    var geometry: TorrentGeometry { metainfo.geometry }

    var pieces: PieceLedger
    var blocks = BlockLedger()
    /// Which hash-worker holds the frames of each living attempt.
    var assemblers: [AssignmentID: Int] = [:]
    /// Bytes that each peer-worker could take; what was granted since is subtracted.
    var demand: [Int: Int] = [:]
    var turns = GrantTurns()
    /// Peer-workers for which a piece would have been opened if there had been frames.
    var framelessWorkers: Set<Int> = []
    /// Peer-workers that have the torrent.
    var members: Set<Int> = []
    /// Assignments whose progress is asked when everyone has seen the death of the peer-worker.
    var doubts: [Int: [AssignmentID]] = [:]
    /// Hash-workers that died and whose successors have not got their list: what is told when they adopt it answers
    /// every question.
    var orphaned: Set<Int> = []
    var blame = SmartBan()
    /// Unverified blocks that an orderly stop left on disk: restored when their piece is opened.
    var partials: [PieceIndex: [UInt8]] = [:]
    var mayGrant = false
    var hasToldCompletion = (written: false, synced: false)
    var generator: any RandomNumberGenerator & Sendable

    /// Pieces that failed, and the bytes that had to be thrown away with them.
    var failedPieceCount = 0
    var failedByteCount: UInt64 = 0

    /// - Parameters:
    ///   - wanted: pieces that the selected files touch.
    ///   - seed: of the ties between equally rare pieces.
    init(
        torrent: UInt16, metainfo: Metainfo, wanted: PieceSet, order: PiecePicker.Order,
        generator: any RandomNumberGenerator & Sendable
    ) {
        self.torrent = torrent
        self.metainfo = metainfo
        pieces = PieceLedger(geometry: metainfo.geometry, wanted: wanted, order: order)
        self.generator = generator
    }

    // MARK: The beginning and the end

    /// What is on disk and trusted, before anything is granted.
    mutating func restored(_ piece: PieceIndex) { pieces.restored(piece) }

    /// Files are checked and ready to be written.
    mutating func startGranting(budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]) {
        mayGrant = true
        tellCompletion(into: &actions)
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    /// An orderly stop: nothing more is granted or opened; what arrives is still taken.
    mutating func stopGranting() { mayGrant = false }

    /// Bytes of unverified blocks that are on disk and will be read back.
    var partialByteCount: UInt64 {
        partials.values.reduce(0) { sum, bits in
            sum + UInt64(bits.reduce(0) { $0 + $1.nonzeroBitCount }) * UInt64(TorrentGeometry.blockByteCount)
        }
    }

    /// Pieces that have blocks in memory and no verdict.
    var unfinishedByAssembler: [Int: [AssignmentID]] {
        var unfinished: [Int: [AssignmentID]] = [:]
        for assignment in blocks.openAssignments {
            if let assembler = assemblers[assignment] { unfinished[assembler, default: []].append(assignment) }
        }
        return unfinished
    }

    // MARK: Peer-workers

    /// The worker was told of the torrent and may say what its peers have.
    mutating func joined(_ worker: Int) { members.insert(worker) }

    mutating func wantReceived(
        _ byteCount: Int, from worker: Int, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        demand[worker] = byteCount
        serve(worker, budget: &budget, pool: pool, into: &actions)
    }

    mutating func sourceCountsReceived(
        _ counts: [SourceCount], from worker: Int, budget: inout FrameBudget, pool: PoolView,
        into actions: inout [Action]
    ) {
        for entry in counts where entry.piece.value < geometry.pieceCount {
            pieces.picker.workerReported(worker, entry.piece, count: Int(entry.count))
        }
        serve(worker, budget: &budget, pool: pool, into: &actions)
    }

    mutating func seedCountReceived(
        _ count: Int, from worker: Int, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        pieces.picker.workerSeeds(worker, count: count)
        serve(worker, budget: &budget, pool: pool, into: &actions)
    }

    mutating func grantReturned(
        _ assignment: AssignmentID, _ ranges: [BlockRange], _ reason: PoolProtocol.ReturnReason, by worker: Int,
        budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        guard let count = blocks.blockCount(of: assignment) else { return }
        let runs = ranges.compactMap { range -> Range<UInt32>? in
            let (end, overflow) = range.firstBlock.addingReportingOverflow(range.blockCount)
            return overflow || end > UInt32(count) ? nil : range.firstBlock..<end
        }
        blocks.returned(assignment, runs, by: worker, wasSlow: reason == .slow || reason == .choked)
        serveAll(last: worker, budget: &budget, pool: pool, into: &actions)
    }
}

/// Who can be given work right now; asked, never kept.
struct PoolView {
    var isHashWorkerWorking: (Int) -> Bool
}
