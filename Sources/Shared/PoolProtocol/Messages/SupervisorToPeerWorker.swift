package import BitTorrent

/// Orders and news for a peer-worker.
package enum SupervisorToPeerWorker: PoolMessage {
    /// Connect to these hash-workers and say hello, before the lock-down.
    case join(JoinOrder)
    /// A hash-worker died and has a successor; answer `replacementSeen`.
    case workerReplaced(Incarnation)
    /// A hash-worker's place was given up: free the slots that it never answered.
    case workerGivenUp(Place)
    case addTorrent(PeerTorrentSetup)
    case removeTorrent(torrent: UInt16)
    /// Blocks that this worker may request from its peers.
    case grantBlocks([Grant])
    /// These blocks of a shared assignment are at the hash-worker: cancel what is still asked for.
    case blocksNotNeeded(assignment: AssignmentID, bits: [UInt8])
    /// The assignment ended (verified, failed, or taken back): forget its blocks.
    case assignmentsClosed([AssignmentID])
    /// Written pieces: tell the peers HAVE, and ask no peer for them.
    case piecesOurs(torrent: UInt16, [PieceIndex])
    /// Pieces that we want again (bad data on disk, failed sync).
    case piecesLost(torrent: UInt16, [PieceIndex])
    case connectPeers([PeerToConnect])
    case closePeer(peer: UInt32, CloseCause)
    /// Whom to let request from us, and whom no longer.
    case choke([PeerChoke])
    /// Files that were asked for with `wantFiles`.
    case filesOpened(torrent: UInt16, [OpenedFile])
    /// What this worker may receive and send, in bytes a second of all connections together; 0: no limit.
    case setLimits(download: UInt64, upload: UInt64)
    /// Request nothing more and hand every grant back; uploads go on.
    case drain
    /// Close every connection and exit 0.
    case stop
    /// Peers that this client, in any worker, is connected to now, or no longer: for peer exchange. Never of a torrent whose
    /// setup says that its peers are not exchanged.
    case swarmMembers(torrent: UInt16, added: [PeerExchangeMessage.Contact], dropped: [PeerAddress])

    /// These blocks of an assignment were delivered and thrown away since (`disown`): a grant of them is meant.
    case blocksDropped(assignment: AssignmentID, bits: [UInt8])

    /// How long `mayWait` may take.
    package static let longestWait: Duration = .milliseconds(10)
    /// Whether nobody waits for it, so that it may leave with a later message: a message alone costs tens of microseconds
    /// in both processes.
    package var mayWait: Bool {
        switch self {
        case .assignmentsClosed, .piecesOurs: true
        case .join, .workerReplaced, .workerGivenUp, .addTorrent, .removeTorrent, .grantBlocks, .blocksNotNeeded,
            .piecesLost, .connectPeers, .closePeer, .choke, .filesOpened, .setLimits, .drain, .stop, .swarmMembers,
            .blocksDropped:
            false
        }
    }

    package static let edge = Edge.supervisorToPeerWorker

    package static let samples: [Self] = [
        .join(JoinOrder(incumbents: [Incarnation(Place(.hashWorker, 1), generation: 2)])),
        .workerReplaced(Incarnation(Place(.hashWorker, 1), generation: 3)),
        .workerGivenUp(Place(.hashWorker, 1)),
        .addTorrent(.sample),
        .removeTorrent(torrent: 7),
        .grantBlocks([.sample]),
        .blocksNotNeeded(assignment: 9, bits: [0x81]),
        .assignmentsClosed([9, 10]),
        .piecesOurs(torrent: 7, [PieceIndex(3)]),
        .piecesLost(torrent: 7, [PieceIndex(4)]),
        .connectPeers([PeerToConnect(peer: 5, torrent: 7, address: PeerAddress(v4: 0x7F00_0001, port: 6881))]),
        .closePeer(peer: 5, .duplicate),
        .drain,
        .stop,
        .choke([PeerChoke(peer: 5, isChoked: true)]),
        .filesOpened(torrent: 7, [OpenedFile(file: 2, descriptor: 6)]),
        .setLimits(download: 100_000, upload: 0),
        .swarmMembers(
            torrent: 7,
            added: [PeerExchangeMessage.Contact(PeerAddress(v4: 0x0102_0304, port: 5), [.uploadsOnly, .isReachable])],
            dropped: [PeerAddress(v6High: 1, v6Low: 2, port: 3)]),
        .blocksDropped(assignment: 9, bits: [0x81]),
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
        case .addTorrent(let setup):
            writer.put(UInt8(4))
            setup.encode(into: &writer)
        case .removeTorrent(let torrent):
            writer.put(UInt8(5))
            writer.put(torrent)
        case .grantBlocks(let grants):
            writer.put(UInt8(6))
            writer.put(list: grants)
        case .blocksNotNeeded(let assignment, let bits):
            writer.put(UInt8(7))
            writer.put(assignment)
            writer.put(counted: bits)
        case .assignmentsClosed(let assignments):
            writer.put(UInt8(8))
            writer.put(list: assignments)
        case .piecesOurs(let torrent, let pieces):
            writer.put(UInt8(9))
            writer.put(torrent)
            writer.put(list: pieces)
        case .piecesLost(let torrent, let pieces):
            writer.put(UInt8(10))
            writer.put(torrent)
            writer.put(list: pieces)
        case .connectPeers(let peers):
            writer.put(UInt8(11))
            writer.put(list: peers)
        case .closePeer(let peer, let cause):
            writer.put(UInt8(12))
            writer.put(peer)
            writer.put(cause.rawValue)
        case .drain: writer.put(UInt8(13))
        case .stop: writer.put(UInt8(14))
        case .choke(let peers):
            writer.put(UInt8(15))
            writer.put(list: peers)
        case .filesOpened(let torrent, let files):
            writer.put(UInt8(16))
            writer.put(torrent)
            writer.put(list: files)
        case .setLimits(let download, let upload):
            writer.put(UInt8(17))
            writer.put(download)
            writer.put(upload)
        case .swarmMembers(let torrent, let added, let dropped):
            writer.put(UInt8(18))
            writer.put(torrent)
            writer.put(list: added)
            writer.put(list: dropped)
        case .blocksDropped(let assignment, let bits):
            writer.put(UInt8(19))
            writer.put(assignment)
            writer.put(counted: bits)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .join(try JoinOrder(from: &reader))
        case 2: self = .workerReplaced(try Incarnation(from: &reader))
        case 3: self = .workerGivenUp(try Place(from: &reader))
        case 4: self = .addTorrent(try PeerTorrentSetup(from: &reader))
        case 5: self = .removeTorrent(torrent: try reader.get())
        case 6: self = .grantBlocks(try reader.getList())
        case 7: self = .blocksNotNeeded(assignment: try reader.get(), bits: try reader.getCounted())
        case 8: self = .assignmentsClosed(try reader.getList())
        case 9: self = .piecesOurs(torrent: try reader.get(), try reader.getList())
        case 10: self = .piecesLost(torrent: try reader.get(), try reader.getList())
        case 11: self = .connectPeers(try reader.getList())
        case 12: self = .closePeer(peer: try reader.get(), try reader.getEnum(CloseCause.self))
        case 13: self = .drain
        case 14: self = .stop
        case 15: self = .choke(try reader.getList())
        case 16: self = .filesOpened(torrent: try reader.get(), try reader.getList())
        case 17: self = .setLimits(download: try reader.get(), upload: try reader.get())
        case 18:
            self = .swarmMembers(
                torrent: try reader.get(), added: try reader.getList(), dropped: try reader.getList())
        case 19: self = .blocksDropped(assignment: try reader.get(), bits: try reader.getCounted())
        case let kind: throw .unknownKind(kind)
        }
    }
}

/// All that a peer-worker needs to know of a torrent. The bit maps ride in a memfd, since they may pass 64 KiB.
package struct PeerTorrentSetup: PoolCodable {
    package var torrent: UInt16
    package var infoHash: InfoHash
    package var ourID: PeerID
    package var geometry: TorrentGeometry
    /// Our port on every listener, told to peers in the extension handshake; 0 = none.
    package var listenPort: UInt16
    package var isPrivate: Bool
    /// Peers are told of each other, and heard of others (BEP 11); never of a private torrent (BEP 27).
    package var exchangesPeers: Bool
    /// Names the memfd on the lifeline: the pieces that are ours, then those still needed, each as BEP 3's bitfield.
    package var stateDescriptor: UInt32
    /// Names the memfd of the `FileTable` without paths: what is where, for answering requests.
    package var fileTableDescriptor: UInt32

    package init(
        torrent: UInt16, infoHash: InfoHash, ourID: PeerID, geometry: TorrentGeometry, listenPort: UInt16,
        isPrivate: Bool, exchangesPeers: Bool = false, stateDescriptor: UInt32, fileTableDescriptor: UInt32
    ) {
        self.torrent = torrent
        self.infoHash = infoHash
        self.ourID = ourID
        self.geometry = geometry
        self.listenPort = listenPort
        self.isPrivate = isPrivate
        self.exchangesPeers = exchangesPeers
        self.stateDescriptor = stateDescriptor
        self.fileTableDescriptor = fileTableDescriptor
    }

    package func encode(into writer: inout FrameWriter) {
        writer.put(torrent)
        infoHash.digest.encode(into: &writer)
        ourID.encode(into: &writer)
        geometry.encode(into: &writer)
        writer.put(listenPort)
        writer.put(flag: isPrivate)
        writer.put(flag: exchangesPeers)
        writer.put(stateDescriptor)
        writer.put(fileTableDescriptor)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        torrent = try reader.get()
        infoHash = InfoHash(try Digest(from: &reader))
        ourID = try PeerID(from: &reader)
        geometry = try TorrentGeometry(from: &reader)
        listenPort = try reader.get()
        isPrivate = try reader.getBool()
        exchangesPeers = try reader.getBool()
        stateDescriptor = try reader.get()
        fileTableDescriptor = try reader.get()
    }

    static let sample = PeerTorrentSetup(
        torrent: 7, infoHash: InfoHash(Digest(1...20)), ourID: PeerID(21...40),
        geometry: TorrentGeometry(totalByteCount: 100_000, pieceByteCount: 32768), listenPort: 6881, isPrivate: true,
        exchangesPeers: false, stateDescriptor: 3, fileTableDescriptor: 4)
}

/// A run of adjacent blocks of one assignment that a peer-worker may fetch.
package struct Grant: PoolCodable {
    package var assignment: AssignmentID
    package var torrent: UInt16
    /// Ordinal of the hash-worker that assembles the piece.
    package var assembler: UInt16
    package var piece: PieceIndex
    package var firstBlock: UInt32
    package var blockCount: UInt32
    /// Endgame: others hold these blocks too, and one block may be asked of several peers of this worker.
    package var isShared: Bool
    /// An earlier attempt at the piece failed: all its blocks are to be asked of one peer, so that the verdict tells
    /// whether that peer lies.
    package var isTrial: Bool

    package init(
        assignment: AssignmentID, torrent: UInt16, assembler: UInt16, piece: PieceIndex, firstBlock: UInt32,
        blockCount: UInt32, isShared: Bool, isTrial: Bool = false
    ) {
        self.assignment = assignment
        self.torrent = torrent
        self.assembler = assembler
        self.piece = piece
        self.firstBlock = firstBlock
        self.blockCount = blockCount
        self.isShared = isShared
        self.isTrial = isTrial
    }

    package func encode(into writer: inout FrameWriter) {
        writer.put(assignment)
        writer.put(torrent)
        writer.put(assembler)
        piece.encode(into: &writer)
        writer.put(firstBlock)
        writer.put(blockCount)
        writer.put(flag: isShared)
        writer.put(flag: isTrial)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        assignment = try reader.get()
        torrent = try reader.get()
        assembler = try reader.get()
        piece = try PieceIndex(from: &reader)
        firstBlock = try reader.get()
        blockCount = try reader.get()
        isShared = try reader.getBool()
        isTrial = try reader.getBool()
    }

    static let sample = Grant(
        assignment: 9, torrent: 7, assembler: 1, piece: PieceIndex(3), firstBlock: 4, blockCount: 60, isShared: true,
        isTrial: false)
}

/// An address to connect to. `peer` is the supervisor's name for the connection: below 2³¹, unique within the run.
package struct PeerToConnect: PoolCodable {
    package var peer: UInt32
    package var torrent: UInt16
    package var address: PeerAddress

    package init(peer: UInt32, torrent: UInt16, address: PeerAddress) {
        self.peer = peer
        self.torrent = torrent
        self.address = address
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(peer)
        writer.put(torrent)
        address.encode(into: &writer)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        peer = try reader.get()
        torrent = try reader.get()
        address = try PeerAddress(from: &reader)
    }
}

/// Why the supervisor has a connection closed.
package enum CloseCause: UInt8, Sendable, CaseIterable {
    /// Another connection to the same peer id exists.
    case duplicate = 1
    /// The address is banned.
    case banned
    /// More connections than `--max-peers`, or from one address, are not wanted.
    case tooMany
    /// The torrent is finished and neither side needs the other.
    case useless
    /// The torrent was stopped.
    case torrentStopped
    /// A user asked for it.
    case userRequest
}

/// Whether a peer may request from us (BEP 3). Of a peer that is gone it means nothing.
package struct PeerChoke: PoolCodable {
    package var peer: UInt32
    package var isChoked: Bool

    package init(peer: UInt32, isChoked: Bool) {
        self.peer = peer
        self.isChoked = isChoked
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(peer)
        writer.put(flag: isChoked)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        peer = try reader.get()
        isChoked = try reader.getBool()
    }
}

/// A file of a torrent, open for reading.
package struct OpenedFile: PoolCodable {
    /// Number in the file table; its `files.count` for the parts file.
    package var file: UInt32
    /// Names what came over the lifeline; 0: the file cannot be opened.
    package var descriptor: UInt32

    package init(file: UInt32, descriptor: UInt32) {
        self.file = file
        self.descriptor = descriptor
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(file)
        writer.put(descriptor)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        file = try reader.get()
        descriptor = try reader.get()
    }
}
