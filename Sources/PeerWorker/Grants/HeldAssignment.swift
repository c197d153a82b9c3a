import BitTorrent
import PoolProtocol

/// Owns what this worker may still fetch of one assignment: which blocks it was granted, which of them nobody has been
/// asked for, and which one or two peers were asked for the others. Sends nothing; `GrantBook` decides.
struct HeldAssignment {
    /// Which kind of peer fetches the piece, so that one slow peer does not hold up what many fast ones have done.
    enum Pace: Equatable {
        /// Nobody was asked for a block of it.
        case untouched
        /// Only slow peers were.
        case slow
        case fast
    }

    /// "Nobody" where a peer's name stands: names count up from 0 and from 2³¹ and never get this far.
    private static let nobody = UInt32.max

    let assignment: AssignmentID
    let assembler: UInt16
    let piece: PieceIndex
    private(set) var pace = Pace.untouched
    /// Granted, and neither here nor handed back.
    private(set) var outstanding: BlockSet
    /// Those of `outstanding` that nobody was asked for.
    private(set) var unassigned: BlockSet
    /// Blocks that may be asked of two peers.
    private(set) var shared: BlockSet
    /// Blocks that were delivered, by us or another worker: a late or repeated grant does not fetch them again.
    private(set) var delivered: BlockSet
    private(set) var outstandingCount = 0
    private(set) var unassignedCount = 0
    /// When a block was last handed to a peer, or granted.
    private(set) var lastProgress: MonotonicInstant
    /// Whose block was the first to be asked for, where all are to come from one peer: nobody else is asked until it fails
    /// to send one, which makes this an assignment like others.
    private var onlyPeer: UInt32?
    private var isTrial: Bool
    /// Who was asked for each block; `first` is filled before `second`.
    private var first: [UInt32]
    private var second: [UInt32]

    /// - Parameter isTrial: all blocks are to come from one peer.
    init(
        assignment: AssignmentID, assembler: UInt16, piece: PieceIndex, blockCount: Int, isTrial: Bool = false,
        now: MonotonicInstant
    ) {
        self.isTrial = isTrial
        self.assignment = assignment
        self.assembler = assembler
        self.piece = piece
        outstanding = BlockSet(blockCount: blockCount)
        unassigned = outstanding
        shared = outstanding
        delivered = outstanding
        lastProgress = now
        first = Array(repeating: Self.nobody, count: blockCount)
        second = first
    }

    var blockCount: Int { outstanding.blockCount }
    /// Whether the peer may be asked for unassigned blocks.
    func isOpen(to peer: UInt32) -> Bool { onlyPeer == nil || onlyPeer == peer }

    /// - Returns: the number of blocks that are new here.
    mutating func granted(_ range: Range<UInt32>, isShared: Bool, now: MonotonicInstant) -> Int {
        if isShared { shared.insert(range) }
        var added = 0
        for block in range where !outstanding.contains(block) && !delivered.contains(block) {
            outstanding.insert(block..<block + 1)
            unassigned.insert(block..<block + 1)
            added += 1
        }
        outstandingCount += added
        unassignedCount += added
        if added > 0 { lastProgress = now }
        return added
    }

    /// Asks `peer` for up to `limit` unassigned blocks, lowest first, so that the piece fills from its start.
    mutating func assign(
        upTo limit: Int, to peer: UInt32, isSlow: Bool, now: MonotonicInstant, into blocks: inout [BlockAddress]
    ) {
        var left = min(limit, unassignedCount)
        guard left > 0 else { return }
        if isTrial { onlyPeer = peer }
        pace = isSlow && pace != .fast ? .slow : .fast
        lastProgress = now
        while left > 0, let run = unassigned.firstRun(maximumLength: left) {
            unassigned.remove(run)
            unassignedCount -= run.count
            left -= run.count
            for block in run {
                first[Int(block)] = peer
                blocks.append(BlockAddress(piece: piece, block: block))
            }
        }
    }

    /// Asks `peer` too for up to `limit` shared blocks that one other peer was asked for, highest first: the other
    /// answers upwards.
    mutating func assignTwice(upTo limit: Int, to peer: UInt32, into blocks: inout [BlockAddress]) {
        guard limit > 0, !isTrial, outstandingCount > unassignedCount else { return }
        var left = limit
        for run in shared.intersection(outstanding).subtracting(unassigned).runs().reversed() {
            for block in run.reversed()
            where second[Int(block)] == Self.nobody && first[Int(block)] != peer {
                second[Int(block)] = peer
                blocks.append(BlockAddress(piece: piece, block: block))
                left -= 1
                if left == 0 { return }
            }
        }
    }

    /// The peer will not send the block.
    /// - Returns: whether nobody is asked for it now.
    mutating func givenBack(_ block: UInt32, by peer: UInt32) -> Bool {
        let index = Int(block)
        if second[index] == peer {
            second[index] = Self.nobody
            return false
        }
        guard first[index] == peer else { return false }
        endTrial()
        first[index] = second[index]
        second[index] = Self.nobody
        guard first[index] == Self.nobody, outstanding.contains(block) else { return false }
        unassigned.insert(block..<block + 1)
        unassignedCount += 1
        return true
    }

    /// The block is here, or at the hash-worker by another way.
    /// - Returns: nil when nobody waits for it; else the peers that were asked for it.
    mutating func delivered(_ block: UInt32) -> Requesters? {
        guard outstanding.contains(block) else { return nil }
        let range = block..<block + 1
        outstanding.remove(range)
        outstandingCount -= 1
        delivered.insert(range)
        if unassigned.contains(block) {
            unassigned.remove(range)
            unassignedCount -= 1
        }
        return takeRequesters(of: block)
    }

    /// Delivered blocks were thrown away.
    mutating func dropped(_ blocks: BlockSet) { delivered.subtract(blocks) }

    /// The peer is gone.
    mutating func peerLeft(_ peer: UInt32) {
        if onlyPeer == peer { endTrial() }
    }

    private mutating func endTrial() { (isTrial, onlyPeer) = (false, nil) }

    /// Hands back what nobody was asked for.
    mutating func returnUnassigned() -> BlockSet {
        endTrial()
        let blocks = unassigned
        outstanding.subtract(blocks)
        shared.subtract(blocks)
        outstandingCount -= unassignedCount
        unassigned.removeAll()
        unassignedCount = 0
        return blocks
    }

    /// Hands back everything.
    /// - Parameter body: called for each block that peers were asked for.
    mutating func returnAll(_ body: (BlockAddress, Requesters) -> Void) -> BlockSet {
        let blocks = outstanding
        for run in outstanding.subtracting(unassigned).runs() {
            for block in run { body(BlockAddress(piece: piece, block: block), takeRequesters(of: block)) }
        }
        outstanding.removeAll()
        unassigned.removeAll()
        shared.removeAll()
        (outstandingCount, unassignedCount) = (0, 0)
        return blocks
    }

    private mutating func takeRequesters(of block: UInt32) -> Requesters {
        let index = Int(block)
        let requesters = Requesters(
            first: first[index] == Self.nobody ? nil : first[index],
            second: second[index] == Self.nobody ? nil : second[index])
        first[index] = Self.nobody
        second[index] = Self.nobody
        return requesters
    }

    func checkInvariants() {
        precondition(unassigned.subtracting(outstanding).isEmpty, "only a granted block can wait for a peer")
        precondition(delivered.isDisjoint(with: outstanding))
        precondition(outstanding.count == outstandingCount && unassigned.count == unassignedCount)
        for block in 0..<UInt32(blockCount) {
            let isAsked = outstanding.contains(block) && !unassigned.contains(block)
            precondition((first[Int(block)] != Self.nobody) == isAsked, "a block is asked for or waits, never both")
            precondition(second[Int(block)] == Self.nobody || first[Int(block)] != Self.nobody)
            precondition(first[Int(block)] == Self.nobody || first[Int(block)] != second[Int(block)])
        }
    }
}

/// The peers that were asked for one block.
struct Requesters: Equatable {
    let first: UInt32?
    let second: UInt32?
}
