/// Reads the whole body of one message other than `piece`; cutting the stream into messages is `PeerStreamDecoder`'s.
enum PeerMessageDecoder {
    /// - Parameter body: what follows the identifier, of a length that `PeerStreamDecoder` has checked.
    static func decode(_ identifier: PeerMessage.Identifier, body: RawSpan) -> PeerMessage {
        switch identifier {
        case .choke: .choke
        case .unchoke: .unchoke
        case .interested: .interested
        case .notInterested: .notInterested
        case .have: .have(number(in: body, at: 0))
        case .bitfield: .bitfield(bytes(of: body, from: 0))
        case .request: .request(span(in: body))
        case .cancel: .cancel(span(in: body))
        case .port: .port(UInt16(bigEndian: body.unsafeLoadUnaligned(as: UInt16.self)))
        case .suggestPiece: .suggestPiece(number(in: body, at: 0))
        case .haveAll: .haveAll
        case .haveNone: .haveNone
        case .rejectRequest: .rejectRequest(span(in: body))
        case .allowedFast: .allowedFast(number(in: body, at: 0))
        case .extended: .extended(id: body.unsafeLoad(as: UInt8.self), payload: bytes(of: body, from: 1))
        case .piece: preconditionFailure("a block is handed on where it lies, never gathered")
        }
    }

    private static func number(in body: RawSpan, at offset: Int) -> UInt32 {
        UInt32(bigEndian: body.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    private static func span(in body: RawSpan) -> BlockSpan {
        BlockSpan(index: number(in: body, at: 0), begin: number(in: body, at: 4), byteCount: number(in: body, at: 8))
    }

    private static func bytes(of body: RawSpan, from start: Int) -> [UInt8] {
        body.extracting(droppingFirst: start).withUnsafeBytes { Array($0) }
    }
}
