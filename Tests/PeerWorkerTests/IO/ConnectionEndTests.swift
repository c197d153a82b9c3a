import BitTorrent
import Glibc
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

private func closed(_ worker: WorkerUnderTest) -> [PeerClosed] {
    worker.events().compactMap { if case .peerClosed(let closed) = $0 { closed } else { nil } }
}

/// How connections end, at every stage, and who is to blame.
@Suite struct ConnectionEndTests {
    /// A conversation of every kind of message; the worker wants the two blocks in it.
    private static func stream(_ peer: TestPeer) -> [UInt8] {
        peer.handshake() + peer.wire(.bitfield([0xF0]), .unchoke, .have(1), .keepAlive) + peer.wire(block(0, 0))
            + peer.wire(.port(1), .unknown(identifier: 99, byteCount: 3)) + peer.wire(block(0, 1))
    }

    private static func stages() throws -> [Int] {
        let worker = try WorkerUnderTest()
        let whole = stream(worker.outgoing())
        // Every byte of the small messages, and a few of the long ones.
        let first = 68 + 6 + 5 + 9 + 4
        let second = first + 13 + 16384
        return Array(0...first + 14) + [first + 5000] + Array(second - 1...second + 40) + [
            whole.count - 1, whole.count,
        ]
    }

    @Test func endOfTheStreamClosesAtOnceAtEveryStage() throws {
        for stage in try Self.stages() {
            let worker = try WorkerUnderTest()
            let peer = worker.outgoing()
            worker.grant(1, piece: 0, 0..<2)
            let bytes = Self.stream(peer).prefix(stage)
            // The block is requested when the unchoke has come, so the stream is sent in two reads.
            peer.send(Array(bytes.prefix(92)))
            if bytes.count > 92 { peer.send(Array(bytes.dropFirst(92))) }
            peer.hangUp()
            #expect(peer.isClosed, "after \(stage) bytes")
            let end = try #require(closed(worker).first, "after \(stage) bytes")
            #expect(end.peer == 1 && end.cause == (stage < 68 ? .handshakeFailed : .lost), "after \(stage) bytes")
            let references = worker.references()
            #expect(worker.freeSlotCount == 64 - references.count, "a slot leaks after \(stage) bytes")
            #expect(worker.process.table.isEmpty)
            #expect(worker.process.torrents[0]?.book.unassignedCount == 2 - references.count)
        }
    }

    @Test func resetClosesAtOnceAtEveryStage() throws {
        for stage in try Self.stages() {
            let worker = try WorkerUnderTest()
            let peer = worker.outgoing()
            worker.grant(1, piece: 0, 0..<2)
            peer.send(Array(Self.stream(peer).prefix(stage)))
            peer.fail(ECONNRESET)
            #expect(peer.isClosed && worker.freeSlotCount + worker.references().count == 64)
            #expect(closed(worker).map(\.cause) == [stage < 68 ? .handshakeFailed : .lost])
        }
    }

    @Test func peerThatSaysNothingIsSentAwayAfterTheHandshakesDeadline() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.outgoing()
        worker.pass(.seconds(9))
        #expect(!peer.isClosed)
        worker.pass(.milliseconds(1200))
        #expect(peer.isClosed && closed(worker).map(\.cause) == [.handshakeFailed])
    }

    @Test func thousandKeepAlivesAreConsumed() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        let stream = [UInt8](repeating: 0, count: 4000)
        for cut in 0..<8 {
            peer.send(Array(stream.prefix(cut)))
            for start in stride(from: cut, to: stream.count, by: 7) {
                peer.send(Array(stream[start..<min(start + 7, stream.count)]))
            }
        }
        for byte in stream { peer.send([byte]) }
        #expect(!peer.isClosed && worker.freeSlotCount == 64)
        worker.grant(1, piece: 0, 0..<1)
        #expect(try peer.requested().count == 1, "the stream is still in step")
    }

    @Test func ownEchoIsNamed() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.outgoing()
        peer.send(peer.handshake(id: WorkerUnderTest.ourID))
        #expect(peer.isClosed && closed(worker).map(\.cause) == [.ourselves])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 5, 4, 0, 0, 0, 4], "have for piece 4"),
            ([0, 0, 0, 2, 5, 0xF1], "spare bits"),
            ([0, 0, 0, 3, 5, 0xF0, 0], "a bitfield of 2 bytes"),
            ([0xFF, 0xFF, 0xFF, 0xFF], "a message of 4294967295 bytes"),
            ([0x13, 0x42, 0x69, 0x74], "a second handshake"),
            ([0, 0, 0, 9, 7, 0, 0, 0, 0, 0, 0, 0, 0], "a block without a byte"),
            ([0, 0, 0, 2, 0, 0], "choke with 1 bytes"),
            ([0, 0, 0, 4, 20, 0, 0x69, 0x65], "no dictionary"),
        ] as [([UInt8], String)])
    func misbehavingPeerIsSentAwayWithTheReasonNamed(_ bytes: [UInt8], _ reason: String) throws {
        let worker = try WorkerUnderTest()
        let other = worker.unchokedSeed(2)
        let peer = worker.outgoing()
        peer.send(peer.handshake() + bytes)
        let end = try #require(closed(worker).first)
        #expect(peer.isClosed && end.peer == 1 && end.cause == .misbehaved)
        #expect(end.text.contains(reason), "\(end.text)")
        #expect(!other.isClosed)
    }

    @Test func strangersProtocolFailsTheHandshake() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.outgoing()
        peer.send(Array("GET / HTTP/1.1\r\n".utf8))
        #expect(peer.isClosed && closed(worker).map(\.cause) == [.handshakeFailed])
    }

    @Test func peerThatDoesNotReadIsSentAway() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        peer.sendOutcome = .unread
        peer.connection.outgoing = [0]
        peer.connection.flush()
        worker.process.endTurn()
        let end = try #require(closed(worker).first)
        #expect(peer.isClosed && end.cause == .lost && end.text.contains("does not read"))
    }

    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
    func troubleOfThisMachineIsNotBlamedOnThePeer(_ code: CInt) throws {
        let worker = try WorkerUnderTest()
        let order = PeerToConnect(peer: 1, torrent: 0, address: PeerAddress(v4: 1, port: 1))
        let connection = try #require(worker.process.outgoing(order))
        worker.process.connectFailed(connection, code)
        worker.process.endTurn()
        #expect(closed(worker).map(\.cause) == [.localTrouble])
    }

    @Test func refusedConnectionIsNamed() throws {
        let worker = try WorkerUnderTest()
        let order = PeerToConnect(peer: 1, torrent: 0, address: PeerAddress(v4: 1, port: 1))
        let connection = try #require(worker.process.outgoing(order))
        worker.process.connectFailed(connection, ECONNREFUSED)
        worker.process.endTurn()
        let end = try #require(closed(worker).first)
        #expect(end.cause == .connectFailed && end.text == "Connection refused")
    }

    @Test func incomingPeerOfAnUnknownTorrentIsSentAwayUnannounced() throws {
        let worker = try WorkerUnderTest()
        let peer = try #require(worker.incoming())
        peer.send(peer.handshake(InfoHash(Digest(repeatElement(1, count: 20)))))
        #expect(peer.isClosed && worker.events().isEmpty)
    }

    @Test func incomingPeerIsAnnouncedByItsClientsNameAndItsEndIsTold() throws {
        let worker = try WorkerUnderTest()
        let peer = try #require(worker.incoming())
        #expect(peer.name >= ConnectionTable.firstIncoming)
        peer.send(peer.handshake() + peer.wire(.extended(id: 0, payload: Array("d1:v7:Test/1.e".utf8))))
        #expect(
            worker.events() == [
                .peerConnected(
                    PeerConnected(
                        peer: peer.name, torrent: 0, address: PeerAddress(v4: 0x0A00_0001, port: 5000),
                        isIncoming: true, remoteID: peer.id, client: "Test/1."))
            ])
        peer.hangUp()
        #expect(closed(worker).map(\.peer) == [peer.name])
    }

    @Test(arguments: [("-LT20A0-", "libtorrent 2.0.10"), ("nobodyknows", "")])
    func clientThatSaysNothingIsAnnouncedByItsPeerID(_ start: String, _ client: String) throws {
        let worker = try WorkerUnderTest()
        let peer = try #require(worker.incoming())
        let id = PeerID((Array(start.utf8) + repeatElement(7, count: 20)).prefix(20))
        peer.send(peer.handshake(id: id))
        #expect(worker.events().isEmpty)
        worker.pass(.milliseconds(120))
        guard case .peerConnected(let connected)? = worker.events().first else {
            Issue.record("the peer was not announced")
            return
        }
        #expect(connected.client == client && connected.remoteID == id)
    }
}
