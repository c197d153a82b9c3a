import BitTorrent
import TestSupport
import Testing

@Suite struct LivenessTests {
    @Test func quietSideSpeaksBeforeTwoMinutes() {
        var talk = SessionConversation.opened()
        #expect(talk.session.nextDeadline == talk.clock.now + .seconds(110))
        #expect(talk.pass(.seconds(109)).isEmpty)
        #expect(talk.pass(.seconds(1)) == [.send(.keepAlive)])
        talk.session.bytesReceived(now: talk.clock.now)
        #expect(talk.pass(.seconds(1)).isEmpty)
        #expect(talk.pass(.seconds(109)) == [.send(.keepAlive)])
    }

    @Test func aMessageIsAsGoodAsAKeepAlive() {
        var talk = SessionConversation.opened()
        #expect(talk.pass(.seconds(100)).isEmpty)
        _ = talk.hear(.have(3))
        #expect(talk.pass(.seconds(100)).isEmpty)
        #expect(talk.pass(.seconds(10)) == [.send(.keepAlive)])
    }

    @Test func aPeerThatKeepsToTheTwoMinutesIsNotCut() {
        var talk = SessionConversation.opened()
        for _ in 0..<100 {
            _ = talk.pass(.seconds(122))
            #expect(talk.session.isOpen)
            talk.session.bytesReceived(now: talk.clock.now)
        }
    }

    @Test func aSilentPeerIsClosed() {
        var talk = SessionConversation.opened()
        _ = talk.pass(.seconds(149))
        #expect(talk.session.isOpen)
        #expect(talk.session.nextDeadline == talk.clock.now + .seconds(1))
        #expect(talk.pass(.seconds(1)) == [.close(.silent)])
        #expect(talk.pass(.seconds(1000)).isEmpty)
    }

    @Test func aPeerThatNeverUnchokesIsToleratedAndKnownAsUseless() {
        var talk = SessionConversation.opened()
        let opened = talk.clock.now
        _ = talk.hear(.haveAll)
        for _ in 0..<100 {
            _ = talk.pass(.seconds(60))
            talk.session.bytesReceived(now: talk.clock.now)
        }
        #expect(talk.session.isOpen)
        #expect(talk.session.lastUseful == opened)
        #expect(talk.session.chokedSince == opened)
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 0)
    }

    @Test func theTimerNeverNamesAMomentAtWhichItDoesNothing() {
        // A deadline that stays in the past after it fired is a spin.
        var talk = SessionConversation.unchoked()
        for block in 0..<16 { _ = talk.request(.at(block / 2, block % 2)) }
        for _ in 0..<1000 {
            let due = talk.session.nextDeadline
            guard due != .distantFuture else { break }
            talk.clock.advance(to: due)
            #expect(!talk.pass(.zero).isEmpty)
            #expect(talk.session.nextDeadline > talk.clock.now)
        }
        #expect(!talk.session.isOpen)
    }

    @Test func closingGivesEveryBlockBackOnce() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(.at(0, 0))
        _ = talk.request(.at(0, 1))
        _ = talk.begin(talk.span(.at(0, 0)))
        let actions = talk.end(.insidePayload(missingByteCount: 5))
        #expect(
            actions == [
                .returnBlock(.at(0, 0), because: .closed), .returnBlock(.at(0, 1), because: .closed),
                .close(.peerClosed(.insidePayload(missingByteCount: 5))),
            ])
        #expect(talk.perform { session, _, _, actions in session.closeRequested(into: &actions) }.isEmpty)
    }

    @Test func everyWayToEndIsNamed() {
        let lost = StreamEnd.insideLength(receivedByteCount: 2)
        let ways: [(CloseReason, (inout PeerSession, inout [SessionAction]) -> Void)] = [
            (.connectionLost(lost), { $0.connectionLost(lost, into: &$1) }),
            (.ownerClosed, { $0.closeRequested(into: &$1) }),
            (.peerBroke(.blockEmpty), { $0.streamBroke(.blockEmpty, into: &$1) }),
        ]
        for (reason, way) in ways {
            var talk = SessionConversation.opened()
            #expect(talk.perform { session, _, _, actions in way(&session, &actions) } == [.close(reason)])
        }
    }

    @Test func aPieceOfOursIsAnnounced() {
        var talk = SessionConversation.opened()
        let actions = talk.perform { $0.pieceBecameOurs(PieceIndex(5), now: $2, into: &$3) }
        #expect(actions == [.send(.have(5))])
    }

    @Test func extendedMessagesReachTheirExtensionAndNoOther() {
        var talk = SessionConversation.opened(ourExtensions: ["ut_pex": 3])
        #expect(talk.hear(.extended(id: 3, payload: [1])) == [.deliverExtended(id: 3, payload: [1])])
        #expect(talk.hear(.extended(id: 4, payload: [1])).isEmpty)
        #expect(talk.hear(.extended(id: 0, payload: Array("d1:pi80ee".utf8))) == [.recordExtensions])
        #expect(talk.session.peerExtensions.listenPort == 80)
        #expect(
            talk.hear(.extended(id: 0, payload: Array("d1:p".utf8))) == [
                .close(.peerBroke(.extensionHandshakeMalformed))
            ])
    }

    @Test func extendedMessagesOfAPeerWithoutTheBitAreIgnored() {
        var talk = SessionConversation.opened(.fast, ourExtensions: ["ut_pex": 3])
        #expect(talk.hear(.extended(id: 0, payload: [1])).isEmpty)
        #expect(talk.hear(.extended(id: 3, payload: [1])).isEmpty)
    }

    @Test func unknownMessagesAreIgnored() {
        var talk = SessionConversation.opened()
        for message in [PeerMessage.unknown(identifier: 21, byteCount: 48), .port(1), .keepAlive] {
            #expect(talk.hear(message).isEmpty)
        }
        #expect(talk.session.isOpen)
    }
}
