/// Owns all arithmetic on lengths: pieces, blocks, and what the last ones of each hold.
/// Never touches names or files; `FileLayout` does.
package struct TorrentGeometry: Hashable, Sendable {
    /// What every client requests at a time; larger requests are dropped by most (BEP 3, "request").
    package static let blockByteCount: UInt32 = 16384
    /// Largest piece that is accepted (512 MiB, as libtorrent's).
    package static let maximumPieceByteCount: UInt32 = 536_870_912
    /// Most pieces that are accepted (2²¹, as libtorrent's).
    package static let maximumPieceCount = 2_097_152

    /// Bytes of the whole torrent, pad files included; > 0.
    package let totalByteCount: UInt64
    /// Bytes of every piece but the last; 1 … `maximumPieceByteCount`, not always a multiple of 16 KiB.
    package let pieceByteCount: UInt32
    package let pieceCount: Int

    /// - Precondition: `totalByteCount` > 0 and `pieceByteCount` > 0; the metainfo parser refuses others by name.
    package init(totalByteCount: UInt64, pieceByteCount: UInt32) {
        precondition(totalByteCount > 0 && pieceByteCount > 0)
        self.totalByteCount = totalByteCount
        self.pieceByteCount = pieceByteCount
        pieceCount = Int((totalByteCount - 1) / UInt64(pieceByteCount)) + 1
    }

    /// The longest piece that really exists: a torrent shorter than `pieceByteCount` has one short piece.
    package var longestPieceByteCount: UInt32 { UInt32(min(UInt64(pieceByteCount), totalByteCount)) }

    /// The only way from a number on the wire to a `PieceIndex`; nil when out of range.
    @inlinable package func piece(_ wireIndex: UInt32) -> PieceIndex? {
        Int(wireIndex) < pieceCount ? PieceIndex(wireIndex) : nil
    }

    /// Bytes of `piece`; the last one may be shorter.
    package func length(of piece: PieceIndex) -> UInt32 {
        if piece.value + 1 < pieceCount { return pieceByteCount }
        return UInt32(totalByteCount - UInt64(pieceCount - 1) * UInt64(pieceByteCount))
    }

    /// Offset of the piece's first byte in the torrent.
    package func offset(of piece: PieceIndex) -> UInt64 { UInt64(piece.rawValue) * UInt64(pieceByteCount) }

    package func blockCount(of piece: PieceIndex) -> Int { Self.blockCount(pieceByteCount: length(of: piece)) }

    /// Blocks of a piece of this length.
    @inlinable package static func blockCount(pieceByteCount: UInt32) -> Int {
        Int((pieceByteCount &+ blockByteCount &- 1) / blockByteCount)
    }

    /// Bytes of a block; only the last block of a piece may be shorter than 16 KiB.
    package func length(of block: BlockAddress) -> UInt32 {
        Self.blockLength(block.block, pieceByteCount: length(of: block.piece))
    }

    /// Bytes of the given block in a piece of the given length.
    @inlinable package static func blockLength(_ block: UInt32, pieceByteCount: UInt32) -> UInt32 {
        min(blockByteCount, pieceByteCount - block * blockByteCount)
    }

    /// The block that a wire triple names exactly; nil when it is out of range, unaligned, or has another length.
    package func block(index: UInt32, begin: UInt32, length: UInt32) -> BlockAddress? {
        guard let piece = piece(index), begin % Self.blockByteCount == 0 else { return nil }
        let pieceLength = self.length(of: piece)
        guard begin < pieceLength else { return nil }
        let address = BlockAddress(piece: piece, block: begin / Self.blockByteCount)
        return Self.blockLength(address.block, pieceByteCount: pieceLength) == length ? address : nil
    }
}
