import BitTorrent
import Testing

/// A torrent as Transmission writes it, byte for byte; its hashes were computed by another program.
struct MetainfoGoldenTests {
    private static let pieceHash = "c879d93d271ce5dfff4efd174f2e1e39f7126111"
    private static let infoHash = "fb26207cb2d0eb713853868fdb6f014103803487"
    private static let content = "Hello, swarm! This is a small file."

    static let bytes: [UInt8] =
        Array("d8:announce36:http://tracker.example:6969/announce10:created by25:Transmission/2.92 (14714)".utf8)
        + Array("13:creation datei1487858184e8:encoding5:UTF-84:info".utf8)
        + Array("d6:lengthi35e4:name9:hello.txt12:piece lengthi32768e6:pieces20:".utf8)
        + SHA1.hash(of: Array(content.utf8)).bytes + Array("7:privatei0eee".utf8)

    @Test func everyFieldIsRead() throws {
        let metainfo = try MetainfoParser.parse(Self.bytes)
        #expect(metainfo.infoHash.description == Self.infoHash)
        #expect(metainfo.name.relative == "hello.txt")
        #expect(metainfo.geometry == TorrentGeometry(totalByteCount: 35, pieceByteCount: 32768))
        #expect(metainfo.files.map(\.path.relative) == ["hello.txt"])
        #expect(metainfo.files.map(\.length) == [35])
        #expect(!metainfo.isMultiFile && !metainfo.isPrivate && !metainfo.isHybrid)
        #expect(metainfo.hash(of: PieceIndex(0)).description == Self.pieceHash)
        #expect(metainfo.trackerTiers.map { $0.map(\.text) } == [["http://tracker.example:6969/announce"]])
        #expect(metainfo.creator == "Transmission/2.92 (14714)")
        #expect(metainfo.creationDate == 1_487_858_184)
        #expect(metainfo.comment == nil)
        #expect(metainfo.webSeeds.isEmpty && metainfo.warnings.isEmpty)
    }

    @Test func infoDictionaryAloneGivesTheSameTorrent() throws {
        let whole = try MetainfoParser.parse(Self.bytes)
        let alone = try MetainfoParser.parse(infoDictionary: Array(whole.infoBytes))
        #expect(alone.infoHash == whole.infoHash)
        #expect(alone.layout == whole.layout)
        #expect(alone.hash(of: PieceIndex(0)) == whole.hash(of: PieceIndex(0)))
        #expect(alone.trackerTiers.isEmpty)
    }

    @Test func decodingAndEncodingGivesTheSameBytes() throws {
        let value = BencodeValue(try BencodeDecoder(limits: .metainfo).decode(Self.bytes).value)
        #expect(BencodeEncoder().encode(value) == Self.bytes)
    }
}
