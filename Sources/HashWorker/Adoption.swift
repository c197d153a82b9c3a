import BitTorrent
import PoolProtocol

/// What a successor is told before it takes its predecessor's frames over.
struct Adoption {
    /// Whether presence bits are believed; if not, all pieces start empty.
    let trustsContents: Bool
    /// Open assignments, the supervisor's word on what is kept.
    var listed: [PieceToOpen] = []
    /// Assignments whose frames the writer was still reading for the predecessor.
    private var read: Set<AssignmentID> = []
    /// Those that it answered meanwhile: its word may overtake the supervisor's.
    private var answered: Set<AssignmentID> = []

    /// Assignments whose frames the writer still reads.
    var stillReading: Set<AssignmentID> { read.subtracting(answered) }

    init(trustsContents: Bool) { self.trustsContents = trustsContents }

    mutating func writerStillReads(_ assignments: [AssignmentID]) { read.formUnion(assignments) }
    mutating func writesAnswered(_ assignments: [AssignmentID]) { answered.formUnion(assignments) }

    /// Which frames hold which 64 KiB of the assignments that matter, by the headers.
    func framesFound(in region: AssemblyRegion) -> [AssignmentID: [UInt32: UInt32]] {
        var frameCounts: [AssignmentID: Int] = [:]
        for order in listed where trustsContents {
            frameCounts[order.assignment] = AssemblyGeometry.framesNeeded(pieceByteCount: order.byteCount)
        }
        let stillReading = stillReading
        var found: [AssignmentID: [UInt32: UInt32]] = [:]
        for frame in 0..<UInt32(region.geometry.frameCount) {
            let header = region.readHeader(ofFrame: frame)
            if let frameCount = frameCounts[header.assignment] {
                guard header.index < frameCount else { continue }
            } else if !stillReading.contains(header.assignment) {
                continue
            }
            if found[header.assignment, default: [:]][header.index] == nil {
                found[header.assignment, default: [:]][header.index] = frame
            }
        }
        return found
    }

    /// The blocks that the headers of these frames mark.
    static func blocksPresent(
        _ order: PieceToOpen, frames: [UInt32: UInt32], in region: AssemblyRegion
    ) -> BlockSet {
        var present = BlockSet(blockCount: PieceAssembly.blockCount(of: order))
        for (index, frame) in frames {
            let presence = region.readHeader(ofFrame: frame).presence
            for place in 0..<UInt32(AssemblyGeometry.blocksPerFrame) where presence >> place & 1 == 1 {
                let block = index * UInt32(AssemblyGeometry.blocksPerFrame) + place
                if block < present.blockCount { present.insert(block..<block + 1) }
            }
        }
        return present
    }
}

/// A successor's start. Presence bits are trusted, since each was stored after its block; verdicts are not inherited:
/// pieces are hashed from their first byte.
extension AssemblyTable {
    mutating func writerStillReads(_ assignments: [AssignmentID]) { adoption?.writerStillReads(assignments) }

    /// A part of the supervisor's list; after the last one the region is sorted out and held references are answered.
    mutating func adopt(
        _ orders: [PieceToOpen], isLast: Bool, now: MonotonicInstant, into actions: inout [AssemblyAction]
    ) {
        guard adoption != nil else { return }
        adoption!.listed += orders
        guard isLast, let finished = adoption else { return }
        adoption = nil
        takeOver(finished, now: now, into: &actions)
        actions.append(.tellSupervisor(.adopted))
        for worker in held.workers { answerHeld(of: worker, now: now, into: &actions) }
    }

    private mutating func takeOver(
        _ adoption: Adoption, now: MonotonicInstant, into actions: inout [AssemblyAction]
    ) {
        var found = adoption.framesFound(in: region)
        let stillReading = adoption.stillReading
        pool = FramePool(adopting: region, keeping: Set(found.values.flatMap(\.values)))
        let kept = Set(adoption.trustsContents ? adoption.listed.map(\.assignment) : [])
        for (assignment, frames) in found where !kept.contains(assignment) {
            linger(assignment, Array(frames.values))
            found[assignment] = nil
        }
        var refused: [AssignmentID] = []
        for order in adoption.listed where pieces.position(of: order.assignment) == nil {
            let frames = found[order.assignment] ?? [:]
            let isRead = stillReading.contains(order.assignment)
            if let piece = adopted(order, frames) {
                insert(piece, isRead: isRead, now: now)
                actions.append(.tellSupervisor(.pieceProgress(assignment: order.assignment, bits: piece.present.bits)))
            } else {
                refused.append(order.assignment)
                if isRead { linger(order.assignment, Array(frames.values)) } else { pool.free(Array(frames.values)) }
            }
        }
        for start in stride(from: 0, to: refused.count, by: Topology.maximumListCount) {
            let part = refused[start...].prefix(Topology.maximumListCount)
            actions.append(.tellSupervisor(.piecesRefused(Array(part))))
        }
    }

    /// The piece with the frames that were found, and fresh ones for the others.
    /// - Returns: nil when there are too few, which can only be if the predecessor was killed while it opened pieces.
    private mutating func adopted(_ order: PieceToOpen, _ found: [UInt32: UInt32]) -> PieceAssembly? {
        let indexes = 0..<UInt32(AssemblyGeometry.framesNeeded(pieceByteCount: order.byteCount))
        let missing = indexes.filter { found[$0] == nil }
        guard let fresh = pool.take(for: order.assignment, indexes: missing) else { return nil }
        var frames = found
        for (index, frame) in zip(missing, fresh) { frames[index] = frame }
        let present = Adoption.blocksPresent(order, frames: found, in: region)
        return PieceAssembly(order, frames: indexes.map { frames[$0]! }, present: present)
    }

    private mutating func insert(_ piece: PieceAssembly, isRead: Bool, now: MonotonicInstant) {
        pieces.insert(piece)
        guard let position = pieces.position(of: piece.assignment) else { return }
        if isRead { pieces[position].writing = .inherited }
        if piece.stage == .gathering { gatheringCount += 1 } else { completeFrameCount += piece.frames.count }
        updateStanding(position, now: now)
    }
}
