import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// The supervisor's orders and the hash-workers' lives.
@Suite struct OrderTests {
    @Test func unansweredBlocksGoToTheSuccessorOnceItHasJoined() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<8)
        let requested = try peer.requested()
        peer.send(requested.prefix(3).flatMap { peer.wire($0) })
        let sent = worker.references()
        worker.answer([sent[1]])
        let successor = Incarnation(Place(.hashWorker, 0), generation: 2)
        worker.order(.workerReplaced(successor))
        peer.send(requested[3...3].flatMap { peer.wire($0) })
        worker.pass(.milliseconds(50))
        #expect(worker.references().isEmpty, "nobody is there")
        worker.joined(successor)
        let again = worker.references()
        #expect(again.map(\.block).sorted() == [0, 2, 3])
        worker.answer(again, .duplicate)
        #expect(worker.freeSlotCount == 64)
    }

    @Test func blocksWaitForAHashWorkerThatHasNotJoined() throws {
        let worker = try WorkerUnderTest(hasAssembler: false)
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<2)
        peer.send(try peer.requested().flatMap { peer.wire($0) })
        #expect(worker.references().isEmpty && worker.freeSlotCount == 62)
        worker.joined(WorkerUnderTest.assembler)
        #expect(worker.references().count == 2)
    }

    @Test func placeThatIsGivenUpFreesItsSlotsAndReturnsItsBlocks() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<4)
        peer.send(try peer.requested().prefix(1).flatMap { peer.wire($0) })
        _ = worker.events()
        worker.order(.workerGivenUp(WorkerUnderTest.assembler.place))
        #expect(worker.freeSlotCount == 64)
        #expect(
            worker.events() == [
                .grantReturned(assignment: 1, [BlockRange(firstBlock: 0, blockCount: 1)], .sourceGone),
                .grantReturned(assignment: 1, [BlockRange(firstBlock: 1, blockCount: 3)], .sourceGone),
            ])
        #expect(try peer.received().count { if case .cancel = $0 { true } else { false } } == 3)
    }

    @Test func writtenPieceIsToldToThoseWhoLackIt() throws {
        let worker = try WorkerUnderTest()
        let seed = worker.unchokedSeed(1)
        let leech = worker.outgoing(2)
        leech.send(leech.handshake() + leech.wire(.haveNone))
        _ = try (seed.received(), leech.received())
        worker.order(.piecesOurs(torrent: 0, [PieceIndex(1), PieceIndex(2)]))
        #expect(try leech.received() == [.have(1), .have(2)])
        #expect(try seed.received().isEmpty)
        worker.order(.piecesOurs(torrent: 0, [PieceIndex(0), PieceIndex(3)]))
        // Each time BEP 21's word follows: we want nothing more, or something again.
        let complete = try seed.received()
        #expect(complete.first == .notInterested && complete.count == 2)
        worker.order(.piecesLost(torrent: 0, [PieceIndex(3)]))
        let again = try seed.received()
        #expect(again.first == .interested && again.count == 2)
    }

    /// It has let us request all the time, so nothing that it says would make us ask.
    @Test func peerThatIsOfUseAgainIsAskedForTheNextGrant() throws {
        let worker = try WorkerUnderTest(ours: [0, 1, 2])
        let seed = worker.unchokedSeed()
        worker.order(.piecesOurs(torrent: 0, [PieceIndex(3)]))
        worker.pass(.milliseconds(200))
        worker.order(.piecesLost(torrent: 0, [PieceIndex(3)]))
        worker.grant(1, piece: 3, 0..<2)
        #expect(try seed.requested() == [block(3, 0), block(3, 1)])
    }

    @Test func peerThatGetsItsFirstUsefulPieceIsAskedForIt() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.outgoing()
        peer.send(peer.handshake() + peer.wire(.haveNone, .unchoke))
        worker.pass(.milliseconds(200))
        worker.grant(1, piece: 3, 0..<2)
        #expect(try peer.requested().isEmpty)
        peer.send(peer.wire(.have(3)))
        #expect(try peer.requested() == [block(3, 0), block(3, 1)])
    }

    @Test func laterPeersHearWhatIsOursInTheirBitfield() throws {
        let worker = try WorkerUnderTest(ours: [0])
        worker.order(.piecesOurs(torrent: 0, [PieceIndex(2)]))
        let peer = worker.outgoing()
        peer.send(peer.handshake())
        #expect(try peer.received().first == .bitfield([0b1010_0000]))
    }

    @Test func supervisorMayCloseAPeer() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        _ = worker.events()
        worker.order(.closePeer(peer: peer.name, .duplicate), .closePeer(peer: 99, .banned))
        #expect(peer.isClosed)
        guard case .peerClosed(let end)? = worker.events().last else {
            Issue.record("its end was not told")
            return
        }
        #expect(end.cause == .closedByUs && end.text == "the peer is connected already")
    }

    @Test func removedTorrentTakesItsPeersAlong() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<2)
        worker.order(.removeTorrent(torrent: 0))
        #expect(peer.isClosed && worker.process.torrents.isEmpty && worker.process.byInfoHash.isEmpty)
        #expect(worker.incoming() == nil, "there is nothing to connect for")
    }

    @Test func peerThatComesInWhileTheLastTorrentGoesIsSentAway() throws {
        let worker = try WorkerUnderTest()
        let address = PeerAddress(v4: 0x0A00_0001, port: 5000)
        let connection = try #require(worker.process.accepted(from: address))
        worker.order(.removeTorrent(torrent: 0))
        let peer = TestPeer(connection, 1, worker)
        peer.send(peer.handshake())
        #expect(peer.isClosed)
    }

    @Test func connectionsBeyondTheLimitAreRefused() throws {
        let worker = try WorkerUnderTest(maximumPeerCount: 2)
        _ = worker.outgoing(1)
        #expect(worker.incoming(2) != nil)
        #expect(worker.incoming(3) == nil)
        worker.order(.connectPeers([PeerToConnect(peer: 9, torrent: 0, address: PeerAddress(v4: 1, port: 1))]))
        guard case .peerClosed(let end)? = worker.events().last else {
            Issue.record("the refusal was not told")
            return
        }
        #expect(end.peer == 9 && end.cause == .closedByUs)
    }

    @Test func drainReturnsGrantsAndIsToldWhenTheLastSlotIsBack() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<4)
        peer.send(try peer.requested().prefix(1).flatMap { peer.wire($0) })
        let references = worker.references()
        _ = worker.events()
        worker.order(.drain)
        #expect(
            worker.events() == [.grantReturned(assignment: 1, [BlockRange(firstBlock: 1, blockCount: 3)], .draining)])
        worker.answer(references)
        #expect(worker.events() == [.drained])
        #expect(!peer.isClosed)
        worker.grant(2, piece: 1, 0..<1)
        #expect(
            worker.events() == [.grantReturned(assignment: 2, [BlockRange(firstBlock: 0, blockCount: 1)], .draining)])
    }

    @Test func drainDoesNotWaitForADeadHashWorker() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<1)
        peer.send(try peer.requested().flatMap { peer.wire($0) })
        worker.pass(.milliseconds(200))
        worker.order(.drain)
        _ = worker.events()
        worker.pass(.milliseconds(900))
        #expect(worker.events().isEmpty)
        worker.pass(.milliseconds(300))
        #expect(worker.events() == [.drained])
    }

    @Test func stopClosesEverythingAndSaysSoLast() throws {
        let worker = try WorkerUnderTest()
        let peers = [worker.unchokedSeed(1), worker.outgoing(2)]
        worker.order(.stop)
        #expect(peers.allSatisfy { $0.isClosed })
        #expect(worker.isLast)
        #expect(worker.incoming() == nil)
    }

    @Test func sourceThatChokesForLongIsNoneAnyMore() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        #expect(worker.news().contains(.seedCount(torrent: 0, 1)))
        peer.send(peer.wire(.choke))
        worker.pass(.seconds(9))
        #expect(!worker.news().contains(.seedCount(torrent: 0, 0)))
        worker.pass(.milliseconds(1200))
        #expect(worker.news().contains(.seedCount(torrent: 0, 0)))
        peer.send(peer.wire(.unchoke))
        #expect(worker.news().contains(.seedCount(torrent: 0, 1)))
    }

    @Test func grantsWithoutASourceGoBack() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.outgoing()
        peer.send(peer.handshake() + peer.wire(.bitfield([0x80]), .unchoke))
        worker.pass(.milliseconds(200))
        worker.grant(1, piece: 3, 0..<8)
        _ = worker.events()
        worker.pass(.milliseconds(2100))
        #expect(
            worker.events() == [.grantReturned(assignment: 1, [BlockRange(firstBlock: 0, blockCount: 8)], .sourceGone)])
    }

    @Test func grantOutsideTheTorrentIsNotBelieved() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 77, 0..<8)
        worker.grant(2, piece: 0, 8..<9)
        #expect(try peer.requested().isEmpty)
    }
}
