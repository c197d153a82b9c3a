/// Which 16 KiB block of which piece. Its byte length comes from `TorrentGeometry.length(of:)`.
package struct BlockAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let piece: PieceIndex
    /// Number of the block within its piece, from 0.
    package let block: UInt32

    @inlinable package init(piece: PieceIndex, block: UInt32) {
        self.piece = piece
        self.block = block
    }
    @inlinable package init(piece: PieceIndex, block: Int) { self.init(piece: piece, block: UInt32(block)) }

    /// Offset of the block's first byte within its piece: `begin` of BEP 3.
    @inlinable package var begin: UInt32 { block * TorrentGeometry.blockByteCount }

    @inlinable package static func < (left: Self, right: Self) -> Bool {
        (left.piece, left.block) < (right.piece, right.block)
    }
    package var description: String { "\(piece)/\(block)" }
}
