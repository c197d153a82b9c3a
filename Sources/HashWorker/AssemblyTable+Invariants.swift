import BitTorrent
import PoolProtocol

extension AssemblyTable {
    /// Stops the program when the books do not agree. Reads every piece and every frame: for tests and simulations.
    func checkInvariants() {
        var owners: [UInt32: AssignmentID] = [:]
        func own(_ frame: UInt32, _ assignment: AssignmentID) {
            precondition(owners.updateValue(assignment, forKey: frame) == nil, "a frame has one owner")
            precondition(region.readHeader(ofFrame: frame).assignment == assignment, "the header names the owner")
        }
        var gathering = 0, complete = 0, hashed = 0, waiting = 0
        for position in pieces.indices {
            let piece = pieces[position]
            for (index, frame) in piece.frames.enumerated() {
                own(frame, piece.assignment)
                precondition(region.readHeader(ofFrame: frame).index == index, "the header names the place")
            }
            precondition(piece.presentCount == piece.present.count)
            for block in 0..<UInt32(piece.blockCount) {
                let (frame, place) = piece.place(ofBlock: block)
                let isMarked = region.readHeader(ofFrame: frame).presence >> UInt32(place) & 1 == 1
                precondition(isMarked == piece.present.contains(block), "the region marks what the table knows")
            }
            precondition((piece.stage == .gathering) == (piece.presentCount < piece.blockCount))
            precondition(piece.standing == piece.trueStanding, "the lanes know what every piece has for them")
            if piece.standing != .idle { waiting += 1 }
            switch piece.stage {
            case .gathering: gathering += 1
            case .complete: complete += piece.frames.count
            case .verified, .failed: hashed += piece.frames.count
            }
        }
        for (assignment, frames) in lingering {
            hashed += frames.count
            for frame in frames { own(frame, assignment) }
        }
        precondition(gathering == gatheringCount)
        precondition(complete == completeFrameCount && hashed == hashedFrameCount)
        precondition(steps.isIdle == (waiting == 0))
        guard adoption == nil else { return }
        precondition(owners.count + pool.freeCount == pool.frameCount, "every other frame is free")
        for frame in 0..<UInt32(pool.frameCount) where owners[frame] == nil {
            precondition(region.readHeader(ofFrame: frame).assignment == 0, "a free frame is marked as such")
        }
    }
}
