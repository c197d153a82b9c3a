import PoolProtocol
import Testing

struct RegionGeometryTests {
    @Test func slotsFillTheIntakeRegion() {
        let geometry = IntakeGeometry(byteCount: 100_000)
        #expect(geometry.slotCount == 6)
        #expect(geometry.byteCount == 98304)
        #expect(geometry.offset(ofSlot: 5) + IntakeGeometry.slotByteCount == geometry.byteCount)
        #expect(IntakeGeometry(byteCount: 16383).slotCount == 0)
    }

    @Test func framesAndHeadersShareTheRegionWithoutOverlap() {
        for byteCount in [0, 64, 4096, 65536, 69632, 69760, 200_000, 1 << 20, 24 << 20, (96 << 20) + 4096] {
            let geometry = AssemblyGeometry(byteCount: byteCount)
            guard geometry.frameCount > 0 else { continue }
            let last = UInt32(geometry.frameCount - 1)
            #expect(geometry.headerOffset(ofFrame: 0) >= 64, "the magic has its own line")
            let headersEnd = geometry.headerOffset(ofFrame: last) + AssemblyGeometry.headerByteCount
            #expect(headersEnd <= geometry.offset(ofFrame: 0))
            #expect(geometry.offset(ofFrame: 0) % 4096 == 0)
            #expect(geometry.offset(ofFrame: last) + AssemblyGeometry.frameByteCount <= byteCount)
            #expect(
                geometry.offset(ofFrame: last) + 2 * AssemblyGeometry.frameByteCount + 4096 + 64 > byteCount,
                "one more frame would not fit")
        }
        #expect(AssemblyGeometry(byteCount: 65536).frameCount == 0)
        #expect(AssemblyGeometry(byteCount: 69632).frameCount == 1)
    }

    @Test func framesOfAPieceAreRoundedUp() {
        #expect(AssemblyGeometry.framesNeeded(pieceByteCount: 1) == 1)
        #expect(AssemblyGeometry.framesNeeded(pieceByteCount: 65536) == 1)
        #expect(AssemblyGeometry.framesNeeded(pieceByteCount: 65537) == 2)
        #expect(AssemblyGeometry.framesNeeded(pieceByteCount: 512 << 20) == 8192)
        #expect(AssemblyGeometry.framesNeeded(pieceByteCount: .max) == 65536)
    }

    @Test func headerFieldsDoNotOverlap() {
        #expect(FrameHeader.assignmentOffset + 8 <= FrameHeader.indexOffset)
        #expect(FrameHeader.indexOffset + 4 <= FrameHeader.presenceOffset)
        #expect(FrameHeader.presenceOffset + 4 <= FrameHeader.contributorOffset(0))
        let last = FrameHeader.contributorOffset(AssemblyGeometry.blocksPerFrame - 1)
        #expect(last + 6 <= AssemblyGeometry.headerByteCount)
    }
}
