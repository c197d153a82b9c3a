package import BitTorrent

/// What a hash-worker tells the supervisor.
package enum HashWorkerToSupervisor: PoolMessage {
    case hello(Hello)
    case joined
    case ready
    case replacementSeen(ReplacementSeen)
    case descriptorReceived(UInt32)
    case regionMapped(Incarnation)
    case piecesOpened([AssignmentID])
    /// Not enough free frames. Nothing is kept of the assignment.
    case piecesRefused([AssignmentID])
    case piecesVerified([AssignmentID])
    /// The SHA-1 of single blocks of a piece that failed, or is right and was asked about (`wantsBlockDigests`); sent before
    /// the piece's verdict, in parts if need be.
    case blockDigests(assignment: AssignmentID, [BlockDigest])
    case pieceFailed(assignment: AssignmentID)
    /// Blocks that arrived since the last such message, for assignments that several workers fetch.
    case blocksPresent(assignment: AssignmentID, bits: [UInt8])
    /// Every block that is present; the answer to `reportProgress`, `adopt` and `restoreBlocks`.
    case pieceProgress(assignment: AssignmentID, bits: [UInt8])
    /// The successor has gone through the whole `adopt` list.
    case adopted
    case rechecked(torrent: UInt16, [RecheckVerdict])
    /// The answer to `writePartials`: those of the listed pieces that had blocks to write.
    case partialsHanded([AssignmentID])
    /// Totals of this generation, every half second while anything moves.
    case report(HashReport)
    /// A peer-worker sent what no sound one can send; its process should be replaced.
    case neighbourBroke(Incarnation, text: String)
    /// Blocks of a piece that is not complete, which were here and are not any more: a liar sent them (`disown`).
    case blocksDropped(assignment: AssignmentID, bits: [UInt8])
    /// The answers to `hashPiece`.
    case piecesHashed([HashedPiece])

    package static let edge = Edge.hashWorkerToSupervisor

    package static let samples: [Self] = [
        .hello(Hello(who: Incarnation(Place(.hashWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .joined,
        .ready,
        .replacementSeen(ReplacementSeen(newcomer: Incarnation(Place(.peerWorker, 0), generation: 2))),
        .descriptorReceived(8),
        .regionMapped(Incarnation(Place(.peerWorker, 0), generation: 2)),
        .piecesOpened([9]),
        .piecesRefused([10]),
        .piecesVerified([11]),
        .blockDigests(
            assignment: 9,
            [BlockDigest(block: 1, contributor: Contributor(worker: 2, peer: 3), digest: Digest(1...20))]),
        .pieceFailed(assignment: 9),
        .blocksPresent(assignment: 9, bits: [1]),
        .pieceProgress(assignment: 9, bits: [2]),
        .adopted,
        .rechecked(torrent: 7, [RecheckVerdict(piece: PieceIndex(3), outcome: .wrong, errno: 5)]),
        .partialsHanded([9]),
        .report(
            HashReport(
                hashedByteCount: 1, laneStepCount: 2, laneCount: 3, freeFrameCount: 4, frameCount: 5,
                duplicateBlockCount: 6)),
        .neighbourBroke(Incarnation(Place(.peerWorker, 0), generation: 2), text: "slot"),
        .blocksDropped(assignment: 9, bits: [4]),
        .piecesHashed([HashedPiece(piece: PieceIndex(3), outcome: .digest(Digest(1...20)))]),
    ]

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .hello(let hello):
            writer.put(UInt8(1))
            hello.encode(into: &writer)
        case .joined: writer.put(UInt8(2))
        case .ready: writer.put(UInt8(3))
        case .replacementSeen(let seen):
            writer.put(UInt8(4))
            seen.encode(into: &writer)
        case .descriptorReceived(let descriptor):
            writer.put(UInt8(5))
            writer.put(descriptor)
        case .regionMapped(let owner):
            writer.put(UInt8(6))
            owner.encode(into: &writer)
        case .piecesOpened(let assignments):
            writer.put(UInt8(7))
            writer.put(list: assignments)
        case .piecesRefused(let assignments):
            writer.put(UInt8(8))
            writer.put(list: assignments)
        case .piecesVerified(let assignments):
            writer.put(UInt8(9))
            writer.put(list: assignments)
        case .blockDigests(let assignment, let digests):
            writer.put(UInt8(10))
            writer.put(assignment)
            writer.put(list: digests)
        case .pieceFailed(let assignment):
            writer.put(UInt8(11))
            writer.put(assignment)
        case .blocksPresent(let assignment, let bits):
            writer.put(UInt8(12))
            writer.put(assignment)
            writer.put(counted: bits)
        case .pieceProgress(let assignment, let bits):
            writer.put(UInt8(13))
            writer.put(assignment)
            writer.put(counted: bits)
        case .adopted: writer.put(UInt8(14))
        case .rechecked(let torrent, let verdicts):
            writer.put(UInt8(15))
            writer.put(torrent)
            writer.put(list: verdicts)
        case .partialsHanded(let assignments):
            writer.put(UInt8(16))
            writer.put(list: assignments)
        case .report(let report):
            writer.put(UInt8(17))
            report.encode(into: &writer)
        case .neighbourBroke(let who, let text):
            writer.put(UInt8(18))
            who.encode(into: &writer)
            writer.put(text: text)
        case .blocksDropped(let assignment, let bits):
            writer.put(UInt8(19))
            writer.put(assignment)
            writer.put(counted: bits)
        case .piecesHashed(let pieces):
            writer.put(UInt8(40))
            writer.put(list: pieces)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .hello(try Hello(from: &reader))
        case 2: self = .joined
        case 3: self = .ready
        case 4: self = .replacementSeen(try ReplacementSeen(from: &reader))
        case 5: self = .descriptorReceived(try reader.get())
        case 6: self = .regionMapped(try Incarnation(from: &reader))
        case 7: self = .piecesOpened(try reader.getList())
        case 8: self = .piecesRefused(try reader.getList())
        case 9: self = .piecesVerified(try reader.getList())
        case 10: self = .blockDigests(assignment: try reader.get(), try reader.getList())
        case 11: self = .pieceFailed(assignment: try reader.get())
        case 12: self = .blocksPresent(assignment: try reader.get(), bits: try reader.getCounted())
        case 13: self = .pieceProgress(assignment: try reader.get(), bits: try reader.getCounted())
        case 14: self = .adopted
        case 15: self = .rechecked(torrent: try reader.get(), try reader.getList())
        case 16: self = .partialsHanded(try reader.getList())
        case 17: self = .report(try HashReport(from: &reader))
        case 18: self = .neighbourBroke(try Incarnation(from: &reader), text: try reader.getText())
        case 19: self = .blocksDropped(assignment: try reader.get(), bits: try reader.getCounted())
        case 40: self = .piecesHashed(try reader.getList())
        case let kind: throw .unknownKind(kind)
        }
    }
}

/// Who handed in a block: the peer-worker's ordinal and its name for the peer.
package struct Contributor: PoolCodable, Hashable {
    /// Marks blocks that were read back from disk, not received.
    package static let disk = Contributor(worker: .max, peer: .max)
    package var worker: UInt16
    package var peer: UInt32

    package init(worker: UInt16, peer: UInt32) {
        self.worker = worker
        self.peer = peer
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(worker)
        writer.put(peer)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        worker = try reader.get()
        peer = try reader.get()
    }
}

package struct BlockDigest: PoolCodable {
    package var block: UInt32
    package var contributor: Contributor
    package var digest: Digest

    package init(block: UInt32, contributor: Contributor, digest: Digest) {
        self.block = block
        self.contributor = contributor
        self.digest = digest
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(block)
        contributor.encode(into: &writer)
        digest.encode(into: &writer)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        block = try reader.get()
        contributor = try Contributor(from: &reader)
        digest = try Digest(from: &reader)
    }
}

package struct RecheckVerdict: PoolCodable {
    package enum Outcome: UInt8, Sendable, CaseIterable {
        case right = 1
        case wrong
        /// The files ended before the piece did.
        case short
        /// `pread` failed; `errno` says how.
        case unreadable
    }
    package var piece: PieceIndex
    package var outcome: Outcome
    package var errno: UInt32

    package init(piece: PieceIndex, outcome: Outcome, errno: UInt32 = 0) {
        self.piece = piece
        self.outcome = outcome
        self.errno = errno
    }
    package func encode(into writer: inout FrameWriter) {
        piece.encode(into: &writer)
        writer.put(outcome.rawValue)
        writer.put(errno)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        piece = try PieceIndex(from: &reader)
        outcome = try reader.getEnum(Outcome.self)
        errno = try reader.get()
    }
}

/// What came of hashing a piece of a new torrent.
package struct HashedPiece: PoolCodable, Equatable {
    package enum Outcome: Equatable, Sendable {
        case digest(Digest)
        /// The files ended before the piece did.
        case short
        /// `pread` failed.
        case unreadable(errno: UInt32)
    }
    package var piece: PieceIndex
    package var outcome: Outcome

    package init(piece: PieceIndex, outcome: Outcome) {
        self.piece = piece
        self.outcome = outcome
    }
    package func encode(into writer: inout FrameWriter) {
        piece.encode(into: &writer)
        switch outcome {
        case .digest(let digest):
            writer.put(UInt8(1))
            digest.encode(into: &writer)
        case .short: writer.put(UInt8(2))
        case .unreadable(let errno):
            writer.put(UInt8(3))
            writer.put(errno)
        }
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        piece = try PieceIndex(from: &reader)
        switch try reader.get(UInt8.self) {
        case 1: outcome = .digest(try Digest(from: &reader))
        case 2: outcome = .short
        case 3: outcome = .unreadable(errno: try reader.get())
        default: throw .invalidField("outcome")
        }
    }
}

/// What a hash-worker has done since its start.
package struct HashReport: PoolCodable {
    package var hashedByteCount: UInt64
    /// Steps of the lane kernels, and the lanes that were filled in them: their quotient is the mean fill.
    package var laneStepCount: UInt64
    package var laneCount: UInt64
    package var freeFrameCount: UInt32
    package var frameCount: UInt32
    package var duplicateBlockCount: UInt64

    package init(
        hashedByteCount: UInt64, laneStepCount: UInt64, laneCount: UInt64, freeFrameCount: UInt32, frameCount: UInt32,
        duplicateBlockCount: UInt64
    ) {
        self.hashedByteCount = hashedByteCount
        self.laneStepCount = laneStepCount
        self.laneCount = laneCount
        self.freeFrameCount = freeFrameCount
        self.frameCount = frameCount
        self.duplicateBlockCount = duplicateBlockCount
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(hashedByteCount)
        writer.put(laneStepCount)
        writer.put(laneCount)
        writer.put(freeFrameCount)
        writer.put(frameCount)
        writer.put(duplicateBlockCount)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        hashedByteCount = try reader.get()
        laneStepCount = try reader.get()
        laneCount = try reader.get()
        freeFrameCount = try reader.get()
        frameCount = try reader.get()
        duplicateBlockCount = try reader.get()
    }
}
