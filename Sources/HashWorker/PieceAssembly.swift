import BitTorrent
import PoolProtocol

/// One open piece: which blocks are there, how far it is hashed, what came of it, and who may still read its frames.
/// Touches no bytes; the table copies and hashes. A class, since it is asked several things for every block: a value would
/// be copied out of its array each time, and all arrays in it counted up and down.
final class PieceAssembly {
    /// What is known of the piece as a whole.
    enum Stage: Equatable {
        /// Blocks are missing. Goes on to `complete`.
        case gathering
        /// Every block is there, the digest is not. Goes on to `verified` or `failed`.
        case complete
        /// The digest is right: the piece waits for the writer and for the supervisor to close it.
        case verified
        /// The digest is wrong: the piece waits for the supervisor to close it.
        case failed
    }

    /// Whether the writer of now may read the frames.
    enum Writing: Equatable {
        /// It was told nothing. Goes on to `ordered`.
        case untold
        /// It has a `writePiece` or `writeBlocks` of ours that it has not answered. Goes on to `answered`; after
        /// `writeBlocks`, or with a new writer, back to `untold`.
        case ordered(isPartial: Bool)
        /// It still reads for a dead predecessor. Nothing is ordered before it has answered, or its two answers could
        /// not be told apart. Goes back to `untold`.
        case inherited
        /// It has written the piece. With a new writer back to `untold`: the news may have died with the old one.
        case answered
    }

    let order: PieceToOpen
    /// In the order of the piece's bytes.
    let frames: [UInt32]
    private(set) var present: BlockSet
    private(set) var presentCount = 0
    /// Blocks that are there without a gap from the first one on.
    private(set) var contiguousBlockCount = 0
    /// The digest of the first `hashedByteCount` bytes, a multiple of 64.
    private(set) var state = SHA1State()
    private(set) var hashedByteCount = 0
    private(set) var stage = Stage.gathering
    var writing = Writing.untold
    /// What the lanes were last told of this piece.
    var standing = LaneSteps.Standing.idle
    /// Ordinals of the peer-workers whose blocks are taken.
    private(set) var admitted: [UInt16] = []
    /// Blocks that the supervisor was not told of; nil unless several workers fetch the piece.
    private(set) var unreported: BlockSet?

    /// - Parameter present: what a predecessor had, for a piece that is adopted.
    init(_ order: PieceToOpen, frames: [UInt32], present: BlockSet? = nil) {
        self.order = order
        self.frames = frames
        self.present = present ?? BlockSet(blockCount: Self.blockCount(of: order))
        presentCount = self.present.count
        extendContiguousRun()
    }

    var assignment: AssignmentID { order.assignment }
    /// What the log calls it.
    var tags: Tags { Tags(torrent: order.torrent, piece: order.piece, assignment: order.assignment) }
    func tags(ofBlock block: UInt32) -> Tags {
        var tags = tags
        tags.block = block
        return tags
    }
    var byteCount: Int { Int(order.byteCount) }
    var blockCount: Int { present.blockCount }
    var isShared: Bool { admitted.count > 1 }
    /// Whether the frames must stay although the supervisor has closed the piece.
    var isReadByWriter: Bool {
        switch writing {
        case .untold, .answered: false
        case .ordered, .inherited: true
        }
    }

    static func blockCount(of order: PieceToOpen) -> Int {
        TorrentGeometry.blockCount(pieceByteCount: order.byteCount)
    }

    func byteCount(ofBlock block: UInt32) -> UInt32 {
        TorrentGeometry.blockLength(block, pieceByteCount: order.byteCount)
    }

    /// Where a block lies: its frame, and which of the frame's four places.
    func place(ofBlock block: UInt32) -> (frame: UInt32, place: Int) {
        let (index, place) = Int(block).quotientAndRemainder(dividingBy: AssemblyGeometry.blocksPerFrame)
        return (frames[index], place)
    }

    // MARK: Blocks

    func isAdmitted(_ worker: UInt16) -> Bool { admitted.contains(worker) }

    /// From the second worker on the supervisor is told of blocks, of those that came before first.
    func admit(_ worker: UInt16) {
        guard !admitted.contains(worker) else { return }
        admitted.append(worker)
        if isShared && unreported == nil { unreported = present }
    }

    func dismiss(_ worker: UInt16) {
        admitted.removeAll { $0 == worker }
        if !isShared { unreported = nil }
    }

    /// A block was copied to its place.
    func blockStored(_ block: UInt32) {
        precondition(stage == .gathering && !present.contains(block), "a present block is never overwritten")
        present.insert(block..<block + 1)
        presentCount += 1
        unreported?.insert(block..<block + 1)
        if Int(block) == contiguousBlockCount { extendContiguousRun() }
    }

    /// Blocks are gone from their places. What was hashed of them is hashed anew.
    func blocksDropped(_ blocks: BlockSet) {
        precondition(stage == .gathering && blocks.subtracting(present).isEmpty, "only present blocks can be dropped")
        guard let first = blocks.firstRun(maximumLength: 1)?.lowerBound else { return }
        present.subtract(blocks)
        presentCount = present.count
        unreported?.subtract(blocks)
        contiguousBlockCount = min(contiguousBlockCount, Int(first))
        if hashedByteCount > contiguousBlockCount * Int(TorrentGeometry.blockByteCount) {
            (state, hashedByteCount) = (SHA1State(), 0)
        }
    }

    /// The blocks to tell the supervisor of; nil when there is none.
    func takeUnreported() -> BlockSet? {
        guard let blocks = unreported, !blocks.isEmpty else { return nil }
        unreported!.removeAll()
        return blocks
    }

    private func extendContiguousRun() {
        while contiguousBlockCount < blockCount && present.contains(UInt32(contiguousBlockCount)) {
            contiguousBlockCount += 1
        }
        if presentCount == blockCount { stage = .complete }
    }

    // MARK: Hashing

    /// Bytes that can be hashed in whole SHA-1 blocks now.
    var readyByteCount: Int {
        let end = min(contiguousBlockCount * Int(TorrentGeometry.blockByteCount), byteCount)
        return end / SHA1State.blockByteCount * SHA1State.blockByteCount - hashedByteCount
    }

    /// What the piece has for the lanes.
    var trueStanding: LaneSteps.Standing {
        switch stage {
        case .gathering: readyByteCount >= LaneSteps.ripeByteCount ? .ripe : .idle
        case .complete: .complete
        case .verified, .failed: .idle
        }
    }

    /// The next bytes to hash: a run within one frame, empty when there is none.
    var nextRun: (frame: UInt32, offset: Int, byteCount: Int) {
        let (index, offset) = hashedByteCount.quotientAndRemainder(dividingBy: AssemblyGeometry.frameByteCount)
        let ready = min(readyByteCount, AssemblyGeometry.frameByteCount - offset)
        return (ready > 0 ? frames[index] : 0, offset, ready)
    }

    /// The end of a complete piece that fills no SHA-1 block: under 64 bytes, in one frame.
    var tail: (frame: UInt32, offset: Int, byteCount: Int) {
        let start = byteCount / SHA1State.blockByteCount * SHA1State.blockByteCount
        let (index, offset) = start.quotientAndRemainder(dividingBy: AssemblyGeometry.frameByteCount)
        return (start < byteCount ? frames[index] : frames[0], offset, byteCount - start)
    }

    /// Whether nothing but the tail is left.
    var isHashedToTail: Bool { stage == .complete && readyByteCount == 0 }

    func hashed(to state: SHA1State, byteCount: Int) {
        precondition(byteCount <= readyByteCount && byteCount % SHA1State.blockByteCount == 0)
        self.state = state
        hashedByteCount += byteCount
    }

    func settle(_ digest: Digest) {
        precondition(isHashedToTail)
        stage = digest == order.digest ? .verified : .failed
    }
}
