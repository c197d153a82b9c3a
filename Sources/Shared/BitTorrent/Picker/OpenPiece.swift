/// Owns where each block of one open assignment is. A block is exactly one of: present (at the hash-worker), ungranted,
/// or outstanding; an outstanding one is held by one worker or several, or is in doubt, or both. Chooses no worker.
struct OpenPiece {
    /// A worker with grants; kept while it holds any.
    struct Holder {
        let worker: Int
        /// Granted and not known to be present. What a worker has delivered stays here until somebody tells us.
        var blocks: BlockSet
        /// The part that it was told to be shared.
        var shared: BlockSet
    }

    /// What we know of the presence of blocks, beside what a lone worker has delivered in silence.
    enum Progress: Equatable {
        /// Nobody has told us. → asked
        case unknown
        /// → known
        case asked
        /// From here on the hash-worker reports blocks of shared assignments itself.
        case known
    }

    let piece: PieceIndex
    let byteCount: UInt32
    private(set) var present: BlockSet
    private(set) var ungranted: BlockSet
    /// Their worker died, or they are being read back from disk: neither granted nor forgotten until progress is told.
    private(set) var inDoubt: BlockSet
    private(set) var holders: [Holder] = []
    private(set) var progress: Progress
    /// Progress messages still to come. In-doubt blocks are settled by the last: an earlier one may be older than the
    /// death that put them in doubt.
    private(set) var answersDue: Int
    /// Workers whose blocks the hash-worker takes.
    private(set) var admitted: [Int] = []
    /// One worker gets all blocks and shares none; until it hands some back or dies, which makes it an attempt like others.
    private(set) var isTrial: Bool
    /// Workers that have returned blocks because their peers are too slow; they get blocks of other pieces first.
    private(set) var slowWorkers: [Int] = []
    /// Granted at least once.
    private var granted: BlockSet
    /// Granted to two workers at least: when one of these arrives, its holders are told.
    private var contested: BlockSet

    /// - Parameter restoring: blocks that are being read back from disk; in doubt until progress is told.
    init(piece: PieceIndex, byteCount: UInt32, restoring: BlockSet?, isTrial: Bool = false) {
        self.isTrial = isTrial
        self.piece = piece
        self.byteCount = byteCount
        let blockCount = TorrentGeometry.blockCount(pieceByteCount: byteCount)
        let none = BlockSet(blockCount: blockCount)
        present = none
        granted = none
        contested = none
        inDoubt = restoring ?? none
        ungranted = .full(blockCount: blockCount)
        ungranted.subtract(inDoubt)
        answersDue = restoring == nil ? 0 : 1
        progress = restoring == nil ? .unknown : .asked
    }

    var blockCount: Int { present.blockCount }
    func holds(_ worker: Int) -> Bool { holders.contains { $0.worker == worker } }

    /// Bytes of a run of blocks; only the piece's last block may be short.
    func byteCount(of blocks: Range<UInt32>) -> Int {
        guard !blocks.isEmpty else { return 0 }
        let last = TorrentGeometry.blockLength(blocks.upperBound - 1, pieceByteCount: byteCount)
        return (blocks.count - 1) * Int(TorrentGeometry.blockByteCount) + Int(last)
    }

    /// Takes the lowest run of ungranted blocks for a worker.
    mutating func grant(to worker: Int, maximumBlockCount: Int) -> Range<UInt32>? {
        guard let run = ungranted.firstRun(maximumLength: maximumBlockCount) else { return nil }
        ungranted.remove(run)
        hand(run, to: worker, isShared: false)
        return run
    }

    /// Gives outstanding blocks to one more worker, or again to one of their holders as shared.
    mutating func share(_ blocks: Range<UInt32>, with worker: Int) { hand(blocks, to: worker, isShared: true) }

    /// - Returns: whether the worker had not been admitted before.
    mutating func admit(_ worker: Int) -> Bool {
        if admitted.contains(worker) { return false }
        admitted.append(worker)
        return true
    }

    /// The worker will not fetch these blocks. Those that it does not hold any more (news crossed) are ignored.
    mutating func returned(_ ranges: [Range<UInt32>], by worker: Int, wasSlow: Bool) {
        guard let index = holders.firstIndex(where: { $0.worker == worker }) else { return }
        var blocks = BlockSet(blockCount: blockCount, ranges)
        blocks.formIntersection(holders[index].blocks)
        if blocks.isEmpty { return }
        isTrial = false
        if wasSlow, !slowWorkers.contains(worker) { slowWorkers.append(worker) }
        takeBack(blocks, at: index)
        blocks.subtract(inDoubt)
        for holder in holders { blocks.subtract(holder.blocks) }
        ungranted.formUnion(blocks)
    }

    /// The worker's process died: what it held is in doubt.
    /// - Returns: whether progress must be asked for.
    mutating func workerGone(_ worker: Int) -> Bool {
        admitted.removeAll { $0 == worker }
        slowWorkers.removeAll { $0 == worker }
        guard let index = holders.firstIndex(where: { $0.worker == worker }) else { return false }
        isTrial = false
        inDoubt.formUnion(holders.remove(at: index).blocks)
        progressAsked()
        return true
    }

    mutating func progressAsked() {
        answersDue += 1
        if progress == .unknown { progress = .asked }
    }

    /// A successor answers once for each assignment that it adopts; what its predecessor was asked is lost.
    mutating func hashWorkerReplaced() {
        answersDue = 0
        progressAsked()
    }

    /// Every present block, in answer to a question.
    mutating func progressTold(_ told: BlockSet) -> [BlocksHeld] {
        let held = blocksPresent(told)
        progress = .known
        if answersDue > 0 { answersDue -= 1 }
        if answersDue == 0 {
            var lost = inDoubt
            for holder in holders { lost.subtract(holder.blocks) }
            ungranted.formUnion(lost)
            inDoubt.removeAll()
        }
        return held
    }

    /// - Returns: who holds grants for blocks that are now present and that more than one worker was given. The one that
    ///   delivered a block is among them; it knows, and ignores it.
    mutating func blocksPresent(_ told: BlockSet) -> [BlocksHeld] {
        let new = told.subtracting(present)
        if new.isEmpty { return [] }
        present.formUnion(new)
        ungranted.subtract(new)
        inDoubt.subtract(new)
        var held: [BlocksHeld] = []
        for index in holders.indices.reversed() {
            let blocks = holders[index].blocks.intersection(new)
            if blocks.isEmpty { continue }
            let told = blocks.intersection(contested)
            if !told.isEmpty { held.append(BlocksHeld(worker: holders[index].worker, blocks: told)) }
            takeBack(blocks, at: index)
        }
        return held.reversed()
    }

    /// Blocks that had come were thrown away: whoever holds them has delivered them, and they may be granted again. What is
    /// on its way from another worker all the same comes as a second copy.
    mutating func dropped(_ blocks: BlockSet) {
        present.subtract(blocks)
        inDoubt.subtract(blocks)
        for index in holders.indices.reversed() { takeBack(blocks, at: index) }
        ungranted.formUnion(blocks)
    }

    /// Outstanding blocks that exactly `count` workers hold, without those in doubt.
    func outstanding(heldBy count: Int) -> BlockSet {
        // The usual cases of a download's end, asked for every open piece at every event.
        if holders.count < count { return BlockSet(blockCount: blockCount) }
        if holders.count == 1 { return holders[0].blocks.subtracting(inDoubt) }
        // reached[n] has the blocks that more than n holders have.
        var reached = [BlockSet](repeating: BlockSet(blockCount: blockCount), count: count + 1)
        for holder in holders {
            for level in stride(from: count, to: 0, by: -1) {
                reached[level].formUnion(reached[level - 1].intersection(holder.blocks))
            }
            reached[0].formUnion(holder.blocks)
        }
        return reached[count - 1].subtracting(reached[count]).subtracting(inDoubt)
    }

    private mutating func hand(_ blocks: Range<UInt32>, to worker: Int, isShared: Bool) {
        var run = BlockSet(blockCount: blockCount, CollectionOfOne(blocks))
        var index = holders.firstIndex { $0.worker == worker }
        if index == nil {
            index = holders.count
            let none = BlockSet(blockCount: blockCount)
            holders.append(Holder(worker: worker, blocks: none, shared: none))
        }
        let new = run.subtracting(holders[index!].blocks)
        contested.formUnion(new.intersection(granted))
        granted.formUnion(new)
        holders[index!].blocks.formUnion(new)
        if isShared {
            run.formUnion(holders[index!].shared)
            holders[index!].shared = run
        }
    }

    private mutating func takeBack(_ blocks: BlockSet, at index: Int) {
        holders[index].blocks.subtract(blocks)
        holders[index].shared.subtract(blocks)
        if holders[index].blocks.isEmpty { holders.remove(at: index) }
    }

    /// Traps when a block is in two states or in none.
    func checkInvariants() {
        var outstanding = inDoubt
        for holder in holders {
            precondition(!holder.blocks.isEmpty)
            precondition(holder.shared.subtracting(holder.blocks).isEmpty)
            precondition(admitted.contains(holder.worker), "a worker holds blocks that the hash-worker would drop")
            outstanding.formUnion(holder.blocks)
        }
        precondition(Set(holders.map(\.worker)).count == holders.count)
        precondition(present.isDisjoint(with: ungranted) && present.isDisjoint(with: outstanding))
        precondition(ungranted.isDisjoint(with: outstanding))
        precondition(present.union(ungranted).union(outstanding).isFull, "a block is forgotten")
        precondition(inDoubt.isEmpty || answersDue > 0, "blocks would stay in doubt for ever")
    }
}
