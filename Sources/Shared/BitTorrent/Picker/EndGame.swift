/// Decides when the last outstanding blocks are given to more than one worker, and which. Without it one stalled peer
/// holds the end of every download. Keeps no state: who holds what is in `BlockLedger`.
package enum EndGame {
    /// A block is never held by more workers at a time: each more could waste as much again.
    package static let maximumHolders = 3

    /// What an idle worker gets, and what must be known before it can get more.
    package struct Plan: Equatable, Sendable {
        package var ranges: [GrantRange] = []
        /// Assignments that one worker has held alone: which of its blocks have arrived is not known here. The caller
        /// sends `admit` for the idle worker (from then on the hash-worker reports arrivals itself) and asks for progress;
        /// once it is told, the worker's want is tried again.
        package var progressNeeded: [AssignmentID] = []

        package init(ranges: [GrantRange] = [], progressNeeded: [AssignmentID] = []) {
            self.ranges = ranges
            self.progressNeeded = progressNeeded
        }
    }

    /// Whether the last pieces are under way: none is missing or about to open, and there is no ungranted block that a
    /// worker could start on. As long as a piece is missing that nobody has, the swarm is not at its end but at its
    /// beginning, where what is sent twice is what others wait for; a peer that stalls has its deadlines then too
    /// (libtorrent's `strict_end_game_mode`).
    package static func isOn(_ blocks: BlockLedger, _ pieces: PieceLedger) -> Bool {
        let availability = pieces.picker.availability
        return pieces.openingCount == 0 && pieces.picker.missingCount == 0
            && !blocks.hasUngranted { availability.count($0) > 0 }
    }

    /// Overlapping grants for a worker with nothing to do, oldest pieces first, trials left out: blocks that one other
    /// worker holds, then the worker's own (a second of its peers may serve them), then blocks with two holders. Taken
    /// from the top of a piece, since holders fetch upwards.
    /// - Parameter sourceCount: how many of the worker's peers have the piece.
    package static func grant(
        to worker: Int, maximumByteCount: Int, from ledger: inout BlockLedger, sourceCount: (PieceIndex) -> Int
    ) -> Plan {
        var plan = Plan()
        var bytesLeft = maximumByteCount
        for holders in 1..<maximumHolders {
            overlap(holders, worker, &bytesLeft, &ledger, &plan, sourceCount)
            if holders == 1, bytesLeft > 0 { double(worker, &ledger, &plan, sourceCount) }
        }
        return plan
    }

    private static func overlap(
        _ holders: Int, _ worker: Int, _ bytesLeft: inout Int, _ ledger: inout BlockLedger, _ plan: inout Plan,
        _ sourceCount: (PieceIndex) -> Int
    ) {
        for assignment in ledger.openAssignments where bytesLeft > 0 {
            guard let piece = ledger.openPiece(assignment), !piece.isTrial, sourceCount(piece.piece) > 0 else {
                continue
            }
            var blocks = piece.outstanding(heldBy: holders)
            if let own = piece.holders.first(where: { $0.worker == worker }) { blocks.subtract(own.blocks) }
            if blocks.isEmpty { continue }
            switch piece.progress {
            case .asked: continue
            case .unknown:
                ledger.askProgress(assignment, for: worker)
                plan.progressNeeded.append(assignment)
            case .known: share(blocks, assignment, worker, &bytesLeft, &ledger, &plan)
            }
        }
    }

    /// Marks all that the worker holds, whatever it wants: much of it may have arrived in silence, and only the worker
    /// knows which blocks it still waits for.
    private static func double(
        _ worker: Int, _ ledger: inout BlockLedger, _ plan: inout Plan, _ sourceCount: (PieceIndex) -> Int
    ) {
        var unbounded = Int.max
        for assignment in ledger.openAssignments {
            guard let piece = ledger.openPiece(assignment), !piece.isTrial, sourceCount(piece.piece) > 1,
                let own = piece.holders.first(where: { $0.worker == worker })
            else { continue }
            share(own.blocks.subtracting(own.shared), assignment, worker, &unbounded, &ledger, &plan)
        }
    }

    private static func share(
        _ blocks: BlockSet, _ assignment: AssignmentID, _ worker: Int, _ bytesLeft: inout Int,
        _ ledger: inout BlockLedger, _ plan: inout Plan
    ) {
        var rest = blocks
        while let run = rest.lastRun(maximumLength: BlockLedger.blockCount(for: bytesLeft)) {
            rest.remove(run)
            plan.ranges.append(ledger.share(assignment, run, with: worker, bytesLeft: &bytesLeft))
        }
    }
}
