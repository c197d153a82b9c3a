/// Some bytes of a piece as `request`, `cancel`, `reject` and `piece` name them on the wire: three numbers that nobody
/// has checked yet (`TorrentGeometry.block(index:begin:length:)` does).
package struct BlockSpan: Hashable, Sendable {
    package let index: UInt32
    /// Offset of the first byte within the piece.
    package let begin: UInt32
    /// Bytes; for `piece` it comes from the length prefix.
    package let byteCount: UInt32

    package init(index: UInt32, begin: UInt32, byteCount: UInt32) {
        self.index = index
        self.begin = begin
        self.byteCount = byteCount
    }

    package init(_ block: BlockAddress, in geometry: TorrentGeometry) {
        self.init(index: block.piece.rawValue, begin: block.begin, byteCount: geometry.length(of: block))
    }
}

/// One message of the peer wire, except `piece`: its payload never rides in a value (see `PeerStreamDecoder.Event`).
package enum PeerMessage: Hashable, Sendable {
    case keepAlive
    case choke
    case unchoke
    case interested
    case notInterested
    /// A piece's number, unchecked.
    case have(UInt32)
    case bitfield([UInt8])
    case request(BlockSpan)
    case cancel(BlockSpan)
    /// UDP port of the peer's DHT node (BEP 5).
    case port(UInt16)
    /// BEP 6.
    case suggestPiece(UInt32)
    /// BEP 6.
    case haveAll
    /// BEP 6.
    case haveNone
    /// BEP 6.
    case rejectRequest(BlockSpan)
    /// BEP 6.
    case allowedFast(UInt32)
    /// BEP 10; the payload is what follows the extended id.
    case extended(id: UInt8, payload: [UInt8])
    /// Skipped by its length; the count is the payload's.
    case unknown(identifier: UInt8, byteCount: Int)

    /// The byte behind the length prefix.
    package enum Identifier: UInt8, CaseIterable, Hashable, Sendable {
        case choke = 0
        case unchoke = 1
        case interested = 2
        case notInterested = 3
        case have = 4
        case bitfield = 5
        case request = 6
        case piece = 7
        case cancel = 8
        case port = 9
        case suggestPiece = 13
        case haveAll = 14
        case haveNone = 15
        case rejectRequest = 16
        case allowedFast = 17
        case extended = 20

        /// Bytes after the identifier, where the kind alone says how many.
        var fixedByteCount: Int? {
            switch self {
            case .choke, .unchoke, .interested, .notInterested, .haveAll, .haveNone: 0
            case .port: 2
            case .have, .suggestPiece, .allowedFast: 4
            case .request, .cancel, .rejectRequest: 12
            case .bitfield, .piece, .extended: nil
            }
        }
    }
}
