import BitTorrent
import CLinux
import Glibc
import Logging
import NIOCore
import NIOPosix
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// A peer-worker on a real loop and real sockets, as far as NIO itself is in question: connecting, accepting, and how
/// the ends of connections are seen. The peer is a plain blocking socket.
@Suite(.serialized) struct LoopbackTests {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let mailbox = Mailbox(wakeDescriptor: clinux_eventfd())

    private func start(
        slotCount: Int = 64, maximumPeerCount: Int = 10, bindAddress: String = "", listeners: [CInt] = []
    ) throws -> NIOLoopBound<PeerWorkerProcess> {
        let loop = group.next()
        let mailbox = mailbox
        let byteCount = slotCount * IntakeGeometry.slotByteCount
        let region = IntakeRegion(
            base: .allocate(byteCount: byteCount, alignment: 4096), geometry: IntakeGeometry(byteCount: byteCount))
        let process = try loop.submit {
            let process = try PeerWorkerProcess(
                .init(
                    maximumPeerCount: maximumPeerCount, connectTimeout: .seconds(5), bindAddress: bindAddress,
                    listeners: listeners),
                eventLoop: loop, mailbox: mailbox, region: region,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                clock: { MonotonicInstant(nanoseconds: clinux_monotonic_nanoseconds()) })
            return NIOLoopBound(process, eventLoop: loop)
        }.wait()
        let none = PieceSet(pieceCount: 4)
        let setup = PeerTorrentSetup(
            torrent: 0, infoHash: WorkerUnderTest.infoHash, ourID: WorkerUnderTest.ourID, geometry: fourPieces,
            listenPort: 0, isPrivate: false, stateDescriptor: 1)
        post(process, .torrentAdded(setup, state: none.wireBytes + PieceSet.full(pieceCount: 4).wireBytes))
        post(process, .assemblerJoined(WorkerUnderTest.assembler), .ready)
        return process
    }

    private func post(_ process: NIOLoopBound<PeerWorkerProcess>, _ events: Mailbox.Event...) {
        var events = events
        if mailbox.post(&events) { group.next().execute { process.value.postArrived() } }
    }

    /// Waits for a piece of news, with a deadline that a working machine never meets.
    private func await<Found>(_ find: (PeerWorkerToSupervisor) -> Found?) throws -> Found {
        for _ in 0..<2000 {
            var parcel = Mailbox.Parcel()
            mailbox.take(into: &parcel)
            for news in parcel.news { if let found = find(news) { return found } }
            usleep(5000)
        }
        throw Missing()
    }
    private struct Missing: Error {}

    private func closed() throws -> PeerClosed {
        try self.await { if case .peerClosed(let closed) = $0 { closed } else { nil } }
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

    private func send(_ bytes: [UInt8], _ descriptor: CInt) { _ = write(descriptor, bytes, bytes.count) }

    /// Reads until the other side closes or `count` bytes are there.
    private func receive(_ count: Int, _ descriptor: CInt) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while all.count < count {
            let got = read(descriptor, &buffer, min(4096, count - all.count))
            if got <= 0 { break }
            all += buffer.prefix(got)
        }
        return all
    }

    private func connectOrder(_ port: UInt16) -> Mailbox.Event {
        .order(.connectPeers([PeerToConnect(peer: 3, torrent: 0, address: PeerAddress(v4: 0x7F00_0001, port: port))]))
    }

    @Test func connectsSpeaksFirstAndClosesWithAHalfClosedPeer() throws {
        let (socket, port) = try listener()
        let process = try start()
        post(process, connectOrder(port))
        let peer = accept(socket, nil, nil)
        let greeting = receive(68, peer)
        #expect(greeting.prefix(20) == Handshake.prefix[...])
        send(handshake(), peer)
        let connected = try self.await { news -> PeerConnected? in
            if case .peerConnected(let connected) = news { connected } else { nil }
        }
        #expect(connected.peer == 3 && !connected.isIncoming)
        // The peer says that it has nothing more to say, but still reads.
        shutdown(peer, Int32(SHUT_WR))
        let end = try closed()
        #expect(end.cause == .lost && end.peer == 3)
        while !receive(4096, peer).isEmpty {}
        close(peer)
        close(socket)
    }

    @Test func refusedConnectionIsTold() throws {
        let (socket, port) = try listener()
        close(socket)
        let process = try start()
        post(process, connectOrder(port))
        let end = try closed()
        #expect(end.cause == .connectFailed && end.text == "Connection refused")
    }

    @Test func bindAddressOfTheOtherFamilyIsNotPassedOver() throws {
        let (socket, port) = try listener()
        let process = try start(bindAddress: "::1")
        post(process, connectOrder(port))
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
        #expect(receive(68, peer).dropFirst(28).prefix(20) == WorkerUnderTest.infoHash.digest.bytes[...])
        let connected = try self.await { news -> PeerConnected? in
            if case .peerConnected(let connected) = news { connected } else { nil }
        }
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
        #expect(receive(68, first).count == 68)
        let second = connect(to: port)
        send(handshake(), second)
        #expect(receive(68, second).isEmpty)
        close(first)
        _ = try closed()
        let third = connect(to: port)
        send(handshake(), third)
        #expect(receive(68, third).count == 68)
        close(second)
        close(third)
    }

    @Test func stoppedReaderSeesItsPeerGo() throws {
        let (socket, port) = try listener()
        let process = try start(slotCount: 2)
        post(process, connectOrder(port))
        let peer = accept(socket, nil, nil)
        _ = receive(68, peer)
        var bytes = handshake()
        PeerMessageEncoder.append(.haveAll, to: &bytes)
        PeerMessageEncoder.append(.unchoke, to: &bytes)
        send(bytes, peer)
        post(process, .order(.grantBlocks([makeGrant(1, piece: 0, 0..<8)])))
        // Eight blocks; two slots, whose references nobody answers.
        _ = try self.await { if case .wantBlocks = $0 { true } else { nil } }
        _ = receive(17 * 8, peer)
        var blocks: [UInt8] = []
        for number in UInt32(0)..<8 {
            PeerMessageEncoder.appendPieceHeader(BlockSpan(block(0, number), in: fourPieces), to: &blocks)
            blocks += [UInt8](repeating: UInt8(number), count: 16384)
        }
        send(blocks, peer)
        _ = try self.await { if case .report(let total, _) = $0, total.waitingSocketCount == 1 { true } else { nil } }
        close(peer)
        #expect(try closed().cause == .lost)
        close(socket)
    }
}
