package import BitTorrent

/// Orders for a hash-worker. It knows no torrent: length and digest come with each piece.
package enum SupervisorToHashWorker: PoolMessage {
    case join(JoinOrder)
    case workerReplaced(Incarnation)
    case workerGivenUp(Place)
    /// Map a peer-worker's intake region (read-only) and answer `regionMapped`.
    case mapRegion(MapRegion)
    /// Take frames for these pieces; each is answered by `piecesOpened` or `piecesRefused`.
    case openPieces([PieceToOpen])
    /// Take blocks of the assignments from this peer-worker from now on.
    case admit(worker: UInt16, [AssignmentID])
    /// The supervisor's ledger needs these no more.
    case closePieces([AssignmentID])
    /// To a successor: the authoritative list of open assignments, in one or several parts. Frames of others are freed.
    case adopt([PieceToOpen], isLast: Bool)
    /// To a successor, before `adopt`: these count as handed to the writer and not yet answered.
    case stillReading([AssignmentID])
    /// Tell `pieceProgress` of each.
    case reportProgress([AssignmentID])
    /// Fill the marked blocks of an open piece from disk (they were written unverified by an orderly stop). The spans are
    /// those of the whole piece.
    case restoreBlocks(assignment: AssignmentID, bits: [UInt8], [DataSpan])
    /// Read a piece from disk and tell whether it hashes right. A piece of many files comes in parts, in order, of which
    /// only the last one is marked.
    case recheck(torrent: UInt16, piece: PieceIndex, digest: Digest, [DataSpan], isLast: Bool)
    /// No longer needed: close the descriptor that came over the lifeline.
    case closeDescriptors([UInt32])
    /// Hand the present blocks of these incomplete pieces to the writer, then answer `partialsHanded`.
    case writePartials([AssignmentID])
    case stop
    /// Read a piece of a new torrent and tell its digest (`piecesHashed`); in parts like `recheck`.
    case hashPiece(PieceIndex, [DataSpan], isLast: Bool)

    /// This peer has lied: throw away what it sent of pieces that are not complete, and tell `blocksDropped` of each.
    case disown(Contributor)

    package static let edge = Edge.supervisorToHashWorker

    package static let samples: [Self] = [
        .join(JoinOrder(incumbents: [Incarnation(Place(.writer, 0), generation: 1)])),
        .workerReplaced(Incarnation(Place(.peerWorker, 1), generation: 3)),
        .workerGivenUp(Place(.peerWorker, 1)),
        .mapRegion(MapRegion(owner: Incarnation(Place(.peerWorker, 1), generation: 3), descriptor: 4, byteCount: 5)),
        .openPieces([.sample]),
        .admit(worker: 1, [9]),
        .closePieces([9]),
        .adopt([.sample], isLast: true),
        .stillReading([9]),
        .reportProgress([9]),
        .restoreBlocks(assignment: 9, bits: [0x80], [.sample]),
        .recheck(torrent: 7, piece: PieceIndex(3), digest: Digest(1...20), [.sample], isLast: true),
        .closeDescriptors([3]),
        .writePartials([9]),
        .stop,
        .disown(Contributor(worker: 1, peer: 5)),
        .hashPiece(PieceIndex(3), [.sample], isLast: true),
    ]

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .join(let order):
            writer.put(UInt8(1))
            order.encode(into: &writer)
        case .workerReplaced(let newcomer):
            writer.put(UInt8(2))
            newcomer.encode(into: &writer)
        case .workerGivenUp(let place):
            writer.put(UInt8(3))
            place.encode(into: &writer)
        case .mapRegion(let region):
            writer.put(UInt8(4))
            region.encode(into: &writer)
        case .openPieces(let pieces):
            writer.put(UInt8(5))
            writer.put(list: pieces)
        case .admit(let worker, let assignments):
            writer.put(UInt8(6))
            writer.put(worker)
            writer.put(list: assignments)
        case .closePieces(let assignments):
            writer.put(UInt8(7))
            writer.put(list: assignments)
        case .adopt(let pieces, let isLast):
            writer.put(UInt8(8))
            writer.put(list: pieces)
            writer.put(flag: isLast)
        case .stillReading(let assignments):
            writer.put(UInt8(9))
            writer.put(list: assignments)
        case .reportProgress(let assignments):
            writer.put(UInt8(10))
            writer.put(list: assignments)
        case .restoreBlocks(let assignment, let bits, let spans):
            writer.put(UInt8(11))
            writer.put(assignment)
            writer.put(counted: bits)
            writer.put(list: spans)
        case .recheck(let torrent, let piece, let digest, let spans, let isLast):
            writer.put(UInt8(12))
            writer.put(torrent)
            piece.encode(into: &writer)
            digest.encode(into: &writer)
            writer.put(list: spans)
            writer.put(flag: isLast)
        case .closeDescriptors(let descriptors):
            writer.put(UInt8(13))
            writer.put(list: descriptors)
        case .writePartials(let assignments):
            writer.put(UInt8(14))
            writer.put(list: assignments)
        case .stop: writer.put(UInt8(15))
        case .disown(let contributor):
            writer.put(UInt8(16))
            contributor.encode(into: &writer)
        case .hashPiece(let piece, let spans, let isLast):
            writer.put(UInt8(40))
            piece.encode(into: &writer)
            writer.put(list: spans)
            writer.put(flag: isLast)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .join(try JoinOrder(from: &reader))
        case 2: self = .workerReplaced(try Incarnation(from: &reader))
        case 3: self = .workerGivenUp(try Place(from: &reader))
        case 4: self = .mapRegion(try MapRegion(from: &reader))
        case 5: self = .openPieces(try reader.getList())
        case 6: self = .admit(worker: try reader.get(), try reader.getList())
        case 7: self = .closePieces(try reader.getList())
        case 8: self = .adopt(try reader.getList(), isLast: try reader.getBool())
        case 9: self = .stillReading(try reader.getList())
        case 10: self = .reportProgress(try reader.getList())
        case 11:
            self = .restoreBlocks(
                assignment: try reader.get(), bits: try reader.getCounted(), try reader.getList())
        case 12:
            self = .recheck(
                torrent: try reader.get(), piece: try PieceIndex(from: &reader), digest: try Digest(from: &reader),
                try reader.getList(), isLast: try reader.getBool())
        case 13: self = .closeDescriptors(try reader.getList())
        case 14: self = .writePartials(try reader.getList())
        case 15: self = .stop
        case 16: self = .disown(try Contributor(from: &reader))
        case 40:
            self = .hashPiece(try PieceIndex(from: &reader), try reader.getList(), isLast: try reader.getBool())
        case let kind: throw .unknownKind(kind)
        }
    }
}

/// One attempt at one piece, as the hash-worker needs to know it.
package struct PieceToOpen: PoolCodable {
    package var assignment: AssignmentID
    package var torrent: UInt16
    package var piece: PieceIndex
    package var byteCount: UInt32
    package var digest: Digest
    /// Tell each block's own SHA-1 even if the piece is right: an earlier attempt failed, and the liar is found by
    /// comparing. When a piece fails they are always told.
    package var wantsBlockDigests: Bool

    package init(
        assignment: AssignmentID, torrent: UInt16, piece: PieceIndex, byteCount: UInt32, digest: Digest,
        wantsBlockDigests: Bool
    ) {
        self.assignment = assignment
        self.torrent = torrent
        self.piece = piece
        self.byteCount = byteCount
        self.digest = digest
        self.wantsBlockDigests = wantsBlockDigests
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(assignment)
        writer.put(torrent)
        piece.encode(into: &writer)
        writer.put(byteCount)
        digest.encode(into: &writer)
        writer.put(flag: wantsBlockDigests)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        assignment = try reader.get()
        torrent = try reader.get()
        piece = try PieceIndex(from: &reader)
        byteCount = try reader.get()
        guard byteCount > 0 else { throw .invalidField("byteCount") }
        digest = try Digest(from: &reader)
        wantsBlockDigests = try reader.getBool()
    }

    static let sample = PieceToOpen(
        assignment: 9, torrent: 7, piece: PieceIndex(3), byteCount: 32768, digest: Digest(1...20),
        wantsBlockDigests: true)
}

/// Adjacent bytes of one open file, or of nothing (a pad file or a hole: zeros) when `descriptor` is 0.
package struct DataSpan: PoolCodable {
    package var descriptor: UInt32
    package var offset: UInt64
    package var byteCount: UInt32

    package init(descriptor: UInt32, offset: UInt64, byteCount: UInt32) {
        self.descriptor = descriptor
        self.offset = offset
        self.byteCount = byteCount
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(descriptor)
        writer.put(offset)
        writer.put(byteCount)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        descriptor = try reader.get()
        offset = try reader.get()
        byteCount = try reader.get()
    }

    static let sample = DataSpan(descriptor: 3, offset: 1 << 33, byteCount: 4096)
}
