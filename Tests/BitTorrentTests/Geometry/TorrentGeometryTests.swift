import BitTorrent
import Testing

/// All lengths around a block, with piece lengths that are and are not multiples of one.
struct TorrentGeometryTests {
    static let lengths: [UInt64] = [1, 16383, 16384, 16385, 32767, 32768, 32769, 100_000, 262_144, 262_145]
    static let pieceLengths: [UInt32] = [1, 1000, 16383, 16384, 16385, 20_000, 32768, 40_000, 262_144, 536_870_912]

    @Test(arguments: lengths, pieceLengths)
    func piecesAndBlocksCoverTheTorrentExactly(total: UInt64, pieceByteCount: UInt32) {
        let geometry = TorrentGeometry(totalByteCount: total, pieceByteCount: pieceByteCount)
        #expect(UInt64(geometry.pieceCount) == (total + UInt64(pieceByteCount) - 1) / UInt64(pieceByteCount))
        #expect(UInt64(geometry.longestPieceByteCount) == min(total, UInt64(pieceByteCount)))
        var position: UInt64 = 0
        // The first pieces, and the last: those between are like the first.
        let indices =
            geometry.pieceCount <= 64 ? Array(0..<geometry.pieceCount) : Array(0..<32) + [geometry.pieceCount - 1]
        for index in indices {
            let piece = PieceIndex(index)
            let length = geometry.length(of: piece)
            if geometry.pieceCount <= 64 { #expect(geometry.offset(of: piece) == position) }
            position += UInt64(length)
            #expect(length > 0 && length <= pieceByteCount)
            #expect(geometry.offset(of: piece) + UInt64(length) <= total)
            let blockCount = geometry.blockCount(of: piece)
            var covered: UInt32 = 0
            for block in 0..<blockCount {
                let address = BlockAddress(piece: piece, block: block)
                let blockLength = geometry.length(of: address)
                #expect(address.begin == covered)
                #expect(block == blockCount - 1 ? (1...16384).contains(blockLength) : blockLength == 16384)
                #expect(geometry.block(index: UInt32(index), begin: covered, length: blockLength) == address)
                covered += blockLength
            }
            #expect(covered == length)
        }
        if geometry.pieceCount <= 64 { #expect(position == total) }
    }

    @Test func wireNumbersOutOfRangeNameNothing() {
        let geometry = TorrentGeometry(totalByteCount: 100_000, pieceByteCount: 40_000)
        #expect(geometry.piece(2) == PieceIndex(2))
        #expect(geometry.piece(3) == nil)
        #expect(geometry.piece(.max) == nil)
        #expect(geometry.block(index: 0, begin: 32768, length: 7232) == BlockAddress(piece: PieceIndex(0), block: 2))
        #expect(geometry.block(index: 2, begin: 16384, length: 3616) == BlockAddress(piece: PieceIndex(2), block: 1))
        for (index, begin, length) in [
            (3, 0, 16384), (0, 1, 16384), (0, 16384, 16383), (0, 32768, 16384), (0, 49152, 16384), (2, 16384, 16384),
            (2, 32768, 1), (0, .max, 16384), (0, 0, 0), (0, 0, .max),
        ] as [(UInt32, UInt32, UInt32)] {
            #expect(geometry.block(index: index, begin: begin, length: length) == nil, "\(index) \(begin) \(length)")
        }
    }

    @Test func largestTorrentDoesNotOverflow() {
        let geometry = TorrentGeometry(totalByteCount: 1 << 48, pieceByteCount: 536_870_912)
        #expect(geometry.pieceCount == 524_288)
        let last = PieceIndex(524_287)
        #expect(geometry.length(of: last) == 536_870_912)
        #expect(geometry.offset(of: last) + UInt64(geometry.length(of: last)) == 1 << 48)
        #expect(geometry.blockCount(of: last) == 32768)
    }
}
