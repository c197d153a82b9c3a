import BitTorrent
import Testing

struct PieceLengthTests {
    @Test(
        arguments: [
            (1, 16 << 10), (16 << 20, 16 << 10), (32 << 20, 16 << 10), (33 << 20, 32 << 10), (64 << 20, 32 << 10),
            (256 << 20, 128 << 10), (256 << 20 + 1, 256 << 10), (512 << 20, 256 << 10), (700 << 20, 512 << 10),
            (1 << 30, 512 << 10), (2 << 30, 1 << 20), (4_700_000_000, 4 << 20), (32 << 30, 16 << 20),
            (100 << 30, 16 << 20),
            (32 << 40, 16 << 20), (33 << 40, 32 << 20), (256 << 40, 128 << 20),
        ] as [(UInt64, UInt32)])
    func defaultFollowsTheLength(total: UInt64, length: UInt32) { #expect(PieceLength.suitable(for: total) == length) }

    @Test func defaultMakesASensibleNumberOfPieces() {
        for power in 0..<48 {
            for total in [UInt64(1) << UInt64(power), UInt64(3) << UInt64(power), (UInt64(1) << UInt64(power)) + 1] {
                let length = PieceLength.suitable(for: total)
                let count = (total - 1) / UInt64(length) + 1
                #expect(PieceLength.isUsual(Int(length)))
                if total > 32 << 20, total <= 32 << 30 { #expect(count >= 1024 && count <= 2048, "\(total)") }
                #expect(count <= UInt64(TorrentGeometry.maximumPieceCount), "\(total)")
            }
        }
        #expect(PieceLength.suitable(for: 0) == 16 << 10)
        #expect(PieceLength.suitable(for: .max) == 512 << 20)
    }

    @Test func onlyPowersOfTwoAreUsual() {
        for length in [16 << 10, 32 << 10, 1 << 20, 512 << 20] { #expect(PieceLength.isUsual(length)) }
        for length in [0, 1, 8 << 10, 16 << 10 + 1, 48 << 10, 1 << 30, -16384] { #expect(!PieceLength.isUsual(length)) }
    }
}
