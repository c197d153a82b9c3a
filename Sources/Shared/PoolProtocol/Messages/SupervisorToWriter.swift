package import BitTorrent

/// Orders for the writer.
package enum SupervisorToWriter: PoolMessage {
    case join(JoinOrder)
    case workerReplaced(Incarnation)
    case workerGivenUp(Place)
    /// Map a hash-worker's assembly region (read-only) and answer `regionMapped`.
    case mapRegion(MapRegion)
    case addTorrent(WriterTorrentSetup)
    /// To a successor: pieces that its predecessor wrote and did not sync.
    case syncPending(torrent: UInt16, [PieceIndex])
    /// Everything on disk now, journal included; answered by `syncedAll`.
    case syncAll
    /// Sync, write the clean-stop record of every torrent, answer `finished`.
    case finish
    case stop
    /// What the torrent has given to others in all its runs, for its journal.
    case uploaded(torrent: UInt16, byteCount: UInt64)

    package static let edge = Edge.supervisorToWriter

    package static let samples: [Self] = [
        .join(JoinOrder(incumbents: [Incarnation(Place(.hashWorker, 0), generation: 1)])),
        .workerReplaced(Incarnation(Place(.hashWorker, 1), generation: 3)),
        .workerGivenUp(Place(.hashWorker, 1)),
        .mapRegion(MapRegion(owner: Incarnation(Place(.hashWorker, 1), generation: 3), descriptor: 4, byteCount: 5)),
        .addTorrent(
            WriterTorrentSetup(
                torrent: 7, fileTableDescriptor: 1, directoryDescriptor: 2, journalDescriptor: 3, lockDescriptor: 4,
                sync: .batch, allocation: .atStart)),
        .syncPending(torrent: 7, [PieceIndex(3)]),
        .syncAll,
        .finish,
        .stop,
        .uploaded(torrent: 7, byteCount: 1 << 40),
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
        case .addTorrent(let setup):
            writer.put(UInt8(5))
            setup.encode(into: &writer)
        case .syncPending(let torrent, let pieces):
            writer.put(UInt8(6))
            writer.put(torrent)
            writer.put(list: pieces)
        case .syncAll: writer.put(UInt8(7))
        case .finish: writer.put(UInt8(8))
        case .stop: writer.put(UInt8(9))
        case .uploaded(let torrent, let byteCount):
            writer.put(UInt8(10))
            writer.put(torrent)
            writer.put(byteCount)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .join(try JoinOrder(from: &reader))
        case 2: self = .workerReplaced(try Incarnation(from: &reader))
        case 3: self = .workerGivenUp(try Place(from: &reader))
        case 4: self = .mapRegion(try MapRegion(from: &reader))
        case 5: self = .addTorrent(try WriterTorrentSetup(from: &reader))
        case 6: self = .syncPending(torrent: try reader.get(), try reader.getList())
        case 7: self = .syncAll
        case 8: self = .finish
        case 9: self = .stop
        case 10: self = .uploaded(torrent: try reader.get(), byteCount: try reader.get())
        case let kind: throw .unknownKind(kind)
        }
    }
}

/// When written pieces are forced to disk.
package enum SyncMode: UInt8, Sendable, CaseIterable {
    /// In batches, at least every second while anything is unsynced (the default).
    case batch = 1
    /// After every piece.
    case piece
    /// Left to the kernel: a piece is journalled as soon as it is written.
    case none
}

/// When the room of a torrent's files is reserved on disk.
package enum FileAllocation: UInt8, Sendable, CaseIterable {
    /// A file's with its first byte, where that makes the writing cheaper and the disk has the room (the default).
    case whereItPays = 1
    /// All files' before the first byte.
    case atStart
    case never
}

/// A torrent as the writer sees it. All descriptors came over the lifeline before they are named here.
package struct WriterTorrentSetup: PoolCodable {
    package var torrent: UInt16
    /// A sealed memfd: `FileTable` in the codec's form.
    package var fileTableDescriptor: UInt32
    /// `--dir`, opened with O_PATH | O_DIRECTORY.
    package var directoryDescriptor: UInt32
    /// The journal, opened with O_APPEND.
    package var journalDescriptor: UInt32
    /// The writer's own lock file: held while it lives, waited for up to 5 s, so that no two writers of two runs meet.
    package var lockDescriptor: UInt32
    package var sync: SyncMode
    package var allocation: FileAllocation

    package init(
        torrent: UInt16, fileTableDescriptor: UInt32, directoryDescriptor: UInt32, journalDescriptor: UInt32,
        lockDescriptor: UInt32, sync: SyncMode, allocation: FileAllocation
    ) {
        self.torrent = torrent
        self.fileTableDescriptor = fileTableDescriptor
        self.directoryDescriptor = directoryDescriptor
        self.journalDescriptor = journalDescriptor
        self.lockDescriptor = lockDescriptor
        self.sync = sync
        self.allocation = allocation
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(torrent)
        writer.put(fileTableDescriptor)
        writer.put(directoryDescriptor)
        writer.put(journalDescriptor)
        writer.put(lockDescriptor)
        writer.put(sync.rawValue)
        writer.put(allocation.rawValue)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        torrent = try reader.get()
        fileTableDescriptor = try reader.get()
        directoryDescriptor = try reader.get()
        journalDescriptor = try reader.get()
        lockDescriptor = try reader.get()
        sync = try reader.getEnum(SyncMode.self)
        allocation = try reader.getEnum(FileAllocation.self)
    }
}
