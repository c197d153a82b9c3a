import BitTorrent
import TestSupport
import Testing

/// Damaged torrents are refused or read; they never trap, and what is read is consistent.
struct MetainfoFuzzTests {
    @Test func damagedTorrentsAreRefusedOrConsistent() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("metainfo fuzz: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        var builder = TorrentBuilder(
            pieceByteCount: 512,
            .multiple([
                .init("a", bytes: TorrentBuilder.pattern(byteCount: 700)), .padding(324),
                .init("b", "c", bytes: TorrentBuilder.pattern(byteCount: 100)), .init("d", bytes: [], attributes: "l"),
            ]))
        builder.trackerTiers = [["http://a.example/announce"]]
        let sound = builder.bytes
        var readCount = 0
        for _ in 0..<5_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1..<3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
                case 1: bytes[place] = Array("0123456789ilde-:".utf8).randomElement(using: &generator)!
                default:
                    bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1..<9, using: &generator)))
                }
            }
            guard let metainfo = try? MetainfoParser.parse(bytes) else { continue }
            readCount += 1
            let geometry = metainfo.geometry
            let total = metainfo.files.reduce(UInt64(0)) { $0 + $1.length }
            #expect(total == geometry.totalByteCount, "seed \(seed)")
            #expect(metainfo.hash(of: PieceIndex(geometry.pieceCount - 1)).digest.bytes.count == 20, "seed \(seed)")
            #expect(bytes[metainfo.infoBytes.startIndex] == UInt8(ascii: "d"), "seed \(seed)")
        }
        #expect(readCount > 50, "changes of hashes leave a torrent sound; seed \(seed)")
    }
}
