import BitTorrent
import TestSupport

/// What a stream decodes to, with the blocks put together again from wherever the cuts left their bytes.
enum Decoded: Equatable, Sendable {
    case handshake(Handshake)
    case message(PeerMessage)
    case block(BlockSpan, payload: [UInt8])
    case broken(PeerWireError)
    /// Always last unless broken: where the stream stood when no more came.
    case ended(StreamEnd)
}

/// Feeds reads to a decoder and gathers what comes out.
struct DecodedStream {
    static let handshake = Handshake(
        infoHash: InfoHash(Digest(Array(100..<120))), peerID: PeerID(Array("-XX0001-abcdefghijkl".utf8)))

    /// - Parameter pieceCount: told to the decoder as soon as the handshake is through.
    static func decode(_ reads: [ArraySlice<UInt8>], pieceCount: Int? = 20, afterHandshake: Bool = false) -> [Decoded] {
        var decoder = PeerStreamDecoder()
        var decoded: [Decoded] = []
        var block: (span: BlockSpan, payload: [UInt8])?
        if afterHandshake {
            var ignored: [Decoded] = []
            feed(handshake.wireBytes[...], to: &decoder, block: &block, into: &ignored)
        }
        if let pieceCount { decoder.torrentIdentified(pieceCount: pieceCount) }
        for read in reads {
            guard feed(read, to: &decoder, block: &block, into: &decoded) else { return decoded }
        }
        return decoded + [.ended(decoder.streamEnd)]
    }

    /// A verifier of streams that begin behind the handshake and say nothing of where they end.
    static func verifier(pieceCount: Int? = 20) -> StreamDecoderVerifier<Decoded> {
        StreamDecoderVerifier { reads in
            decode(reads, pieceCount: pieceCount, afterHandshake: true).filter { $0 != .ended(.betweenMessages) }
        }
    }

    @discardableResult private static func feed(
        _ read: ArraySlice<UInt8>, to decoder: inout PeerStreamDecoder,
        block: inout (span: BlockSpan, payload: [UInt8])?,
        into decoded: inout [Decoded]
    ) -> Bool {
        let bytes = Array(read)
        var offset = 0
        do throws(PeerWireError) {
            while let event = try decoder.next(in: bytes.span.bytes, at: &offset) {
                switch event {
                case .handshake(let handshake): decoded.append(.handshake(handshake))
                case .message(let message): decoded.append(.message(message))
                case .blockBegins(let span): block = (span, [])
                case .blockBytes(let range, let offset):
                    precondition(block?.payload.count == offset, "the parts of a block follow one another")
                    block?.payload += bytes[range]
                case .blockEnds:
                    if let whole = block { decoded.append(.block(whole.span, payload: whole.payload)) }
                    block = nil
                }
            }
        } catch {
            decoded.append(.broken(error))
            return false
        }
        precondition(offset == bytes.count, "a decoder that asks for more has consumed everything")
        return true
    }
}

extension Handshake {
    var wireBytes: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }
}

extension PeerMessage {
    var wireBytes: [UInt8] {
        var bytes: [UInt8] = []
        PeerMessageEncoder.append(self, to: &bytes)
        return bytes
    }
}

extension BlockSpan {
    /// The whole `piece` message.
    func wireBytes(payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        PeerMessageEncoder.appendPieceHeader(self, to: &bytes)
        return bytes + payload
    }
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
