import BitTorrent

/// Which blocks of an unfinished piece are still to be read back from disk, in portions that bound the memory of the
/// reads.
struct RestorePlan {
    /// Blocks of a portion at most: a MiB.
    static let portionBlockCount = 64

    let assignment: AssignmentID
    private var rest: BlockSet

    init(_ assignment: AssignmentID, blocks: BlockSet) {
        self.assignment = assignment
        rest = blocks
    }

    /// The next blocks, neighbours all; nil when all were given out.
    mutating func nextPortion() -> Range<UInt32>? {
        guard let run = rest.firstRun(maximumLength: Self.portionBlockCount) else { return nil }
        rest.remove(run)
        return run
    }
}
