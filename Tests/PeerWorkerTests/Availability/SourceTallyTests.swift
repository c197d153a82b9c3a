import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

private func pieces(_ members: Int..., of count: Int = 8) -> PieceSet {
    var set = PieceSet(pieceCount: count)
    for member in members { set.insert(PieceIndex(member)) }
    return set
}

private struct Tally {
    var tally: SourceTally
    var clock = FakeClock()
    init(_ pieceCount: Int = 8) { tally = SourceTally(pieceCount: pieceCount) }

    mutating func report() -> [PeerWorkerToSupervisor] {
        var news: [PeerWorkerToSupervisor] = []
        tally.report(torrent: 3, now: clock.now, into: &news)
        return news
    }
}

private func counts(_ pairs: (Int, UInt16)...) -> PeerWorkerToSupervisor {
    .sourceCounts(torrent: 3, pairs.map { SourceCount(piece: PieceIndex($0.0), count: $0.1) })
}

@Suite struct SourceTallyTests {
    @Test func seedsAreCountedApart() {
        var talk = Tally()
        talk.tally.added(.full(pieceCount: 8))
        talk.tally.added(pieces(1, 5))
        #expect(talk.report() == [.seedCount(torrent: 3, 1), counts((1, 1), (5, 1))])
    }

    @Test func firstChangeIsToldAtOnceAndLaterOnesTogether() {
        var talk = Tally()
        talk.tally.added(pieces(1))
        #expect(talk.report() == [counts((1, 1))])
        talk.tally.added(pieces(1, 2))
        #expect(talk.report().isEmpty)
        talk.clock.advance(by: .milliseconds(60))
        talk.tally.added(pieces(2))
        #expect(talk.report().isEmpty)
        talk.clock.advance(by: .milliseconds(40))
        #expect(talk.report() == [counts((1, 2), (2, 2))])
        #expect(talk.report().isEmpty)
    }

    @Test func peerThatLeavesTakesItsPiecesAlong() {
        var talk = Tally()
        talk.tally.added(pieces(1, 2))
        _ = talk.report()
        talk.clock.advance(by: .seconds(1))
        talk.tally.removed(pieces(1, 2))
        #expect(talk.report() == [counts((1, 0), (2, 0))])
    }

    @Test func peerThatCompletesBecomesASeed() {
        var talk = Tally(3)
        talk.tally.added(pieces(0, of: 3))
        talk.tally.gained(PieceIndex(1), pieces: pieces(0, 1, of: 3))
        #expect(talk.report() == [counts((0, 1), (1, 1))])
        talk.clock.advance(by: .seconds(1))
        talk.tally.gained(PieceIndex(2), pieces: .full(pieceCount: 3))
        #expect(talk.report() == [.seedCount(torrent: 3, 1), counts((0, 0), (1, 0), (2, 0))])
        talk.clock.advance(by: .seconds(1))
        talk.tally.removed(.full(pieceCount: 3))
        #expect(talk.report() == [.seedCount(torrent: 3, 0)])
    }

    @Test func longListsAreSplit() {
        var talk = Tally(2000)
        var most = PieceSet.full(pieceCount: 2000)
        most.remove(PieceIndex(7))
        talk.tally.added(most)
        let sizes = talk.report().map { news -> Int in
            if case .sourceCounts(_, let list) = news { list.count } else { 0 }
        }
        #expect(sizes == [512, 512, 512, 463])
    }

    /// A thousand peers that have all but one of two million pieces come and go: every piece changes all the time, and the
    /// supervisor must not take it for a flood.
    @Test func sourcesOfTheLargestTorrentAreNoFlood() throws {
        var talk = Tally(TorrentGeometry.maximumPieceCount)
        let most: PieceSet = {
            var set = PieceSet.full(pieceCount: TorrentGeometry.maximumPieceCount)
            set.remove(PieceIndex(7))
            return set
        }()
        talk.tally.added(most)
        let all = talk.report()
        var frame = FrameWriter()
        for message in all { message.encode(into: &frame) }
        let byteCount = frame.take().count
        #expect(byteCount > TorrentGeometry.maximumPieceCount * SourceCount.byteCount)

        talk.tally.removed(most)
        let told = talk.clock.now
        while talk.report().isEmpty {
            try #require(talk.clock.now - told < .seconds(20))
            talk.clock.advance(by: .milliseconds(50))
        }
        let pause = talk.clock.now - told
        #expect(pause > .seconds(10) && pause < .seconds(14))

        // As often as that for ten minutes, in frames of half a batch, and for six such torrents.
        var flood = Flood(now: told)
        for round in 0..<Int(600 / pause.inSeconds) {
            let now = told + pause * round
            for _ in 0..<6 * byteCount / 24_576 { flood.frameReceived(byteCount: 24_576, now: now) }
            for _ in 0..<6 * all.count { flood.messageReceived() }
            #expect(!flood.isFlood)
        }
    }

    /// Few changes go out every tenth of a second, also after a long list; the seeds at once in any case.
    @Test func longListDelaysOnlyTheNextCounts() {
        var talk = Tally(100_000)
        var most = PieceSet.full(pieceCount: 100_000)
        most.remove(PieceIndex(7))
        talk.tally.added(most)
        #expect(talk.report().count == 196)
        talk.tally.gained(PieceIndex(7), pieces: .full(pieceCount: 100_000))
        talk.clock.advance(by: .milliseconds(100))
        #expect(talk.report() == [.seedCount(torrent: 3, 1)])
        talk.clock.advance(by: .milliseconds(300))
        #expect(talk.report().isEmpty)
        talk.clock.advance(by: .milliseconds(200))
        #expect(talk.report().count == 196)
    }
}
