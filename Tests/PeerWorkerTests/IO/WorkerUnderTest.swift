import BitTorrent
import CLinux
import Glibc
import Logging
import NIOCore
import NIOEmbedded
import PoolProtocol
import TestSupport

@testable import PeerWorker

/// A peer-worker without sockets or a pool: its loop is embedded, its clock stands, its region is an array. A test plays
/// the supervisor, the hash-workers and the peers.
final class WorkerUnderTest {
    static let infoHash = InfoHash(Digest(repeatElement(0xAB, count: 20)))
    static let ourID = PeerID(Array("-SK0100-ourselves...".utf8))
    static let assembler = Incarnation(Place(.hashWorker, 0), generation: 1)

    let loop = EmbeddedEventLoop()
    let mailbox: Mailbox
    let process: PeerWorkerProcess
    let geometry: TorrentGeometry
    private let memory: UnsafeMutableRawPointer
    private let descriptor: CInt
    private final class Clock { var fake = FakeClock() }
    private let clock = Clock()
    /// Whatever the worker has told and a test has not looked at.
    private var told = Mailbox.Parcel()

    init(
        slotCount: Int = 64, geometry: TorrentGeometry = fourPieces, maximumPeerCount: Int = 100,
        ours: [Int] = [], hasAssembler: Bool = true
    ) throws {
        self.geometry = geometry
        let byteCount = slotCount * IntakeGeometry.slotByteCount
        memory = .allocate(byteCount: byteCount, alignment: 4096)
        descriptor = clinux_eventfd()
        mailbox = Mailbox(wakeDescriptor: descriptor)
        process = try PeerWorkerProcess(
            .init(maximumPeerCount: maximumPeerCount, connectTimeout: .seconds(1), bindAddress: "", listeners: []),
            eventLoop: loop, mailbox: mailbox,
            region: IntakeRegion(base: memory, geometry: IntakeGeometry(byteCount: byteCount)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: { [clock] in clock.fake.now })
        var have = PieceSet(pieceCount: geometry.pieceCount)
        var needed = PieceSet.full(pieceCount: geometry.pieceCount)
        for piece in ours {
            have.insert(PieceIndex(piece))
            needed.remove(PieceIndex(piece))
        }
        let setup = PeerTorrentSetup(
            torrent: 0, infoHash: Self.infoHash, ourID: Self.ourID, geometry: geometry, listenPort: 6881,
            isPrivate: false, stateDescriptor: 1)
        post(.torrentAdded(setup, state: have.wireBytes + needed.wireBytes))
        if hasAssembler { post(.assemblerJoined(Self.assembler)) }
    }

    deinit {
        memory.deallocate()
        close(descriptor)
    }

    // MARK: The message thread

    func post(_ events: Mailbox.Event...) {
        var events = events
        if mailbox.post(&events) { process.postArrived() }
        loop.run()
    }

    func order(_ orders: SupervisorToPeerWorker...) { for order in orders { post(.order(order)) } }

    func grant(_ assignment: AssignmentID, piece: Int, _ blocks: Range<UInt32>, isShared: Bool = false) {
        order(.grantBlocks([makeGrant(assignment, piece: piece, blocks, isShared: isShared)]))
    }

    /// The hash-worker has taken these blocks.
    func answer(_ references: [BlockReference], _ outcome: SlotReturn.Outcome = .taken) {
        let answers = references.map { SlotReturn(slot: $0.slot, lease: $0.lease, outcome: outcome) }
        post(.slotsReturned(assembler: 0, answers))
        // What the loop is in no need of it takes in its next turn, whatever that is for.
        process.turnGoesOn()
        loop.run()
    }

    /// Everything told since the last look, of which `news` and `references` are parts.
    private func look() {
        var parcel = Mailbox.Parcel()
        mailbox.take(into: &parcel)
        told.append(parcel)
    }

    func news() -> [PeerWorkerToSupervisor] {
        look()
        defer { told.news = [] }
        return told.news
    }

    /// News but numbers: what happened to peers and grants.
    func events() -> [PeerWorkerToSupervisor] {
        news().filter {
            switch $0 {
            case .wantBlocks, .sourceCounts, .seedCount, .report: false
            default: true
            }
        }
    }

    func references() -> [BlockReference] {
        look()
        defer { told.batches = [] }
        return told.batches.flatMap(\.references)
    }

    func isLast() -> Bool {
        look()
        return told.isLast
    }

    /// Lets everything happen that `duration` brings about.
    func pass(_ duration: Duration) {
        var left = duration
        while left > .zero {
            let step = min(left, .milliseconds(1))
            clock.fake.advance(by: step)
            loop.advanceTime(by: .nanoseconds(step.wholeNanoseconds))
            left -= step
        }
    }

    func bytes(ofSlot slot: UInt32, _ count: UInt32) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: memory + Int(slot) * IntakeGeometry.slotByteCount, count: Int(count)))
    }

    var freeSlotCount: Int { process.intake.slots.freeCount }

    // MARK: Peers

    func incoming(_ number: UInt8 = 1) throws -> TestPeer? {
        guard let connection = process.accepted(from: PeerAddress(v4: 0x0A00_0000 + UInt32(number), port: 5000)) else {
            return nil
        }
        return try TestPeer(connection, number, self)
    }

    func outgoing(_ name: UInt32 = 1) throws -> TestPeer {
        let order = PeerToConnect(peer: name, torrent: 0, address: PeerAddress(v4: 0x0A00_0000 + name, port: 5000))
        return try TestPeer(process.outgoing(order)!, UInt8(name), self)
    }

    /// A peer with every piece that lets us request.
    func unchokedSeed(_ name: UInt32 = 1) throws -> TestPeer {
        let peer = try outgoing(name)
        peer.send(peer.handshake() + peer.wire(.haveAll, .unchoke))
        return peer
    }
}

/// The other end of one connection.
final class TestPeer {
    let channel: EmbeddedChannel
    let connection: Connection
    let id: PeerID
    private let worker: WorkerUnderTest
    private var decoder = PeerStreamDecoder()

    init(_ connection: Connection, _ number: UInt8, _ worker: WorkerUnderTest) throws {
        self.connection = connection
        self.worker = worker
        id = PeerID(Array("-XX0001-".utf8) + repeatElement(number, count: 12))
        channel = EmbeddedChannel(handler: connection, loop: worker.loop)
        channel.connect(to: try SocketAddress(ipAddress: "10.0.0.1", port: 5000), promise: nil)
        decoder.torrentIdentified(pieceCount: worker.geometry.pieceCount)
        worker.loop.run()
    }

    var name: UInt32 { connection.peer }
    var isClosed: Bool { connection.phase == .ended && !channel.isActive }
    /// What the worker has last said about reading this socket; true if nothing.
    var isRead: Bool {
        channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool ?? true
    }

    func handshake(_ infoHash: InfoHash = WorkerUnderTest.infoHash, id: PeerID? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        Handshake(infoHash: infoHash, peerID: id ?? self.id).encode(into: &bytes)
        return bytes
    }

    func wire(_ messages: PeerMessage...) -> [UInt8] {
        var bytes: [UInt8] = []
        for message in messages { PeerMessageEncoder.append(message, to: &bytes) }
        return bytes
    }

    /// The whole `piece` message, with a payload that tells one block from another.
    func wire(_ block: BlockAddress) -> [UInt8] {
        var bytes: [UInt8] = []
        PeerMessageEncoder.appendPieceHeader(BlockSpan(block, in: worker.geometry), to: &bytes)
        return bytes + payload(block)
    }

    func payload(_ block: BlockAddress) -> [UInt8] {
        let seed = block.piece.value * 31 + Int(block.block) * 7
        return (0..<Int(worker.geometry.length(of: block))).map { UInt8(truncatingIfNeeded: seed + $0 + $0 >> 8) }
    }

    /// One read of the worker.
    func send(_ bytes: [UInt8]) {
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes))
        channel.pipeline.fireChannelReadComplete()
        worker.loop.run()
    }

    /// The peer has closed, half or whole: NIO sees no difference, since half-closure is off.
    func close() {
        channel.close(promise: nil)
        worker.loop.run()
    }

    func fail(_ error: any Error) {
        channel.pipeline.fireErrorCaught(error)
        worker.loop.run()
    }

    /// What the worker has sent since the last look.
    func received() throws -> [PeerMessage] {
        var messages: [PeerMessage] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            let bytes = Array(buffer.readableBytesView)
            var offset = 0
            while let event = try decoder.next(in: bytes.span.bytes, at: &offset) {
                if case .message(let message) = event { messages.append(message) }
            }
        }
        return messages
    }

    func requested() throws -> [BlockAddress] {
        try received().compactMap { message in
            guard case .request(let span) = message else { return nil }
            return worker.geometry.block(index: span.index, begin: span.begin, length: span.byteCount)
        }
    }
}
