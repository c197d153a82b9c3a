package import BitTorrent

/// What a peer-worker tells the supervisor.
package enum PeerWorkerToSupervisor: PoolMessage {
    case hello(Hello)
    /// All incumbents of the `join` have welcomed this worker.
    case joined
    case ready
    case replacementSeen(ReplacementSeen)
    /// A descriptor came over the lifeline and may now be named.
    case descriptorReceived(UInt32)
    /// This worker's peers could take so many more bytes of grants than it holds.
    case wantBlocks(torrent: UInt16, byteCount: UInt32)
    /// Blocks that this worker will not fetch.
    case grantReturned(assignment: AssignmentID, [BlockRange], ReturnReason)
    /// Absolute numbers of usable sources of single pieces, complete peers not counted.
    case sourceCounts(torrent: UInt16, [SourceCount])
    /// Number of usable connected peers that have every piece.
    case seedCount(torrent: UInt16, UInt16)
    case peerConnected(PeerConnected)
    case peerClosed(PeerClosed)
    /// One torrent's totals of this generation and the state of each of its peers, sent every half second while anything
    /// moves; totals are repeated where the peers fill more than one list.
    case report(torrent: UInt16, TransferReport, [PeerReport])
    /// How the oldest grants of one torrent get on, as many as a list holds, sent beside `report`; replaces the list before.
    case grantsReported(torrent: UInt16, [GrantReport])
    /// All grants went back after `drain`.
    case drained
    /// Files of the table that requests want bytes of and this worker does not hold open; answered by `filesOpened`.
    case wantFiles(torrent: UInt16, [UInt32])
    /// Peers that have begun or ceased to want something of us; at once, since a slot may be free.
    case interestChanged([PeerInterest])
    /// A connected peer named others (BEP 11): what is left after the limits of `PeerExchangeReceiving`.
    case peersHeard(torrent: UInt16, from: UInt32, [PeerExchangeMessage.Contact])
    /// A connected peer said more of itself than its `peerConnected` tells, or said it anew.
    case peerIntroduced(PeerIntroduction)

    package static let edge = Edge.peerWorkerToSupervisor

    package static let samples: [Self] = [
        .hello(Hello(who: Incarnation(Place(.peerWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .joined,
        .ready,
        .replacementSeen(
            ReplacementSeen(newcomer: Incarnation(Place(.hashWorker, 0), generation: 2), stillReading: [4])),
        .descriptorReceived(8),
        .wantBlocks(torrent: 7, byteCount: 1 << 20),
        .grantReturned(assignment: 9, [BlockRange(firstBlock: 2, blockCount: 3)], .choked),
        .sourceCounts(torrent: 7, [SourceCount(piece: PieceIndex(1), count: 2)]),
        .seedCount(torrent: 7, 3),
        .peerConnected(.sample),
        .peerClosed(
            PeerClosed(peer: 5, cause: .connectFailed, text: "refused", downloadedByteCount: 11, uploadedByteCount: 12)),
        .report(torrent: 7, .sample, [.sample]),
        .drained,
        .wantFiles(torrent: 7, [2, 3]),
        .interestChanged([PeerInterest(peer: 5, isInterested: true)]),
        .peersHeard(
            torrent: 7, from: 5, [PeerExchangeMessage.Contact(PeerAddress(v4: 0x0102_0304, port: 5), .isReachable)]),
        .peerIntroduced(.sample),
        .grantsReported(torrent: 7, [GrantReport(assignment: 9, outstandingCount: 3, deadline: 11)]),
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
        case .wantBlocks(let torrent, let byteCount):
            writer.put(UInt8(6))
            writer.put(torrent)
            writer.put(byteCount)
        case .grantReturned(let assignment, let ranges, let reason):
            writer.put(UInt8(7))
            writer.put(assignment)
            writer.put(list: ranges)
            writer.put(reason.rawValue)
        case .sourceCounts(let torrent, let counts):
            writer.put(UInt8(8))
            writer.put(torrent)
            writer.put(list: counts)
        case .seedCount(let torrent, let count):
            writer.put(UInt8(9))
            writer.put(torrent)
            writer.put(count)
        case .peerConnected(let peer):
            writer.put(UInt8(10))
            peer.encode(into: &writer)
        case .peerClosed(let peer):
            writer.put(UInt8(11))
            peer.encode(into: &writer)
        case .report(let torrent, let totals, let peers):
            writer.put(UInt8(12))
            writer.put(torrent)
            totals.encode(into: &writer)
            writer.put(list: peers)
        case .drained: writer.put(UInt8(13))
        case .wantFiles(let torrent, let files):
            writer.put(UInt8(14))
            writer.put(torrent)
            writer.put(list: files)
        case .interestChanged(let peers):
            writer.put(UInt8(15))
            writer.put(list: peers)
        case .peersHeard(let torrent, let peer, let contacts):
            writer.put(UInt8(16))
            writer.put(torrent)
            writer.put(peer)
            writer.put(list: contacts)
        case .peerIntroduced(let introduction):
            writer.put(UInt8(17))
            introduction.encode(into: &writer)
        case .grantsReported(let torrent, let grants):
            writer.put(UInt8(18))
            writer.put(torrent)
            writer.put(list: grants)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .hello(try Hello(from: &reader))
        case 2: self = .joined
        case 3: self = .ready
        case 4: self = .replacementSeen(try ReplacementSeen(from: &reader))
        case 5: self = .descriptorReceived(try reader.get())
        case 6: self = .wantBlocks(torrent: try reader.get(), byteCount: try reader.get())
        case 7:
            self = .grantReturned(
                assignment: try reader.get(), try reader.getList(), try reader.getEnum(ReturnReason.self))
        case 8: self = .sourceCounts(torrent: try reader.get(), try reader.getList())
        case 9: self = .seedCount(torrent: try reader.get(), try reader.get())
        case 10: self = .peerConnected(try PeerConnected(from: &reader))
        case 11: self = .peerClosed(try PeerClosed(from: &reader))
        case 12:
            self = .report(torrent: try reader.get(), try TransferReport(from: &reader), try reader.getList())
        case 13: self = .drained
        case 14: self = .wantFiles(torrent: try reader.get(), try reader.getList())
        case 15: self = .interestChanged(try reader.getList())
        case 16: self = .peersHeard(torrent: try reader.get(), from: try reader.get(), try reader.getList())
        case 17: self = .peerIntroduced(try PeerIntroduction(from: &reader))
        case 18: self = .grantsReported(torrent: try reader.get(), try reader.getList())
        case let kind: throw .unknownKind(kind)
        }
    }
}

/// Adjacent blocks of one piece.
package struct BlockRange: PoolCodable, Hashable {
    package var firstBlock: UInt32
    package var blockCount: UInt32

    package init(firstBlock: UInt32, blockCount: UInt32) {
        self.firstBlock = firstBlock
        self.blockCount = blockCount
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(firstBlock)
        writer.put(blockCount)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        firstBlock = try reader.get()
        blockCount = try reader.get()
    }
}

/// Why a worker hands blocks back.
package enum ReturnReason: UInt8, Sendable, CaseIterable {
    /// No connected peer has the piece any more.
    case sourceGone = 1
    /// Every source has choked us for long.
    case choked
    /// Every source is too slow for its deadline.
    case slow
    /// The worker drains.
    case draining
}

package struct SourceCount: PoolCodable {
    /// Of an entry on the wire.
    package static let byteCount = 6

    package var piece: PieceIndex
    package var count: UInt16

    package init(piece: PieceIndex, count: UInt16) {
        self.piece = piece
        self.count = count
    }
    package func encode(into writer: inout FrameWriter) {
        piece.encode(into: &writer)
        writer.put(count)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        piece = try PieceIndex(from: &reader)
        count = try reader.get()
    }
}

/// A handshake was completed.
package struct PeerConnected: PoolCodable {
    /// The supervisor's name for an outgoing connection; 2³¹ and above: the worker's own name for an incoming one.
    package var peer: UInt32
    package var torrent: UInt16
    package var address: PeerAddress
    package var isIncoming: Bool
    package var remoteID: PeerID
    /// `v` of the extension handshake if it came in time, else what the peer id says, or empty; for people only.
    package var client: String

    package init(
        peer: UInt32, torrent: UInt16, address: PeerAddress, isIncoming: Bool, remoteID: PeerID, client: String
    ) {
        self.peer = peer
        self.torrent = torrent
        self.address = address
        self.isIncoming = isIncoming
        self.remoteID = remoteID
        self.client = client
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(peer)
        writer.put(torrent)
        address.encode(into: &writer)
        writer.put(flag: isIncoming)
        remoteID.encode(into: &writer)
        writer.put(text: client)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        peer = try reader.get()
        torrent = try reader.get()
        address = try PeerAddress(from: &reader)
        isIncoming = try reader.getBool()
        remoteID = try PeerID(from: &reader)
        client = try reader.getText()
    }

    static let sample = PeerConnected(
        peer: 5, torrent: 7, address: PeerAddress(v6High: 1, v6Low: 2, port: 3), isIncoming: true,
        remoteID: PeerID(1...20), client: "x/1")
}

/// A connection, or an attempt at one, ended.
package struct PeerClosed: PoolCodable {
    package enum Cause: UInt8, Sendable, CaseIterable {
        /// Refused, unreachable, timed out before the handshake began.
        case connectFailed = 1
        /// The handshake was cut, late or wrong.
        case handshakeFailed
        /// The other end is ourselves.
        case ourselves
        /// The other end closed, reset or fell silent.
        case lost
        /// The other end broke the protocol.
        case misbehaved
        /// We closed: asked to, or of no use.
        case closedByUs
        /// This machine ran out of descriptors or memory: not the peer's fault.
        case localTrouble
    }
    package var peer: UInt32
    package var cause: Cause
    /// One line for people and logs; never parsed.
    package var text: String
    /// Payload bytes received over this connection.
    package var downloadedByteCount: UInt64
    /// Payload bytes sent over it.
    package var uploadedByteCount: UInt64

    package init(peer: UInt32, cause: Cause, text: String, downloadedByteCount: UInt64, uploadedByteCount: UInt64 = 0) {
        self.peer = peer
        self.cause = cause
        self.text = text
        self.downloadedByteCount = downloadedByteCount
        self.uploadedByteCount = uploadedByteCount
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(peer)
        writer.put(cause.rawValue)
        writer.put(text: text)
        writer.put(downloadedByteCount)
        writer.put(uploadedByteCount)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        peer = try reader.get()
        cause = try reader.getEnum(Cause.self)
        text = try reader.getText()
        downloadedByteCount = try reader.get()
        uploadedByteCount = try reader.get()
    }
}
