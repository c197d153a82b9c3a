import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

/// Flag, environment, file, default: the first that says something counts.
struct OptionPrecedenceTests {
    static let file = """
        # the machine in the cellar

        workers = 3
        \thash-workers=5\r
        sequential = on
        tracker = http://one.example/a=b
        tracker = http://two.example/
        dir = /data/with blanks # and no comment
        """

    @Test func fileHidesTheDefault() throws {
        let options = try ParsedCommandLine(configuration: Self.file).download("a")
        #expect(options.workers == 3)
        #expect(options.hashWorkers == 5)
        #expect(options.isSequential)
        #expect(options.trackers.map(\.text) == ["http://one.example/a=b", "http://two.example/"])
        #expect(options.directory == "/data/with blanks # and no comment")
    }

    @Test func environmentHidesTheFile() throws {
        let line = ParsedCommandLine(
            environment: [
                "SWARMKEEPER_WORKERS": "7", "SWARMKEEPER_SEQUENTIAL": "0", "SWARMKEEPER_HASH_WORKERS": "",
                "SWARMKEEPER_TRACKER": "http://three.example/ http://four.example/",
            ], configuration: Self.file)
        let options = try line.download("a")
        #expect(options.workers == 7)
        #expect(!options.isSequential)
        #expect(options.hashWorkers == 5, "an empty variable is none")
        #expect(options.trackers.map(\.origin) == ["http://three.example", "http://four.example"])
    }

    @Test func flagHidesTheEnvironment() throws {
        let line = ParsedCommandLine(
            environment: ["SWARMKEEPER_WORKERS": "nonsense", "SWARMKEEPER_TRACKER": "http://three.example/"],
            configuration: Self.file)
        let options = try line.download("a", "--workers", "1", "--workers", "2", "--tracker", "http://five.example/")
        #expect(options.workers == 2, "of several, the last counts")
        #expect(options.trackers.map(\.origin) == ["http://five.example"])
    }

    @Test func aCommandInTheEnvironmentIsNotSplit() throws {
        let line = ParsedCommandLine(environment: ["SWARMKEEPER_WORKER_WRAP": "peer=strace -f -o x"])
        #expect(try line.download("a").diagnosis.wrappers == [.peerWorker: ["strace", "-f", "-o", "x"]])
    }

    @Test(arguments: OptionName.allCases) func everyOptionIsReadFromBoth(name: OptionName) throws {
        let text = "\u{1}"
        let environment = ParsedCommandLine(environment: [name.variable: text])
        let file = ParsedCommandLine(configuration: "\(name.rawValue) = \(text)")
        for line in [environment, file] {
            switch name {
            case .directory, .selectFile, .stateDirectory, .caCertificate, .log, .events, .controlSocket:
                let options = try line.download("a")
                let paths = [
                    options.directory, options.stateDirectory, options.caCertificate, options.output.logFile,
                    options.output.eventsFile, options.selectedFiles.map { UserPath($0) }, options.control.socket,
                ]
                #expect(paths.contains(UserPath(text)))
            case .user: #expect(try line.download("a").sandbox.user == text)
            case .onComplete: #expect(try line.download("a").seeding.onComplete == text)
            default:
                let error = #expect(throws: UserError.self) { try line.download("a") }
                let subject = line.configuration.isEmpty ? name.variable : "/etc/config:1: \(name.rawValue)"
                #expect(error?.subject == subject)
            }
        }
    }

    @Test func badLinesOfTheFileAreNamed() throws {
        let text = ConfigurationText(
            """
            workers
            colour = green
            \u{1B}[31m = 1
            workers = 2
            """, path: "/home/\u{1B}/config")
        #expect(
            text.warnings == [
                #"/home/\u{1b}/config:1: no "name = value" in "workers""#,
                #"/home/\u{1b}/config:2: unknown option "colour""#,
                #"/home/\u{1b}/config:3: unknown option "\u{1b}[31m""#,
            ])
        #expect(text.entries[.workers]?.map(\.text) == ["2"])
    }

    @Test func showNeedsNoOptions() throws {
        let line = ParsedCommandLine(environment: ["SWARMKEEPER_WORKERS": "x"], configuration: "memory = x")
        #expect(try line.parse("show", "a") == .show(ShowOptions(torrent: "a", isJSON: false)))
    }
}
