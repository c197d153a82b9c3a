import BitTorrent
import PoolProtocol

/// A piece that failed and whose blocks are hashed one by one, from which the supervisor finds the liar. Goes in slices,
/// so that a long piece does not stop the loop.
struct BlockDigestRun {
    /// Blocks of one slice, a MiB as in a step of the lanes.
    static let sliceBlockCount: UInt32 = 64

    let assignment: AssignmentID
    private(set) var nextBlock: UInt32 = 0

    init(_ assignment: AssignmentID) { self.assignment = assignment }

    /// The digests of the next slice.
    mutating func nextSlice(of piece: PieceAssembly, in region: AssemblyRegion) -> [BlockDigest] {
        let end = min(UInt32(piece.blockCount), nextBlock + Self.sliceBlockCount)
        var digests: [BlockDigest] = []
        while nextBlock < end {
            // Only the last block may be shorter, and lanes go equally far.
            let isShort = piece.byteCount(ofBlock: nextBlock) < TorrentGeometry.blockByteCount
            var group = nextBlock..<min(end, nextBlock + UInt32(SHA1Lanes.width))
            if !isShort && piece.byteCount(ofBlock: group.upperBound - 1) < TorrentGeometry.blockByteCount {
                group = group.dropLast()
            }
            append(group, of: piece, in: region, to: &digests)
            nextBlock = group.upperBound
        }
        return digests
    }

    func isFinished(_ piece: PieceAssembly) -> Bool { nextBlock >= piece.blockCount }

    /// Hashes blocks of the same length side by side.
    private func append(
        _ blocks: Range<UInt32>, of piece: PieceAssembly, in region: AssemblyRegion, to digests: inout [BlockDigest]
    ) {
        let byteCount = Int(piece.byteCount(ofBlock: blocks.lowerBound))
        let wholeByteCount = byteCount / SHA1State.blockByteCount * SHA1State.blockByteCount
        var lanes = SHA1Lanes()
        for block in blocks {
            lanes.append(
                SHA1State(), at: region.bytes(of: block, in: piece, from: 0, byteCount: byteCount).baseAddress!)
        }
        lanes.advance(blockCount: wholeByteCount / SHA1State.blockByteCount)
        for (lane, block) in blocks.enumerated() {
            let tail = region.bytes(of: block, in: piece, from: wholeByteCount, byteCount: byteCount - wholeByteCount)
            let (frame, place) = piece.place(ofBlock: block)
            digests.append(
                BlockDigest(
                    block: block, contributor: region.contributor(ofBlock: place, inFrame: frame),
                    digest: lanes[lane].digest(tail: tail, messageByteCount: UInt64(byteCount))))
        }
    }
}

extension AssemblyRegion {
    /// Bytes of one block.
    fileprivate func bytes(
        of block: UInt32, in piece: PieceAssembly, from offset: Int, byteCount: Int
    ) -> UnsafeRawBufferPointer {
        let (frame, place) = piece.place(ofBlock: block)
        return bytes(
            ofFrame: frame, from: place * Int(TorrentGeometry.blockByteCount) + offset, byteCount: byteCount)
    }
}
