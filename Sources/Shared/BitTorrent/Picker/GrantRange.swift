/// Adjacent blocks of one assignment that a worker may fetch.
package struct GrantRange: Hashable, Sendable {
    /// Longest range (1 MiB): a worker hands back whole ranges rarely, and a death costs no more than a few of them.
    package static let maximumBlockCount = 64

    package let assignment: AssignmentID
    package let piece: PieceIndex
    package let firstBlock: UInt32
    package let blockCount: UInt32
    /// End game: others may hold these blocks too, and the worker may ask a second peer for what it has asked for.
    package let isShared: Bool
    /// After a failed attempt: the whole piece goes to one worker, which asks one peer for all of it, so that the verdict
    /// says whether that peer lies.
    package let isTrial: Bool
    /// The worker's first range of this assignment: the hash-worker must `admit` it before it hears of the grant.
    package let needsAdmission: Bool

    package init(
        assignment: AssignmentID, piece: PieceIndex, blocks: Range<UInt32>, isShared: Bool = false,
        isTrial: Bool = false, needsAdmission: Bool = false
    ) {
        self.assignment = assignment
        self.piece = piece
        firstBlock = blocks.lowerBound
        blockCount = UInt32(blocks.count)
        self.isShared = isShared
        self.isTrial = isTrial
        self.needsAdmission = needsAdmission
    }

    package var blocks: Range<UInt32> { firstBlock..<firstBlock + blockCount }
}

/// Blocks that a worker still holds grants for and that nobody needs from it any more.
package struct BlocksHeld: Equatable, Sendable {
    package let worker: Int
    package let blocks: BlockSet

    package init(worker: Int, blocks: BlockSet) {
        self.worker = worker
        self.blocks = blocks
    }
}
