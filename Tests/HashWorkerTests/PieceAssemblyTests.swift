import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

@Suite struct PieceAssemblyTests {
    private func piece(byteCount: UInt32) -> PieceAssembly {
        let order = PieceToOpen(
            assignment: 1, torrent: 7, piece: PieceIndex(0), byteCount: byteCount, digest: Digest(1...20),
            wantsBlockDigests: false)
        let frameCount = AssemblyGeometry.framesNeeded(pieceByteCount: byteCount)
        return PieceAssembly(order, frames: (0..<UInt32(frameCount)).map { 100 + $0 })
    }

    @Test func longestPieceFitsItsMessages() {
        let piece = piece(byteCount: TorrentGeometry.maximumPieceByteCount)
        for block in (0..<UInt32(piece.blockCount)).reversed() { piece.blockStored(block) }
        #expect(piece.stage == .complete && piece.readyByteCount == 512 << 20)
        #expect(piece.frameBatches.count == 16)
        for batch in piece.frameBatches {
            var writer = FrameWriter()
            HashWorkerToWriter.writeBlocks(batch, bits: piece.present.bits).encode(into: &writer)
            #expect(writer.byteCount < Topology.batchByteCount / 2)
        }
    }

    @Test func onlyBlocksWithoutAGapAreReady() {
        let piece = piece(byteCount: 6 * 16384 + 100)
        piece.blockStored(1)
        piece.blockStored(6)
        #expect(piece.readyByteCount == 0 && piece.contiguousBlockCount == 0)
        piece.blockStored(0)
        #expect(piece.readyByteCount == 2 * 16384 && piece.contiguousBlockCount == 2)
        for block in 2..<6 { piece.blockStored(UInt32(block)) }
        #expect(piece.stage == .complete)
        #expect(piece.readyByteCount == 6 * 16384 + 64)
        #expect(piece.tail == (frame: 101, offset: 2 * 16384 + 64, byteCount: 36))
    }

    @Test func runEndsWithItsFrame() {
        let piece = piece(byteCount: 131_072)
        for block in 0..<5 { piece.blockStored(UInt32(block)) }
        #expect(piece.nextRun == (frame: 100, offset: 0, byteCount: 65536))
        piece.hashed(to: SHA1State(), byteCount: 64)
        #expect(piece.nextRun == (frame: 100, offset: 64, byteCount: 65472))
        piece.hashed(to: SHA1State(), byteCount: 65472)
        #expect(piece.nextRun == (frame: 101, offset: 0, byteCount: 16384))
    }

    @Test func pieceIsRipeWithAFrameOfData() {
        let piece = piece(byteCount: 131_072)
        for block in 0..<3 { piece.blockStored(UInt32(block)) }
        #expect(piece.trueStanding == .idle)
        piece.blockStored(3)
        #expect(piece.trueStanding == .ripe)
    }

    @Test func placeOfABlockIsItsFrameAndQuarter() {
        let piece = piece(byteCount: 131_072)
        #expect(piece.place(ofBlock: 0) == (frame: 100, place: 0))
        #expect(piece.place(ofBlock: 3) == (frame: 100, place: 3))
        #expect(piece.place(ofBlock: 4) == (frame: 101, place: 0))
    }

    @Test func restoreGoesInPortionsOfNeighbours() {
        var plan = RestorePlan(1, blocks: BlockSet(blockCount: 200, [3..<4, 10..<140]))
        var portions: [Range<UInt32>] = []
        while let portion = plan.nextPortion() { portions.append(portion) }
        #expect(portions == [3..<4, 10..<74, 74..<138, 138..<140])
    }
}
