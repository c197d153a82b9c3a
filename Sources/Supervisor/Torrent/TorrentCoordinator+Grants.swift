import BitTorrent
import PoolProtocol

/// Handing out blocks: open pieces first, then new ones, then what others still hold.
extension TorrentCoordinator {
    /// Ungranted bytes that are kept ready for each worker beyond its wish, so that the next wish is answered at once
    /// and not after a round trip to a hash-worker. Two pieces, and 8 MiB where pieces are small: a fast worker's
    /// whole stock (`Demand`).
    private var openAheadByteCount: Int { max(2 * Int(geometry.longestPieceByteCount), 8 << 20) }

    /// Most pieces that are opened by one event, so that a torrent of tiny pieces does not hold up the loop.
    private static var mostOpenedAtOnce: Int { 256 }

    /// - Parameter last: a worker that comes after all others: it has just returned what others may take.
    mutating func serveAll(
        last: Int? = nil, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        for worker in turns.ordered(demand.keys.filter { demand[$0]! > 0 }, last: last) {
            serve(worker, budget: &budget, pool: pool, into: &actions)
        }
    }

    mutating func serve(_ worker: Int, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]) {
        framelessWorkers.remove(worker)
        defer { if framelessWorkers.isEmpty { budget.isContent(torrent) } }
        guard mayGrant, members.contains(worker), let wish = demand[worker], wish > 0 else { return }
        let availability = pieces.picker.availability
        let ranges = blocks.grant(to: worker, maximumByteCount: wish) { availability.hasSource(worker, $0) }
        tell(ranges, to: worker, into: &actions)
        openAhead(for: worker, budget: &budget, pool: pool, into: &actions)
        if demand[worker]! > 0 && EndGame.isOn(blocks, pieces) { shareOutstanding(with: worker, into: &actions) }
    }

    private mutating func tell(_ ranges: [GrantRange], to worker: Int, into actions: inout [Action]) {
        guard !ranges.isEmpty else { return }
        turns.granted(to: worker)
        var grants: [Grant] = []
        for range in ranges {
            guard let assembler = assemblers[range.assignment] else { continue }
            if range.needsAdmission {
                actions.append(
                    .tellHashWorker(assembler, .admit(worker: UInt16(worker), [range.assignment])))
                actions.append(.pieceChanged(range.piece, .granted))
            }
            demand[worker]! -= range.blocks.reduce(0) { sum, block in
                sum + Int(geometry.length(of: BlockAddress(piece: range.piece, block: block)))
            }
            grants.append(
                Grant(
                    assignment: range.assignment, torrent: torrent, assembler: UInt16(assembler), piece: range.piece,
                    firstBlock: range.firstBlock, blockCount: range.blockCount, isShared: range.isShared,
                    isTrial: range.isTrial))
        }
        for part in grants.parts(of: Topology.maximumListCount) {
            actions.append(.tellPeerWorker(worker, .grantBlocks(part)))
        }
    }

    /// Opens pieces until this worker's wish and the next one are covered, or memory is full. As long as the wish itself is
    /// covered, and half of what is kept ready, it waits: an order for four pieces costs what one for one piece does.
    private mutating func openAhead(
        for worker: Int, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        let availability = pieces.picker.availability
        var covered =
            blocks.ungrantedByteCount { availability.hasSource(worker, $0) }
            + pieces.openingCount * Int(geometry.longestPieceByteCount)
        let wish = max(demand[worker]!, 0)
        guard covered < wish + openAheadByteCount / 2 else { return }
        let goal = wish + openAheadByteCount
        var orders: [Int: [PieceToOpen]] = [:]
        for _ in 0..<Self.mostOpenedAtOnce where covered < goal {
            let suspicious = blame.suspiciousPieces.first {
                pieces.picker.isMissing($0) && availability.hasSource(worker, $0)
            }
            guard let piece = suspicious ?? pieces.picker.next(for: worker, using: &generator) else { break }
            let byteCount = geometry.length(of: piece)
            guard pieces.mayOpen(piece, frameByteCount: budget.totalByteCount) else { break }
            guard
                let (assembler, assignment) = budget.reserve(
                    pieceByteCount: byteCount, for: torrent, isWorking: pool.isHashWorkerWorking)
            else {
                framelessWorkers.insert(worker)
                break
            }
            pieces.opening(piece, assignment: assignment)
            assemblers[assignment] = assembler
            orders[assembler, default: []].append(order(assignment, piece))
            covered += Int(byteCount)
        }
        for (assembler, list) in orders.sorted(by: { $0.key < $1.key }) {
            actions.append(.tellHashWorker(assembler, .openPieces(list)))
        }
    }

    func order(_ assignment: AssignmentID, _ piece: PieceIndex) -> PieceToOpen {
        PieceToOpen(
            assignment: assignment, torrent: torrent, piece: piece, byteCount: geometry.length(of: piece),
            digest: metainfo.hash(of: piece).digest, wantsBlockDigests: blame.isSuspicious(piece))
    }

    /// The endgame: one stalled peer must not hold the end of the download.
    private mutating func shareOutstanding(with worker: Int, into actions: inout [Action]) {
        let availability = pieces.picker.availability
        let plan = EndGame.grant(to: worker, maximumByteCount: demand[worker]!, from: &blocks) {
            availability.count(worker, $0)
        }
        for assignment in plan.progressNeeded {
            guard let assembler = assemblers[assignment] else { continue }
            actions.append(.tellHashWorker(assembler, .admit(worker: UInt16(worker), [assignment])))
            actions.append(.tellHashWorker(assembler, .reportProgress([assignment])))
        }
        tell(plan.ranges, to: worker, into: &actions)
    }

    /// Whether one peer alone is to send the piece: a piece that failed before; and while it is not known who spoiled that
    /// one, all others too (libtorrent has suspects "on parole"), so that a second lie names its author. Long pieces are
    /// left out of this: each would keep one peer busy for long, and memory holds few of them.
    private func isTrial(of piece: PieceIndex) -> Bool {
        blame.isSuspicious(piece)
            || !blame.suspiciousPieces.isEmpty && geometry.pieceByteCount <= Self.longestParoleByteCount
    }

    private static var longestParoleByteCount: UInt32 { 1 << 20 }

    /// `piecesOpened`.
    mutating func opened(
        _ assignments: [AssignmentID], budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        for assignment in assignments {
            guard let piece = pieces.opened(assignment), let assembler = assemblers[assignment] else { continue }
            let byteCount = geometry.length(of: piece)
            if let bits = partials.removeValue(forKey: piece) {
                let blockCount = TorrentGeometry.blockCount(pieceByteCount: byteCount)
                blocks.opened(
                    assignment, piece, byteCount: byteCount, restoring: BlockSet(bits: bits, blockCount: blockCount))
                actions.append(.restore(assignment, piece, bits: bits, at: assembler))
            } else {
                blocks.opened(assignment, piece, byteCount: byteCount, isTrial: isTrial(of: piece))
            }
        }
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    /// `piecesRefused`: too few frames for a new piece, or for one that a successor should have taken over.
    mutating func refused(
        _ assignments: [AssignmentID], budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        for assignment in assignments {
            guard let assembler = assemblers[assignment] else { continue }
            if let piece = pieces.refused(assignment) {
                assemblers[assignment] = nil
                budget.refused(pieceByteCount: geometry.length(of: piece), of: torrent, by: assembler)
            } else {
                endGrants(of: assignment, into: &actions)
                abandon(assignment, at: assembler, budget: &budget)
            }
        }
        serveAll(budget: &budget, pool: pool, into: &actions)
    }

    /// The hash-worker says how many of its frames are free: what it refused may fit now.
    mutating func framesReported(
        _ freeCount: Int, by assembler: Int, budget: inout FrameBudget, pool: PoolView, into actions: inout [Action]
    ) {
        budget.framesReported(freeCount, by: assembler)
        serveAll(budget: &budget, pool: pool, into: &actions)
    }
}
