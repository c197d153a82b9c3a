import BitTorrent
import PoolProtocol

/// What the hash-worker has to say after an event.
enum AssemblyAction: Equatable {
    case tellSupervisor(HashWorkerToSupervisor)
    case tellWriter(HashWorkerToWriter)
    case tellPeerWorker(UInt16, HashWorkerToPeerWorker)
    /// Tell the supervisor that the process that holds this peer-worker's place is unsound.
    case accuse(worker: UInt16, NeighbourFault)
    /// For the log; only while `followsBlocks`.
    case follow(BlockStep, Tags, slot: UInt32?)
}

/// Owns all open pieces of this hash-worker and their frames: opens and closes them, takes blocks, hashes in steps,
/// hands verified pieces to the writer, and knows when a frame may be used again. Reads no clock and sends nothing.
///
/// A frame is free once the supervisor has closed its assignment and the writer of now has answered what it was told of
/// it (protocol.md, "Assignments").
struct AssemblyTable {
    var pool: FramePool
    var pieces = OpenPieces()
    var steps = LaneSteps()
    var digestRuns: [BlockDigestRun] = []
    var held = HeldReferences()
    var intakes: [UInt16: IntakeRegion] = [:]
    /// Of each peer-worker's place the oldest generation that counts.
    var peerGenerations: [UInt16: UInt32] = [:]
    /// Peer-workers that were accused and not replaced yet.
    var broken: Set<UInt16> = []
    var writer = WriterLink()
    /// Frames of assignments that are closed while the writer still reads them.
    var lingering: [AssignmentID: [UInt32]] = [:]
    /// What a successor was told so far; nil once it has adopted.
    var adoption: Adoption?
    /// Pieces with blocks that the supervisor is to be told of at the end of the turn.
    var reportable: [AssignmentID] = []
    /// Frames of pieces that wait for the lanes.
    var completeFrameCount = 0
    /// Frames of pieces that were hashed and of those that linger: they come back when the writer, or the supervisor, has
    /// done its part.
    var hashedFrameCount = 0
    /// Pieces that still take blocks.
    var gatheringCount = 0
    var counts = Counts()
    /// The way of every block is told in `follow`.
    var followsBlocks = false

    /// Totals since the start.
    struct Counts: Equatable {
        var storedByteCount: UInt64 = 0
        var hashedByteCount: UInt64 = 0
        var stepCount: UInt64 = 0
        var laneCount: UInt64 = 0
        var duplicateBlockCount: UInt64 = 0

        mutating func add(_ other: Counts) {
            storedByteCount += other.storedByteCount
            hashedByteCount += other.hashedByteCount
            stepCount += other.stepCount
            laneCount += other.laneCount
            duplicateBlockCount += other.duplicateBlockCount
        }
    }

    /// How a hash-worker begins.
    enum Start: Equatable {
        /// The first of its place: the region is new.
        case fresh
        /// A successor: the supervisor will send `adopt`, and until its last part nothing is opened or answered.
        /// - Parameter trustsContents: false after deaths that the region's contents may have caused: listed pieces start
        ///   empty, only frames that the writer still reads are left alone.
        case successor(trustsContents: Bool)
    }

    init(_ region: AssemblyRegion, start: Start) {
        switch start {
        case .successor(let trustsContents) where region.isFormatted:
            pool = FramePool(adopting: region, keeping: Set(0..<UInt32(region.geometry.frameCount)))
            adoption = Adoption(trustsContents: trustsContents)
        case .successor(let trustsContents):
            // Of another layout, or its first owner never came so far: as good as a new one.
            pool = FramePool(formatting: region)
            adoption = Adoption(trustsContents: trustsContents)
        case .fresh:
            pool = FramePool(formatting: region)
            adoption = nil
        }
    }

    var region: AssemblyRegion { pool.region }

    // MARK: Orders of the supervisor

    mutating func open(_ orders: [PieceToOpen], into actions: inout [AssemblyAction]) {
        var opened: [AssignmentID] = [], refused: [AssignmentID] = []
        for order in orders {
            if pieces.position(of: order.assignment) != nil || (adoption == nil && open(order)) {
                opened.append(order.assignment)
            } else {
                refused.append(order.assignment)
            }
        }
        if !opened.isEmpty { actions.append(.tellSupervisor(.piecesOpened(opened))) }
        if !refused.isEmpty { actions.append(.tellSupervisor(.piecesRefused(refused))) }
    }

    /// - Returns: false when there are too few frames.
    private mutating func open(_ order: PieceToOpen) -> Bool {
        let indexes = 0..<UInt32(AssemblyGeometry.framesNeeded(pieceByteCount: order.byteCount))
        guard let frames = pool.take(for: order.assignment, indexes: indexes) else { return false }
        pieces.insert(PieceAssembly(order, frames: frames))
        gatheringCount += 1
        return true
    }

    /// Admissions name the place: they hold for every generation of the worker.
    mutating func admit(
        _ worker: UInt16, to assignments: [AssignmentID], now: MonotonicInstant, into actions: inout [AssemblyAction]
    ) {
        for assignment in assignments {
            guard let position = pieces.position(of: assignment) else { continue }
            pieces[position].admit(worker)
            markReportable(position)
        }
        answerHeld(of: worker, now: now, into: &actions)
    }

    mutating func close(
        _ assignments: [AssignmentID], now: MonotonicInstant, into actions: inout [AssemblyAction]
    ) {
        for assignment in assignments {
            guard let position = pieces.position(of: assignment) else { continue }
            let piece = pieces.remove(at: position)
            steps.moved(assignment, from: piece.standing, to: .idle, now: now)
            digestRuns.removeAll { $0.assignment == assignment }
            switch piece.stage {
            case .gathering: gatheringCount -= 1
            case .complete: completeFrameCount -= piece.frames.count
            case .verified, .failed: hashedFrameCount -= piece.frames.count
            }
            if piece.isReadByWriter { linger(assignment, piece.frames) } else { pool.free(piece.frames) }
        }
        for worker in held.workers { answerHeld(of: worker, now: now, into: &actions) }
    }

    /// What the log calls the attempt; of one that is not open, its number alone.
    mutating func tags(of assignment: AssignmentID) -> Tags {
        guard let position = pieces.position(of: assignment) else { return Tags(assignment: assignment) }
        return pieces[position].tags
    }

    /// nil when the assignment is not open.
    mutating func blockCount(of assignment: AssignmentID) -> Int? {
        pieces.position(of: assignment).map { pieces[$0].blockCount }
    }

    mutating func reportProgress(of assignments: [AssignmentID], into actions: inout [AssemblyAction]) {
        for assignment in assignments {
            guard let position = pieces.position(of: assignment) else { continue }
            let bits = pieces[position].present.bits
            actions.append(.tellSupervisor(.pieceProgress(assignment: assignment, bits: bits)))
        }
    }

    /// The messages of this turn have been handled: tells the supervisor of new blocks that others need not fetch.
    mutating func turnEnded(into actions: inout [AssemblyAction]) {
        guard !reportable.isEmpty else { return }
        for assignment in reportable {
            guard let position = pieces.position(of: assignment), let blocks = pieces[position].takeUnreported()
            else { continue }
            actions.append(.tellSupervisor(.blocksPresent(assignment: assignment, bits: blocks.bits)))
        }
        reportable.removeAll(keepingCapacity: true)
    }

    // MARK: Common to all topics

    mutating func markReportable(_ position: Int) {
        guard pieces[position].isShared, reportable.last != pieces[position].assignment else { return }
        reportable.append(pieces[position].assignment)
    }

    /// Tells the lanes what the piece has for them now.
    mutating func updateStanding(_ position: Int, now: MonotonicInstant) {
        let old = pieces[position].standing, new = pieces[position].trueStanding
        guard old != new else { return }
        steps.moved(pieces[position].assignment, from: old, to: new, now: now)
        pieces[position].standing = new
    }

    mutating func linger(_ assignment: AssignmentID, _ frames: [UInt32]) {
        lingering[assignment, default: []] += frames
        hashedFrameCount += frames.count
    }

    mutating func freeLingering(_ assignment: AssignmentID) {
        guard let frames = lingering.removeValue(forKey: assignment) else { return }
        hashedFrameCount -= frames.count
        pool.free(frames)
    }

    /// - Parameter rechecked: what the disk thread hashed.
    func report(rechecked: Counts) -> HashReport {
        HashReport(
            hashedByteCount: counts.hashedByteCount + rechecked.hashedByteCount,
            laneStepCount: counts.stepCount + rechecked.stepCount, laneCount: counts.laneCount + rechecked.laneCount,
            freeFrameCount: UInt32(pool.freeCount), frameCount: UInt32(pool.frameCount),
            duplicateBlockCount: counts.duplicateBlockCount)
    }
}
