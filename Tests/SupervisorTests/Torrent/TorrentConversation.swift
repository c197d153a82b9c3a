import BitTorrent
import PoolProtocol
import TestSupport

@testable import Supervisor

/// A talk with the coordinator of one small torrent: every event returns what it made the coordinator do, without what
/// is only news for the event stream.
struct TorrentConversation {
    typealias Action = TorrentCoordinator.Action

    private(set) var coordinator: TorrentCoordinator
    private(set) var budget: FrameBudget
    /// Hash-workers that can be given work.
    var hashWorkers: Set<Int>
    private(set) var news: [(PieceIndex, TorrentCoordinator.PieceNews)] = []

    /// - Parameters:
    ///   - frames: of each hash-worker.
    init(
        byteCount: Int, pieceByteCount: Int = 32768, hashWorkers: Int = 1, frames: Int = 64,
        wanted: [Int]? = nil, partials: [PieceIndex: [UInt8]] = [:]
    ) throws {
        let metainfo = try TorrentBuilder.single(byteCount: byteCount, pieceByteCount: pieceByteCount).metainfo()
        var selection = PieceSet(pieceCount: metainfo.geometry.pieceCount)
        for piece in wanted ?? Array(0..<metainfo.geometry.pieceCount) { selection.insert(PieceIndex(piece)) }
        coordinator = TorrentCoordinator(
            torrent: 0, metainfo: metainfo, wanted: selection, order: .sequential,
            generator: SeededGenerator(seed: 1))
        coordinator.partials = partials
        budget = FrameBudget(frameCountEach: frames, hashWorkers: 0..<hashWorkers)
        self.hashWorkers = Set(0..<hashWorkers)
    }

    /// A torrent that is being fetched: every worker has a seed and wants so much.
    static func fetching(
        byteCount: Int, pieceByteCount: Int = 32768, hashWorkers: Int = 1, frames: Int = 64, workers: Int = 1
    ) throws -> TorrentConversation {
        var talk = try TorrentConversation(
            byteCount: byteCount, pieceByteCount: pieceByteCount, hashWorkers: hashWorkers, frames: frames)
        _ = talk.start()
        for worker in 0..<workers {
            talk.joined(worker)
            _ = talk.seeds(1, at: worker)
        }
        return talk
    }

    mutating func tell(
        _ event: (inout TorrentCoordinator, inout FrameBudget, PoolView, inout [Action]) -> Void
    ) -> [Action] {
        var actions: [Action] = []
        let working = hashWorkers
        event(&coordinator, &budget, PoolView { working.contains($0) }, &actions)
        coordinator.pieces.checkInvariants()
        coordinator.blocks.checkInvariants()
        return actions.filter { action in
            guard case .pieceChanged(let piece, let change) = action else { return true }
            news.append((piece, change))
            return false
        }
    }

    // MARK: The supervisor itself

    mutating func restored(_ piece: Int) { coordinator.restored(PieceIndex(piece)) }
    mutating func start() -> [Action] { tell { $0.startGranting(budget: &$1, pool: $2, into: &$3) } }
    mutating func stop() { coordinator.stopGranting() }
    mutating func joined(_ worker: Int) { coordinator.joined(worker) }

    // MARK: Peer-workers

    mutating func want(_ byteCount: Int, by worker: Int = 0) -> [Action] {
        tell { $0.wantReceived(byteCount, from: worker, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func seeds(_ count: Int, at worker: Int = 0) -> [Action] {
        tell { $0.seedCountReceived(count, from: worker, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func sources(_ counts: [Int: Int], at worker: Int = 0) -> [Action] {
        let list = counts.sorted { $0.key < $1.key }
            .map { SourceCount(piece: PieceIndex($0.key), count: UInt16($0.value)) }
        return tell { $0.sourceCountsReceived(list, from: worker, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func returned(
        _ assignment: AssignmentID, _ blocks: Range<UInt32>, _ reason: PoolProtocol.ReturnReason = .sourceGone,
        by worker: Int = 0
    ) -> [Action] {
        let range = BlockRange(firstBlock: blocks.lowerBound, blockCount: UInt32(blocks.count))
        return tell { $0.grantReturned(assignment, [range], reason, by: worker, budget: &$1, pool: $2, into: &$3) }
    }

    // MARK: Hash-workers

    mutating func opened(_ assignments: [AssignmentID]) -> [Action] {
        tell { $0.opened(assignments, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func refused(_ assignments: [AssignmentID]) -> [Action] {
        tell { $0.refused(assignments, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func verified(_ assignments: [AssignmentID]) -> [Action] {
        tell { coordinator, _, _, actions in coordinator.verified(assignments, into: &actions) }
    }
    mutating func digests(_ assignment: AssignmentID, _ digests: [BlockDigest]) {
        coordinator.digestsReceived(assignment, digests)
    }
    mutating func failed(_ assignment: AssignmentID) -> [Action] {
        tell { $0.failed(assignment, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func present(_ assignment: AssignmentID, _ blocks: [UInt32], isWhole: Bool) -> [Action] {
        let count = coordinator.blocks.blockCount(of: assignment) ?? 8
        let bits = BlockSet(blockCount: count, blocks.map { $0..<$0 + 1 }).bits
        return tell {
            $0.presenceReceived(assignment, bits: bits, isWhole: isWhole, budget: &$1, pool: $2, into: &$3)
        }
    }
    mutating func dropped(_ assignment: AssignmentID, _ blocks: [UInt32]) -> [Action] {
        let count = coordinator.blocks.blockCount(of: assignment) ?? 8
        let bits = BlockSet(blockCount: count, blocks.map { $0..<$0 + 1 }).bits
        return tell { $0.blocksDropped(assignment, bits: bits, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func framesReported(_ freeCount: Int, by assembler: Int = 0) -> [Action] {
        tell { $0.framesReported(freeCount, by: assembler, budget: &$1, pool: $2, into: &$3) }
    }

    // MARK: The writer

    mutating func written(_ assignment: AssignmentID, _ piece: Int) -> [Action] {
        let entry = WrittenPiece(assignment: assignment, torrent: 0, piece: PieceIndex(piece))
        return tell { $0.written([entry], budget: &$1, pool: $2, into: &$3) }
    }
    mutating func synced(_ pieces: [Int]) -> [Action] {
        tell { coordinator, _, _, actions in coordinator.synced(pieces.map { PieceIndex($0) }, into: &actions) }
    }
    mutating func syncFailed() -> [Action] { tell { $0.syncFailed(budget: &$1, pool: $2, into: &$3) } }

    // MARK: Deaths

    mutating func peerWorkerLost(_ worker: Int) { coordinator.peerWorkerLost(worker) }
    mutating func peerWorkerLossSeen(_ worker: Int) -> [Action] {
        tell { $0.peerWorkerLossSeen(worker, budget: &$1, pool: $2, into: &$3) }
    }
    mutating func hashWorkerLost(_ assembler: Int) {
        hashWorkers.remove(assembler)
        _ = tell { coordinator, budget, _, _ in coordinator.hashWorkerLost(assembler, budget: &budget) }
    }
    mutating func adoptionOrders(_ assembler: Int) -> [PieceToOpen] { coordinator.adoptionOrders(for: assembler) }
    mutating func adopted(_ assembler: Int) -> [Action] {
        let actions = tell { coordinator, _, _, actions in coordinator.adopted(by: assembler, into: &actions) }
        hashWorkers.insert(assembler)
        return actions
    }
    mutating func hashWorkerGivenUp(_ assembler: Int) -> [Action] {
        hashWorkers.remove(assembler)
        budget.gaveUp(assembler)
        return regionLost(assembler)
    }
    mutating func regionLost(_ assembler: Int) -> [Action] {
        tell { $0.regionLost(assembler, budget: &$1, pool: $2, into: &$3) }
    }

    // MARK: What is expected

    func order(_ assignment: AssignmentID, _ piece: Int, wantsDigests: Bool = false) -> PieceToOpen {
        PieceToOpen(
            assignment: assignment, torrent: 0, piece: PieceIndex(piece),
            byteCount: coordinator.geometry.length(of: PieceIndex(piece)),
            digest: coordinator.metainfo.hash(of: PieceIndex(piece)).digest, wantsBlockDigests: wantsDigests)
    }
    func open(_ orders: PieceToOpen..., at assembler: Int = 0) -> Action {
        .tellHashWorker(assembler, .openPieces(orders))
    }
    func state(_ piece: Int) -> PieceLedger.State { coordinator.pieces.state(of: PieceIndex(piece)) }
}

func grant(
    _ assignment: AssignmentID, _ piece: Int, _ blocks: Range<UInt32>, at assembler: Int = 0, isShared: Bool = false,
    isTrial: Bool = false
) -> Grant {
    Grant(
        assignment: assignment, torrent: 0, assembler: UInt16(assembler), piece: PieceIndex(piece),
        firstBlock: blocks.lowerBound, blockCount: UInt32(blocks.count), isShared: isShared, isTrial: isTrial)
}

extension [TorrentCoordinator.Action] {
    /// All grants among the actions, in order.
    var grants: [Grant] {
        flatMap { (action) -> [Grant] in
            if case .tellPeerWorker(_, .grantBlocks(let grants)) = action { grants } else { [] }
        }
    }
    /// All pieces that are to be opened, in order.
    var opens: [PieceToOpen] {
        flatMap { (action) -> [PieceToOpen] in
            if case .tellHashWorker(_, .openPieces(let orders)) = action { orders } else { [] }
        }
    }
    /// All assignments whose progress is asked, in order.
    var questions: [AssignmentID] {
        flatMap { (action) -> [AssignmentID] in
            if case .tellHashWorker(_, .reportProgress(let list)) = action { list } else { [] }
        }
    }
}
