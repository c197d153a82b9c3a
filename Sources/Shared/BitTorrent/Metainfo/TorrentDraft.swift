/// A .torrent file whose hashes come in one after another, in any order. Our own parser reads it before the first one, so
/// that what no client would accept (too many pieces, too long a path) is refused before anything is hashed.
package struct TorrentDraft: Sendable {
    private var bytes: [UInt8]
    private let hashes: Range<Int>
    private var hashed: PieceSet
    /// The torrent as it will be, but for the hashes and what follows from them (the info-hash).
    package let outline: Metainfo

    package init(_ torrent: NewTorrent) throws(MetainfoError) {
        let total = torrent.content.byteCount
        guard total > 0 else { throw .noData }
        guard total <= UInt64(InfoFields.maximumByteCount) else {
            throw .totalTooLarge(limit: InfoFields.maximumByteCount)
        }
        let count = (total - 1) / UInt64(torrent.pieceByteCount) + 1
        guard count <= UInt64(TorrentGeometry.maximumPieceCount) else {
            throw .tooManyPieces(count: count, limit: TorrentGeometry.maximumPieceCount)
        }
        (bytes, hashes) = torrent.encoded(pieceCount: Int(count))
        outline = try MetainfoParser.parse(bytes)
        hashed = PieceSet(pieceCount: Int(count))
    }

    package mutating func set(_ digest: Digest, of piece: PieceIndex) {
        let start = hashes.lowerBound + piece.value * Digest.byteCount
        bytes.replaceSubrange(start..<start + Digest.byteCount, with: digest.bytes)
        hashed.insert(piece)
    }

    /// The file and what it says.
    /// - Precondition: every hash was set.
    package func finished() throws(MetainfoError) -> (bytes: [UInt8], metainfo: Metainfo) {
        precondition(hashed.isFull, "a torrent without all of its hashes")
        return (bytes, try MetainfoParser.parse(bytes))
    }
}
