import BitTorrent
import Glibc
import Logging
import PoolProtocol
import PoolRuntime
import TestSupport

@testable import PeerWorker

/// A peer-worker without sockets or a pool: its clock stands, its region is an array. A test plays the supervisor, the
/// hash-workers and the peers.
final class WorkerUnderTest {
    static let infoHash = InfoHash(Digest(repeatElement(0xAB, count: 20)))
    static let ourID = PeerID(Array("-SK0100-ourselves...".utf8))
    static let assembler = Incarnation(Place(.hashWorker, 0), generation: 1)

    let process: PeerWorkerProcess
    let geometry: TorrentGeometry
    private let memory: UnsafeMutableRawPointer
    private final class Clock { var fake = FakeClock() }
    private let clock = Clock()
    /// Whatever the worker has told and a test has not looked at.
    private var told = Parcel()

    init(
        slotCount: Int = 64, geometry: TorrentGeometry = fourPieces, maximumPeerCount: Int = 100,
        ours: [Int] = [], files: FileMap? = nil, hasAssembler: Bool = true
    ) throws {
        self.geometry = geometry
        let byteCount = slotCount * IntakeGeometry.slotByteCount
        memory = .allocate(byteCount: byteCount, alignment: 4096)
        process = try PeerWorkerProcess(
            .init(
                generation: 1, maximumPeerCount: maximumPeerCount, connectTimeout: .seconds(1), bindAddress: "",
                listeners: []),
            poll: try PollLoop(),
            region: IntakeRegion(base: memory, geometry: IntakeGeometry(byteCount: byteCount)),
            chronicle: Chronicle(
                Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, trail: nil,
                clock: { [clock] in clock.fake.now }),
            clock: { [clock] in clock.fake.now })
        process.post = { [unowned self] parcel in
            told.news += parcel.news
            told.batches += parcel.batches
            told.isLast = told.isLast || parcel.isLast
            parcel.removeAll()
        }
        addTorrent(0, Self.infoHash, ours: ours, files: files)
        if hasAssembler { joined(Self.assembler) }
    }

    func addTorrent(
        _ ordinal: UInt16, _ infoHash: InfoHash, ours: [Int] = [], files: FileMap? = nil, isPrivate: Bool = false,
        exchangesPeers: Bool = false
    ) {
        var have = PieceSet(pieceCount: geometry.pieceCount)
        var needed = PieceSet.full(pieceCount: geometry.pieceCount)
        for piece in ours {
            have.insert(PieceIndex(piece))
            needed.remove(PieceIndex(piece))
        }
        let setup = PeerTorrentSetup(
            torrent: ordinal, infoHash: infoHash, ourID: Self.ourID, geometry: geometry, listenPort: 6881,
            isPrivate: isPrivate, exchangesPeers: exchangesPeers, stateDescriptor: 1, fileTableDescriptor: 2)
        process.add(setup, state: have.wireBytes + needed.wireBytes, files: files ?? .oneFile(geometry))
    }

    deinit { memory.deallocate() }

    // MARK: The pool

    func joined(_ assembler: Incarnation) {
        process.assemblerJoined(assembler, now: clock.fake.now)
        process.endTurn()
    }

    func order(_ orders: SupervisorToPeerWorker...) {
        for order in orders {
            process.handle(order, now: clock.fake.now)
            process.endTurn()
        }
    }

    func grant(
        _ assignment: AssignmentID, piece: Int, _ blocks: Range<UInt32>, isShared: Bool = false, torrent: UInt16 = 0
    ) {
        var grant = makeGrant(assignment, piece: piece, blocks, isShared: isShared)
        grant.torrent = torrent
        order(.grantBlocks([grant]))
    }

    /// The hash-worker has taken these blocks.
    func answer(_ references: [BlockReference], _ outcome: SlotReturn.Outcome = .taken) {
        let answers = references.map { SlotReturn(slot: $0.slot, lease: $0.lease, outcome: outcome) }
        process.returned(answers, by: 0)
        process.endTurn()
    }

    func news() -> [PeerWorkerToSupervisor] {
        defer { told.news = [] }
        return told.news
    }

    /// News but numbers: what happened to peers and grants.
    func events() -> [PeerWorkerToSupervisor] {
        news().filter {
            switch $0 {
            case .wantBlocks, .sourceCounts, .seedCount, .report, .grantsReported: false
            default: true
            }
        }
    }

    func references() -> [BlockReference] {
        defer { told.batches = [] }
        return told.batches.flatMap(\.references)
    }

    var isLast: Bool { told.isLast }

    /// Lets everything happen that `duration` brings about.
    func pass(_ duration: Duration) {
        var left = duration
        while left > .zero {
            let step = min(left, .milliseconds(1))
            clock.fake.advance(by: step)
            if clock.fake.now >= process.nextDeadline { process.timerFired(now: clock.fake.now) }
            process.endTurn()
            left -= step
        }
    }

    func bytes(ofSlot slot: UInt32, _ count: UInt32) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: memory + Int(slot) * IntakeGeometry.slotByteCount, count: Int(count)))
    }

    var freeSlotCount: Int { process.intake.slots.freeCount }
    /// Of the first torrent.
    var totals: TransferTotals { process.torrents[0]!.totals }

    // MARK: Peers

    func incoming(_ number: UInt8 = 1) -> TestPeer? {
        guard let connection = process.accepted(from: PeerAddress(v4: 0x0A00_0000 + UInt32(number), port: 5000)) else {
            return nil
        }
        return TestPeer(connection, number, self)
    }

    func outgoing(_ name: UInt32 = 1, torrent: UInt16 = 0) -> TestPeer {
        let order = PeerToConnect(
            peer: name, torrent: torrent, address: PeerAddress(v4: 0x0A00_0000 + name, port: 5000))
        return TestPeer(process.outgoing(order)!, UInt8(name), self)
    }

    /// A peer with every piece that lets us request.
    func unchokedSeed(_ name: UInt32 = 1) -> TestPeer {
        let peer = outgoing(name)
        peer.send(peer.handshake() + peer.wire(.haveAll, .unchoke))
        return peer
    }
}

/// The other end of one connection.
final class TestPeer: PeerTransport {
    let connection: Connection
    let id: PeerID
    private let worker: WorkerUnderTest
    private var decoder = PeerStreamDecoder()
    /// What the worker has sent and the test has not looked at.
    private var sent: [UInt8] = []
    /// How the worker's next send ends.
    var sendOutcome = SendOutcome.sent
    private var isOpen = true
    /// The line has room for a block.
    private var takesBodies = true
    /// Blocks that were sent.
    private(set) var bodies = 0
    /// What the worker has last said about reading this socket.
    private(set) var isRead = true

    init(_ connection: Connection, _ number: UInt8, _ worker: WorkerUnderTest) {
        self.connection = connection
        self.worker = worker
        id = PeerID(Array("-XX0001-".utf8) + repeatElement(number, count: 12))
        decoder.torrentIdentified(pieceCount: worker.geometry.pieceCount)
        connection.opened(self)
        worker.process.endTurn()
    }

    // MARK: The worker's side

    func send(_ bytes: inout [UInt8]) -> SendOutcome {
        sent += bytes
        bytes.removeAll()
        return sendOutcome
    }
    func send(_ head: inout [UInt8], _ body: UploadBody) -> SendOutcome {
        bodies += 1
        sent += head
        head.removeAll()
        for index in 0..<body.partCount { sent += Self.bytes(of: body[index]) }
        return sendOutcome
    }
    private static func bytes(of part: FilePart) -> [UInt8] {
        guard let file = part.file else { return Array(repeating: 0, count: part.byteCount) }
        return [UInt8](unsafeUninitializedCapacity: part.byteCount) { buffer, count in
            count = pread(file.rawValue, buffer.baseAddress, part.byteCount, off_t(part.offset))
        }
    }
    var isIdle: Bool { takesBodies }
    func setReading(_ isOn: Bool) { isRead = isOn }
    func rest() {}
    func retry() {}
    func close() { isOpen = false }

    // MARK: The peer's side

    var name: UInt32 { connection.peer }
    var isClosed: Bool { connection.phase == .ended && !isOpen }

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
        bytes.withUnsafeBytes { connection.received($0) }
        worker.process.endTurn()
    }

    /// The peer has closed, half or whole.
    func hangUp() {
        connection.ended()
        worker.process.endTurn()
    }

    func fail(_ error: CInt) {
        connection.broke(error)
        worker.process.endTurn()
    }

    /// The line is full until it is told otherwise.
    func stall() { takesBodies = false }
    func drain() {
        takesBodies = true
        connection.drained()
        worker.process.endTurn()
    }

    /// Blocks of payload that came since the last look, with their bytes; other messages are in `messages`.
    func blocks() throws -> (blocks: [BlockSpan: [UInt8]], messages: [PeerMessage]) {
        var blocks: [BlockSpan: [UInt8]] = [:]
        var messages: [PeerMessage] = []
        let bytes = sent
        sent = []
        var offset = 0
        var current: BlockSpan?
        while let event = try decoder.next(in: bytes.span.bytes, at: &offset) {
            switch event {
            case .message(let message): messages.append(message)
            case .blockBegins(let span): (current, blocks[span]) = (span, [])
            case .blockBytes(let range, _): if let current { blocks[current]! += bytes[range] }
            case .handshake, .blockEnds: break
            }
        }
        return (blocks, messages)
    }

    /// What the worker has sent since the last look.
    func received() throws -> [PeerMessage] {
        var messages: [PeerMessage] = []
        let bytes = sent
        sent = []
        var offset = 0
        while let event = try decoder.next(in: bytes.span.bytes, at: &offset) {
            if case .message(let message) = event { messages.append(message) }
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

extension FileMap {
    /// All bytes in one file.
    static func oneFile(_ geometry: TorrentGeometry) -> FileMap { files([geometry.totalByteCount], geometry) }

    /// Files of these lengths, in order; those of `pads` are zeros on no disk.
    static func files(_ lengths: [UInt64], pads: Set<Int> = [], _ geometry: TorrentGeometry) -> FileMap {
        var offset: UInt64 = 0
        let entries = lengths.enumerated().map { index, length in
            defer { offset += length }
            return FileTable.Entry(
                kind: pads.contains(index) ? .pad : .wanted, path: "", offset: offset, byteCount: length)
        }
        let table = FileTable(
            infoHash: WorkerUnderTest.infoHash, geometry: geometry, files: entries, partsPath: "", partsRuns: [])
        return try! FileMap(table, hasPaths: false)
    }
}
