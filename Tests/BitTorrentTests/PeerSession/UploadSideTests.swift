import BitTorrent
import TestSupport
import Testing

@Suite struct UploadSideTests {
    private let span = BlockSpan(index: 2, begin: 16384, byteCount: 16384)

    @Test func thePeersInterestIsRemembered() {
        var talk = SessionConversation.opened()
        #expect(!talk.session.isPeerInterested)
        #expect(talk.session.isChokingPeer)
        #expect(talk.hear(.interested).isEmpty)
        #expect(talk.session.isPeerInterested)
        #expect(talk.hear(.notInterested).isEmpty)
        #expect(!talk.session.isPeerInterested)
    }

    @Test func aChokedPeersRequestIsRejectedIfItKnowsRejects() {
        var fast = SessionConversation.opened()
        #expect(fast.hear(.request(span)) == [.send(.rejectRequest(span))])
        var plain = SessionConversation.opened([])
        #expect(plain.hear(.request(span)).isEmpty)
    }

    @Test func aFloodOfRequestsCloses() {
        for extensions in [Handshake.Extensions.ours, []] {
            var talk = SessionConversation.opened(extensions)
            var accepted = 0
            for _ in 0..<10_000 {
                let actions = talk.hear(.request(span))
                if let reason = actions.closeReason {
                    #expect(reason == .peerBroke(.requestFlood))
                    break
                }
                accepted += 1
            }
            #expect(accepted == 50)
            #expect(talk.hear(.request(span)).isEmpty)
        }
    }

    @Test func partsOfABlockMayBeRequested() {
        var talk = SessionConversation.opened()
        for part in [BlockSpan(index: 0, begin: 5, byteCount: 1), BlockSpan(index: 19, begin: 16384, byteCount: 100)] {
            #expect(talk.hear(.request(part)) == [.send(.rejectRequest(part))])
        }
    }

    @Test(arguments: [
        BlockSpan(index: 0, begin: 0, byteCount: 0), BlockSpan(index: 0, begin: 0, byteCount: 16385),
        BlockSpan(index: 0, begin: 0, byteCount: 131072), BlockSpan(index: 0, begin: 32768, byteCount: 1),
        BlockSpan(index: 0, begin: 32767, byteCount: 2), BlockSpan(index: 0, begin: .max, byteCount: 2),
        BlockSpan(index: 0, begin: 16384, byteCount: .max), BlockSpan(index: 19, begin: 16384, byteCount: 101),
    ])
    func aRequestOutsideItsPieceCloses(_ span: BlockSpan) {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.request(span)) == [.close(.peerBroke(.spanOutOfRange(.request, span)))])
        var other = SessionConversation.opened()
        #expect(other.hear(.cancel(span)) == [.close(.peerBroke(.spanOutOfRange(.cancel, span)))])
    }

    @Test func aCancelNeedsNoSecondAnswer() {
        var talk = SessionConversation.opened()
        _ = talk.hear(.request(span))
        #expect(talk.hear(.cancel(span)).isEmpty)
    }
}
