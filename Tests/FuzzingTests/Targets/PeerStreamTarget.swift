import BitTorrent

/// The decoder of a peer's bytes: the first byte of an input says where a second decoder's reads are cut.
enum PeerStreamTarget: FuzzTarget {
    static let name = "peer-stream"
    static let pieceCount = 20

    static let handshake: [UInt8] = {
        var bytes: [UInt8] = []
        Handshake(
            infoHash: InfoHash(Digest(Array(100..<120))), peerID: PeerID(Array("-XX0001-abcdefghijkl".utf8))
        ).encode(into: &bytes)
        return bytes
    }()

    /// Each kind of message.
    static let messages: [PeerMessage] = [
        .keepAlive, .choke, .unchoke, .interested, .notInterested, .have(3), .bitfield([0xFF, 0xFF, 0xF0]),
        .request(BlockSpan(index: 1, begin: 16384, byteCount: 16384)),
        .cancel(BlockSpan(index: 1, begin: 16384, byteCount: 16384)), .port(6881), .suggestPiece(2), .haveAll,
        .haveNone,
        .rejectRequest(BlockSpan(index: 1, begin: 0, byteCount: 16384)), .allowedFast(4),
        .extended(id: 0, payload: Array("d1:md6:ut_pexi1ee4:reqqi250ee".utf8)), .unknown(identifier: 99, byteCount: 5),
    ]

    static var seeds: [[UInt8]] {
        var stream = handshake
        for message in messages { PeerMessageEncoder.append(message, to: &stream) }
        PeerMessageEncoder.appendPieceHeader(BlockSpan(index: 0, begin: 0, byteCount: 100), to: &stream)
        stream += [UInt8](repeating: 7, count: 100)
        let parts = messages.map { message in
            var bytes = [3] + handshake
            PeerMessageEncoder.append(message, to: &bytes)
            return bytes
        }
        return [[1] + stream, [0] + stream, [64] + handshake] + parts
    }

    private enum Item: Equatable {
        case handshake(Handshake)
        case message(PeerMessage)
        case block(BlockSpan, [UInt8])
        case broken(PeerWireError)
        case end(StreamEnd)
    }

    static func run(_ input: [UInt8]) throws {
        guard let first = input.first else { return }
        let stream = Array(input.dropFirst())
        let whole = try decode([stream])
        let step = Int(first % 64) + 1
        let cut = stride(from: 0, to: stream.count, by: step).map {
            Array(stream[$0..<min($0 + step, stream.count)])
        }
        try promise(try decode(cut) == whole, "reads of \(step) bytes decode to something else")
        for case .message(let message) in whole { try checkRoundTrip(message) }
    }

    private static func checkRoundTrip(_ message: PeerMessage) throws {
        var bytes = handshake
        PeerMessageEncoder.append(message, to: &bytes)
        let again = try decode([bytes])
        try promise(again.count == 3 && again[1] == .message(message), "\(message) is written otherwise")
    }

    private static func decode(_ reads: [[UInt8]]) throws -> [Item] {
        var decoder = PeerStreamDecoder()
        var items: [Item] = []
        var block: (span: BlockSpan, bytes: [UInt8])?
        for read in reads {
            var offset = 0
            var eventCount = 0
            do throws(PeerWireError) {
                while let event = try decoder.next(in: read.span.bytes, at: &offset) {
                    eventCount += 1
                    switch event {
                    case .handshake(let handshake):
                        items.append(.handshake(handshake))
                        decoder.torrentIdentified(pieceCount: pieceCount)
                    case .message(let message): items.append(.message(message))
                    case .blockBegins(let span): block = (span, [])
                    case .blockBytes(let range, let offset):
                        guard block?.bytes.count == offset else { return [] }
                        block?.bytes += read[range]
                    case .blockEnds:
                        if let whole = block { items.append(.block(whole.span, whole.bytes)) }
                        block = nil
                    }
                }
            } catch { return items + [.broken(error)] }
            try promise(offset == read.count, "bytes are left over")
            // A head, bytes and an end from nine bytes at least; everything else from four.
            try promise(eventCount <= read.count + 2, "\(eventCount) events of \(read.count) bytes")
            if let block {
                try promise(block.bytes.count == Int(block.span.byteCount) - decoder.missing, "the block's progress")
            }
        }
        return items + [.end(decoder.streamEnd)]
    }
}

extension PeerStreamDecoder {
    /// Of the block under way.
    fileprivate var missing: Int {
        if case .insidePayload(let missing) = streamEnd { missing } else { 0 }
    }
}
