import BitTorrent
import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Torrents that are odd and must work all the same.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct OddTorrents {
        let workspace: Workspace
        init() throws { workspace = try Workspace("odd-torrents") }

        private static let two: [TorrentBuilder.File] = [
            .init("a", bytes: TorrentBuilder.pattern(byteCount: 20_000)),
            .init("b", "c", bytes: TorrentBuilder.pattern(byteCount: 30_000, seed: 1)),
        ]
        private static let twoPaths = ["odd/a": two[0].bytes, "odd/b/c": two[1].bytes]

        private static func builder(_ files: [TorrentBuilder.File]) -> TorrentBuilder {
            TorrentBuilder(name: "odd", .multiple(files))
        }

        @Test func bytesBehindTheEndAreAWarning() throws {
            let builder = Self.builder(Self.two)
            try expectDownload(builder, bytes: builder.bytes + [10], Self.twoPaths, warning: "after the end")
        }

        @Test func unsortedKeysAreHashedAsTheyAre() throws {
            var builder = Self.builder(Self.two)
            builder.keyOrder = .given
            builder.changeInfo = { info in
                guard case .dictionary(let entries) = info else { return }
                info = .dictionary(entries.reversed())
            }
            #expect(builder.infoHash != Self.builder(Self.two).infoHash)
            try expectDownload(builder, Self.twoPaths)
        }

        @Test func filesOfNoBytesAreMadeAndPadFilesAreNot() throws {
            let files: [TorrentBuilder.File] = [
                .init("first", bytes: []), Self.two[0], .padding(12_768), .init("d", "empty", bytes: []), Self.two[1],
                .init("last", bytes: []),
            ]
            let empty = ["odd/first", "odd/d/empty", "odd/last"].map { ($0, [UInt8]()) }
            try expectDownload(Self.builder(files), Self.twoPaths.merging(empty) { $1 })
        }

        /// BEP 47: such a link could lead anywhere.
        @Test func aSymbolicLinkIsNotMade() throws {
            let link = TorrentBuilder.File("link", bytes: [], attributes: "l")
            var builder = Self.builder(Self.two + [link])
            builder.changeInfo = { info in
                guard case .list(var files)? = info["files"] else { return }
                files[2]["symlink path"] = ["..", "..", "etc", "passwd"]
                info["files"] = .list(files)
            }
            try expectDownload(builder, Self.twoPaths, warning: "symbolic link")
        }

        @Test func theFirstPartOfAHybridIsEnough() throws {
            var builder = Self.builder(Self.two)
            builder.changeInfo = {
                $0["meta version"] = 2
                $0["file tree"] = ["a": ["": ["length": 20_000]]]
            }
            builder.changeOuter = { $0["piece layers"] = [:] }
            try expectDownload(builder, Self.twoPaths)
        }

        /// Escape sequences, bytes that are no UTF-8 (overlong dots), text that turns, more bytes than a file system takes:
        /// repaired, always in the same way. What only a shell would mind stays.
        @Test func hostileNamesAreRepaired() throws {
            let shell = "; rm -rf ~ && $(id) `id` | '\""
            let names: [[UInt8]] = [
                Array("\u{1B}[2J\u{1B}]0;x\u{07}red".utf8), [0xC0, 0xAE, 0xC0, 0xAE], Array("ab\u{202E}gpj.exe".utf8),
                Array(shell.utf8), Array(repeating: 0x78, count: 400) + Array(".txt".utf8),
            ]
            let files = names.enumerated().map { index, name in
                TorrentBuilder.File(path: [name], bytes: TorrentBuilder.pattern(byteCount: 5000, seed: UInt64(index)))
            }
            let builder = Self.builder(files)
            let paths = try builder.metainfo().files.map(\.path.relative)
            let expected = Dictionary(uniqueKeysWithValues: zip(paths, files.map(\.bytes)))
            #expect(expected["odd/\(shell)"] != nil)
            for path in paths {
                let name = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
                #expect(name.count == 1 && ![".", ".."].contains(name.first), "\(path)")
                #expect(path.utf8.count <= 4 + 255 && Self.isQuiet(path), "\(path)")
            }
            try expectDownload(builder, expected, warning: "is stored as")
        }

        // MARK: Parts

        /// - Parameter expected: the files below the download's directory, and their bytes.
        private func expectDownload(
            _ builder: TorrentBuilder, bytes: [UInt8]? = nil, _ expected: [String: [UInt8]], warning: String? = nil,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let bytes = bytes ?? builder.bytes
            try workspace.write(Data(bytes), to: "odd.torrent")
            try workspace.write(Data(builder.payload), to: "payload")
            let torrent = Torrent(
                file: workspace.path("odd.torrent"), seedDirectory: workspace.root,
                metainfo: try MetainfoParser.parse(bytes))
            #expect(torrent.metainfo.infoHash == builder.infoHash, sourceLocation: sourceLocation)
            // No seeder could have files with all of these names: it has their bytes in one.
            let seeder = try Server(
                [
                    Programs.leanSeeder.get(), "--file", workspace.path("payload"), "--info-hash", torrent.infoHash,
                    "--piece-length", String(torrent.pieceByteCount), "--listen", "127.0.0.1:0",
                ], in: workspace, name: "lean")
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--sync", "none", "--peer", seeder.address])
            try run.expectEnd(0, sourceLocation: sourceLocation)
            #expect(
                Torrent.files(below: run.directory) == expected.keys.sorted(), sourceLocation: sourceLocation)
            for (path, content) in expected {
                let found = FileManager.default.contents(atPath: "\(run.directory)/\(path)")
                #expect(found == Data(content), "\(path)", sourceLocation: sourceLocation)
            }
            let said = run.process.errorText
            #expect(Self.isQuiet(said), "\(said.debugDescription)", sourceLocation: sourceLocation)
            if let warning {
                #expect(said.contains("warning") && said.contains(warning), "\(said)", sourceLocation: sourceLocation)
            }
        }

        /// Nothing in it moves a cursor, rings a bell or turns the text.
        private static func isQuiet(_ text: String) -> Bool {
            text.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control: scalar == "\n"
                case .format: false
                default: true
                }
            }
        }
    }
}
