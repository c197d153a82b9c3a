import BitTorrent
import TestSupport
import Testing

@Suite struct PeerPiecesTests {
    private func pieces(_ talk: SessionConversation) -> [Int] {
        var members: [Int] = []
        talk.session.pieces?.forEach { members.append($0.value) }
        return members
    }

    @Test func aBitfieldIsReported() {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.bitfield([0x80, 0x01, 0x10])) == [.addSources, .send(.interested)])
        #expect(pieces(talk) == [0, 15, 19])
    }

    @Test func anEmptyBitfieldAddsNothing() {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.bitfield([0, 0, 0])).isEmpty)
    }

    @Test(arguments: [[], [0xFF], [0xFF, 0xFF], [0xFF, 0xFF, 0xF0, 0]] as [[UInt8]])
    func aBitfieldOfWrongLengthCloses(_ bits: [UInt8]) {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.bitfield(bits)) == [.close(.peerBroke(.bitfieldLengthWrong(byteCount: bits.count)))])
    }

    @Test(arguments: [0xF8, 0xF1, 0x08, 0x01] as [UInt8]) func bitfieldWithSpareBitsSetIsRejected(_ last: UInt8) {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.bitfield([0, 0, last])) == [.close(.peerBroke(.bitfieldSpareBitsSet))])
    }

    @Test func whatAPeerHasIsSaidOnce() {
        let bits = PeerMessage.bitfield(SessionConversation.allBits)
        let cases: [(PeerMessage, PeerMessage, PeerMessage.Identifier)] = [
            (.haveAll, .haveAll, .haveAll), (.haveNone, .haveAll, .haveAll), (bits, .haveNone, .haveNone),
            (.have(3), .haveNone, .haveNone),
        ]
        for (first, second, identifier) in cases {
            var talk = SessionConversation.opened()
            #expect(talk.hear(first).closeReason == nil)
            #expect(talk.hear(second).closeReason == .peerBroke(.availabilityRepeated(identifier)))
        }
    }

    /// aria2 sends one in place of many HAVEs.
    @Test func aLaterBitfieldAddsWhatIsNew() {
        var talk = SessionConversation.opened()
        _ = talk.hear(.haveNone)
        _ = talk.hear(.have(3))
        let gained = talk.hear(.bitfield([0b1000_0001, 0, 0b0001_0000]))
        #expect(gained == [.addSource(PieceIndex(0)), .addSource(PieceIndex(7)), .addSource(PieceIndex(19))])
        #expect(talk.session.pieces?.count == 4, "piece 3 is still there")
        #expect(talk.hear(.bitfield([0b1001_0001, 0, 0b0001_0000])).isEmpty)
        _ = talk.hear(.bitfield(SessionConversation.allBits))
        #expect(talk.session.pieces?.isFull == true)
        #expect(talk.hear(.bitfield([0xFF])).closeReason == .peerBroke(.bitfieldLengthWrong(byteCount: 1)))
    }

    @Test func anExtensionHandshakeMayComeBeforeTheBitfield() {
        var talk = SessionConversation.opened()
        _ = talk.hear(.extended(id: 0, payload: Array("de".utf8)))
        #expect(talk.hear(.bitfield([0x80, 0, 0])).closeReason == nil)
    }

    @Test func aHaveFromAPeerThatStartedEmptyMakesItASource() {
        for opening in [PeerMessage.haveNone, .bitfield([0, 0, 0]), .port(1)] {
            var talk = SessionConversation.opened()
            #expect(talk.hear(opening).isEmpty)
            #expect(talk.hear(.have(7)) == [.addSource(PieceIndex(7)), .send(.interested)])
            #expect(talk.hear(.have(8)) == [.addSource(PieceIndex(8))])
            #expect(talk.hear(.have(8)).isEmpty)
            #expect(talk.hear(.unchoke) == [.assignBlocks])
            #expect(talk.session.canRequest(PieceIndex(7)))
            #expect(!talk.session.canRequest(PieceIndex(6)))
            #expect(talk.request(.at(7, 1)) == [.send(.request(talk.span(.at(7, 1))))])
        }
    }

    @Test func aPeerThatFinishesPieceByPieceEndsWithEverything() {
        var talk = SessionConversation.opened()
        for index in 0..<20 { _ = talk.hear(.have(UInt32(index))) }
        #expect(talk.session.pieces == .full(pieceCount: 20))
        #expect(talk.hear(.have(3)).isEmpty)
    }

    @Test(arguments: [20, 21, 0x8000_0000, UInt32.max]) func aPieceOutOfRangeCloses(_ index: UInt32) {
        let cases: [(PeerMessage, PeerMessage.Identifier)] = [
            (.have(index), .have), (.suggestPiece(index), .suggestPiece), (.allowedFast(index), .allowedFast),
            (.request(BlockSpan(index: index, begin: 0, byteCount: 16384)), .request),
            (.cancel(BlockSpan(index: index, begin: 0, byteCount: 16384)), .cancel),
            (.rejectRequest(BlockSpan(index: index, begin: 0, byteCount: 16384)), .rejectRequest),
        ]
        for (message, identifier) in cases {
            var talk = SessionConversation.opened()
            #expect(talk.hear(message) == [.close(.peerBroke(.pieceOutOfRange(identifier, index: index)))])
        }
        var talk = SessionConversation.unchoked()
        let (verdict, actions) = talk.begin(BlockSpan(index: index, begin: 0, byteCount: 16384))
        #expect(verdict == .drop)
        #expect(actions == [.close(.peerBroke(.pieceOutOfRange(.piece, index: index)))])
    }

    @Test func fastMessagesNeedBothSidesBit() {
        let span = BlockSpan(index: 0, begin: 0, byteCount: 16384)
        let cases: [(PeerMessage, PeerMessage.Identifier)] = [
            (.haveAll, .haveAll), (.haveNone, .haveNone), (.suggestPiece(1), .suggestPiece),
            (.rejectRequest(span), .rejectRequest), (.allowedFast(1), .allowedFast),
        ]
        for (message, identifier) in cases {
            var talk = SessionConversation.opened(.extensionProtocol)
            #expect(talk.hear(message) == [.close(.peerBroke(.fastExtensionNotNegotiated(identifier)))])
        }
    }

    @Test func piecesStayReadableAfterTheClose() {
        var talk = SessionConversation.opened()
        _ = talk.hear(.haveAll)
        _ = talk.end(.betweenMessages)
        #expect(talk.session.pieces?.isFull == true)
        #expect(talk.hear(.have(1)).isEmpty)
    }
}
