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
}
