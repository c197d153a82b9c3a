/// Owns which blocks of the open assignments may be granted, are granted to whom, or are present. Finishes the oldest
/// pieces first, so that frames come free. Opens no piece, and sends nothing: its caller tells the processes.
package struct BlockLedger {
    private var pieces: [AssignmentID: OpenPiece] = [:]
    /// All keys of `pieces`, ascending: assignments count up, so this is oldest first.
    private var oldestFirst: [AssignmentID] = []
    /// Those with ungranted blocks, ascending.
    private var grantable: [AssignmentID] = []

    package init() {}

    // MARK: Opening and closing

    /// `pieceOpened`: its blocks may be granted.
    /// - Parameter restoring: blocks that the hash-worker reads back from disk (`restoreBlocks`); they are granted only
    ///   if the progress that it tells afterwards lacks them.
    /// - Parameter isTrial: an earlier attempt failed: all blocks go to one worker, which asks one peer for them.
    /// - Precondition: the assignment is not open.
    package mutating func opened(
        _ assignment: AssignmentID, _ piece: PieceIndex, byteCount: UInt32, restoring: BlockSet? = nil,
        isTrial: Bool = false
    ) {
        precondition(pieces[assignment] == nil, "assignment \(assignment) is opened twice")
        pieces[assignment] = OpenPiece(piece: piece, byteCount: byteCount, restoring: restoring, isTrial: isTrial)
        Self.insert(assignment, into: &oldestFirst)
        refresh(assignment)
    }

    /// The assignment was verified, failed or abandoned.
    /// - Returns: the admitted workers, who must be told that it is closed; empty when it was closed already.
    @discardableResult package mutating func closed(_ assignment: AssignmentID) -> [Int] {
        guard let piece = pieces.removeValue(forKey: assignment) else { return [] }
        Self.remove(assignment, from: &oldestFirst)
        Self.remove(assignment, from: &grantable)
        return piece.admitted.sorted()
    }

    // MARK: Granting

    /// Ranges for a worker that wants blocks, from the oldest piece on that one of its peers has. Pieces of which it
    /// returned blocks as too slow come last.
    /// - Parameter maximumByteCount: granting stops when it is reached, so it may be exceeded by less than a block, or by a
    ///   piece that is granted as a whole.
    package mutating func grant(
        to worker: Int, maximumByteCount: Int, hasSource: (PieceIndex) -> Bool
    ) -> [GrantRange] {
        var ranges: [GrantRange] = []
        var bytesLeft = maximumByteCount
        var putOff: [AssignmentID] = []
        for assignment in grantable {
            if bytesLeft <= 0 { break }
            guard let piece = pieces[assignment], hasSource(piece.piece) else { continue }
            if piece.slowWorkers.contains(worker) {
                putOff.append(assignment)
            } else {
                grant(assignment, to: worker, bytesLeft: &bytesLeft, into: &ranges)
            }
        }
        for assignment in putOff where bytesLeft > 0 {
            grant(assignment, to: worker, bytesLeft: &bytesLeft, into: &ranges)
        }
        for range in ranges { refresh(range.assignment) }
        return ranges
    }

    private mutating func grant(
        _ assignment: AssignmentID, to worker: Int, bytesLeft: inout Int, into ranges: inout [GrantRange]
    ) {
        let isWhole = pieces[assignment]?.isTrial ?? false
        while let run = pieces[assignment]?.grant(
            to: worker, maximumBlockCount: Self.blockCount(for: isWhole ? .max : bytesLeft))
        {
            ranges.append(range(assignment, run, for: worker, isShared: false, bytesLeft: &bytesLeft))
        }
    }

    /// Blocks of one range that `byteCount` asks for.
    static func blockCount(for byteCount: Int) -> Int {
        let size = Int(TorrentGeometry.blockByteCount)
        guard byteCount > 0 else { return 0 }
        return min((byteCount - 1) / size + 1, GrantRange.maximumBlockCount)
    }

    /// Describes a run that was just handed to a worker, and admits it.
    private mutating func range(
        _ assignment: AssignmentID, _ run: Range<UInt32>, for worker: Int, isShared: Bool, bytesLeft: inout Int
    ) -> GrantRange {
        let isNew = pieces[assignment]!.admit(worker)
        bytesLeft -= pieces[assignment]!.byteCount(of: run)
        return GrantRange(
            assignment: assignment, piece: pieces[assignment]!.piece, blocks: run, isShared: isShared,
            isTrial: pieces[assignment]!.isTrial, needsAdmission: isNew)
    }

    /// Hands blocks that others hold, or that the worker holds itself, to a worker as shared: only `EndGame` decides so.
    mutating func share(
        _ assignment: AssignmentID, _ blocks: Range<UInt32>, with worker: Int, bytesLeft: inout Int
    ) -> GrantRange {
        pieces[assignment]!.share(blocks, with: worker)
        return range(assignment, blocks, for: worker, isShared: true, bytesLeft: &bytesLeft)
    }

    /// Admits a worker that will share the assignment's blocks once progress is told.
    mutating func askProgress(_ assignment: AssignmentID, for worker: Int) {
        _ = pieces[assignment]!.admit(worker)
        pieces[assignment]!.progressAsked()
    }

    // MARK: What workers tell

    /// `grantReturned`. Late news of a closed assignment, or blocks that the worker no longer holds, change nothing.
    /// - Parameter wasSlow: its peers choked or crawled; it gets blocks of other pieces first.
    package mutating func returned(
        _ assignment: AssignmentID, _ blocks: [Range<UInt32>], by worker: Int, wasSlow: Bool
    ) {
        pieces[assignment]?.returned(blocks, by: worker, wasSlow: wasSlow)
        refresh(assignment)
    }

    /// A peer-worker died. What it held is neither granted nor forgotten until its presence is known.
    /// - Returns: the assignments whose progress must be asked from their hash-workers, after those have stopped
    ///   listening to the dead one (`replacementSeen`).
    package mutating func workerGone(_ worker: Int) -> [AssignmentID] {
        oldestFirst.filter { pieces[$0]!.workerGone(worker) }
    }

    /// The hash-worker was told to tell progress of an assignment; its answer is waited for.
    package mutating func progressAsked(_ assignment: AssignmentID) { pieces[assignment]?.progressAsked() }

    /// The hash-worker of these assignments died; its successor adopts them and tells progress of each once.
    package mutating func hashWorkerReplaced(_ assignments: some Sequence<AssignmentID>) {
        for assignment in assignments { pieces[assignment]?.hashWorkerReplaced() }
    }

    /// `pieceProgress`: all present blocks. Blocks in doubt that are missing may be granted again.
    /// - Returns: as `blocksPresent`.
    package mutating func progress(_ assignment: AssignmentID, _ present: BlockSet) -> [BlocksHeld] {
        guard matches(assignment, present) else { return [] }
        defer { refresh(assignment) }
        return pieces[assignment]!.progressTold(present)
    }

    /// `blocksPresent`: some more blocks have arrived.
    /// - Returns: who holds grants for them that should be told `blocksNotNeeded`.
    package mutating func blocksPresent(_ assignment: AssignmentID, _ present: BlockSet) -> [BlocksHeld] {
        guard matches(assignment, present) else { return [] }
        defer { refresh(assignment) }
        return pieces[assignment]!.blocksPresent(present)
    }

    /// Blocks that had come were thrown away by the hash-worker: they may be granted again.
    /// - Returns: the admitted workers, who must be told before they are granted any of them; empty when the assignment is
    ///   closed.
    package mutating func dropped(_ assignment: AssignmentID, _ blocks: BlockSet) -> [Int] {
        guard matches(assignment, blocks) else { return [] }
        pieces[assignment]!.dropped(blocks)
        refresh(assignment)
        return pieces[assignment]!.admitted.sorted()
    }

    private func matches(_ assignment: AssignmentID, _ blocks: BlockSet) -> Bool {
        guard let piece = pieces[assignment] else { return false }
        precondition(blocks.blockCount == piece.blockCount, "blocks of another piece")
        return true
    }

    // MARK: Questions

    package var openCount: Int { oldestFirst.count }
    /// Oldest first.
    package var openAssignments: [AssignmentID] { oldestFirst }
    package func isOpen(_ assignment: AssignmentID) -> Bool { pieces[assignment] != nil }
    func openPiece(_ assignment: AssignmentID) -> OpenPiece? { pieces[assignment] }
    /// What `BlockSet(bits:blockCount:)` needs to read a message about the assignment; nil when it is closed.
    package func blockCount(of assignment: AssignmentID) -> Int? { pieces[assignment]?.blockCount }
    /// What is known to be present; nil when the assignment is closed.
    package func present(_ assignment: AssignmentID) -> BlockSet? { pieces[assignment]?.present }
    /// Whom the hash-worker must admit; a successor is told again.
    package func admitted(_ assignment: AssignmentID) -> [Int] { pieces[assignment]?.admitted.sorted() ?? [] }

    /// Bytes that could be granted now to a worker with these sources: what opening ahead is measured by.
    package func ungrantedByteCount(where hasSource: (PieceIndex) -> Bool) -> Int {
        grantable.reduce(0) { sum, assignment in
            let piece = pieces[assignment]!
            guard hasSource(piece.piece) else { return sum }
            return piece.ungranted.runs().reduce(sum) { $0 + piece.byteCount(of: $1) }
        }
    }

    package func hasUngranted(where hasSource: (PieceIndex) -> Bool) -> Bool {
        grantable.contains { hasSource(pieces[$0]!.piece) }
    }

    // MARK: Inside

    /// Brings `grantable` in line after an assignment has changed.
    private mutating func refresh(_ assignment: AssignmentID) {
        if let piece = pieces[assignment], !piece.ungranted.isEmpty {
            Self.insert(assignment, into: &grantable)
        } else {
            Self.remove(assignment, from: &grantable)
        }
        #if DEBUG
        pieces[assignment]?.checkInvariants()
        #endif
    }

    private static func insert(_ assignment: AssignmentID, into sorted: inout [AssignmentID]) {
        let index = position(of: assignment, in: sorted)
        if index == sorted.count || sorted[index] != assignment { sorted.insert(assignment, at: index) }
    }

    private static func remove(_ assignment: AssignmentID, from sorted: inout [AssignmentID]) {
        let index = position(of: assignment, in: sorted)
        if index < sorted.count, sorted[index] == assignment { sorted.remove(at: index) }
    }

    /// The index of the first element that is not below `assignment`.
    private static func position(of assignment: AssignmentID, in sorted: [AssignmentID]) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < assignment { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Traps when a block is in two states or in none, or the lists and the pieces disagree.
    package func checkInvariants() {
        for piece in pieces.values { piece.checkInvariants() }
        precondition(oldestFirst == pieces.keys.sorted())
        precondition(grantable == oldestFirst.filter { !pieces[$0]!.ungranted.isEmpty })
    }
}
