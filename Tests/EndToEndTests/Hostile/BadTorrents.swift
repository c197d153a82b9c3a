import BitTorrent
import TestSupport

/// A file that is no torrent, or one that must not be believed: what it is, what the refusal says, and the exit code.
struct BadTorrent: Sendable {
    let name: String
    let bytes: [UInt8]
    let code: Int32
    /// Part of the one line.
    let text: String

    init(_ name: String, code: Int32 = 26, _ text: String, _ bytes: [UInt8]) {
        (self.name, self.bytes, self.code, self.text) = (name, bytes, code, text)
    }

    init(_ name: String, code: Int32 = 26, _ text: String, raw: String) {
        self.init(name, code: code, text, Array(raw.utf8))
    }

    /// Sound but for a change of its `info`.
    init(_ name: String, _ text: String, _ change: @escaping @Sendable (inout BencodeValue) -> Void) {
        var builder = TorrentBuilder.single(byteCount: 6 * 16384)
        builder.changeInfo = change
        self.init(name, text, builder.bytes)
    }

    /// Files with these paths; the first names the offence.
    init(_ name: String, _ text: String, paths: [[String]]) {
        self.init(
            name, text,
            TorrentBuilder(
                .multiple(paths.map { TorrentBuilder.File(path: $0.map { Array($0.utf8) }, bytes: [1, 2, 3]) })
            ).bytes)
    }

    /// `info` with an integer that the encoder would not write.
    private static func integer(_ name: String, _ digits: String, _ text: String) -> BadTorrent {
        BadTorrent(name, text, raw: "d4:infod6:lengthi\(digits)e4:name1:a12:piece lengthi16384e6:pieces20:\(hash)ee")
    }

    private static let hash = String(repeating: "h", count: 20)
    private static let long = String(repeating: "x", count: 200)

    /// faults.md, "Bad input", and what else a file may be.
    static let all: [BadTorrent] = notBencoded + structure + lengths + pieces + paths

    private static let notBencoded: [BadTorrent] = [
        BadTorrent("empty", code: 25, "the file is empty", []),
        BadTorrent(
            "web page", code: 25, "not a bencoded dictionary", raw: "<!DOCTYPE html><html><body>404</body></html>"),
        BadTorrent("newline", code: 25, "not a bencoded dictionary", raw: "\n"),
        BadTorrent(
            "65 MiB", code: 25, "larger than 64 MiB", [UInt8](repeating: UInt8(ascii: "d"), count: 65 << 20)),
        BadTorrent("a string", "top level is a string", raw: "4:spam"),
        BadTorrent("a list", "top level is a list", raw: "le"),
        BadTorrent("an integer", "top level is an integer", raw: "i1e"),
        BadTorrent("an open dictionary", code: 25, "not a bencoded dictionary", raw: "d"),
    ]

    private static let structure: [BadTorrent] = [
        BadTorrent("nothing in it", "info is missing", raw: "de"),
        BadTorrent("info a string", "info is a string", raw: "d4:info4:spame"),
        BadTorrent("info empty", "info", raw: "d4:infodee"),
        BadTorrent("1,000 lists", "nested too deep", raw: "d4:info\(String(repeating: "l", count: 1000))"),
        BadTorrent("a million lists", "nested too deep", raw: "d4:info\(String(repeating: "l", count: 1_000_000))"),
        BadTorrent("a million dictionaries", "nested too deep", raw: String(repeating: "d1:a", count: 1_000_000)),
        BadTorrent("three million items", "too many", raw: "d4:infol\(String(repeating: "le", count: 3_000_001))ee"),
        BadTorrent("string beyond the end", "longer than what follows", raw: "d4:info99999999:spame"),
        BadTorrent("string of 2^64-1", "longer than what follows", raw: "d4:info18446744073709551615:spame"),
        BadTorrent("string of 2^64", "longer than what follows", raw: "d4:info18446744073709551616:spame"),
        BadTorrent("string of -1", "malformed string length", raw: "d4:info-1:spame"),
        BadTorrent("string with a leading zero", "malformed string length", raw: "d4:info04:spame"),
        BadTorrent(
            "string of 60 MiB, cut", "longer than what follows",
            Array("d4:info62914560:".utf8) + [UInt8](repeating: 0, count: 1000)),
        .integer("integer 2^64-1", "18446744073709551615", "does not fit in 64 bits"),
        .integer("integer of nothing", "", "malformed integer"), .integer("integer -", "-", "malformed integer"),
        .integer("integer -0", "-0", "malformed integer"),
        BadTorrent("no key", "is no string", raw: "d4:infodi1ei2eee"),
        BadTorrent("twice the name", "key \"name\" appears twice", raw: "d4:infod4:name1:a4:name1:bee"),
        BadTorrent(
            "cut in the middle", "longer than what follows",
            Array(TorrentBuilder.single(byteCount: 65536).bytes.dropLast(30))),
        BadTorrent("version 2 only", "v2 only") { info in
            info["meta version"] = 2
            info["file tree"] = ["a": ["": ["length": 3, "pieces root": .string([UInt8](repeating: 7, count: 32))]]]
            info["pieces"] = nil
            info["length"] = nil
        },
    ]

    private static let lengths: [BadTorrent] = [
        BadTorrent("no piece length", "info.piece length is missing") { $0["piece length"] = nil },
        BadTorrent("piece length 0", "info.piece length is 0") { $0["piece length"] = 0 },
        BadTorrent("piece length -1", "info.piece length is -1") { $0["piece length"] = -1 },
        BadTorrent("piece length a string", "info.piece length is a string") { $0["piece length"] = "16384" },
        BadTorrent("piece length 2^31-1", "info.piece length") { $0["piece length"] = 2_147_483_647 },
        BadTorrent("piece length 2^63-1", "info.piece length") { $0["piece length"] = .integer(.max) },
        BadTorrent("piece length 1", "info.piece length is 1") { $0["piece length"] = 1 },
        BadTorrent("no length", "info") { $0["length"] = nil },
        BadTorrent("length -1", "info.length is -1") { $0["length"] = -1 },
        BadTorrent("length a list", "info.length is a list") { $0["length"] = [] },
        BadTorrent("length 2^63-1", "info.length") { $0["length"] = .integer(.max) },
        BadTorrent("length 0", "no data") {
            $0["length"] = 0
            $0["pieces"] = ""
        },
        BadTorrent("no files", "no data") {
            $0["length"] = nil
            $0["files"] = []
        },
        BadTorrent("length and files", "both there") { $0["files"] = [["length": 1, "path": ["a"]]] },
        BadTorrent("files a string", "info.files is a string") {
            $0["length"] = nil
            $0["files"] = "a"
        },
        BadTorrent("sum beyond 2^63", "info.files") {
            $0["length"] = nil
            $0["files"] = .list((1...4).map { ["length": .integer(.max / 2), "path": [.text("\($0)")]] })
        },
        BadTorrent("1.7 TB with one hash", "1 hashes, 103759766 needed") {
            $0["length"] = 1_700_000_000_000
            $0["pieces"] = .string([UInt8](repeating: 1, count: 20))
        },
    ]

    private static let pieces: [BadTorrent] = [
        BadTorrent("no pieces", "info.pieces is missing") { $0["pieces"] = nil },
        BadTorrent("pieces an integer", "info.pieces is an integer") { $0["pieces"] = 6 },
        BadTorrent("pieces empty", "info.pieces holds 0 hashes, 6 needed") { $0["pieces"] = "" },
        BadTorrent("pieces of 119 bytes", "no multiple of 20") {
            $0["pieces"] = .string([UInt8](repeating: 1, count: 119))
        },
        BadTorrent("five hashes", "info.pieces holds 5 hashes, 6 needed") {
            $0["pieces"] = .string([UInt8](repeating: 1, count: 100))
        },
        BadTorrent("seven hashes", "info.pieces holds 7 hashes, 6 needed") {
            $0["pieces"] = .string([UInt8](repeating: 1, count: 140))
        },
        BadTorrent("three million pieces", "pieces, at most 2097152 are supported") {
            $0["length"] = 768_000_000
            $0["piece length"] = 256
            $0["pieces"] = .string([UInt8](repeating: 1, count: 60_000_000))
        },
    ]

    private static let paths: [BadTorrent] = [
        BadTorrent("name ..", "info.name") { $0["name"] = ".." },
        BadTorrent("name .", "info.name") { $0["name"] = "." },
        BadTorrent("name empty", "info.name") { $0["name"] = "" },
        BadTorrent("name with a slash", "info.name") { $0["name"] = "/etc/cron.d/x" },
        BadTorrent("name with NUL", "info.name") { $0["name"] = "a\0b" },
        BadTorrent("name an integer", "info.name is an integer") { $0["name"] = 7 },
        BadTorrent("path ..", "info.files", paths: [["..", "x"]]),
        BadTorrent("path .. inside", "info.files", paths: [["a", "..", "..", "x"]]),
        BadTorrent("path .", "info.files", paths: [[".", "x"]]),
        BadTorrent("path absolute", "info.files", paths: [["/etc", "passwd"]]),
        BadTorrent("path with a slash", "info.files", paths: [["a/../../x"]]),
        BadTorrent("path with NUL", "info.files", paths: [["a\0b"]]),
        BadTorrent("path empty", "info.files", paths: [[]]),
        BadTorrent("path of nothing", "info.files", paths: [["", ""]]),
        BadTorrent("1,000 components", "info.files", paths: [(1...1000).map { "d\($0)" }]),
        BadTorrent("the same path twice", "two files are called", paths: [["a", "b"], ["c"], ["a", "b"]]),
        BadTorrent(
            "the same long path twice", "two files are called",
            paths: Array(repeating: (1...15).map { "\($0)\(long)" }, count: 2)),
        BadTorrent("a file that is a folder", "both a file and a folder", paths: [["a"], ["a", "b"]]),
    ]
}
