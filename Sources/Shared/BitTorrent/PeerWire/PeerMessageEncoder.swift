/// Writes messages in their wire form (BEP 3, 6, 10) behind what a buffer already holds; allocates only what that needs.
package enum PeerMessageEncoder {
    package static func append(_ message: PeerMessage, to bytes: inout [UInt8]) {
        switch message {
        case .keepAlive: append(0 as UInt32, to: &bytes)
        case .choke: appendHead(.choke, 0, to: &bytes)
        case .unchoke: appendHead(.unchoke, 0, to: &bytes)
        case .interested: appendHead(.interested, 0, to: &bytes)
        case .notInterested: appendHead(.notInterested, 0, to: &bytes)
        case .have(let index): append(.have, index, to: &bytes)
        case .bitfield(let bits):
            appendHead(.bitfield, bits.count, to: &bytes)
            bytes += bits
        case .request(let span): append(.request, span, to: &bytes)
        case .cancel(let span): append(.cancel, span, to: &bytes)
        case .port(let port):
            appendHead(.port, 2, to: &bytes)
            bytes.append(UInt8(port >> 8))
            bytes.append(UInt8(truncatingIfNeeded: port))
        case .suggestPiece(let index): append(.suggestPiece, index, to: &bytes)
        case .haveAll: appendHead(.haveAll, 0, to: &bytes)
        case .haveNone: appendHead(.haveNone, 0, to: &bytes)
        case .rejectRequest(let span): append(.rejectRequest, span, to: &bytes)
        case .allowedFast(let index): append(.allowedFast, index, to: &bytes)
        case .extended(let id, let payload):
            appendHead(.extended, 1 + payload.count, to: &bytes)
            bytes.append(id)
            bytes += payload
        case .unknown(let identifier, let byteCount):
            append(UInt32(1 + byteCount), to: &bytes)
            bytes.append(identifier)
            bytes.append(contentsOf: repeatElement(0, count: byteCount))
        }
    }

    /// The 13 bytes in front of a block; `span.byteCount` bytes of payload must follow.
    package static func appendPieceHeader(_ span: BlockSpan, to bytes: inout [UInt8]) {
        appendHead(.piece, 8 + Int(span.byteCount), to: &bytes)
        append(span.index, to: &bytes)
        append(span.begin, to: &bytes)
    }

    private static func appendHead(_ identifier: PeerMessage.Identifier, _ byteCount: Int, to bytes: inout [UInt8]) {
        append(UInt32(1 + byteCount), to: &bytes)
        bytes.append(identifier.rawValue)
    }

    private static func append(_ identifier: PeerMessage.Identifier, _ index: UInt32, to bytes: inout [UInt8]) {
        appendHead(identifier, 4, to: &bytes)
        append(index, to: &bytes)
    }

    private static func append(_ identifier: PeerMessage.Identifier, _ span: BlockSpan, to bytes: inout [UInt8]) {
        appendHead(identifier, 12, to: &bytes)
        append(span.index, to: &bytes)
        append(span.begin, to: &bytes)
        append(span.byteCount, to: &bytes)
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: number >> 24))
        bytes.append(UInt8(truncatingIfNeeded: number >> 16))
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }
}
