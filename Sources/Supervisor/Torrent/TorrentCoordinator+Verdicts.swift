import BitTorrent
import PoolProtocol

/// The way of a piece from its verdict to the disk.
extension TorrentCoordinator {
    /// `blocksPresent`, or `pieceProgress` (then `isWhole`): some blocks have arrived.
    mutating func presenceReceived(
        _ assignment: AssignmentID, bits: [UInt8], isWhole: Bool, budget: inout FrameBudget, pool: PoolView,
        into actions: inout [Action]
    ) {
        guard let count = blocks.blockCount(of: assignment), let present = BlockSet(bits: bits, blockCount: count)
        else { return }
        let held = isWhole ? blocks.progress(assignment, present) : blocks.blocksPresent(assignment, present)
        for holder in held {
            actions.append(
                .tellPeerWorker(holder.worker, .blocksNotNeeded(assignment: assignment, bits: holder.blocks.bits)))
        }
        if isWhole { serveAll(budget: &budget, pool: pool, into: &actions) }
    }

    /// `blocksDropped`: a banned peer's blocks are fetched again, from others.
    mutating func blocksDropped(
        _ assignment: AssignmentID, bits: [UInt8], budget: inout FrameBudget, pool: PoolView,
        into actions: inout [Action]
    ) {
        guard let count = blocks.blockCount(of: assignment), let lost = BlockSet(bits: bits, blockCount: count)
        else { return }
        for worker in blocks.dropped(assignment, lost) {
            actions.append(.tellPeerWorker(worker, .blocksDropped(assignment: assignment, bits: bits)))
        }
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    /// A verdict says, too, that the last block of the piece has come.
    mutating func verified(_ assignments: [AssignmentID], into actions: inout [Action]) {
        for assignment in assignments {
            guard let piece = pieces.verified(assignment) else { continue }
            endGrants(of: assignment, into: &actions)
            for contributor in blame.verified(piece) { actions.append(.banPeer(contributor, piece: piece)) }
            actions.append(.pieceChanged(piece, .assembled))
            actions.append(.pieceChanged(piece, .verified))
        }
    }

    mutating func digestsReceived(_ assignment: AssignmentID, _ digests: [BlockDigest]) {
        guard let piece = pieces.piece(of: assignment) else { return }
        blame.digestsReceived(piece, assignment, digests)
    }

    mutating func failed(
        _ assignment: AssignmentID, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        guard let piece = pieces.failed(assignment) else { return }
        failedPieceCount += 1
        failedByteCount += UInt64(geometry.length(of: piece))
        endGrants(of: assignment, into: &actions)
        close(assignment, piece, budget: &budget, into: &actions)
        for contributor in blame.failed(piece, assignment) { actions.append(.banPeer(contributor, piece: piece)) }
        actions.append(.pieceChanged(piece, .assembled))
        actions.append(.pieceChanged(piece, .failed))
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    /// The ledger is the only place where a piece becomes ours; HAVE goes out now, the claim on disk comes later.
    mutating func written(
        _ written: [WrittenPiece], budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        var ours: [PieceIndex] = []
        for entry in written {
            guard let piece = pieces.written(entry.assignment) else { continue }
            // Its verdict may be late: then this is the time of judgement.
            for contributor in blame.verified(piece) { actions.append(.banPeer(contributor, piece: piece)) }
            endGrants(of: entry.assignment, into: &actions)
            close(entry.assignment, piece, budget: &budget, into: &actions)
            ours.append(piece)
            actions.append(.pieceChanged(piece, .written))
        }
        guard !ours.isEmpty else { return }
        actions.append(.tellPeerWorkers(.piecesOurs(torrent: torrent, ours)))
        tellCompletion(into: &actions)
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    mutating func synced(_ synced: [PieceIndex], into actions: inout [Action]) {
        for piece in synced where piece.value < geometry.pieceCount && pieces.synced(piece) {
            actions.append(.pieceChanged(piece, .synced))
        }
        tellCompletion(into: &actions)
    }

    /// The writer could not sync: what was written since the last good sync is no longer claimed.
    mutating func syncFailed(budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]) {
        let lost = pieces.piecesToSync.filter { pieces.failedSync($0) }
        hasToldCompletion = (false, false)
        for part in lost.parts(of: Topology.maximumListCount) {
            actions.append(.tellPeerWorkers(.piecesLost(torrent: torrent, part)))
        }
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    mutating func tellCompletion(into actions: inout [Action]) {
        if pieces.isComplete && !hasToldCompletion.written {
            hasToldCompletion.written = true
            actions.append(.allWritten)
        }
        if pieces.isDurable && !hasToldCompletion.synced {
            hasToldCompletion.synced = true
            actions.append(.allSynced)
        }
    }

    mutating func endGrants(of assignment: AssignmentID, into actions: inout [Action]) {
        for worker in blocks.closed(assignment) {
            actions.append(.tellPeerWorker(worker, .assignmentsClosed([assignment])))
        }
    }

    private mutating func close(
        _ assignment: AssignmentID, _ piece: PieceIndex, budget: inout FrameBudget, into actions: inout [Action]
    ) {
        guard let assembler = assemblers.removeValue(forKey: assignment) else { return }
        budget.release(pieceByteCount: geometry.length(of: piece), of: torrent, at: assembler)
        actions.append(.tellHashWorker(assembler, .closePieces([assignment])))
    }
}
