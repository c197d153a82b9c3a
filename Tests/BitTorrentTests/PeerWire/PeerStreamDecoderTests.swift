import BitTorrent
import TestSupport
import Testing

@Suite struct PeerStreamDecoderTests {
    private static let span = BlockSpan(index: 3, begin: 32768, byteCount: 300)
    private static let payload = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    private func decodeOnce(_ bytes: [UInt8], pieceCount: Int? = 20) -> [Decoded] {
        DecodedStream.decode([bytes[...]], pieceCount: pieceCount, afterHandshake: true)
    }

    private func frame(_ length: UInt32, _ rest: [UInt8] = []) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + rest
    }

    // MARK: Blocks

    @Test func aBlockIsPutTogetherHoweverItIsCut() throws {
        let stream =
            PeerMessage.unchoke.wireBytes + Self.span.wireBytes(payload: Self.payload)
            + PeerMessage.have(4).wireBytes
        let decoded = try DecodedStream.verifier().verify(stream)
        #expect(decoded == [.message(.unchoke), .block(Self.span, payload: Self.payload), .message(.have(4))])
    }

    @Test func aBlockIsPointedAtWhereItLies() throws {
        var decoder = PeerStreamDecoder()
        let bytes = DecodedStream.handshake.wireBytes + Self.span.wireBytes(payload: Self.payload)
        var offset = 0
        var events: [PeerStreamDecoder.Event] = []
        while let event = try decoder.next(in: bytes.span.bytes, at: &offset) { events.append(event) }
        #expect(
            events == [
                .handshake(DecodedStream.handshake), .blockBegins(Self.span), .blockBytes(81..<381, offset: 0),
                .blockEnds,
            ])
    }

    @Test func theReaderMayStopAtABlockAndGoOnLater() throws {
        var decoder = PeerStreamDecoder()
        let bytes = DecodedStream.handshake.wireBytes + Self.span.wireBytes(payload: Self.payload)
        var offset = 0
        _ = try decoder.next(in: bytes.span.bytes, at: &offset)
        #expect(try decoder.next(in: bytes.span.bytes, at: &offset) == .blockBegins(Self.span))
        let rest = Array(bytes[offset...])
        var restOffset = 0
        #expect(try decoder.next(in: rest.span.bytes, at: &restOffset) == .blockBytes(0..<300, offset: 0))
        #expect(try decoder.next(in: rest.span.bytes, at: &restOffset) == .blockEnds)
    }

    @Test func aWholeBlockAndNoMoreIsAccepted() {
        let whole = BlockSpan(index: 0, begin: 0, byteCount: 16384)
        let payload = [UInt8](repeating: 5, count: 16384)
        #expect(decodeOnce(whole.wireBytes(payload: payload)).first == .block(whole, payload: payload))
        #expect(decodeOnce(frame(9 + 16385, [7])) == [.broken(.blockTooLong(byteCount: 16385))])
        #expect(decodeOnce(frame(9 + 131072, [7])) == [.broken(.blockTooLong(byteCount: 131072))])
    }

    @Test func aBlockWithoutPayloadIsRefused() {
        #expect(decodeOnce(frame(9, [7])) == [.broken(.blockEmpty)])
        #expect(decodeOnce(frame(8, [7])) == [.broken(.messageLengthWrong(.piece, byteCount: 7))])
    }

    // MARK: Keep-alives

    @Test func aThousandKeepAlivesAreConsumedAtEveryCut() throws {
        let stream = [UInt8](repeating: 0, count: 4000)
        #expect(try DecodedStream.verifier().verify(stream).isEmpty)
    }

    @Test func keepAlivesAmongDataChangeNothing() throws {
        let keepAlives = [UInt8](repeating: 0, count: 40)
        let block = BlockSpan(index: 1, begin: 0, byteCount: 40)
        var stream: [UInt8] = []
        var expected: [Decoded] = []
        for index in 0..<20 {
            stream +=
                keepAlives + PeerMessage.have(UInt32(index)).wireBytes + keepAlives
                + block.wireBytes(payload: Array(0..<40))
            expected += [.message(.have(UInt32(index))), .block(block, payload: Array(0..<40))]
        }
        #expect(try DecodedStream.verifier().verify(stream + keepAlives) == expected)
    }

    // MARK: Lengths

    @Test func aLengthBeyondTheLimitIsRefusedBeforeItsBytesCome() {
        #expect(decodeOnce([0xFF, 0xFF, 0xFF, 0xFF]) == [.broken(.messageTooLong(byteCount: .max))])
        #expect(decodeOnce(frame(1 << 20 + 1)) == [.broken(.messageTooLong(byteCount: 1 << 20 + 1))])
        #expect(decodeOnce(frame(1 << 20)) == [.ended(.insideHeader)])
        #expect(decodeOnce(frame(0x8000_0000)) == [.broken(.messageTooLong(byteCount: 0x8000_0000))])
    }

    @Test(arguments: PeerMessage.Identifier.allCases)
    func aKnownMessageWithAnotherLengthIsRefused(_ identifier: PeerMessage.Identifier) {
        let legal: ClosedRange<UInt32> =
            switch identifier {
            case .choke, .unchoke, .interested, .notInterested, .haveAll, .haveNone: 0...0
            case .have, .suggestPiece, .allowedFast: 4...4
            case .request, .cancel, .rejectRequest: 12...12
            case .port: 2...2
            case .bitfield: 3...3
            case .piece: 9...16392
            case .extended: 1...65536
            }
        let wrong: [UInt32] = [0, legal.lowerBound &- 1, legal.upperBound + 1, 1 << 20 - 1]
        for byteCount in wrong where byteCount < 1 << 20 && !legal.contains(byteCount) {
            let decoded = decodeOnce(frame(byteCount + 1, [identifier.rawValue]))
            guard case .broken = decoded.first else {
                Issue.record("\(identifier) of \(byteCount) bytes was not refused: \(decoded)")
                continue
            }
        }
        #expect(decodeOnce(frame(legal.upperBound + 1, [identifier.rawValue])).first != nil)
    }

    @Test func aBitfieldIsHeldToThePieceCount() {
        #expect(decodeOnce(frame(3, [5])) == [.broken(.bitfieldLengthWrong(byteCount: 2))])
        #expect(decodeOnce(frame(5, [5])) == [.broken(.bitfieldLengthWrong(byteCount: 4))])
        #expect(decodeOnce(frame(4, [5, 1, 2, 3])).first == .message(.bitfield([1, 2, 3])))
    }

    @Test func aBitfieldOfAnUnknownTorrentIsHeldToTheMostPiecesThereAre() {
        #expect(decodeOnce(frame(262145, [5]), pieceCount: nil) == [.ended(.insidePayload(missingByteCount: 262144))])
        #expect(
            decodeOnce(frame(262146, [5]), pieceCount: nil) == [.broken(.bitfieldLengthWrong(byteCount: 262145))])
    }

    // MARK: Unknown messages

    @Test(arguments: 0...255) func everyUnknownIdentifierIsSkippedByItsLength(_ raw: Int) throws {
        let raw = UInt8(raw)
        guard PeerMessage.Identifier(rawValue: raw) == nil else { return }
        let stream = frame(6, [raw, 1, 2, 3, 4, 5]) + frame(1, [raw]) + PeerMessage.have(9).wireBytes
        let decoded = try DecodedStream.verifier().verify(stream)
        #expect(
            decoded == [
                .message(.unknown(identifier: raw, byteCount: 5)), .message(.unknown(identifier: raw, byteCount: 0)),
                .message(.have(9)),
            ])
    }

    @Test func aLongUnknownMessageIsNotKept() throws {
        let byteCount = 1 << 20 - 1
        let stream = frame(1 << 20, [99]) + [UInt8](repeating: 1, count: byteCount) + PeerMessage.choke.wireBytes
        #expect(
            decodeOnce(stream) == [
                .message(.unknown(identifier: 99, byteCount: byteCount)), .message(.choke), .ended(.betweenMessages),
            ])
    }

    // MARK: The end of the stream

    @Test func theEndIsNamedAtEveryByte() {
        let stream = PeerMessage.have(1).wireBytes + Self.span.wireBytes(payload: Array(Self.payload))
        for count in 0...stream.count {
            let expected: StreamEnd =
                switch count {
                case 0, 9, stream.count: .betweenMessages
                case 1...3: .insideLength(receivedByteCount: count)
                case 4: .insideHeader
                case 5...8: .insidePayload(missingByteCount: 9 - count)
                case 10...12: .insideLength(receivedByteCount: count - 9)
                case 13...21: .insideHeader
                default: .insidePayload(missingByteCount: stream.count - count)
                }
            #expect(decodeOnce(Array(stream.prefix(count))).last == .ended(expected), "after \(count) bytes")
        }
    }

    @Test func theEndInsideAnUnknownMessageIsNamed() {
        #expect(decodeOnce(frame(11, [99, 1, 2, 3])) == [.ended(.insidePayload(missingByteCount: 7))])
    }

    @Test func aBrokenStreamStaysBroken() throws {
        var decoder = PeerStreamDecoder()
        var offset = 0
        let wrong: [UInt8] = [20]
        #expect(throws: PeerWireError.notBitTorrent) { _ = try decoder.next(in: wrong.span.bytes, at: &offset) }
        let right = DecodedStream.handshake.wireBytes
        offset = 0
        #expect(throws: PeerWireError.notBitTorrent) { _ = try decoder.next(in: right.span.bytes, at: &offset) }
    }
}
