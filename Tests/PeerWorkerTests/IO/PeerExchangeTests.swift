import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// What a worker's peers say of themselves and of others, and what they are told (BEP 10, BEP 11).
@Suite struct PeerExchangeTests {
    typealias Contact = PeerExchangeMessage.Contact
    private static let infoHash = InfoHash(Digest(repeatElement(0xCD, count: 20)))
    /// The id that our test peers want `ut_pex` under.
    private static let theirID: UInt8 = 9

    /// A worker with a torrent whose peers are exchanged beside one whose peers are not.
    private func makeWorker(isPrivate: Bool = false) throws -> WorkerUnderTest {
        let worker = try WorkerUnderTest()
        worker.addTorrent(1, Self.infoHash, isPrivate: isPrivate, exchangesPeers: true)
        return worker
    }

    private func introduction(_ port: UInt16? = nil, client: String = "", exchanges: Bool = true) -> [UInt8] {
        ExtensionHandshake(
            extensions: exchanges ? ["ut_pex": Self.theirID] : [:], client: client, listenPort: port,
            yourIP: [8, 1, 2, 3]
        ).payload
    }

    private func open(_ peer: TestPeer, _ extensions: [UInt8]?) {
        peer.send(peer.handshake(Self.infoHash))
        if let extensions { peer.send(peer.wire(.extended(id: 0, payload: extensions))) }
    }

    /// What the peer was told of others since the last look.
    private func exchanges(_ peer: TestPeer) throws -> [PeerExchangeMessage] {
        try peer.received().compactMap {
            guard case .extended(id: Self.theirID, let payload) = $0 else { return nil }
            return try PeerExchangeMessage(payload: payload)
        }
    }

    /// What our extension handshake announces.
    private func announced(_ peer: TestPeer) throws -> [String: UInt8]? {
        for case .extended(id: 0, let payload) in try peer.received() {
            return try ExtensionHandshake(payload: payload).extensions
        }
        return nil
    }

    private func member(_ number: Int) -> Contact {
        Contact(PeerAddress(v4: 0x0A00_0100 + UInt32(number), port: 6881), .isReachable)
    }

    @Test func everyTorrentAnnouncesWhatItsPeersMayUse() throws {
        let worker = try makeWorker()
        let plain = worker.outgoing(1), outgoing = worker.outgoing(2, torrent: 1)
        plain.send(plain.handshake())
        #expect(try announced(plain) == [:])
        open(outgoing, nil)
        #expect(try announced(outgoing) == ["ut_pex": 1])
        // A peer that comes names its torrent late.
        let incoming = try #require(worker.incoming(3))
        open(incoming, nil)
        #expect(try announced(incoming) == ["ut_pex": 1])
    }

    @Test func peersAreToldOfOthersButNotOfThemselves() throws {
        let worker = try makeWorker()
        let first = worker.outgoing(1, torrent: 1), second = try #require(worker.incoming(2))
        open(first, introduction())
        open(second, introduction(7777))
        let ourOwn = Contact(first.connection.address, .isReachable)
        let itself = Contact(PeerAddress(second.connection.address, port: 7777))
        worker.order(.swarmMembers(torrent: 1, added: [ourOwn, itself, member(1)], dropped: []))
        worker.pass(.seconds(4))
        #expect(try exchanges(first) == [PeerExchangeMessage(added: [itself, member(1)])])
        #expect(try exchanges(second) == [PeerExchangeMessage(added: [ourOwn, member(1)])])
        worker.order(.swarmMembers(torrent: 1, added: [member(2)], dropped: [member(1).address]))
        worker.pass(.seconds(50))
        #expect(try exchanges(first) == [])
        worker.pass(.seconds(10))
        #expect(
            try exchanges(first) == [PeerExchangeMessage(added: [member(2)], dropped: [member(1).address])])
    }

    @Test func aStrangerHearsOfNoNeighbour() throws {
        let worker = try makeWorker()
        let order = PeerToConnect(peer: 5, torrent: 1, address: PeerAddress(v4: 0x0801_0101, port: 1))
        let stranger = TestPeer(try #require(worker.process.outgoing(order)), 5, worker)
        open(stranger, introduction())
        let known = Contact(PeerAddress(v4: 0x0901_0101, port: 1))
        worker.order(.swarmMembers(torrent: 1, added: [member(1), known], dropped: []))
        worker.pass(.seconds(4))
        #expect(try exchanges(stranger) == [PeerExchangeMessage(added: [known])])
    }

    @Test func whoDoesNotAskIsToldNothing() throws {
        let worker = try makeWorker()
        let silent = worker.outgoing(1, torrent: 1), other = worker.outgoing(2, torrent: 1)
        open(silent, nil)
        open(other, introduction(exchanges: false))
        worker.order(.swarmMembers(torrent: 1, added: [member(1)], dropped: []))
        worker.pass(.seconds(4))
        for peer in [silent, other] {
            #expect(try !peer.received().contains { if case .extended(let id, _) = $0 { id != 0 } else { false } })
        }
    }

    @Test func whatAPeerTellsReachesTheSupervisor() throws {
        let worker = try makeWorker()
        let peer = worker.outgoing(1, torrent: 1)
        open(peer, introduction())
        _ = worker.events()
        let message = PeerExchangeMessage(added: [member(1), Contact(PeerAddress(v4: 0, port: 1))])
        peer.send(peer.wire(.extended(id: PeerExchangeMessage.ourID, payload: message.payload)))
        #expect(worker.events() == [.peersHeard(torrent: 1, from: 1, [member(1)])])
    }

    @Test func whoBreaksTheRulesIsClosed() throws {
        let many = PeerExchangeMessage(added: (0..<9000).map(member)).payload
        for (payload, text) in [
            (many, "a peer exchange of 9000 addresses"), (Array("d5:added5:12345e".utf8), "cannot be read"),
        ] {
            let worker = try makeWorker()
            let peer = worker.outgoing(1, torrent: 1)
            open(peer, introduction())
            peer.send(peer.wire(.extended(id: PeerExchangeMessage.ourID, payload: payload)))
            #expect(peer.isClosed)
            guard case .peerClosed(let closed)? = worker.events().last else { return #expect(Bool(false)) }
            #expect(closed.cause == .misbehaved && closed.text.contains(text))
        }
    }

    /// BEP 27.
    @Test func peersOfAPrivateTorrentAreNeitherToldNorHeard() throws {
        let worker = try makeWorker(isPrivate: true)
        let peer = worker.outgoing(1, torrent: 1)
        open(peer, nil)
        #expect(try announced(peer) == [:])
        peer.send(peer.wire(.extended(id: 0, payload: introduction())))
        _ = worker.events()
        worker.order(.swarmMembers(torrent: 1, added: [member(1)], dropped: []))
        let message = PeerExchangeMessage(added: [member(2)])
        peer.send(peer.wire(.extended(id: PeerExchangeMessage.ourID, payload: message.payload)))
        worker.pass(.seconds(70))
        #expect(try exchanges(peer) == [])
        #expect(worker.events() == [] && !peer.isClosed)
    }

    // MARK: Introductions

    @Test func aLateIntroductionIsToldWhenItComes() throws {
        let worker = try makeWorker()
        let peer = try #require(worker.incoming(1))
        open(peer, nil)
        worker.pass(.milliseconds(200))
        guard case .peerConnected(let connected)? = worker.events().first else { return #expect(Bool(false)) }
        peer.send(peer.wire(.extended(id: 0, payload: introduction(7777, client: "late 1"))))
        let expected = PeerIntroduction(
            peer: connected.peer, torrent: 1, client: "late 1", listenPort: 7777, ourAddress: [8, 1, 2, 3])
        #expect(worker.events() == [.peerIntroduced(expected)])
        peer.send(peer.wire(.extended(id: 0, payload: introduction(7777, client: "late 1"))))
        #expect(worker.events() == [], "nothing new")
    }

    @Test func whoIntroducesItselfForEverIsHeardAFewTimes() throws {
        let worker = try makeWorker()
        let peer = worker.outgoing(1, torrent: 1)
        open(peer, nil)
        for port in UInt16(1)...100 { peer.send(peer.wire(.extended(id: 0, payload: introduction(port)))) }
        let introductions = worker.events().count { if case .peerIntroduced = $0 { true } else { false } }
        #expect(introductions == 4 && !peer.isClosed)
    }
}
