import BitTorrent
import TestSupport
import Testing

@Suite struct InterestTests {
    private static let seed = UInt64.random(in: 0...UInt64.max)

    @Test func interestFollowsWhatIsNeeded() {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.have(4)) == [.addSource(PieceIndex(4)), .send(.interested)])
        talk.torrent.needed.remove(PieceIndex(4))
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) } == [.send(.notInterested)])
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) }.isEmpty)
        talk.torrent.needed.insert(PieceIndex(4))
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) } == [.send(.interested)])
    }

    @Test func aPeerWithNothingNewIsNotInteresting() {
        var talk = SessionConversation.opened(ours: [4])
        #expect(talk.hear(.have(4)) == [.addSource(PieceIndex(4))])
        #expect(!talk.session.isInterested)
    }

    /// No unchoke follows on our interest: the peer never choked us.
    @Test func aPeerThatNeverChokedUsIsAskedAgainWhenItIsOfUseAgain() {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.unchoke) == [.assignBlocks])
        #expect(talk.hear(.have(4)) == [.addSource(PieceIndex(4)), .send(.interested), .assignBlocks])
        #expect(talk.hear(.have(5)) == [.addSource(PieceIndex(5))], "it could be asked all along")
        for piece in [4, 5] { talk.torrent.needed.remove(PieceIndex(piece)) }
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) } == [.send(.notInterested)])
        talk.torrent.needed.insert(PieceIndex(5))
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) } == [.send(.interested), .assignBlocks])
    }

    @Test func aChokingPeerIsAskedAgainForWhatItAllows() {
        var talk = SessionConversation.opened()
        _ = talk.hear(.have(4))
        #expect(talk.hear(.allowedFast(4)) == [.assignBlocks])
        talk.torrent.needed.remove(PieceIndex(4))
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) } == [.send(.notInterested)])
        talk.torrent.needed.insert(PieceIndex(4))
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) } == [.send(.interested), .assignBlocks])
    }

    @Test func whatThePeerHearsIsTheTruthAtEveryStep() {
        var random = SeededGenerator(seed: Self.seed)
        for round in 0..<50 {
            var talk = SessionConversation.opened()
            var told = false
            for _ in 0..<200 {
                let piece = PieceIndex(Int.random(in: 0..<20, using: &random))
                var actions: [SessionAction] = []
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    if Int.random(in: 0..<5, using: &random) == 0 { actions = talk.hear(.have(piece.rawValue)) }
                case 1: talk.torrent.needed.remove(piece)
                default: talk.torrent.needed.insert(piece)
                }
                actions += talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) }
                for case .send(let message) in actions {
                    #expect(message == (told ? .notInterested : .interested), "seed \(Self.seed), round \(round)")
                    told.toggle()
                }
                var common = talk.session.pieces ?? PieceSet(pieceCount: 20)
                common.formIntersection(talk.torrent.needed)
                #expect(told == !common.isEmpty, "seed \(Self.seed), round \(round)")
                #expect(talk.session.isInterested == told)
            }
        }
    }
}
