import BitTorrent
import TestSupport
import Testing

/// Hostile and broken torrents: each is refused, and the message names the field.
struct MetainfoRejectionTests {
    /// What is done to a sound torrent of six pieces, and the words that the message has to hold.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let message: String
        var change: @Sendable (inout BencodeValue) -> Void = { _ in }

        init(_ name: String, _ message: String, _ change: @escaping @Sendable (inout BencodeValue) -> Void) {
            self.name = name
            self.message = message
            self.change = change
        }
        var testDescription: String { name }
    }

    private static func setting(_ key: String, _ value: BencodeValue?, _ message: String) -> Case {
        Case("\(key) = \(value.map { "\($0)".prefix(60) } ?? "missing")", message) { $0[key] = value }
    }

    private static let pieceLengthRange = "info.piece length is"

    static let infoCases: [Case] = [
        setting("piece length", nil, "info.piece length is missing"),
        setting("piece length", 0, "\(pieceLengthRange) 0, not within 256…536870912"),
        setting("piece length", -16384, "\(pieceLengthRange) -16384"),
        setting("piece length", "16384", "info.piece length is a string where an integer is needed"),
        setting("piece length", 2_147_483_647, "\(pieceLengthRange) 2147483647"),
        setting("piece length", .integer(.max), "\(pieceLengthRange) 9223372036854775807"),
        setting("piece length", 536_870_913, "\(pieceLengthRange) 536870913"),
        setting("piece length", 1, "\(pieceLengthRange) 1,"),
        setting("pieces", nil, "info.pieces is missing"),
        setting("pieces", 120, "info.pieces is an integer where a string is needed"),
        setting("pieces", "", "info.pieces holds 0 hashes, 6 needed"),
        setting("pieces", .string([UInt8](repeating: 7, count: 121)), "info.pieces holds 121 bytes"),
        setting("pieces", .string([UInt8](repeating: 7, count: 100)), "pieces holds 5 hashes, 6 needed"),
        setting("pieces", .string([UInt8](repeating: 7, count: 140)), "pieces holds 7 hashes, 6 needed"),
        setting("length", nil, "info.length is missing"),
        setting("length", -1, "info.length is -1"),
        setting("length", [1], "info.length is a list"),
        setting("length", .integer(1 << 48 + 1), "info.length is 281474976710657"),
        setting("length", .integer(.max), "info.length is 9223372036854775807"),
        setting("length", 1_700_000_000_000, "info.pieces holds 6 hashes, 103759766 needed"),
        setting("length", 0, "no data"),
        setting("files", [["length": 100_000, "path": ["a"]]], "info.length and info.files are both there"),
        setting("name", nil, "info.name is missing"),
        setting("name", 7, "info.name is an integer"),
        setting("name", "", "info.name is empty"),
        setting("name", "..", "info.name contains \"..\""),
        setting("name", ".", "info.name contains \".\""),
        setting("name", "/etc/passwd", "info.name contains \"/\""),
        setting("name", "../up", "info.name contains \"/\""),
        setting("name", "a\0b", "info.name contains a NUL byte"),
        setting("name", .string([UInt8](repeating: 0x61, count: 5000)), "info.name is longer than 4095 bytes"),
        Case("v2 only", "BitTorrent v2 only") {
            $0["meta version"] = 2
            $0["file tree"] = ["a": ["": ["length": 100_000]]]
            $0["pieces"] = nil
            $0["length"] = nil
        },
        Case("more than 2,097,152 pieces", "makes 2097153 pieces, at most 2097152") {
            $0["length"] = .integer(2_097_153 * 256)
            $0["piece length"] = 256
            $0["pieces"] = .string([UInt8](repeating: 7, count: 2_097_153 * 20))
        },
    ]

    @Test(arguments: infoCases) func infoIsRefusedByTheNameOfItsField(_ hostile: Case) {
        var builder = TorrentBuilder.single(byteCount: 98_000, pieceByteCount: 16384)
        #expect(throws: Never.self) { try builder.metainfo() }
        builder.changeInfo = hostile.change
        let error = #expect(throws: MetainfoError.self) { try builder.metainfo() }
        #expect(error?.description.contains(hostile.message) == true, "\(String(describing: error))")
        #expect(error?.isNotBencoded == false)
    }

    /// The whole value of `info.files`.
    private static func files(_ name: String, _ files: BencodeValue, _ message: String) -> Case {
        Case(name, message) { $0["files"] = files }
    }

    /// The path of the second of two files.
    private static func path(_ path: BencodeValue?, _ message: String) -> Case {
        var entry: BencodeValue = ["length": 1]
        entry["path"] = path
        return files(
            "path \(path.map { "\($0)".prefix(60) } ?? "missing")", [["length": 9, "path": ["ok"]], entry], message)
    }

    static let fileCases: [Case] = [
        files("files empty", [], "no data"),
        files("files of no bytes", [["length": 0, "path": ["a"]], ["length": 0, "path": ["b"]]], "no data"),
        files("files a dictionary", ["a": 1], "info.files is a dictionary where a list is needed"),
        files("file a string", ["a"], "info.files[0] is a string"),
        files("length missing", [["path": ["a"]]], "info.files[0].length is missing"),
        files(
            "length negative", [["length": 5, "path": ["a"]], ["length": -1, "path": ["b"]]],
            "info.files[1].length is -1"),
        files("length a list", [["length": [1], "path": ["a"]]], "info.files[0].length is a list"),
        files(
            "sum beyond 2^48", .list((0..<3).map { ["length": .integer(1 << 47), "path": [.text("\($0)")]] }),
            "total length"),
        files(
            "sum that would overflow", .list((0..<3).map { ["length": .integer(.max), "path": [.text("\($0)")]] }),
            "info.files[0].length is 9223372036854775807"),
        path(nil, "info.files[1].path is missing"),
        path("a/b", "info.files[1].path is a string where a list is needed"),
        path([], "info.files[1].path is empty"),
        path([""], "info.files[1].path is empty"),
        path(["a", 1], "info.files[1].path is an integer"),
        path([".."], "info.files[1].path contains \"..\""),
        path(["a", "..", "..", "b"], "info.files[1].path contains \"..\""),
        path(["."], "info.files[1].path contains \".\""),
        path(["a", ".", "b"], "info.files[1].path contains \".\""),
        path(["", "etc", "passwd"], "info.files[1].path is an absolute path"),
        path(["/etc/passwd"], "info.files[1].path contains \"/\""),
        path(["a/../../b"], "info.files[1].path contains \"/\""),
        path(["a\0"], "info.files[1].path contains a NUL"),
        path(.list([BencodeValue](repeating: "d", count: 1_000)), "nested deeper than 100 folders"),
        path(
            .list([BencodeValue](repeating: .text(String(repeating: "n", count: 200)), count: 30)),
            "longer than 4095 bytes"),
        path(["ok"], "two files are called \"sample/ok\""),
        path(["ok", "below"], "\"sample/ok\" is both a file and a folder"),
        files(
            "folder, then file", [["length": 1, "path": ["a", "b"]], ["length": 1, "path": ["a"]]],
            "both a file and a folder"),
        files(
            "folder hidden behind names that sort between",
            [
                ["length": 1, "path": ["a"]], ["length": 1, "path": ["a b"]], ["length": 1, "path": ["a.b"]],
                ["length": 1, "path": ["a", "z"]],
            ],
            "\"sample/a\" is both"),
        files("a link in a file's place", [["length": 1, "path": ["a"]], ["attr": "l", "path": ["a"]]], "two files"),
    ]

    @Test(arguments: fileCases) func filesAreRefusedByTheNameOfTheirField(_ hostile: Case) {
        var builder = TorrentBuilder(.multiple([.init("a", bytes: [1])]))
        builder.changeInfo = hostile.change
        let error = #expect(throws: MetainfoError.self) { try builder.metainfo() }
        #expect(error?.description.contains(hostile.message) == true, "\(String(describing: error))")
        #expect(error?.isNotBencoded == false)
    }

    @Test(arguments: [
        ("4:spam", "top level is a string"), ("le", "top level is a list"),
        ("i1e", "top level is an integer"), ("de", "info is missing"), ("d3:fooi1ee", "info is missing"),
        ("d4:info4:spame", "info is a string"), ("d4:infoi1ee", "info is an integer"),
        ("d4:infodee", "info.piece length is missing"), ("d4:infode4:infodee", "info appears twice"),
        ("d4:infod4:name1:a4:name1:bee", "info: key \"name\" appears twice"),
        ("d4:infod5:filesld1:x0:1:b0:1:x0:eeee", "info: key \"x\" appears twice"),
        ("d4:name18446744073709551615:aaae", "longer than what follows"), ("d4:name99999999:aaae", "longer than what"),
        ("d4:name-1:ae", "malformed string length"), ("d4:name03:aaae", "malformed string length"),
        ("d1:xi18446744073709551615ee", "does not fit in 64 bits"), ("d1:xi-ee", "malformed integer"),
        ("d1:xi-0ee", "malformed integer"), ("d1:xi01ee", "malformed integer"), ("d1:xiee", "malformed integer"),
        ("99999999:a", "longer than what follows"), ("i-0e", "malformed integer"), ("d4:info", "ends too early"),
    ])
    func brokenBencodingIsRefusedAsBroken(text: String, message: String) {
        let error = #expect(throws: MetainfoError.self) { try MetainfoParser.parse(Array(text.utf8)) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(error?.isNotBencoded == false)
    }

    @Test(arguments: [
        "", "<!DOCTYPE html><html></html>", "\u{7F}ELF", "\0\0\0\0", "dogs", "lorem", "important", "2024-01-01 log",
        "%PDF-1.4", "{\"a\":1}",
        " d4:infodee", "-1:a",
    ])
    func anythingElseIsNoBencodedDictionary(text: String) {
        #expect(throws: MetainfoError.notABencodedDictionary) { try MetainfoParser.parse(Array(text.utf8)) }
        #expect(MetainfoError.notABencodedDictionary.isNotBencoded)
    }

    @Test func messagesStayOneLineHoweverLongTheNames() {
        let path = (1...15).map { Array("\($0)\(String(repeating: "x", count: 200))".utf8) }
        let files = [TorrentBuilder.File(path: path, bytes: [1]), TorrentBuilder.File(path: path, bytes: [2])]
        let folder = TorrentBuilder.File(path: path + [Array("y".utf8)], bytes: [3])
        for content in [files, [files[0], folder]] {
            let error = #expect(throws: MetainfoError.self) { try TorrentBuilder(.multiple(content)).metainfo() }
            #expect(error?.description.utf8.count ?? .max < 260)
        }
    }

    @Test func moreThan64MebibytesAreRefusedUnread() {
        let error = #expect(throws: MetainfoError.self) {
            try MetainfoParser.parse([UInt8](repeating: 0, count: (64 << 20) + 1))
        }
        #expect(error?.description == "larger than 64 MiB")
        #expect(error?.isNotBencoded == true)
    }

    @Test(arguments: [1_000, 1_000_000]) func deepNestingIsRefused(depth: Int) {
        for text in [String(repeating: "l", count: depth), "d4:info" + String(repeating: "l", count: depth)] {
            let error = #expect(throws: MetainfoError.self) { try MetainfoParser.parse(Array(text.utf8)) }
            #expect(error?.description.contains("nested too deep") == true)
        }
    }

    @Test func threeMillionItemsAreTheMost() {
        let text = "d4:junkl" + String(repeating: "0:", count: 3_000_001) + "ee"
        let error = #expect(throws: MetainfoError.self) { try MetainfoParser.parse(Array(text.utf8)) }
        #expect(error?.description.contains("too many items") == true)
    }
}
