import BitTorrent
import TestSupport

extension Measurement {
    /// What a peer-worker does for every byte, and for every message.
    static let wire: [Measurement] = [
        Measurement(name: "peer-blocks", unit: "MiB of blocks in reads of 64 KiB", repetitions: 50) {
            let stream = blocks(count: 64)
            var decoder = greeted()
            return { _ in decode(stream, inReadsOf: 64 << 10, with: &decoder) }
        },
        Measurement(name: "peer-haves", unit: "1,000 have messages", repetitions: 50) {
            var stream: [UInt8] = []
            for number in 0..<1000 { PeerMessageEncoder.append(.have(UInt32(number * 7)), to: &stream) }
            var decoder = greeted()
            return { _ in decode(stream, inReadsOf: 1460, with: &decoder) }
        },
        Measurement(name: "requests", unit: "64 requests written", repetitions: 200) {
            var bytes: [UInt8] = []
            return { number in
                bytes.removeAll(keepingCapacity: true)
                for block in 0..<64 as Range<UInt32> {
                    let span = BlockSpan(index: UInt32(number), begin: block << 14, byteCount: 1 << 14)
                    PeerMessageEncoder.append(.request(span), to: &bytes)
                }
            }
        },
    ]

    private static func greeted() -> PeerStreamDecoder {
        var greeting: [UInt8] = []
        Handshake(
            infoHash: InfoHash(Digest([UInt8](repeating: 7, count: 20))), peerID: PeerID((0..<20).map { UInt8($0) })
        )
        .encode(into: &greeting)
        var decoder = PeerStreamDecoder()
        decode(greeting, inReadsOf: greeting.count, with: &decoder)
        decoder.torrentIdentified(pieceCount: 10_000)
        return decoder
    }

    private static func blocks(count: UInt32) -> [UInt8] {
        var stream: [UInt8] = []
        let payload = [UInt8](repeating: 42, count: 1 << 14)
        for number in 0..<count {
            PeerMessageEncoder.appendPieceHeader(
                BlockSpan(index: 3, begin: number << 14, byteCount: 1 << 14), to: &stream)
            stream += payload
        }
        return stream
    }

    private static func decode(_ stream: [UInt8], inReadsOf size: Int, with decoder: inout PeerStreamDecoder) {
        var start = 0
        while start < stream.count {
            let read = stream.span.bytes.extracting(start..<min(start + size, stream.count))
            var offset = 0
            do throws(PeerWireError) {
                while try decoder.next(in: read, at: &offset) != nil {}
            } catch { fatalError("\(error)") }
            start += read.byteCount
        }
    }
}
