import BitTorrent
import TestSupport
import Testing

/// The largest torrents that are promised, and the hostile ones that would cost most.
struct MetainfoScaleTests {
    @Test func twoMillionPiecesAreRead() throws {
        let pieceCount = 2_097_152
        // Each of the pieces that are looked at has a hash of its own; the others are all zeros.
        let marked = [0, 1, 1_000_000, pieceCount - 1]
        var marks = [UInt8](repeating: 0, count: pieceCount * 20)
        for index in marked {
            marks.replaceSubrange(
                index * 20..<index * 20 + 20, with: TorrentBuilder.pattern(byteCount: 20, seed: UInt64(index)))
        }
        let hashes = marks
        var builder = TorrentBuilder.single(byteCount: 1)
        builder.changeInfo = {
            $0["length"] = .integer(Int64(pieceCount) * 16384 - 5)
            $0["pieces"] = .string(hashes)
        }
        let metainfo = try builder.metainfo()
        #expect(metainfo.geometry.pieceCount == pieceCount)
        #expect(metainfo.geometry.length(of: PieceIndex(pieceCount - 1)) == 16379)
        for index in marked {
            let expected = TorrentBuilder.pattern(byteCount: 20, seed: UInt64(index))
            #expect(metainfo.hash(of: PieceIndex(index)).digest.bytes == expected)
        }
        #expect(metainfo.hash(of: PieceIndex(2)).digest.bytes == [UInt8](repeating: 0, count: 20))
    }

    @Test func hundredThousandFilesAreRead() throws {
        let fileCount = 100_000
        var builder = TorrentBuilder(name: "many", pieceByteCount: 16384, .multiple([]))
        builder.changeInfo = {
            $0["files"] = .list(
                (0..<fileCount).map { index in
                    [
                        "length": .integer(Int64(index % 7)),
                        "path": [.text("folder\(index / 1000)"), .text("file \(index).bin")],
                    ]
                })
            let total = (0..<fileCount).reduce(0) { $0 + $1 % 7 }
            $0["pieces"] = .string([UInt8](repeating: 1, count: (total + 16383) / 16384 * 20))
        }
        let metainfo = try builder.metainfo()
        #expect(metainfo.files.count == fileCount)
        #expect(metainfo.files[99_999].path.relative == "many/folder99/file 99999.bin")
        #expect(metainfo.files[99_999].length == 99_999 % 7)
        let covered = (0..<metainfo.geometry.pieceCount).reduce(UInt64(0)) { sum, index in
            metainfo.layout.spans(of: PieceIndex(index)).reduce(sum) { $0 + $1.length }
        }
        #expect(covered == metainfo.geometry.totalByteCount)
        #expect(metainfo.warnings.isEmpty)
    }

    @Test func namesThatAllRepairToOneStayApart() throws {
        let fileCount = 20_000
        let files = (0..<fileCount).map { index in
            // Two bytes that are no UTF-8 make the names differ; all become "____".
            TorrentBuilder.File(
                path: [[0x80 | UInt8(index & 0x3F), 0x80 | UInt8(index >> 6 & 0x3F), 0x80 | UInt8(index >> 12), 0x80]],
                bytes: [1])
        }
        let metainfo = try TorrentBuilder(.multiple(files)).metainfo()
        #expect(Set(metainfo.files.map(\.path)).count == fileCount)
    }
}
