import BitTorrent
import Foundation
import TestSupport
import Testing

@testable import Supervisor

/// The parse rows of faults.md, section 3, through the real program: `show` and the start of a download say the same one
/// line, with the same exit code, quickly, in little memory, and leave nothing behind.
struct BadTorrentTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        let code: ExitCode
        let message: String
        /// The .torrent file.
        let bytes: @Sendable () -> [UInt8]
        var testDescription: String { name }

        init(_ name: String, _ code: ExitCode, _ message: String, _ bytes: @escaping @Sendable () -> [UInt8]) {
            self.name = name
            self.code = code
            self.message = message
            self.bytes = bytes
        }

        /// Literal text.
        init(_ text: String, _ code: ExitCode, _ message: String) {
            self.init("text \(text.prefix(40))", code, message) { Array(text.utf8) }
        }

        /// A sound torrent of six pieces with a change in `info`.
        static func info(
            _ name: String, _ message: String, _ change: @escaping @Sendable (inout BencodeValue) -> Void
        ) -> Row {
            Row(name, .invalidTorrent, message) {
                var builder = TorrentBuilder.single(byteCount: 98_000)
                builder.changeInfo = change
                return builder.bytes
            }
        }

        static func path(_ name: String, _ path: BencodeValue, _ message: String) -> Row {
            files(name, [["length": 9, "path": ["ok"]], ["length": 1, "path": path]], message)
        }

        static func files(_ name: String, _ files: BencodeValue, _ message: String) -> Row {
            info(name, message) {
                $0["length"] = nil
                $0["files"] = files
            }
        }
    }

    static let rows: [Row] = [
        Row("", .notBencoded, "not a bencoded dictionary (the file is empty)"),
        Row("<!DOCTYPE html>", .notBencoded, "not a bencoded dictionary"),
        Row("4:spam", .invalidTorrent, "top level is a string, not a dictionary"),
        Row("le", .invalidTorrent, "top level is a list, not a dictionary"),
        Row("de", .invalidTorrent, "info is missing"),
        Row("d4:info4:spame", .invalidTorrent, "info is a string"),
        Row("a thousand lists", .invalidTorrent, "nested too deep") { Array(String(repeating: "l", count: 1000).utf8) },
        Row("a million lists", .invalidTorrent, "nested too deep") {
            Array(("d4:info" + String(repeating: "l", count: 1_000_000)).utf8)
        },
        Row("d4:name99999999:ae", .invalidTorrent, "longer than what follows"),
        Row("d4:name18446744073709551615:ae", .invalidTorrent, "longer than what follows"),
        Row("d4:name-1:ae", .invalidTorrent, "malformed string length"),
        Row("d4:name01:ae", .invalidTorrent, "malformed string length"),
        Row("d1:xi18446744073709551615ee", .invalidTorrent, "does not fit in 64 bits"),
        Row("d1:xi-ee", .invalidTorrent, "malformed integer"), Row("d1:xi-0ee", .invalidTorrent, "malformed integer"),
        Row("d1:xi01ee", .invalidTorrent, "malformed integer"), Row("d1:xiee", .invalidTorrent, "malformed integer"),
        Row("three million items", .invalidTorrent, "too many items") {
            Array(("d4:junkl" + String(repeating: "0:", count: 3_000_001) + "ee").utf8)
        },
        .info("a key twice in info", "info: key \"x\" appears twice") {
            $0 = .dictionary([.init("x", 1), .init("x", 2)])
        },
        .info("no piece length", "info.piece length is missing") { $0["piece length"] = nil },
        .info("piece length 0", "info.piece length is 0") { $0["piece length"] = 0 },
        .info("piece length negative", "info.piece length is -1") { $0["piece length"] = -1 },
        .info("piece length text", "info.piece length is a string") { $0["piece length"] = "1" },
        .info("piece length 2^31-1", "info.piece length is 2147483647") { $0["piece length"] = 2_147_483_647 },
        .info("piece length 2^63-1", "info.piece length is 9223372036854775807") {
            $0["piece length"] = .integer(.max)
        },
        .info("piece length 1", "info.piece length is 1") { $0["piece length"] = 1 },
        .info("no pieces", "info.pieces is missing") { $0["pieces"] = nil },
        .info("pieces a number", "info.pieces is an integer") { $0["pieces"] = 1 },
        .info("pieces empty", "info.pieces holds 0 hashes, 6 needed") { $0["pieces"] = "" },
        .info("pieces cut", "info.pieces holds 121 bytes") {
            $0["pieces"] = .string([UInt8](repeating: 1, count: 121))
        },
        .info("too few pieces", "info.pieces holds 5 hashes, 6 needed") {
            $0["pieces"] = .string([UInt8](repeating: 1, count: 100))
        },
        .info("too many pieces", "info.pieces holds 7 hashes, 6 needed") {
            $0["pieces"] = .string([UInt8](repeating: 1, count: 140))
        },
        .info("length negative", "info.length is -1") { $0["length"] = -1 },
        .info("length a list", "info.length is a list") { $0["length"] = [] },
        .info("length beyond 2^48", "info.length is 281474976710657") { $0["length"] = .integer(1 << 48 + 1) },
        .info("1.7 TB with six hashes", "info.pieces holds 6 hashes, 103759766 needed") {
            $0["length"] = 1_700_000_000_000
        },
        .info("nothing to fetch", "no data") { $0["length"] = 0 },
        .files("no files", [], "no data"),
        .files(
            "lengths that overflow",
            [["length": .integer(.max), "path": ["a"]], ["length": .integer(.max), "path": ["b"]]],
            "info.files[0].length is 9223372036854775807"),
        .path("up", [".."], "info.files[1].path contains \"..\""),
        .path("here", ["."], "info.files[1].path contains \".\""),
        .path("absolute", ["", "etc", "passwd"], "info.files[1].path is an absolute path"),
        .path("separator", ["a/b"], "info.files[1].path contains \"/\""),
        .path("NUL", ["a\0b"], "info.files[1].path contains a NUL"),
        .path("a thousand folders", .list([BencodeValue](repeating: "d", count: 1000)), "nested deeper than 100"),
        .path("the same path", ["ok"], "two files are called"),
        .path("a file as a folder", ["ok", "below"], "is both a file and a folder"),
        .info("name up", "info.name contains \"..\"") { $0["name"] = ".." },
        .info("name absolute", "info.name contains \"/\"") { $0["name"] = "/etc/passwd" },
        .info("version 2 only", "BitTorrent v2 only") {
            $0["meta version"] = 2
            $0["file tree"] = ["a": ["": ["length": 100_000]]]
            $0["pieces"] = nil
            $0["length"] = nil
        },
    ]

    @Test(.enabled(if: RunProgram.program != nil), arguments: rows)
    func badTorrentIsOneLine(row: Row) throws {
        let place = try RunProgram()
        let bytes = row.bytes()
        let path = try place.write(bytes, to: "bad.torrent")
        let memory = bytes.count + 64 << 20
        for arguments in [["show", path], [path]] {
            let ending = try place.run(arguments, memory: memory)
            #expect(ending.code == row.code.rawValue, "\(ending)")
            #expect(ending.stdout.isEmpty, "\(ending)")
            #expect(ending.stderr.hasPrefix("supervisor: \(path): "), "\(ending)")
            #expect(ending.stderr.contains(row.message), "\(ending)")
            #expect(ending.stderr.split(separator: "\n").count == 1, "\(ending)")
            #expect(ending.seconds < 5, "\(ending)")
        }
        #expect(place.contents == ["bad.torrent"])
    }

    @Test(
        .enabled(if: RunProgram.program != nil),
        arguments: [["show", "--json"], ["-S"], ["verify", "--json"], ["-q"]])
    func everyCommandRefusesAlike(arguments: [String]) throws {
        let place = try RunProgram()
        let path = try place.write(Array("de".utf8), to: "bad.torrent")
        let ending = try place.run(arguments + [path])
        #expect(ending.code == 26)
        #expect(ending.stdout.isEmpty)
        #expect(ending.stderr == "supervisor: \(path): info is missing\n")
        #expect(place.contents == ["bad.torrent"])
    }

    @Test(.enabled(if: RunProgram.program != nil)) func whatIsNoFileIsNotRead() throws {
        let place = try RunProgram()
        try #require(mkfifo(place.path("pipe"), 0o600) == 0)
        let large = try place.write([], to: "large")
        try #require(truncate(large, 64 << 20 + 1) == 0)
        for (path, code, message) in [
            ("/", ExitCode.notBencoded, "not a bencoded dictionary (it is a directory)"),
            ("/dev/zero", .notBencoded, "not a bencoded dictionary (it is a pipe or a device)"),
            (place.path("pipe"), .notBencoded, "not a bencoded dictionary (it is a pipe or a device)"),
            (large, .notBencoded, "larger than 64 MiB"),
            (place.path("nothing"), .fileError, "cannot be read (No such file or directory)"),
            ("magnet:?xt=urn:btih:xyz", .badMagnet, "xt: \"xyz\" is neither 40 hexadecimal nor 32 base32 digits"),
            ("MAGNET:xt=urn:btih:xyz", .badMagnet, "does not begin with \"magnet:?\""),
            (
                "magnet:?xt=urn:btih:\(String(repeating: "a", count: 40))", .invalidTorrent,
                "magnet links are not supported yet"
            ),
        ] {
            let ending = try place.run(["show", path], memory: 64 << 20)
            #expect(ending.code == code.rawValue, "\(ending)")
            #expect(ending.stderr == "supervisor: \(path): \(message)\n")
            #expect(ending.seconds < 5, "\(ending)")
        }
    }

    @Test(.enabled(if: RunProgram.program != nil && geteuid() != 0)) func unreadableTorrentIsAFileError() throws {
        let place = try RunProgram()
        let path = try place.write(TorrentBuilder.single(byteCount: 1).bytes, to: "secret.torrent")
        chmod(path, 0)
        let ending = try place.run(["show", path])
        #expect(ending.code == 17)
        #expect(ending.stderr == "supervisor: \(path): cannot be read (Permission denied)\n")
    }

    /// What is odd but harmless: a warning, and all the rest.
    @Test(
        .enabled(if: RunProgram.program != nil),
        arguments: [
            ("trailing newline", "1 bytes after the end are ignored"),
            ("script tracker", "neither http, https nor udp"),
            ("password in a tracker", nil), ("zero-length file", nil), ("hybrid", nil),
            ("control letters", "is stored as"),
            ("link", "symbolic link, which is not created"), ("unsorted keys", nil),
        ] as [(String, String?)])
    func oddTorrentIsShownWithAWarning(kind: String, warning: String?) throws {
        var builder = TorrentBuilder(.multiple([.init("a", bytes: [1, 2, 3]), .init("b", bytes: [])]))
        var suffix: [UInt8] = []
        switch kind {
        case "trailing newline": suffix = [0x0A]
        case "script tracker": builder.trackerTiers = [["javascript:alert(1)"]]
        case "password in a tracker":
            builder.trackerTiers = [["http://me:hunter2@t.example/hunter2/announce?k=hunter2"]]
        case "hybrid":
            builder.changeInfo = {
                $0["meta version"] = 2; $0["file tree"] = [:]
            }
        case "control letters": builder.content = .multiple([.init("a\u{1B}[31m\u{202E}", bytes: [1])])
        case "link":
            builder.changeInfo = {
                $0["files"] = [
                    ["length": 3, "path": ["a"]], ["attr": "l", "path": ["l"], "symlink path": ["..", "etc"]],
                ]
            }
        case "unsorted keys": builder.keyOrder = .given
        default: break
        }
        let place = try RunProgram()
        let path = try place.write(builder.bytes + suffix, to: "odd.torrent")
        let ending = try place.run(["show", path])
        #expect(ending.code == 0, "\(ending)")
        #expect(ending.stdout.contains("info hash   \(builder.infoHash)\n"), "\(ending)")
        if let warning {
            #expect(ending.stderr.contains(warning), "\(ending)")
            #expect(ending.stderr.hasPrefix("supervisor: warning: \(path): "), "\(ending)")
        } else {
            #expect(ending.stderr.isEmpty, "\(ending)")
        }
        #expect(!(ending.stdout + ending.stderr).contains("hunter2"))
        #expect(!(ending.stdout + ending.stderr).contains("\u{1B}"))
    }
}
