import BitTorrent
import PoolProtocol

/// A user wants work undone: one attempt at a piece, or all of the torrent. What is verified goes on to the disk.
extension TorrentCoordinator {
    /// The attempt is given up and the piece is missing again; what came of it is fetched anew.
    /// - Returns: false when nobody fetches the piece.
    mutating func cancelled(
        _ piece: PieceIndex, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) -> Bool {
        guard let assignment = attempt(at: piece) else { return false }
        giveUp([assignment], budget: &budget, into: &actions)
        serveAll(budget: &budget, pool: pool, into: &actions)
        return true
    }

    /// Nothing is fetched any more, by anybody.
    mutating func cancelledAll(budget: inout FrameBudget, into actions: inout [Action]) {
        stopGranting()
        giveUp(
            pieces.livingAssignments.filter { pieces.piece(of: $0).flatMap(attempt(at:)) == $0 }, budget: &budget,
            into: &actions)
        actions.append(.tellPeerWorkers(.removeTorrent(torrent: torrent)))
        for worker in members { pieces.picker.workerGone(worker) }
        demand = [:]
    }

    /// The assignment that blocks are, or will be, granted of.
    private func attempt(at piece: PieceIndex) -> AssignmentID? {
        switch pieces.state(of: piece) {
        case .opening(let assignment), .open(let assignment): assignment
        case .unwanted, .missing, .verified, .written, .synced: nil
        }
    }

    /// A hash-worker whose verdict or whose frames are on their way keeps them until they are read: closing an attempt
    /// is safe at any time, and whatever comes of it later is late.
    private mutating func giveUp(
        _ assignments: [AssignmentID], budget: inout FrameBudget, into actions: inout [Action]
    ) {
        var orders: [Int: [AssignmentID]] = [:]
        for assignment in assignments {
            endGrants(of: assignment, into: &actions)
            guard let assembler = assemblers[assignment] else { continue }
            orders[assembler, default: []].append(assignment)
            abandon(assignment, at: assembler, budget: &budget)
        }
        for (assembler, list) in orders.sorted(by: { $0.key < $1.key }) {
            for part in list.parts(of: Topology.maximumListCount) {
                actions.append(.tellHashWorker(assembler, .closePieces(part)))
            }
        }
    }
}
