import BitTorrent
import TestSupport
import Testing

@Suite struct PeerMessageTests {
    private static let span = BlockSpan(index: 1, begin: 0x4000, byteCount: 0x2000)
    private static let spanBytes: [UInt8] = [0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 0x20, 0]

    /// Every message with the bytes that the BEPs give it.
    static let golden: [(message: PeerMessage, bytes: [UInt8])] = [
        (.choke, [0, 0, 0, 1, 0]),
        (.unchoke, [0, 0, 0, 1, 1]),
        (.interested, [0, 0, 0, 1, 2]),
        (.notInterested, [0, 0, 0, 1, 3]),
        (.have(0x0102_0304), [0, 0, 0, 5, 4, 1, 2, 3, 4]),
        (.bitfield([0xFF, 0x01, 0xF0]), [0, 0, 0, 4, 5, 0xFF, 0x01, 0xF0]),
        (.request(span), [0, 0, 0, 13, 6] + spanBytes),
        (.cancel(span), [0, 0, 0, 13, 8] + spanBytes),
        (.port(6881), [0, 0, 0, 3, 9, 0x1A, 0xE1]),
        (.suggestPiece(7), [0, 0, 0, 5, 13, 0, 0, 0, 7]),
        (.haveAll, [0, 0, 0, 1, 14]),
        (.haveNone, [0, 0, 0, 1, 15]),
        (.rejectRequest(span), [0, 0, 0, 13, 16] + spanBytes),
        (.allowedFast(7), [0, 0, 0, 5, 17, 0, 0, 0, 7]),
        (.extended(id: 3, payload: [9, 8]), [0, 0, 0, 4, 20, 3, 9, 8]),
        (.extended(id: 0, payload: []), [0, 0, 0, 2, 20, 0]),
        (.unknown(identifier: 21, byteCount: 2), [0, 0, 0, 3, 21, 0, 0]),
    ]

    @Test func everyMessageHasItsGoldenFrame() {
        for (message, bytes) in Self.golden { #expect(message.wireBytes == bytes) }
    }

    @Test func everyGoldenFrameIsReadHoweverItIsCut() throws {
        for (message, bytes) in Self.golden {
            #expect(try DecodedStream.verifier().verify(bytes) == [.message(message)])
        }
    }

    @Test func allMessagesInOneStreamAreReadHoweverItIsCut() throws {
        let stream = Self.golden.flatMap(\.bytes)
        let decoded = try DecodedStream.verifier().verify(stream)
        #expect(decoded == Self.golden.map { .message($0.message) })
    }

    @Test func keepAliveIsFourZerosAndYieldsNothing() throws {
        #expect(PeerMessage.keepAlive.wireBytes == [0, 0, 0, 0])
        #expect(try DecodedStream.verifier().verify([0, 0, 0, 0]).isEmpty)
    }

    @Test func pieceHeaderCountsItsPayload() {
        let span = BlockSpan(index: 2, begin: 16384, byteCount: 3)
        #expect(span.wireBytes(payload: [7, 8, 9]) == [0, 0, 0, 12, 7, 0, 0, 0, 2, 0, 0, 0x40, 0, 7, 8, 9])
    }

    @Test func encoderAppends() {
        var bytes: [UInt8] = [42]
        PeerMessageEncoder.append(.choke, to: &bytes)
        #expect(bytes == [42, 0, 0, 0, 1, 0])
    }
}
