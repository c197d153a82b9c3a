package import BitTorrent

/// What the writer tells the supervisor.
package enum WriterToSupervisor: PoolMessage {
    case hello(Hello)
    case joined
    case ready
    case replacementSeen(ReplacementSeen)
    case descriptorReceived(UInt32)
    case regionMapped(Incarnation)
    /// The files of the torrent can be written (zero-length ones exist, space is reserved if asked for).
    case torrentReady(torrent: UInt16)
    /// In the page cache: safe from our death, not from a power cut.
    case piecesWritten([WrittenPiece])
    /// On disk and in the journal.
    case piecesSynced(torrent: UInt16, [PieceIndex])
    /// The blocks of an unfinished piece are in place and journalled as unverified.
    case partialWritten(AssignmentID)
    case syncedAll
    case finished
    /// A call failed. `isSync`: pieces written and not synced are no longer claimed.
    case diskTrouble(DiskTrouble)
    /// The call that failed before went through.
    case diskRecovered
    /// Another run's writer still holds the files.
    case waitingForLock(torrent: UInt16)
    case report(WriteReport)
    /// A hash-worker sent what no sound one sends, or its connection is broken: it is to be replaced.
    case neighbourBroke(Incarnation, text: String)

    package static let edge = Edge.writerToSupervisor

    package static let samples: [Self] = [
        .hello(Hello(who: Incarnation(Place(.writer, 0), generation: 2), pid: 77, vocabulary: 5)),
        .joined,
        .ready,
        .replacementSeen(
            ReplacementSeen(newcomer: Incarnation(Place(.hashWorker, 0), generation: 2), stillReading: [4])),
        .descriptorReceived(8),
        .regionMapped(Incarnation(Place(.hashWorker, 0), generation: 2)),
        .torrentReady(torrent: 7),
        .piecesWritten([WrittenPiece(assignment: 9, torrent: 7, piece: PieceIndex(3))]),
        .piecesSynced(torrent: 7, [PieceIndex(3)]),
        .partialWritten(9),
        .syncedAll,
        .finished,
        .diskTrouble(DiskTrouble(torrent: 7, errno: 28, call: "pwritev", path: "a/b", isSync: false)),
        .diskRecovered,
        .waitingForLock(torrent: 7),
        .report(WriteReport(writtenByteCount: 1, writeCallCount: 2, syncCount: 3, syncNanoseconds: 4)),
        .neighbourBroke(Incarnation(Place(.hashWorker, 0), generation: 2), text: "frame"),
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
        case .torrentReady(let torrent):
            writer.put(UInt8(7))
            writer.put(torrent)
        case .piecesWritten(let pieces):
            writer.put(UInt8(8))
            writer.put(list: pieces)
        case .piecesSynced(let torrent, let pieces):
            writer.put(UInt8(9))
            writer.put(torrent)
            writer.put(list: pieces)
        case .partialWritten(let assignment):
            writer.put(UInt8(10))
            writer.put(assignment)
        case .syncedAll: writer.put(UInt8(11))
        case .finished: writer.put(UInt8(12))
        case .diskTrouble(let trouble):
            writer.put(UInt8(13))
            trouble.encode(into: &writer)
        case .diskRecovered: writer.put(UInt8(14))
        case .waitingForLock(let torrent):
            writer.put(UInt8(15))
            writer.put(torrent)
        case .report(let report):
            writer.put(UInt8(16))
            report.encode(into: &writer)
        case .neighbourBroke(let who, let text):
            writer.put(UInt8(17))
            who.encode(into: &writer)
            writer.put(text: text)
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
        case 7: self = .torrentReady(torrent: try reader.get())
        case 8: self = .piecesWritten(try reader.getList())
        case 9: self = .piecesSynced(torrent: try reader.get(), try reader.getList())
        case 10: self = .partialWritten(try reader.get())
        case 11: self = .syncedAll
        case 12: self = .finished
        case 13: self = .diskTrouble(try DiskTrouble(from: &reader))
        case 14: self = .diskRecovered
        case 15: self = .waitingForLock(torrent: try reader.get())
        case 16: self = .report(try WriteReport(from: &reader))
        case 17: self = .neighbourBroke(try Incarnation(from: &reader), text: try reader.getText())
        case let kind: throw .unknownKind(kind)
        }
    }
}

package struct WrittenPiece: PoolCodable {
    package var assignment: AssignmentID
    package var torrent: UInt16
    package var piece: PieceIndex

    package init(assignment: AssignmentID, torrent: UInt16, piece: PieceIndex) {
        self.assignment = assignment
        self.torrent = torrent
        self.piece = piece
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(assignment)
        writer.put(torrent)
        piece.encode(into: &writer)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        assignment = try reader.get()
        torrent = try reader.get()
        piece = try PieceIndex(from: &reader)
    }
}

/// A system call of the writer that failed, with what a user needs to understand it.
package struct DiskTrouble: PoolCodable {
    package var torrent: UInt16
    package var errno: UInt32
    package var call: String
    /// Relative to `--dir`.
    package var path: String
    package var isSync: Bool

    package init(torrent: UInt16, errno: UInt32, call: String, path: String, isSync: Bool) {
        self.torrent = torrent
        self.errno = errno
        self.call = call
        self.path = path
        self.isSync = isSync
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(torrent)
        writer.put(errno)
        writer.put(text: call)
        writer.put(text: path)
        writer.put(flag: isSync)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        torrent = try reader.get()
        errno = try reader.get()
        call = try reader.getText()
        path = try reader.getText()
        isSync = try reader.getBool()
    }
}

/// What the writer has done since its start.
package struct WriteReport: PoolCodable {
    package var writtenByteCount: UInt64
    package var writeCallCount: UInt64
    package var syncCount: UInt64
    package var syncNanoseconds: UInt64

    package init(writtenByteCount: UInt64, writeCallCount: UInt64, syncCount: UInt64, syncNanoseconds: UInt64) {
        self.writtenByteCount = writtenByteCount
        self.writeCallCount = writeCallCount
        self.syncCount = syncCount
        self.syncNanoseconds = syncNanoseconds
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(writtenByteCount)
        writer.put(writeCallCount)
        writer.put(syncCount)
        writer.put(syncNanoseconds)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        writtenByteCount = try reader.get()
        writeCallCount = try reader.get()
        syncCount = try reader.get()
        syncNanoseconds = try reader.get()
    }
}
