import BitTorrent
import PoolProtocol

/// What a death means for the torrent's pieces (docs/architecture.md, "What happens when each process dies").
extension TorrentCoordinator {
    /// A peer-worker was reaped. Its blocks stay in doubt until the hash-workers have stopped listening to it.
    mutating func peerWorkerLost(_ worker: Int) {
        members.remove(worker)
        framelessWorkers.remove(worker)
        demand[worker] = nil
        turns.left(worker)
        pieces.picker.workerGone(worker)
        doubts[worker, default: []] += blocks.workerGone(worker)
    }

    /// Every hash-worker has seen it: what they hold now is all that will come of it.
    mutating func peerWorkerLossSeen(
        _ worker: Int, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        var questions: [Int: [AssignmentID]] = [:]
        for assignment in doubts.removeValue(forKey: worker) ?? [] {
            guard let assembler = assemblers[assignment], blocks.isOpen(assignment), !orphaned.contains(assembler)
            else { continue }
            questions[assembler, default: []].append(assignment)
        }
        for (assembler, list) in questions.sorted(by: { $0.key < $1.key }) {
            for part in list.parts(of: Topology.maximumListCount) {
                actions.append(.tellHashWorker(assembler, .reportProgress(part)))
            }
        }
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    /// A hash-worker was reaped. Pieces that it had not opened yet are missing again; the others wait for its successor.
    mutating func hashWorkerLost(_ assembler: Int, budget: inout FrameBudget) {
        let attempts = assignments(at: assembler)
        for assignment in attempts where !isAssembled(assignment) {
            abandon(assignment, at: assembler, budget: &budget)
        }
        blocks.hashWorkerReplaced(attempts)
        budget.workerLost(assembler)
        orphaned.insert(assembler)
    }

    /// The successor is connected: the authoritative list of what it must hold.
    mutating func adoptionOrders(for assembler: Int) -> [PieceToOpen] {
        let attempts = assignments(at: assembler)
        // It never listened to a peer-worker that is dead by now: what it tells when it adopts settles those doubts too.
        blocks.hashWorkerReplaced(attempts)
        for worker in doubts.keys { doubts[worker]!.removeAll { assemblers[$0] == assembler } }
        orphaned.remove(assembler)
        return attempts.compactMap { assignment in
            pieces.piece(of: assignment).map { order(assignment, $0) }
        }
    }

    /// The successor has taken the list over: it must admit whom its predecessor had admitted.
    mutating func adopted(by assembler: Int, into actions: inout [Action]) {
        var admissions: [Int: [AssignmentID]] = [:]
        for assignment in assignments(at: assembler) {
            for worker in blocks.admitted(assignment) { admissions[worker, default: []].append(assignment) }
        }
        for (worker, list) in admissions.sorted(by: { $0.key < $1.key }) {
            for part in list.parts(of: Topology.maximumListCount) {
                actions.append(.tellHashWorker(assembler, .admit(worker: UInt16(worker), part)))
            }
        }
    }

    /// Nobody takes over what the dead hash-worker held (its place stays empty, or its successor starts empty): its pieces
    /// are fetched again. Whoever delivered a block believes that it is safe, so every grant ends with its assignment.
    mutating func regionLost(
        _ assembler: Int, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        for assignment in assignments(at: assembler) {
            for worker in blocks.closed(assignment) {
                actions.append(.tellPeerWorker(worker, .assignmentsClosed([assignment])))
            }
            abandon(assignment, at: assembler, budget: &budget)
        }
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    private func assignments(at assembler: Int) -> [AssignmentID] {
        assemblers.filter { $0.value == assembler }.keys.sorted()
    }

    /// Open or verified: the hash-worker had frames for it.
    private func isAssembled(_ assignment: AssignmentID) -> Bool {
        guard let piece = pieces.piece(of: assignment) else { return false }
        switch pieces.state(of: piece) {
        case .open(assignment), .verified(assignment): return true
        case .open, .verified, .opening, .missing, .unwanted, .written, .synced: return false
        }
    }

    mutating func abandon(_ assignment: AssignmentID, at assembler: Int, budget: inout FrameBudget) {
        assemblers[assignment] = nil
        guard let piece = pieces.abandoned(assignment) else { return }
        budget.release(pieceByteCount: geometry.length(of: piece), of: torrent, at: assembler)
    }
}

extension Array {
    /// The array in runs of at most `count` elements: lists in messages are bounded.
    func parts(of count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}
