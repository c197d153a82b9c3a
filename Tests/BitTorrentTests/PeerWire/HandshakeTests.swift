import BitTorrent
import TestSupport
import Testing

@Suite struct HandshakeTests {
    private let handshake = DecodedStream.handshake

    @Test func handshakeHasTheBytesOfBEP3() {
        let bytes = handshake.wireBytes
        #expect(bytes.count == 68)
        #expect(bytes.prefix(20) == [19] + Array("BitTorrent protocol".utf8)[...])
        #expect(bytes[20..<28] == [0, 0, 0, 0, 0, 0x10, 0, 0x04])
        #expect(Array(bytes[28..<48]) == Array(100..<120))
        #expect(Array(bytes[48...]) == Array("-XX0001-abcdefghijkl".utf8))
    }

    @Test func handshakeIsReadHoweverItIsCut() throws {
        let verifier = StreamDecoderVerifier { DecodedStream.decode($0) }
        #expect(try verifier.verifyCuts(handshake.wireBytes) == [.handshake(handshake), .ended(.betweenMessages)])
    }

    @Test func whatFollowsTheHandshakeInTheSameReadIsNotLost() throws {
        let verifier = StreamDecoderVerifier { DecodedStream.decode($0) }
        let stream = handshake.wireBytes + PeerMessage.unchoke.wireBytes
        #expect(
            try verifier.verifyCuts(stream) == [.handshake(handshake), .message(.unchoke), .ended(.betweenMessages)])
    }

    @Test(arguments: 0..<68) func endInsideTheHandshakeIsNamedAtEveryByte(_ count: Int) {
        let part = handshake.wireBytes.prefix(count)
        let end = Decoded.ended(.insideHandshake(receivedByteCount: count))
        #expect(DecodedStream.decode([part]) == [end])
        #expect(DecodedStream.decode(part.indices.map { part[$0...$0] }) == [end])
    }

    @Test(arguments: 0..<20) func anotherProtocolIsRefusedAtTheFirstWrongByte(_ offset: Int) {
        var bytes = handshake.wireBytes
        bytes[offset] ^= 0x20
        #expect(DecodedStream.decode([bytes.prefix(offset + 1)]) == [.broken(.notBitTorrent)])
        #expect(
            DecodedStream.decode([bytes.prefix(offset)]) == [.ended(.insideHandshake(receivedByteCount: offset))])
    }

    @Test func aMessageBeforeTheHandshakeIsRefused() {
        #expect(DecodedStream.decode([PeerMessage.interested.wireBytes[...]]) == [.broken(.notBitTorrent)])
    }

    @Test func aSecondHandshakeIsRefusedByName() {
        let twice = handshake.wireBytes + handshake.wireBytes
        #expect(DecodedStream.decode([twice[...]]) == [.handshake(handshake), .broken(.handshakeTwice)])
    }

    @Test func unknownReservedBitsAreKeptAndHarmless() throws {
        let all = Handshake(extensions: .init(rawValue: .max), infoHash: handshake.infoHash, peerID: handshake.peerID)
        #expect(DecodedStream.decode([all.wireBytes[...]]).first == .handshake(all))
        #expect(all.extensions.contains([.fast, .extensionProtocol]))
    }
}
