import BitTorrent
import TestSupport

/// A small torrent and its bytes. A few shapes are enough for all runs, so each is made once.
struct SwarmTorrent: Sendable, CustomStringConvertible {
    let metainfo: Metainfo
    let payload: [UInt8]
    let fileByteCounts: [Int]

    var description: String { "\(metainfo.geometry.pieceByteCount) bytes a piece, files of \(fileByteCounts)" }

    init(pieceByteCount: Int, fileByteCounts: [Int]) throws {
        self.fileByteCounts = fileByteCounts
        payload = Self.bytes(fileByteCounts.reduce(0, +))
        var files: [TorrentBuilder.File] = []
        var offset = 0
        for (index, byteCount) in fileByteCounts.enumerated() {
            files.append(TorrentBuilder.File("file\(index)", bytes: Array(payload[offset..<offset + byteCount])))
            offset += byteCount
        }
        let content: TorrentBuilder.Content = files.count == 1 ? .single(payload) : .multiple(files)
        metainfo = try TorrentBuilder(pieceByteCount: pieceByteCount, content).metainfo()
    }

    /// No two kilobytes are alike.
    private static func bytes(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: 1)
        let noise = generator.bytes(1024)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + noise.count)
        while bytes.count < count {
            withUnsafeBytes(of: UInt64(bytes.count)) { bytes += $0 }
            bytes += noise[8...]
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Odd lengths, short last pieces, pieces of one block and of many, several files, one piece in all.
    static let shapes: [SwarmTorrent] = {
        do {
            return try [
                SwarmTorrent(pieceByteCount: 16_384, fileByteCounts: [9 * 16_384]),
                SwarmTorrent(pieceByteCount: 32_768, fileByteCounts: [300_001]),
                SwarmTorrent(pieceByteCount: 40_000, fileByteCounts: [250_000, 0, 151_234]),
                SwarmTorrent(pieceByteCount: 49_152, fileByteCounts: [600_000]),
                SwarmTorrent(pieceByteCount: 65_536, fileByteCounts: [1, 393_215]),
                SwarmTorrent(pieceByteCount: 65_536, fileByteCounts: [10 * 65_536 + 1]),
                SwarmTorrent(pieceByteCount: 100_001, fileByteCounts: [500_000]),
                SwarmTorrent(pieceByteCount: 131_072, fileByteCounts: [90_000, 90_000, 700_000]),
                SwarmTorrent(pieceByteCount: 200_000, fileByteCounts: [777_777]),
                SwarmTorrent(pieceByteCount: 1 << 20, fileByteCounts: [70_000]),
            ]
        } catch { preconditionFailure("a shape is no torrent: \(error)") }
    }()
}
