import BitTorrent
import TestSupport
import Testing

struct MetainfoParserTests {
    @Test func hashesOfAllPiecesAreThoseOfThePayload() throws {
        let builder = TorrentBuilder.single(byteCount: 100_000, pieceByteCount: 16384)
        let metainfo = try builder.metainfo()
        #expect(metainfo.geometry.pieceCount == 7)
        for index in 0..<7 {
            let piece = builder.payload[index * 16384..<min((index + 1) * 16384, 100_000)]
            #expect(metainfo.hash(of: PieceIndex(index)).digest == SHA1.hash(of: Array(piece)))
        }
        #expect(metainfo.infoHash == builder.infoHash)
    }

    @Test func multiFileTorrentHasItsFilesInAFolder() throws {
        let builder = TorrentBuilder(
            name: "album",
            .multiple([
                .init("a.txt", bytes: [1, 2, 3]), .init("sub", "deep", "b.txt", bytes: []),
                .init("sub", "c.txt", bytes: [4]),
            ]))
        let metainfo = try builder.metainfo()
        #expect(metainfo.isMultiFile)
        #expect(metainfo.files.map(\.path.relative) == ["album/a.txt", "album/sub/deep/b.txt", "album/sub/c.txt"])
        #expect(metainfo.files.map(\.offset) == [0, 3, 3])
        #expect(metainfo.files.map(\.length) == [3, 0, 1])
        #expect(metainfo.warnings.isEmpty)
    }

    @Test func padFilesAreCountedInOffsetsAndHaveNoPlace() throws {
        let builder = TorrentBuilder(
            pieceByteCount: 1024,
            .multiple([
                .init("a", bytes: TorrentBuilder.pattern(byteCount: 1000)), .padding(24),
                .init("b", bytes: TorrentBuilder.pattern(byteCount: 1000)), .padding(24), .init("c", bytes: [1]),
            ]))
        let metainfo = try builder.metainfo()
        #expect(metainfo.files.map(\.role) == [.payload, .padding, .payload, .padding, .payload])
        #expect(metainfo.files.map(\.offset) == [0, 1000, 1024, 2024, 2048])
        #expect(metainfo.warnings.isEmpty, "pad files of one name are no clash")
    }

    @Test func padFileNeedsNoPath() throws {
        var builder = TorrentBuilder(.multiple([.init("a", bytes: [1]), .padding(7)]))
        builder.changeInfo = { info in
            guard case .list(var files)? = info["files"] else { return }
            files[1]["path"] = nil
            info["files"] = .list(files)
        }
        #expect(try builder.metainfo().files[1].role == .padding)
    }

    @Test func linksAreListedAndNeverCreated() throws {
        for target in [["..", "..", "etc", "passwd"], ["", "etc"], ["b"], ["a"]] {
            var builder = TorrentBuilder(.multiple([.init("a", bytes: [1]), .init("b", bytes: [], attributes: "lx")]))
            builder.changeInfo = { info in
                guard case .list(var files)? = info["files"] else { return }
                files[1]["symlink path"] = .list(target.map { .text($0) })
                files[1]["length"] = nil
                info["files"] = .list(files)
            }
            let metainfo = try builder.metainfo()
            #expect(metainfo.files.map(\.role) == [.payload, .link])
            #expect(metainfo.warnings == [.linkIgnored(field: "info.files[1]")])
        }
    }

    @Test func linkThatClaimsBytesIsAnOrdinaryFile() throws {
        let builder = TorrentBuilder(.multiple([.init("a", bytes: [1, 2], attributes: "l")]))
        let metainfo = try builder.metainfo()
        #expect(metainfo.files.map(\.role) == [.payload])
        #expect(metainfo.geometry.totalByteCount == 2)
    }

    @Test func privateIsTrueForOneOnly() throws {
        for (value, expected) in [(BencodeValue.integer(1), true), (0, false), (2, false), ("1", false)] {
            var builder = TorrentBuilder.single(byteCount: 10)
            builder.changeInfo = { $0["private"] = value }
            #expect(try builder.metainfo().isPrivate == expected)
        }
    }

    @Test func infoHashIsOfTheRawBytesEvenWhenKeysAreUnsorted() throws {
        var builder = TorrentBuilder.single(byteCount: 10)
        let sorted = try builder.metainfo().infoHash
        builder.keyOrder = .given
        let info = BencodeEncoder(keyOrder: .given).encode(builder.info)
        #expect(info != BencodeEncoder().encode(builder.info), "the test needs unsorted keys")
        let metainfo = try builder.metainfo()
        #expect(metainfo.infoHash.digest == SHA1.hash(of: info))
        #expect(metainfo.infoHash != sorted)
        #expect(Array(metainfo.infoBytes) == info)
    }

    @Test func bytesAfterTheDictionaryAreIgnoredWithAWarning() throws {
        let builder = TorrentBuilder.single(byteCount: 10)
        let metainfo = try MetainfoParser.parse(builder.bytes + [0x0A])
        #expect(metainfo.warnings == [.trailingBytes(count: 1)])
        #expect(metainfo.infoHash == builder.infoHash)
    }

    @Test func hybridIsReadByItsFirstPart() throws {
        var builder = TorrentBuilder.multiple(byteCounts: [10, 20])
        builder.changeInfo = {
            $0["meta version"] = 2
            $0["file tree"] = ["file0": ["": ["length": 10]]]
        }
        let metainfo = try builder.metainfo()
        #expect(metainfo.isHybrid)
        #expect(metainfo.files.map(\.length) == [10, 20])
    }

    @Test func oneFileInAListStillHasAFolder() throws {
        let metainfo = try TorrentBuilder(name: "folder", .multiple([.init("only", bytes: [1])])).metainfo()
        #expect(metainfo.isMultiFile)
        #expect(metainfo.files.map(\.path.relative) == ["folder/only"])
    }

    @Test func readableNamesAreTakenBeforeThoseOfAnotherEncoding() throws {
        var builder = TorrentBuilder(.multiple([.init(path: [[0xC4, 0xE3]], bytes: [1])]))
        builder.changeInfo = { info in
            info["name"] = .string([0xBA, 0xC3])
            info["name.utf-8"] = "好"
            guard case .list(var files)? = info["files"] else { return }
            files[0]["path.utf-8"] = ["你"]
            info["files"] = .list(files)
        }
        let metainfo = try builder.metainfo()
        #expect(metainfo.files.map(\.path.relative) == ["好/你"])
        #expect(metainfo.warnings.isEmpty)
    }

    @Test func hugePieceLengthIsOnlyANumber() throws {
        var builder = TorrentBuilder.single(byteCount: 10)
        builder.changeInfo = { $0["piece length"] = 536_870_912 }
        let geometry = try builder.metainfo().geometry
        #expect(geometry.pieceByteCount == 536_870_912)
        #expect(geometry.longestPieceByteCount == 10)
    }

    @Test func remarksAreReadAndOddOnesIgnored() throws {
        var builder = TorrentBuilder.single(byteCount: 10)
        builder.changeOuter = {
            $0["comment"] = "$(reboot); `id` \u{1B}[2J"
            $0["created by"] = .string([UInt8](repeating: 0x61, count: 70_000))
            $0["creation date"] = "yesterday"
        }
        let metainfo = try builder.metainfo()
        #expect(metainfo.comment == "$(reboot); `id` \u{1B}[2J")
        #expect(metainfo.creator == nil)
        #expect(metainfo.creationDate == nil)
        #expect(metainfo.warnings == [.fieldIgnored("created by"), .fieldIgnored("creation date")])
    }
}
