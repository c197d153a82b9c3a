import BitTorrent
import TestSupport
import Testing

@Suite struct HandshakePhaseTests {
    private static let ours = Handshake(infoHash: SessionConversation.infoHash, peerID: SessionConversation.ourID)

    private func extensionHandshake(_ actions: [SessionAction]) throws -> ExtensionHandshake? {
        for case .send(.extended(id: 0, let payload)) in actions { return try ExtensionHandshake(payload: payload) }
        return nil
    }

    @Test func weSpeakFirstWhenWeConnected() {
        var talk = SessionConversation()
        #expect(talk.connect() == [.sendHandshake(Self.ours)])
        let actions = talk.shake()
        #expect(
            actions.prefix(3) == [
                .identifyTorrent(SessionConversation.infoHash), .reportOpened(SessionConversation.theirID),
                .send(.haveNone),
            ])
        #expect(talk.session.isOpen)
        #expect(talk.session.peerID == SessionConversation.theirID)
    }

    @Test func weAnswerWhenThePeerConnected() {
        var talk = SessionConversation(role: .incoming)
        #expect(talk.connect().isEmpty)
        let actions = talk.shake()
        #expect(
            actions.prefix(3) == [
                .identifyTorrent(SessionConversation.infoHash), .sendHandshake(Self.ours),
                .reportOpened(SessionConversation.theirID),
            ])
    }

    @Test func anotherTorrentThanOursEndsTheConnection() {
        var talk = SessionConversation()
        _ = talk.connect()
        let other = InfoHash(Digest([UInt8](repeating: 1, count: 20)))
        #expect(talk.shake(infoHash: other) == [.close(.peerBroke(.infoHashWrong))])
    }

    @Test func anIncomingPeerForAnUnknownTorrentIsSentAwayWithoutAnAnswer() {
        var talk = SessionConversation(role: .incoming)
        _ = talk.connect()
        let other = InfoHash(Digest([UInt8](repeating: 1, count: 20)))
        let theirs = Handshake(infoHash: other, peerID: SessionConversation.theirID)
        var actions = talk.perform { session, _, _, actions in session.handshakeReceived(theirs, into: &actions) }
        #expect(actions == [.identifyTorrent(other)])
        actions = talk.perform { session, _, _, actions in session.torrentUnknown(into: &actions) }
        #expect(actions == [.close(.torrentUnknown)])
    }

    @Test func weFindOurselvesWhenWeConnected() {
        var talk = SessionConversation()
        _ = talk.connect()
        let actions = talk.shake(peerID: SessionConversation.ourID)
        #expect(actions == [.identifyTorrent(SessionConversation.infoHash), .close(.selfConnection)])
    }

    @Test func theAcceptingEndTellsTheConnectingOneThatTheyAreTheSame() {
        var talk = SessionConversation(role: .incoming)
        _ = talk.connect()
        let actions = talk.shake(peerID: SessionConversation.ourID)
        #expect(
            actions == [
                .identifyTorrent(SessionConversation.infoHash), .sendHandshake(Self.ours), .close(.selfConnection),
            ])
    }

    @Test(arguments: 0..<68) func theEndInsideTheHandshakeClosesOnce(_ count: Int) {
        for role in [PeerSession.Role.incoming, .outgoing(SessionConversation.infoHash)] {
            var talk = SessionConversation(role: role)
            _ = talk.connect()
            let end = StreamEnd.insideHandshake(receivedByteCount: count)
            #expect(talk.end(end) == [.close(.peerClosed(end))])
            #expect(talk.end(end).isEmpty)
            #expect(talk.pass(.seconds(600)).isEmpty)
            #expect(talk.session.nextDeadline == .distantFuture)
        }
    }

    @Test func aTricklingHandshakeHasOneDeadlineForAllItsBytes() {
        var talk = SessionConversation(role: .incoming)
        _ = talk.connect()
        for _ in 0..<9 {
            talk.session.bytesReceived(now: talk.clock.now)
            #expect(talk.pass(.seconds(1)).isEmpty)
        }
        talk.session.bytesReceived(now: talk.clock.now)
        #expect(talk.session.nextDeadline == talk.clock.now + .seconds(1))
        #expect(talk.pass(.seconds(1)) == [.close(.handshakeTimedOut)])
    }

    @Test func whatWeHaveIsSaidInTheFormThatThePeerKnows() {
        let all = Array(0..<20)
        let bits = PieceSet.full(pieceCount: 20).wireBytes
        let cases: [(Handshake.Extensions, [Int], PeerMessage?)] = [
            (.fast, [], .haveNone), (.fast, all, .haveAll), (.fast, [0], .bitfield([0x80, 0, 0])),
            ([], [], nil), ([], all, .bitfield(bits)), ([], [19], .bitfield([0, 0, 0x10])),
        ]
        for (extensions, ours, expected) in cases {
            var talk = SessionConversation(ours: ours)
            _ = talk.connect()
            let actions = talk.shake(extensions)
            #expect(actions.dropFirst(2) == (expected.map { [.send($0)] } ?? [])[...])
        }
    }

    @Test func theExtensionHandshakeTellsWhatBEP10Asks() throws {
        var talk = SessionConversation(extensions: ["ut_pex": 1])
        _ = talk.connect()
        let sent = try #require(try extensionHandshake(talk.shake()))
        #expect(
            sent
                == ExtensionHandshake(
                    extensions: ["ut_pex": 1], client: "Test", listenPort: 6881, yourIP: [127, 0, 0, 1],
                    requestQueue: 500))
    }

    @Test func noExtensionHandshakeGoesToAPeerThatDoesNotKnowIt() throws {
        var talk = SessionConversation()
        _ = talk.connect()
        #expect(try extensionHandshake(talk.shake(.fast)) == nil)
    }

    @Test func nothingIsAskedOfASessionBeforeItsTorrentIsKnown() {
        var talk = SessionConversation()
        _ = talk.connect()
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 0)
        #expect(talk.request(.at(0, 0)).isEmpty)
        #expect(talk.session.pieces == nil)
        #expect(!talk.session.canRequest(PieceIndex(0)))
        #expect(talk.perform { $0.pieceBecameOurs(PieceIndex(0), now: $2, into: &$3) }.isEmpty)
    }
}
