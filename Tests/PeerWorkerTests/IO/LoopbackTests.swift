import BitTorrent
import CLinux
import Glibc
import Logging
import PoolProtocol
import PoolRuntime
import TestSupport
import Testing

@testable import PeerWorker

/// A peer-worker with real sockets, as far as these are in question: connecting, accepting, aimed reads, and how the
/// ends of connections are seen. The peer is a plain blocking socket.
@Suite struct LoopbackTests {
    private let poll: PollLoop
    private final class Told {
        var news: [PeerWorkerToSupervisor] = []
        var references: [BlockReference] = []
    }
    private let told = Told()

    init() throws { poll = try PollLoop() }

    private func start(
        slotCount: Int = 64, geometry: TorrentGeometry = fourPieces, maximumPeerCount: Int = 10,
        connectTimeout: Duration = .seconds(5), bindAddress: String = "", listeners: [CInt] = [],
        hasTorrent: Bool = true
    ) throws -> PeerWorkerProcess {
        let byteCount = slotCount * IntakeGeometry.slotByteCount
        let region = IntakeRegion(
            base: .allocate(byteCount: byteCount, alignment: 4096), geometry: IntakeGeometry(byteCount: byteCount))
        let process = try PeerWorkerProcess(
            .init(
                generation: 1, maximumPeerCount: maximumPeerCount, connectTimeout: connectTimeout,
                bindAddress: bindAddress, listeners: listeners),
            poll: poll, region: region,
            chronicle: Chronicle(
                Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, trail: nil, clock: { MonotonicClock.now }),
            clock: { MonotonicClock.now })
        process.post = { [told] parcel in
            told.news += parcel.news
            told.references += parcel.batches.flatMap(\.references)
            parcel.removeAll()
        }
        poll.nextDeadline = { process.nextDeadline }
        poll.timerFired = { process.timerFired(now: $0) }
        poll.turnEnded = { process.endTurn() }
        if hasTorrent { addTorrent(process, geometry) }
        process.assemblerJoined(WorkerUnderTest.assembler, now: MonotonicClock.now)
        process.ready()
        return process
    }

    private func addTorrent(_ process: PeerWorkerProcess, _ geometry: TorrentGeometry = fourPieces) {
        let none = PieceSet(pieceCount: geometry.pieceCount)
        let setup = PeerTorrentSetup(
            torrent: 0, infoHash: WorkerUnderTest.infoHash, ourID: WorkerUnderTest.ourID, geometry: geometry,
            listenPort: 0, isPrivate: false, stateDescriptor: 1, fileTableDescriptor: 2)
        process.add(
            setup, state: none.wireBytes + PieceSet.full(pieceCount: geometry.pieceCount).wireBytes,
            files: .oneFile(geometry))
    }

    /// Runs the loop until `find` has found something, with a deadline that a working machine never meets.
    private func await<Found>(_ find: () throws -> Found?) throws -> Found {
        let deadline = MonotonicClock.now + .seconds(10)
        while MonotonicClock.now < deadline {
            if let found = try find() { return found }
            try poll.turn(longestWait: 5)
        }
        throw Missing()
    }

    private func news<Found>(_ find: (PeerWorkerToSupervisor) -> Found?) throws -> Found {
        try self.await {
            guard let index = told.news.firstIndex(where: { find($0) != nil }) else { return nil }
            return find(told.news.remove(at: index))
        }
    }
    private struct Missing: Error {}

    private func closed() throws -> PeerClosed {
        try news { if case .peerClosed(let closed) = $0 { closed } else { nil } }
    }

    private func connected() throws -> PeerConnected {
        try news { if case .peerConnected(let connected) = $0 { connected } else { nil } }
    }

    private func handshake() -> [UInt8] {
        var bytes: [UInt8] = []
        Handshake(infoHash: WorkerUnderTest.infoHash, peerID: PeerID(repeatElement(7, count: 20)))
            .encode(into: &bytes)
        return bytes
    }

    /// A listening socket on a free port of loopback.
    private func listener() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> UInt16? in
                guard bind(descriptor, pointer, size) == 0, listen(descriptor, 8) == 0,
                    getsockname(descriptor, pointer, &size) == 0
                else { return nil }
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
        }
        return (descriptor, try #require(port))
    }

    private func connect(to port: UInt16) -> CInt {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return result == 0 ? descriptor : -1
    }

    /// A connection that need not come about.
    private func connectWithoutWaiting(to port: UInt16) -> CInt {
        clinux_connect_tcp([127, 0, 0, 1], 4, port, nil, 0)
    }

    private func send(_ bytes: [UInt8], _ descriptor: CInt) { _ = write(descriptor, bytes, bytes.count) }

    /// Reads until the other side closes or `count` bytes are there, and lets the worker do its part.
    private func receive(_ count: Int, _ descriptor: CInt) throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        return try self.await {
            let got = recv(descriptor, &buffer, min(4096, count - all.count), CInt(MSG_DONTWAIT))
            if got > 0 { all += buffer.prefix(got) }
            return got == 0 || all.count == count || got < 0 && errno != EAGAIN ? all : nil
        }
    }

    /// Takes the connection that the worker makes.
    private func acceptPeer(_ listener: CInt) throws -> CInt {
        try self.await {
            var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            return Glibc.poll(&waiting, 1, 0) == 1 ? accept(listener, nil, nil) : nil
        }
    }

    private func connectOrder(_ port: UInt16) -> SupervisorToPeerWorker {
        .connectPeers([PeerToConnect(peer: 3, torrent: 0, address: PeerAddress(v4: 0x7F00_0001, port: port))])
    }

    @Test func connectsSpeaksFirstAndClosesWithAHalfClosedPeer() throws {
        let (socket, port) = try listener()
        let process = try start()
        process.handle(connectOrder(port), now: MonotonicClock.now)
        let peer = try acceptPeer(socket)
        let greeting = try receive(68, peer)
        #expect(greeting.prefix(20) == Handshake.prefix[...])
        send(handshake(), peer)
        let connected = try connected()
        #expect(connected.peer == 3 && !connected.isIncoming)
        // The peer says that it has nothing more to say, but still reads.
        shutdown(peer, Int32(SHUT_WR))
        let end = try closed()
        #expect(end.cause == .lost && end.peer == 3)
        while try !receive(4096, peer).isEmpty {}
        close(peer)
        close(socket)
    }

    @Test func peerThatConnectsBeforeThereIsATorrentIsAnsweredWhenThereIs() throws {
        let (socket, port) = try listener()
        _ = clinux_set_nonblocking(socket, 1)
        let process = try start(listeners: [socket], hasTorrent: false)
        let peer = connect(to: port)
        send(handshake(), peer)
        for _ in 0..<10 { try poll.turn(longestWait: 1) }
        addTorrent(process)
        #expect(try receive(68, peer).prefix(20) == Handshake.prefix[...])
        close(peer)
    }

    @Test func refusedConnectionIsTold() throws {
        let (socket, port) = try listener()
        close(socket)
        let process = try start()
        process.handle(connectOrder(port), now: MonotonicClock.now)
        let end = try closed()
        #expect(end.cause == .connectFailed && end.text == "Connection refused")
    }

    @Test func bindAddressOfTheOtherFamilyIsNotPassedOver() throws {
        let (socket, port) = try listener()
        let process = try start(bindAddress: "::1")
        process.handle(connectOrder(port), now: MonotonicClock.now)
        #expect(try closed().cause == .connectFailed)
        close(socket)
    }

    @Test func acceptsAtAPassedListenerAndAnswersOnlyAfterTheHandshake() throws {
        let (socket, port) = try listener()
        _ = clinux_set_nonblocking(socket, 1)
        _ = try start(listeners: [socket])
        let peer = connect(to: port)
        #expect(peer >= 0)
        send(handshake(), peer)
        #expect(try receive(68, peer).dropFirst(28).prefix(20) == WorkerUnderTest.infoHash.digest.bytes[...])
        let connected = try connected()
        #expect(connected.isIncoming && connected.peer >= ConnectionTable.firstIncoming)
        #expect(connected.address.host == "127.0.0.1")
        close(peer)
        #expect(try closed().peer == connected.peer)
    }

    @Test func listenerOutlivesThePeersThatItRefuses() throws {
        let (socket, port) = try listener()
        _ = clinux_set_nonblocking(socket, 1)
        _ = try start(maximumPeerCount: 1, listeners: [socket])
        let first = connect(to: port)
        send(handshake(), first)
        #expect(try receive(68, first).count == 68)
        let second = connect(to: port)
        send(handshake(), second)
        #expect(try receive(68, second).isEmpty)
        close(first)
        _ = try closed()
        let third = connect(to: port)
        send(handshake(), third)
        #expect(try receive(68, third).count == 68)
        close(second)
        close(third)
    }

    private func payload(_ block: BlockAddress, _ geometry: TorrentGeometry) -> [UInt8] {
        let seed = block.piece.value * 31 + Int(block.block) * 7
        return (0..<Int(geometry.length(of: block))).map { UInt8(truncatingIfNeeded: seed + $0 * 13 + $0 >> 8) }
    }

    private func wire(_ block: BlockAddress, _ geometry: TorrentGeometry) -> [UInt8] {
        var bytes: [UInt8] = []
        PeerMessageEncoder.appendPieceHeader(BlockSpan(block, in: geometry), to: &bytes)
        return bytes + payload(block, geometry)
    }

    /// Blocks of full and of odd length, with other messages anywhere between them, cut anywhere: each byte ends up in
    /// the slot that its reference names, whether the reads were aimed right or not.
    @Test(arguments: 0..<12) func blocksLandInTheirSlotsHoweverTheStreamIsCut(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        // The last piece ends with a block of 1,000 bytes.
        let geometry = TorrentGeometry(totalByteCount: 3 * 131_072 + 5 * 16384 + 1000, pieceByteCount: 131_072)
        let (socket, port) = try listener()
        let process = try start(geometry: geometry)
        process.handle(connectOrder(port), now: MonotonicClock.now)
        let peer = try acceptPeer(socket)
        var greeting = handshake()
        PeerMessageEncoder.append(.haveAll, to: &greeting)
        PeerMessageEncoder.append(.unchoke, to: &greeting)
        send(greeting, peer)
        _ = try connected()
        var expected: Set<BlockAddress> = []
        for piece in 0..<4 {
            let count = UInt32(geometry.blockCount(of: PieceIndex(piece)))
            process.handle(
                .grantBlocks([makeGrant(AssignmentID(piece + 1), piece: piece, 0..<count)]), now: MonotonicClock.now)
            for number in 0..<count { expected.insert(block(piece, number)) }
        }
        var decoder = PeerStreamDecoder()
        decoder.torrentIdentified(pieceCount: geometry.pieceCount)
        var answered = 0
        var stream: [UInt8] = []
        var checked: Set<BlockAddress> = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        _ = try self.await { () throws -> Bool? in
            let got = recv(peer, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            var offset = 0
            while got > 0, let event = try decoder.next(in: buffer.span.bytes.extracting(..<got), at: &offset) {
                guard case .message(.request(let span)) = event,
                    let asked = geometry.block(index: span.index, begin: span.begin, length: span.byteCount)
                else { continue }
                answered += 1
                stream += wire(asked, geometry)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: PeerMessageEncoder.append(.have(0), to: &stream)
                case 1: stream += [0, 0, 0, 0]
                case 2: PeerMessageEncoder.append(.unknown(identifier: 99, byteCount: 0), to: &stream)
                default: break
                }
            }
            let cut = min(stream.count, Int.random(in: 1...(seed % 2 == 0 ? 400_000 : 30_000), using: &random))
            let sent = Glibc.send(peer, stream, cut, CInt(MSG_DONTWAIT))
            if sent > 0 { stream.removeFirst(sent) }
            for reference in told.references {
                let arrived = block(Int(reference.assignment) - 1, reference.block)
                let bytes = process.region.slot(reference.slot).prefix(Int(reference.byteCount))
                #expect(bytes.elementsEqual(payload(arrived, geometry)), "seed \(seed): \(arrived)")
                checked.insert(arrived)
                process.returned(
                    [SlotReturn(slot: reference.slot, lease: reference.lease, outcome: .taken)], by: 0)
            }
            told.references = []
            return checked.count == expected.count ? true : nil
        }
        #expect(checked == expected && answered == expected.count)
        #expect(process.intake.slots.freeCount == 64)
        close(peer)
        close(socket)
    }

    @Test func connectionThatIsNotAnsweredIsGivenUp() throws {
        // A full backlog: the kernel drops further requests to connect.
        let (socket, port) = try listener()
        listen(socket, 0)
        let fillers = (0..<4).map { _ in connectWithoutWaiting(to: port) }
        let process = try start(connectTimeout: .milliseconds(200))
        process.handle(connectOrder(port), now: MonotonicClock.now)
        let end = try closed()
        #expect(end.cause == .connectFailed && end.text == "no answer in time")
        for filler in fillers { close(filler) }
        close(socket)
    }

    @Test func stoppedReaderGoesOnAndSeesItsPeerGone() throws {
        let (socket, port) = try listener()
        let process = try start(slotCount: 2)
        process.handle(connectOrder(port), now: MonotonicClock.now)
        let peer = try acceptPeer(socket)
        _ = try receive(68, peer)
        var bytes = handshake()
        PeerMessageEncoder.append(.haveAll, to: &bytes)
        PeerMessageEncoder.append(.unchoke, to: &bytes)
        send(bytes, peer)
        process.handle(.grantBlocks([makeGrant(1, piece: 0, 0..<8)]), now: MonotonicClock.now)
        _ = try receive(5 + 17 * 8, peer)
        // Eight blocks; two slots, whose references nobody answers for a while.
        send((UInt32(0)..<8).flatMap { wire(block(0, $0), fourPieces) }, peer)
        _ = try self.await { process.intake.waitingCount == 1 ? true : nil }
        shutdown(peer, Int32(SHUT_WR))
        // What came before the end counts.
        var blocks: [UInt32] = []
        _ = try self.await { () -> Bool? in
            for reference in told.references {
                blocks.append(reference.block)
                process.returned([SlotReturn(slot: reference.slot, lease: reference.lease, outcome: .taken)], by: 0)
            }
            told.references = []
            return blocks.count == 8 ? true : nil
        }
        #expect(blocks == Array(0..<8))
        #expect(try closed().cause == .lost)
        close(peer)
        close(socket)
    }

    @Test func resetOfAPeerThatIsNotReadIsNoSpin() throws {
        let (socket, port) = try listener()
        let process = try start(slotCount: 2)
        process.handle(connectOrder(port), now: MonotonicClock.now)
        let peer = try acceptPeer(socket)
        var bytes = handshake()
        PeerMessageEncoder.append(.haveAll, to: &bytes)
        PeerMessageEncoder.append(.unchoke, to: &bytes)
        send(bytes, peer)
        process.handle(.grantBlocks([makeGrant(1, piece: 0, 0..<8)]), now: MonotonicClock.now)
        _ = try receive(68 + 5 + 17 * 8, peer)
        send((UInt32(0)..<8).flatMap { wire(block(0, $0), fourPieces) }, peer)
        _ = try self.await { process.intake.waitingCount == 1 ? true : nil }
        var reset = linger(l_onoff: 1, l_linger: 0)
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
        close(peer)
        #expect(try closed().cause == .lost)
        #expect(process.intake.waitingCount == 0 && process.table.isEmpty)
        close(socket)
    }
}
