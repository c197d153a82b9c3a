import BitTorrent
import PoolProtocol

/// The way of a piece to the writer. At most one order of an assignment is unanswered at a time, so that an answer says
/// for sure that the frames are no longer read.
extension AssemblyTable {
    /// The writer can be sent to from now on.
    mutating func writerJoined(generation: UInt32, into actions: inout [AssemblyAction]) {
        if writer.joined(generation: generation) { forgetWriter() }
        for position in pieces.indices { handOver(position, into: &actions) }
        let waiting = writer.waitingPartials
        writer.waitingPartials = []
        for assignments in waiting { writePartials(assignments, into: &actions) }
    }

    /// Another process takes the writer's place.
    mutating func writerReplaced(generation: UInt32) {
        if writer.replaced(generation: generation) { forgetWriter() }
    }

    mutating func writerGivenUp() {
        writer.gaveUp()
        forgetWriter()
    }

    /// A dead writer reads nothing, and its last news may be lost: all that is verified and open is told to the next.
    private mutating func forgetWriter() {
        for assignment in Array(lingering.keys) { freeLingering(assignment) }
        for position in pieces.indices { pieces[position].writing = .untold }
    }

    /// The frames of these assignments are no longer read.
    mutating func writesAnswered(_ assignments: [AssignmentID], into actions: inout [AssemblyAction]) {
        adoption?.writesAnswered(assignments)
        for assignment in assignments {
            freeLingering(assignment)
            guard let position = pieces.position(of: assignment) else { continue }
            switch pieces[position].writing {
            case .untold, .answered: break
            case .ordered(isPartial: false): pieces[position].writing = .answered
            case .ordered(isPartial: true), .inherited:
                pieces[position].writing = .untold
                handOver(position, into: &actions)
            }
        }
    }

    /// Orders a verified piece to be written, if that has not been done and the writer is there.
    mutating func handOver(_ position: Int, into actions: inout [AssemblyAction]) {
        guard writer.isThere, pieces[position].stage == .verified, pieces[position].writing == .untold else { return }
        pieces[position].writing = .ordered(isPartial: false)
        for batch in pieces[position].frameBatches { actions.append(.tellWriter(.writePiece(batch))) }
    }

    /// Hands the blocks of unfinished pieces over, for an orderly stop. A piece that is complete but not hashed yet goes
    /// along as unfinished: the next start finds out what it is worth.
    mutating func writePartials(_ assignments: [AssignmentID], into actions: inout [AssemblyAction]) {
        guard writer.isThere else {
            writer.waitingPartials.append(assignments)
            return
        }
        var handed: [AssignmentID] = []
        for assignment in assignments {
            guard let position = pieces.position(of: assignment) else { continue }
            let piece = pieces[position]
            switch piece.stage {
            case .verified, .failed: continue
            case .gathering, .complete: break
            }
            guard piece.presentCount > 0, piece.writing == .untold else { continue }
            piece.writing = .ordered(isPartial: true)
            handed.append(assignment)
            let bits = piece.present.bits
            for batch in piece.frameBatches { actions.append(.tellWriter(.writeBlocks(batch, bits: bits))) }
        }
        actions.append(.tellSupervisor(.partialsHanded(handed)))
    }
}

extension PieceAssembly {
    /// All frames, in parts that fit a message.
    var frameBatches: [FrameBatch] {
        stride(from: 0, to: frames.count, by: Topology.maximumListCount).map { first in
            FrameBatch(
                assignment: assignment, torrent: order.torrent, piece: order.piece, byteCount: order.byteCount,
                firstFrame: UInt32(first), frames: Array(frames[first...].prefix(Topology.maximumListCount)))
        }
    }
}
