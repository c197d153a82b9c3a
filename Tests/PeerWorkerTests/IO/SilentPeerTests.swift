import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// Peers that take requests and answer none cost nobody else anything, and are found out when they are back.
@Suite struct SilentPeerTests {
    /// A seed that has let its first request pass in silence; its blocks are handed back.
    private func silentSeed(_ worker: WorkerUnderTest, _ name: UInt32 = 1) throws -> TestPeer {
        let peer = worker.unchokedSeed(name)
        worker.grant(1, piece: 0, 0..<8)
        #expect(try peer.requested().count == 8)
        worker.pass(.seconds(12))
        return peer
    }

    @Test func blocksThatOnlySilentPeersHaveGoBackSoon() throws {
        let worker = try WorkerUnderTest()
        _ = try silentSeed(worker)
        let returned = worker.events().filter { if case .grantReturned = $0 { true } else { false } }
        #expect(
            returned == [.grantReturned(assignment: 1, [BlockRange(firstBlock: 0, blockCount: 8)], .slow)])
        #expect(worker.process.torrents[0]?.book.outstandingCount == 0)
    }

    @Test func silentPeerIsNoSourceAndNoReasonToAskForGrants() throws {
        let worker = try WorkerUnderTest()
        _ = try silentSeed(worker)
        let news = worker.news()
        #expect(news.contains(.seedCount(torrent: 0, 0)))
        let wishes = news.compactMap { if case .wantBlocks(0, let byteCount) = $0 { byteCount } else { nil } }
        #expect(wishes.last == 0)
    }

    @Test func silentPeerGetsNoBlockThatAnotherCouldFetch() throws {
        let worker = try WorkerUnderTest()
        let silent = try silentSeed(worker)
        #expect(try silent.requested() == [block(0, 0)], "a probe")
        let other = worker.unchokedSeed(2)
        worker.grant(2, piece: 2, 0..<8)
        #expect(try other.requested() == (0..<8).map { block(2, $0) })
        #expect(try silent.requested().isEmpty)
    }

    @Test func grantWaitsForNoProbe() throws {
        let worker = try WorkerUnderTest()
        let silent = try silentSeed(worker)
        #expect(try silent.requested() == [block(0, 0)])
        worker.grant(2, piece: 0, 0..<8)
        let other = worker.unchokedSeed(2)
        #expect(try other.requested() == (0..<8).map { block(0, $0) })
    }

    @Test func silentPeerThatAnswersItsProbeIsASourceAgain() throws {
        let worker = try WorkerUnderTest()
        let peer = try silentSeed(worker)
        _ = (try peer.requested(), worker.news())
        peer.send(peer.wire(block(0, 0)))
        #expect(worker.totals.wastedByteCount == 16384, "nobody had granted it")
        let news = worker.news()
        #expect(news.contains(.seedCount(torrent: 0, 1)))
        let wishes = news.compactMap { if case .wantBlocks(0, let byteCount) = $0 { byteCount } else { nil } }
        #expect(wishes.last ?? 0 > 0)
        worker.grant(2, piece: 2, 0..<2)
        #expect(try peer.requested() == [block(2, 0), block(2, 1)])
    }

    @Test func answerToAProbeIsTakenWhenItsBlockIsWanted() throws {
        let worker = try WorkerUnderTest()
        let silent = try silentSeed(worker)
        worker.grant(2, piece: 0, 0..<1)
        let other = worker.unchokedSeed(2)
        #expect(try other.requested() == [block(0, 0)])
        silent.send(silent.wire(block(0, 0)))
        #expect(worker.references().map(\.assignment) == [2])
        #expect(try other.received().contains(.cancel(BlockSpan(block(0, 0), in: fourPieces))))
    }

    /// The peer is back by an old answer, and is given the very block that it was probed with.
    @Test func probeThatIsUnderWayServesAGrant() throws {
        let worker = try WorkerUnderTest()
        let peer = try silentSeed(worker)
        #expect(try peer.requested() == [block(0, 0)])
        peer.send(peer.wire(block(0, 7)))
        worker.grant(2, piece: 0, 0..<1)
        #expect(try peer.requested().isEmpty)
        #expect(worker.process.torrents[0]?.book.unassignedCount == 0, "nobody else is to be asked")
        peer.send(peer.wire(block(0, 0)))
        #expect(worker.references().map(\.block) == [0])
    }

    @Test func peerIsProbedForAsLongAsItIsSilent() throws {
        let worker = try WorkerUnderTest()
        let peer = try silentSeed(worker)
        worker.pass(.seconds(80))
        #expect(try peer.requested() == [block(0, 0), block(0, 0), block(0, 0)], "after 10, 30 and 70 s")
    }
}
