import BitTorrent
import TestSupport
import Testing

@Suite struct PeerStreamFuzzTests {
    /// A new one each run; a failure names it.
    private static let seed = UInt64.random(in: 0...UInt64.max)

    @Test func anyMessagesCutAnywhereDecodeToTheSame() throws {
        var random = SeededGenerator(seed: Self.seed)
        for round in 0..<120 {
            var stream: [UInt8] = []
            var expected: [Decoded] = []
            for _ in 0..<Int.random(in: 1...30, using: &random) { Self.addRandom(&stream, &expected, &random) }
            var reads: [ArraySlice<UInt8>] = []
            var rest = stream[...]
            let longest = [1, 7, 100, 5000].randomElement(using: &random)!
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 0...longest, using: &random))
                reads.append(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            do {
                try DecodedStream.verifier().verify(reads, yields: expected)
            } catch {
                Issue.record("seed \(Self.seed), round \(round): \(error)")
                return
            }
        }
    }

    @Test func noBytesCrashTheDecoderAndCutsNeverMatter() throws {
        var random = SeededGenerator(seed: Self.seed)
        for round in 0..<2000 {
            var stream: [UInt8] = []
            var ignored: [Decoded] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) { Self.addRandom(&stream, &ignored, &random) }
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                // Small numbers make lengths that are believed.
                stream.append(Bool.random(using: &random) ? 0 : UInt8.random(in: 0...255, using: &random) & 31)
            }
            if !stream.isEmpty {
                stream[Int.random(in: stream.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let whole = DecodedStream.decode([stream[...]], afterHandshake: true)
            let bytes = DecodedStream.decode(stream.indices.map { stream[$0...$0] }, afterHandshake: true)
            #expect(whole == bytes, "seed \(Self.seed), round \(round)")
        }
    }

    private static func addRandom(_ stream: inout [UInt8], _ expected: inout [Decoded], _ random: inout SeededGenerator)
    {
        let span = BlockSpan(
            index: .random(in: 0...UInt32.max, using: &random), begin: .random(in: 0...UInt32.max, using: &random),
            byteCount: .random(in: 1...16384, using: &random))
        let message: PeerMessage
        switch Int.random(in: 0..<20, using: &random) {
        case 0: message = .choke
        case 1: message = .unchoke
        case 2: message = .interested
        case 3: message = .notInterested
        case 4: message = .have(span.index)
        case 5: message = .bitfield((0..<3).map { _ in .random(in: 0...255, using: &random) })
        case 6: message = .request(span)
        case 7: message = .cancel(span)
        case 8: message = .port(.random(in: 0...UInt16.max, using: &random))
        case 9: message = .suggestPiece(span.begin)
        case 10: message = .haveAll
        case 11: message = .haveNone
        case 12: message = .rejectRequest(span)
        case 13: message = .allowedFast(span.begin)
        case 14:
            let count = Int.random(in: 0...300, using: &random)
            message = .extended(id: 1, payload: (0..<count).map { _ in .random(in: 0...255, using: &random) })
        case 15:
            message = .unknown(
                identifier: .random(in: 22...255, using: &random), byteCount: .random(in: 0...300, using: &random))
        case 16:
            stream += PeerMessage.keepAlive.wireBytes
            return
        default:
            let payload = (0..<span.byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ span.index) }
            stream += span.wireBytes(payload: payload)
            expected.append(.block(span, payload: payload))
            return
        }
        stream += message.wireBytes
        expected.append(.message(message))
    }
}
