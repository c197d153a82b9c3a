import BitTorrent
import PoolProtocol
import Testing

@testable import PeerWorker

/// Peers that come for a torrent which the supervisor has not named yet.
@Suite struct TorrentWaitTests {
    private static let second = InfoHash(Digest(repeatElement(0xCD, count: 20)))

    /// A worker that knows its first torrent and accepts connections.
    private func listening() throws -> WorkerUnderTest {
        let worker = try WorkerUnderTest()
        worker.process.ready()
        return worker
    }

    @Test func peerForTheSecondTorrentWaitsUntilItComes() throws {
        let worker = try listening()
        let peer = try #require(worker.incoming())
        peer.send(peer.handshake(Self.second) + peer.wire(.bitfield([0xF0]), .interested))
        worker.pass(.seconds(1))
        #expect(!peer.isClosed && !peer.isRead)
        #expect(try peer.received() == [])
        worker.addTorrent(1, Self.second, ours: [0])
        worker.pass(.milliseconds(200))
        #expect(!peer.isClosed && peer.isRead)
        #expect(try peer.received().contains(.bitfield([0x80])))
        // What came behind the handshake counts.
        #expect(worker.events().contains(.interestChanged([PeerInterest(peer: peer.name, isInterested: true)])))
    }

    @Test func peerForATorrentThatDoesNotComeIsSentAway() throws {
        let worker = try listening()
        let peer = try #require(worker.incoming())
        peer.send(peer.handshake(Self.second))
        worker.pass(TorrentWaits.settling + .milliseconds(200))
        #expect(peer.isClosed)
        #expect(worker.events() == [], "nobody is blamed")
        // From here on at once.
        let late = try #require(worker.incoming(2))
        late.send(late.handshake(Self.second))
        #expect(late.isClosed)
    }

    @Test func onlySoManyWait() throws {
        let worker = try listening()
        let peers = try (1...UInt8(TorrentWaits.limit + 1)).map { number in
            let peer = try #require(worker.incoming(number))
            peer.send(peer.handshake(Self.second))
            return peer
        }
        #expect(peers.map(\.isClosed) == Array(repeating: false, count: TorrentWaits.limit) + [true])
        // One that hangs up makes room.
        peers[0].hangUp()
        let another = try #require(worker.incoming(200))
        another.send(another.handshake(Self.second))
        #expect(!another.isClosed)
    }
}
