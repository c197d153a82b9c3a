import BitTorrent
import TestSupport
import Testing

@Suite struct UploadSideTests {
    private let span = BlockSpan(index: 2, begin: 16384, byteCount: 16384)

    @Test func thePeersInterestIsRemembered() {
        var talk = SessionConversation.opened()
        #expect(!talk.session.isPeerInterested)
        #expect(talk.session.isChokingPeer)
        #expect(talk.hear(.interested) == [.reportInterest])
        #expect(talk.hear(.interested).isEmpty)
        #expect(talk.session.isPeerInterested)
        #expect(talk.hear(.notInterested) == [.reportInterest])
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

    // MARK: BEP 21

    @Test func thePeerIsToldWhenWeWantNothingMore() throws {
        var talk = SessionConversation.opened(ours: Array(0..<19))
        talk.torrent.ours.insert(PieceIndex(19))
        talk.torrent.needed.remove(PieceIndex(19))
        let actions = talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) }
        guard case .send(.extended(0, let payload)) = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(try ExtensionHandshake(payload: payload).isUploadOnly == true)
        #expect(talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) }.isEmpty, "once")
        talk.torrent.needed.insert(PieceIndex(3))
        let again = talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) }
        guard case .send(.extended(0, let second)) = again.last else {
            Issue.record("\(again)")
            return
        }
        #expect(try ExtensionHandshake(payload: second).isUploadOnly == false)
    }

    @Test func aPartialSeedWantsNothing() {
        var talk = SessionConversation.opened()
        _ = talk.hear(.bitfield([0x80, 0, 0]))
        #expect(!talk.session.isUploadOnly)
        _ = talk.hear(.extended(id: 0, payload: Array("d11:upload_onlyi1ee".utf8)))
        #expect(talk.session.isUploadOnly)
    }

    // MARK: Unchoked

    /// A peer that we let request, and what we have.
    private func unchoked(_ extensions: Handshake.Extensions = .ours, ours: [Int] = [0, 1, 2]) -> SessionConversation {
        var talk = SessionConversation.opened(extensions, ours: ours)
        #expect(talk.choke(false) == [.send(.unchoke)])
        return talk
    }

    @Test func requestsAreAnsweredInTheirOrder() {
        var talk = unchoked()
        let spans = (0..<4).map { BlockSpan(index: UInt32($0 / 2), begin: UInt32($0 % 2) * 16384, byteCount: 16384) }
        #expect(talk.hear(.request(spans[0])) == [.serveRequests])
        for span in spans.dropFirst() { #expect(talk.hear(.request(span)).isEmpty) }
        for span in spans {
            #expect(talk.nextRequest() == (span, []))
            #expect(talk.nextRequest() == (span, []), "until it is answered")
            talk.session.requestAnswered(now: talk.clock.now)
        }
        #expect(talk.nextRequest() == (nil, []))
        #expect(talk.hear(.request(spans[0])) == [.serveRequests])
    }

    @Test func aPieceThatWeLackIsRefused() {
        var fast = unchoked()
        let lacking = BlockSpan(index: 3, begin: 0, byteCount: 16384)
        #expect(fast.hear(.request(lacking)) == [.send(.rejectRequest(lacking))])
        var plain = unchoked([])
        #expect(plain.hear(.request(lacking)).isEmpty)
        #expect(plain.session.requestCount == 0)
    }

    @Test func aPieceThatWasLostMeanwhileIsRefused() {
        var talk = unchoked()
        _ = talk.hear(.request(span))
        let kept = BlockSpan(index: 1, begin: 0, byteCount: 16384)
        _ = talk.hear(.request(kept))
        talk.torrent.ours.remove(PieceIndex(2))
        #expect(talk.nextRequest() == (kept, [.send(.rejectRequest(span))]))
    }

    @Test func aChokeVoidsWhatWasAskedFor() {
        for extensions in [Handshake.Extensions.ours, []] {
            var talk = unchoked(extensions)
            _ = talk.hear(.request(span))
            let rejects: [SessionAction] = extensions.contains(.fast) ? [.send(.rejectRequest(span))] : []
            #expect(talk.choke(true) == [.send(.choke)] + rejects)
            #expect(talk.nextRequest() == (nil, []))
            #expect(talk.choke(true).isEmpty, "once")
        }
    }

    @Test func aCancelledRequestIsAnsweredOnce() {
        var talk = unchoked()
        _ = talk.hear(.request(span))
        #expect(talk.hear(.cancel(span)) == [.send(.rejectRequest(span))])
        #expect(talk.nextRequest() == (nil, []))
        #expect(talk.hear(.cancel(span)).isEmpty)
        var plain = unchoked([])
        _ = plain.hear(.request(span))
        #expect(plain.hear(.cancel(span)).isEmpty)
        #expect(plain.nextRequest() == (nil, []))
    }

    @Test func noMoreRequestsWaitThanWePromise() {
        var talk = unchoked()
        var refused = 0
        for _ in 0..<540 where talk.hear(.request(span)) == [.send(.rejectRequest(span))] { refused += 1 }
        #expect(talk.session.requestCount == 500)
        #expect(refused == 40)
        for _ in 0..<10 { _ = talk.hear(.request(span)) }
        #expect(talk.hear(.request(span)).closeReason == .peerBroke(.requestFlood))
    }

    /// What a peer asked for before it heard of the choke is no flood.
    @Test func requestsThatCrossAChokeAreForgiven() {
        var talk = unchoked()
        _ = talk.choke(true)
        for _ in 0..<400 { #expect(talk.hear(.request(span)).closeReason == nil) }
        _ = talk.pass(.seconds(2))
        for _ in 0..<50 { #expect(talk.hear(.request(span)).closeReason == nil) }
        #expect(talk.hear(.request(span)).closeReason == .peerBroke(.requestFlood))
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
