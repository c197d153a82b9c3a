import BitTorrent
import Testing

@testable import Supervisor

struct CreateOptionsTests {
    @Test func defaultsAreThoseOfAPublicTorrent() throws {
        let options = try ParsedCommandLine(coreCount: 6).create("dir")
        #expect(options.path == "dir" && options.target == .named && !options.replaces && !options.hashing.isJSON)
        #expect(options.trackerTiers.isEmpty && options.webSeeds.isEmpty && !options.isPrivate)
        #expect(options.comment == nil && options.source == nil && options.pieceByteCount == nil)
        #expect(options.date == .now && options.hashing.hashWorkers == 6)
    }

    @Test func everythingCanBeSaid() throws {
        let options = try ParsedCommandLine().create(
            "dir", "-o", "x.torrent", "-f", "--json", "--private", "--comment", "c", "--source", "s", "--no-date",
            "--piece-length", "4M", "--web-seed", "http://w/", "--tracker", "http://a/,udp://b:1", "--tracker",
            "https://c",
            "--hash-workers", "3")
        #expect(options.target == .file("x.torrent") && options.replaces && options.hashing.isJSON && options.isPrivate)
        #expect(options.comment == "c" && options.source == "s" && options.date == .none)
        #expect(options.pieceByteCount == 4 << 20 && options.hashing.hashWorkers == 3)
        #expect(options.trackerTiers.map { $0.map(\.text) } == [["http://a/", "udp://b:1"], ["https://c"]])
        #expect(options.webSeeds.map(\.text) == ["http://w/"])
    }

    @Test func stdoutIsADash() throws {
        #expect(try ParsedCommandLine().create("a", "-o", "-").target == .standardOutput)
    }

    /// The environment and the file say what downloads should do.
    @Test func trackersOfTheEnvironmentAreNotForNewTorrents() throws {
        var line = ParsedCommandLine(environment: ["SWARMKEEPER_TRACKER": "http://a/"])
        line.configuration = "tracker = http://b/\nhash-workers = 5\n"
        let options = try line.create("a")
        #expect(options.trackerTiers.isEmpty && options.hashing.hashWorkers == 5)
    }

    @Test func dateMayBeFixedFromOutside() throws {
        let line = ParsedCommandLine(environment: ["SOURCE_DATE_EPOCH": "1700000000"])
        #expect(try line.create("a").date == .fixed(1_700_000_000))
        #expect(try line.create("a", "--no-date").date == .none)
        #expect(throws: UserError.self) {
            try ParsedCommandLine(environment: ["SOURCE_DATE_EPOCH": "-1"]).create("a")
        }
        #expect(try ParsedCommandLine(environment: ["SOURCE_DATE_EPOCH": ""]).create("a").date == .now)
    }

    @Test(arguments: [
        ("a", "a"), ("a/b", "b"), ("/a/b//", "b"), ("/", ""), (".", "."), ("a/..", ".."), ("", ""), ("//x", "x"),
    ])
    func lastNameOfAPathIsFound(path: String, name: String) { #expect(UserPath(path).name == UserPath(name)) }
}
