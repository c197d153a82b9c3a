import BitTorrent
import TestSupport
import Testing

/// New torrents, read back by our own parser and compared with those of another writer.
struct NewTorrentTests {
    private func finished(_ torrent: NewTorrent, payload: [UInt8]) throws -> (bytes: [UInt8], metainfo: Metainfo) {
        var draft = try TorrentDraft(torrent)
        let geometry = draft.outline.geometry
        for number in (0..<geometry.pieceCount).reversed() {
            let piece = PieceIndex(number)
            let start = Int(geometry.offset(of: piece))
            draft.set(SHA1.hash(of: Array(payload[start..<start + Int(geometry.length(of: piece))])), of: piece)
        }
        return try draft.finished()
    }

    /// Keys of every dictionary are sorted and numbers have one form.
    private func expectCanonical(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (view, rest) = try BencodeDecoder(limits: .metainfo, duplicateKeys: .refused).decode(bytes)
        #expect(rest.isEmpty, sourceLocation: sourceLocation)
        #expect(BencodeEncoder().encode(BencodeValue(view)) == bytes, sourceLocation: sourceLocation)
    }

    @Test func everythingSaidIsReadBack() throws {
        let builder = TorrentBuilder(
            name: "dïr", pieceByteCount: 16384,
            .multiple([
                .init(".hidden", bytes: TorrentBuilder.pattern(byteCount: 40000)), .init("a", "b", bytes: []),
                .init("a", "c", bytes: TorrentBuilder.pattern(byteCount: 1, seed: 2)),
            ]))
        var torrent = NewTorrent(
            name: "dïr",
            content: .folder([
                .init(path: ".hidden", byteCount: 40000), .init(path: "a/b", byteCount: 0),
                .init(path: "a/c", byteCount: 1),
            ]), pieceByteCount: 16384)
        #expect(try finished(torrent, payload: builder.payload).metainfo.infoHash == builder.infoHash)
        torrent.isPrivate = true
        torrent.source = "S"
        torrent.comment = "a remark"
        torrent.creator = "me"
        torrent.creationDate = 1_700_000_000
        torrent.trackerTiers = [
            [try TrackerURL("http://a/1"), try TrackerURL("udp://b:2")], [try TrackerURL("https://c")],
        ]
        torrent.webSeeds = [try #require(WebSeedURL("http://w/x"))]
        let (bytes, metainfo) = try finished(torrent, payload: builder.payload)
        try expectCanonical(bytes)
        #expect(metainfo.warnings.isEmpty)
        #expect(metainfo.files.map(\.path.relative) == ["dïr/.hidden", "dïr/a/b", "dïr/a/c"])
        #expect(metainfo.files.map(\.length) == [40000, 0, 1])
        #expect(metainfo.isPrivate && metainfo.comment == "a remark" && metainfo.creator == "me")
        #expect(metainfo.creationDate == 1_700_000_000)
        #expect(metainfo.trackerTiers == torrent.trackerTiers && metainfo.webSeeds == torrent.webSeeds)
        #expect(metainfo.infoHash != builder.infoHash, "private and source are part of it")
        let link = try MagnetLink(MagnetLink.text(of: metainfo))
        #expect(link.infoHash == metainfo.infoHash && link.displayName == "dïr")
        #expect(link.trackers == torrent.trackerTiers.flatMap(\.self) && link.webSeeds == torrent.webSeeds)
        #expect(link.warnings.isEmpty)
    }

    @Test func nothingIsSaidThatWasNotAskedFor() throws {
        var torrent = NewTorrent(name: "a", content: .file(byteCount: 3), pieceByteCount: 16384)
        let (bytes, metainfo) = try finished(torrent, payload: [1, 2, 3])
        let hash = String(decoding: SHA1.hash(of: [1, 2, 3]).bytes, as: Unicode.ASCII.self)
        #expect(
            String(decoding: bytes, as: Unicode.ASCII.self)
                == "d4:infod6:lengthi3e4:name1:a12:piece lengthi16384e6:pieces20:\(hash)ee")
        #expect(!metainfo.isMultiFile)
        torrent.trackerTiers = [[try TrackerURL("http://t/")]]
        let one = String(decoding: try finished(torrent, payload: [1, 2, 3]).bytes, as: Unicode.ASCII.self)
        #expect(one.hasPrefix("d8:announce9:http://t/4:info"), "one tracker needs no list")
    }

    @Test func whatNobodyCouldReadIsRefusedBeforeHashing() {
        func refusal(_ content: NewTorrent.Content, _ pieceByteCount: UInt32 = 16384) -> MetainfoError? {
            do throws(MetainfoError) {
                _ = try TorrentDraft(NewTorrent(name: "a", content: content, pieceByteCount: pieceByteCount))
                return nil
            } catch { return error }
        }
        #expect(refusal(.file(byteCount: 0)) == .noData)
        #expect(refusal(.folder([])) == .noData)
        #expect(refusal(.file(byteCount: 1 << 48 + 1)) == .totalTooLarge(limit: 1 << 48))
        #expect(refusal(.file(byteCount: 16384 << 21 + 1)) == .tooManyPieces(count: 2_097_153, limit: 2_097_152))
        #expect(refusal(.file(byteCount: .max)) != nil)
        let deep = Array(repeating: "d", count: 101).joined(separator: "/")
        #expect(refusal(.folder([.init(path: deep, byteCount: 1)])) != nil)
        let long = Array(repeating: String(repeating: "d", count: 255), count: 17).joined(separator: "/")
        #expect(refusal(.folder([.init(path: long, byteCount: 1)])) != nil)
        #expect(refusal(.folder([.init(path: "a", byteCount: 1), .init(path: "a", byteCount: 1)])) != nil)
    }

    @Test func oddNamesAreToldAndKept() throws {
        let torrent = NewTorrent(
            name: "a", content: .folder([.init(path: "x\u{1b}y", byteCount: 1)]), pieceByteCount: 16384)
        let draft = try TorrentDraft(torrent)
        #expect(draft.outline.warnings.count == 1)
    }

    /// Any names, lengths and counts: what is written reads back as it was meant, or was refused.
    @Test func anyTorrentIsReadBackAsItWasMeant() throws {
        var generator = TestSupport.SeededGenerator.printing()
        let letters = Array("ab.é漢 -~\\:%'\"")
        var writtenCount = 0
        for _ in 0..<300 {
            var paths: Set<String> = []
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let names = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                    String(
                        (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                            letters.randomElement(using: &generator)!
                        })
                }
                paths.insert(names.joined(separator: "/"))
            }
            let files = paths.sorted().map {
                NewTorrent.File(path: $0, byteCount: UInt64(Int.random(in: 0...40000, using: &generator)))
            }
            let isFolder = generator.oneIn(4) == false
            var torrent = NewTorrent(
                name: "n é", content: isFolder ? .folder(files) : .file(byteCount: files[0].byteCount),
                pieceByteCount: generator.oneIn(2) ? 16384 : 65536)
            torrent.isPrivate = generator.oneIn(2)
            torrent.comment = generator.oneIn(2) ? nil : String(letters.shuffled(using: &generator))
            torrent.creationDate = generator.oneIn(2) ? nil : Int64.random(in: 0...1 << 40, using: &generator)
            let payload = [UInt8](
                repeating: .random(in: 0 ... .max, using: &generator), count: Int(torrent.content.byteCount))
            let result: (bytes: [UInt8], metainfo: Metainfo)
            do { result = try finished(torrent, payload: payload) } catch is MetainfoError { continue }
            writtenCount += 1
            try expectCanonical(result.bytes)
            let metainfo = result.metainfo
            #expect(metainfo.geometry.totalByteCount == UInt64(payload.count))
            #expect(metainfo.isMultiFile == isFolder && metainfo.isPrivate == torrent.isPrivate)
            #expect(metainfo.comment == torrent.comment && metainfo.creationDate == torrent.creationDate)
            if isFolder {
                #expect(metainfo.files.map(\.path.relative) == files.map { "n é/\($0.path)" })
                #expect(metainfo.files.map(\.length) == files.map(\.byteCount))
            }
            #expect(
                metainfo.hash(of: PieceIndex(0)).digest
                    == SHA1.hash(of: Array(payload.prefix(Int(torrent.pieceByteCount)))))
        }
        #expect(writtenCount > 100)
    }
}
