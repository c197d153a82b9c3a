package import BitTorrent

/// Verified pieces on their way to the files.
package enum HashWorkerToWriter: PoolMessage {
    case hello(Hello)
    case welcome(Hello)
    /// A verified piece, whole or in parts of up to 512 frames.
    case writePiece(FrameBatch)
    /// The marked blocks of an unfinished piece, at an orderly stop. Bits count from the piece's first block.
    case writeBlocks(FrameBatch, bits: [UInt8])

    package static let edge = Edge.hashWorkerToWriter

    package static let samples: [Self] = [
        .hello(Hello(who: Incarnation(Place(.hashWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .welcome(Hello(who: Incarnation(Place(.hashWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .writePiece(.sample),
        .writeBlocks(.sample, bits: [0xC0]),
    ]

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .hello(let hello):
            writer.put(UInt8(1))
            hello.encode(into: &writer)
        case .welcome(let hello):
            writer.put(UInt8(2))
            hello.encode(into: &writer)
        case .writePiece(let batch):
            writer.put(UInt8(3))
            batch.encode(into: &writer)
        case .writeBlocks(let batch, let bits):
            writer.put(UInt8(4))
            batch.encode(into: &writer)
            writer.put(counted: bits)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .hello(try Hello(from: &reader))
        case 2: self = .welcome(try Hello(from: &reader))
        case 3: self = .writePiece(try FrameBatch(from: &reader))
        case 4: self = .writeBlocks(try FrameBatch(from: &reader), bits: try reader.getCounted())
        case let kind: throw .unknownKind(kind)
        }
    }
}

/// Where the bytes of a piece, or of a part of one, lie in the sender's assembly region.
package struct FrameBatch: PoolCodable {
    package var assignment: AssignmentID
    package var torrent: UInt16
    package var piece: PieceIndex
    /// Bytes of the whole piece.
    package var byteCount: UInt32
    /// Which 64 KiB of the piece `frames[0]` holds; parts of one piece may come in any order and twice.
    package var firstFrame: UInt32
    /// Frame numbers in the region, in the order of the piece's bytes.
    package var frames: [UInt32]

    package init(
        assignment: AssignmentID, torrent: UInt16, piece: PieceIndex, byteCount: UInt32, firstFrame: UInt32,
        frames: [UInt32]
    ) {
        self.assignment = assignment
        self.torrent = torrent
        self.piece = piece
        self.byteCount = byteCount
        self.firstFrame = firstFrame
        self.frames = frames
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(assignment)
        writer.put(torrent)
        piece.encode(into: &writer)
        writer.put(byteCount)
        writer.put(firstFrame)
        writer.put(list: frames)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        assignment = try reader.get()
        torrent = try reader.get()
        piece = try PieceIndex(from: &reader)
        byteCount = try reader.get()
        firstFrame = try reader.get()
        frames = try reader.getList()
    }

    /// What the log calls it.
    package var tags: Tags { Tags(torrent: torrent, piece: piece, assignment: assignment) }

    static let sample = FrameBatch(
        assignment: 9, torrent: 7, piece: PieceIndex(3), byteCount: 100_000, firstFrame: 0, frames: [5, 6])
}
