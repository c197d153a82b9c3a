import BitTorrent
import TestSupport
import Testing

/// Names that cannot be shown or stored are repaired: always in the same way, and never two into one.
struct MetainfoNameTests {
    private func paths(_ names: [[[UInt8]]]) throws -> [String] {
        try metainfo(names).files.map(\.path.relative)
    }

    private func metainfo(_ names: [[[UInt8]]]) throws -> Metainfo {
        try TorrentBuilder(name: "t", .multiple(names.map { TorrentBuilder.File(path: $0, bytes: [1]) })).metainfo()
    }

    @Test(
        arguments: [
            ([0x61, 0xFF, 0x62], "a_b"), ([0xC0, 0xAE, 0xC0, 0xAE], "____"), ([0x61, 0xE2, 0x82], "a_"),
            ([0xED, 0xA0, 0x80], "___"), (Array("a\u{1B}[31mred".utf8), "a_[31mred"),
            (Array("x\u{202E}gpj.exe".utf8), "x_gpj.exe"),
            (Array("z\u{200B}w\u{FEFF}".utf8), "z_w_"), (Array("a\nb\tc\u{7F}\u{85}".utf8), "a_b_c__"),
            (Array("line\u{2028}end".utf8), "line_end"), (Array(".\u{200B}.".utf8), "._."),
        ] as [([UInt8], String)])
    func unshowableBytesBecomeUnderscores(raw: [UInt8], expected: String) throws {
        let metainfo = try metainfo([[raw]])
        #expect(metainfo.files.map(\.path.relative) == ["t/" + expected])
        #expect(metainfo.warnings.count == 1)
        #expect(metainfo.warnings.first?.description.contains("info.files[0].path is stored as") == true)
    }

    @Test(arguments: ["größe 大小 😀.txt", "a\\b", "-rf", "$(id)", "con", " x ", "..."])
    func namesThatLinuxCanStoreStayAsTheyAre(name: String) throws {
        let metainfo = try metainfo([[Array(name.utf8)]])
        #expect(metainfo.files[0].path.relative == "t/" + name)
        #expect(metainfo.warnings.isEmpty)
    }

    @Test func longNamesAreCutAndKeepTheirExtension() throws {
        let long = [UInt8](repeating: 0x61, count: 300) + Array(".tar.gz".utf8)
        let other = [UInt8](repeating: 0x61, count: 301) + Array(".tar.gz".utf8)
        let paths = try paths([[long], [other], [long, Array("x".utf8)]].dropLast().map { $0 })
        #expect(paths.allSatisfy { $0.utf8.count == 2 + 255 && $0.hasSuffix(".gz") })
        #expect(paths[0] != paths[1], "cut names stay apart")
        #expect(try self.paths([[other], [long]]) == [paths[1], paths[0]], "the order of files does not matter")
    }

    @Test func longNamesAreCutBetweenCharacters() throws {
        for prefix in 0..<4 {
            let name = String(repeating: "x", count: prefix) + String(repeating: "€", count: 100)
            let cut = try #require(try paths([[Array(name.utf8)]]).first?.dropFirst(2))
            #expect((250...255).contains(cut.utf8.count))
            #expect(!cut.contains("\u{FFFD}"))
            #expect(cut.hasPrefix(String(name.prefix(60))))
        }
    }

    @Test func nameOf255BytesIsNotCut() throws {
        let name = [UInt8](repeating: 0x62, count: 255)
        #expect(try paths([[name]]) == ["t/" + String(repeating: "b", count: 255)])
    }

    @Test func namesThatOnlyRepairMadeEqualStayApart() throws {
        let first: [UInt8] = [0xE9, 0x2E, 0x61], second: [UInt8] = [0xE8, 0x2E, 0x61], plain = Array("_.a".utf8)
        let one = try paths([[first], [second], [plain]])
        #expect(Set(one).count == 3)
        #expect(one[2] == "t/_.a", "a name that needs no repair keeps its name")
        #expect(one.allSatisfy { $0.hasSuffix(".a") })
        #expect(try paths([[plain], [second], [first]]) == one.reversed())
        #expect(try paths([[plain], [second], [first]]) == paths([[plain], [second], [first]]))
    }

    @Test func fileAndFolderThatOnlyRepairMadeEqualStayApart() throws {
        let file: [UInt8] = [0xE9], folder: [UInt8] = [0xE8], inside = Array("x".utf8)
        for names in [
            [[file], [folder, inside]], [[Array("_".utf8)], [folder, inside]], [[file], [Array("_".utf8), inside]],
        ] {
            let paths = try paths(names)
            #expect(paths[1] == "t/_/x")
            #expect(paths[0].hasPrefix("t/_~"))
        }
    }

    @Test func equalRawNamesAreRefusedThoughTheyWereRepaired() {
        #expect(throws: MetainfoError.self) { try paths([[[0xE9]], [[0xE9]]]) }
    }

    @Test func emptyNamesInAPathAreLeftOut() throws {
        let metainfo = try metainfo([[Array("a".utf8), [], Array("b".utf8)], [Array("c".utf8), []]])
        #expect(metainfo.files.map(\.path.relative) == ["t/a/b", "t/c"])
        #expect(metainfo.warnings.count == 2)
    }

    @Test(arguments: [".swarmkeeper-00.parts", ".SwarmKeeper-x.PARTS", ".swarmkeeper-.parts"])
    func nobodyGetsTheNameOfAPartsFile(name: String) throws {
        let single = try TorrentBuilder.single(name: name, byteCount: 5).metainfo()
        #expect(single.name.relative == "_" + name.dropFirst())
        #expect(try paths([[Array(name.utf8)]]) == ["t/_" + name.dropFirst()])
        #expect(PartsFile.name(of: single.infoHash).hasPrefix(".swarmkeeper-"))
        let ours = try TorrentBuilder.single(name: PartsFile.name(of: single.infoHash), byteCount: 5).metainfo()
        #expect(ours.name.relative != PartsFile.name(of: single.infoHash))
    }

    @Test func namesThatDifferInCaseOrUnicodeFormAreKeptWithAWarning() throws {
        let names = ["xt_DSCP.c", "xt_dscp.c", "caf\u{E9}", "cafe\u{301}", "other"]
        let metainfo = try metainfo(names.map { [Array($0.utf8)] })
        #expect(metainfo.files.map { Array($0.path.relative.utf8) } == names.map { Array("t/\($0)".utf8) })
        #expect(metainfo.warnings.count == 2)
        #expect(Set(metainfo.files.map(\.path)).count == 5, "paths are compared by bytes")
    }

    @Test func hundredFoldersAreTheMost() throws {
        let names = (0..<99).map { _ in Array("d".utf8) }
        #expect(try paths([names]).first?.utf8.count == 199)
        #expect(throws: MetainfoError.unsafePath(field: "info.files[0].path", .tooDeep(limit: 100))) {
            try paths([names + [Array("d".utf8)]])
        }
    }

    @Test func pathOf4095BytesIsTheLongest() throws {
        let folders = (0..<15).map { _ in [UInt8](repeating: 0x66, count: 255) }
        // "t" and 15 folders with their slashes are 1 + 15·256 bytes; a slash and 253 more make 4095.
        #expect(try paths([folders + [[UInt8](repeating: 0x66, count: 253)]]).first?.utf8.count == 4095)
        #expect(throws: MetainfoError.unsafePath(field: "info.files[0].path", .tooLong(limit: 4095))) {
            try paths([folders + [[UInt8](repeating: 0x66, count: 254)]])
        }
    }

    @Test func noNameLeavesTheFolder() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("names: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        let letters: [[UInt8]] = [
            [0x2E], [0x2E, 0x2E], [0x2F], [0], [0xC0, 0xAE], [0x61], [0x1B], [0xE2, 0x80, 0xAE], [0xFF],
        ]
        var acceptedCount = 0
        for _ in 0..<5_000 {
            let names = (0..<Int.random(in: 1..<4, using: &generator)).map { _ in
                (0..<Int.random(in: 0..<4, using: &generator)).flatMap { _ in letters.randomElement(using: &generator)!
                }
            }
            guard let path = try? paths([names]).first else { continue }
            acceptedCount += 1
            let components = path.split(separator: "/", omittingEmptySubsequences: false)
            #expect(components.first == "t" && components.count >= 2, "seed \(seed)")
            #expect(!components.contains("..") && !components.contains(".") && !components.contains(""), "seed \(seed)")
            #expect(path.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E }, "seed \(seed)")
        }
        #expect(acceptedCount > 100, "seed \(seed)")
    }

    @Test func warningsOfAHostileTorrentAreBounded() throws {
        let metainfo = try metainfo((0..<1_000).map { [[0xFF] + Array("\($0)".utf8)] })
        #expect(metainfo.warnings.count == 101)
        #expect(metainfo.warnings.last == .more(count: 900))
    }
}
