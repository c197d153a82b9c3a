import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

struct CommandLineParserTests {
    let bare = ParsedCommandLine()

    @Test func defaultsAreThoseOfTheManual() throws {
        let expected = DownloadOptions(
            torrents: ["a.torrent"], workers: 2, hashWorkers: 1, memory: nil, pins: nil, maximumPeers: 200,
            directory: ".", selectedFiles: nil, showsFiles: false, allocation: .whereItPays, isSequential: false,
            verifiesFirst: false, stateDirectory: "./.swarmkeeper", sync: .batch, listenPorts: 6881...6999,
            isListenPortChosen: false, bindAddress: nil, peers: [], trackers: [], usesTrackers: true,
            exchangesPeers: true, discoversLocally: true,
            connectTimeout: .seconds(10), stopTimeout: nil, caCertificate: nil, seeding: SeedingOptions(),
            output: OutputOptions(
                progress: .auto, interval: nil, isQuiet: false, logLevel: nil, logFile: nil, eventsFile: nil),
            diagnosis: DiagnosisOptions(heartbeat: .seconds(1), slowLimit: .milliseconds(100), wrappers: [:]),
            environment: [:])
        #expect(try bare.download("a.torrent") == expected)
    }

    @Test(arguments: [(1, 1, 1), (2, 2, 1), (8, 8, 4), (500, 256, 64)])
    func workersFollowTheCores(cores: Int, workers: Int, hashWorkers: Int) throws {
        let options = try ParsedCommandLine(coreCount: cores).download("a")
        #expect(options.workers == workers)
        #expect(options.hashWorkers == hashWorkers)
        #expect(try ParsedCommandLine(coreCount: cores).verify("a").hashing.hashWorkers == min(cores, 64))
    }

    @Test func stateLivesWhereXDGSays() throws {
        let home = ParsedCommandLine(environment: ["HOME": "/home/me"])
        #expect(try home.download("a").stateDirectory == "/home/me/.local/state/swarmkeeper")
        let stated = ParsedCommandLine(environment: ["HOME": "/home/me", "XDG_STATE_HOME": "/var/state"])
        #expect(try stated.download("a").stateDirectory == "/var/state/swarmkeeper")
        let relative = ParsedCommandLine(environment: ["HOME": "/home/me", "XDG_STATE_HOME": "state"])
        #expect(try relative.download("a").stateDirectory == "/home/me/.local/state/swarmkeeper")
        #expect(try stated.download("a", "--state-dir", "here").stateDirectory == "here")
        #expect(try bare.download("a", "-d", "out").stateDirectory == "out/.swarmkeeper")
    }

    @Test func everyOptionOfADownloadIsUnderstood() throws {
        let options = try bare.download(
            "--workers", "8", "one.torrent", "--hash-workers=3", "--memory", "512M", "--pin", "off", "--max-peers",
            "65535", "-d", "out", "--file-allocation", "falloc", "--sequential", "--verify",
            "--state-dir", "/state", "--sync", "none", "--listen-port", "7000-7010", "--bind", "2001:db8::1", "--peer",
            "127.0.0.1:1", "--peer", "[::1]:65535", "--tracker", "http://t.example/announce", "--tracker",
            "https://u.example", "--no-tracker", "--no-pex", "--no-lsd", "--connect-timeout", "2.5", "--stop-timeout",
            "30",
            "--ca-certificate", "ca.pem", "--seed", "--seed-ratio", "1.5", "--seed-time", "90", "--upload-slots", "20",
            "--on-complete", "echo done",
            "--max-download-limit", "10M", "--max-upload-limit=512K",
            "--progress", "json", "--interval", "0.25", "-q", "--log-level", "debug",
            "-l", "log.txt", "--events", "events.json", "--worker-wrap", "peer=strace -f -o 'a b'", "--worker-wrap",
            "writer=nice", "--heartbeat-ms", "200", "--slow-ms", "50", "two.torrent")
        let expected = DownloadOptions(
            torrents: ["one.torrent", "two.torrent"], workers: 8, hashWorkers: 3, memory: 512 << 20, pins: false,
            maximumPeers: 65535, directory: "out", selectedFiles: nil, showsFiles: false, allocation: .atStart,
            isSequential: true, verifiesFirst: true, stateDirectory: "/state", sync: .none, listenPorts: 7000...7010,
            isListenPortChosen: true, bindAddress: "2001:db8::1",
            peers: [try #require(HostAndPort("127.0.0.1:1")), try #require(HostAndPort("[::1]:65535"))],
            trackers: [try TrackerURL("http://t.example/announce"), try TrackerURL("https://u.example")],
            usesTrackers: false, exchangesPeers: false, discoversLocally: false, connectTimeout: .milliseconds(2500),
            stopTimeout: .seconds(30),
            caCertificate: "ca.pem",
            seeding: SeedingOptions(
                goal: SeedGoal(ratio: 1.5, time: .seconds(5400)), uploadSlots: 20,
                onComplete: "echo done", downloadLimit: 10 << 20,
                uploadLimit: 512 << 10),
            output: OutputOptions(
                progress: .json, interval: .milliseconds(250), isQuiet: true, logLevel: .debug, logFile: "log.txt",
                eventsFile: "events.json"),
            diagnosis: DiagnosisOptions(
                heartbeat: .milliseconds(200), slowLimit: .milliseconds(50),
                wrappers: [.peerWorker: ["strace", "-f", "-o", "a b"], .writer: ["nice"]]), environment: [:])
        #expect(options == expected)
    }

    @Test func aGoalAsksForSeeding() throws {
        #expect(try bare.download("a").seeding.goal == nil)
        #expect(try bare.download("a", "--seed").seeding.goal == SeedGoal())
        #expect(try bare.download("a", "--seed-ratio", "2").seeding.goal == SeedGoal(ratio: 2))
        #expect(try bare.download("a", "--seed-time", "1").seeding.goal == SeedGoal(time: .seconds(60)))
        for text in ["-1", "nan", "1e5", "x", ".", "99999999"] {
            #expect(throws: UserError.self) { try bare.download("a", "--seed-ratio", text) }
        }
        for text in ["-1", "0.5", "x"] {
            #expect(throws: UserError.self) { try bare.download("a", "--seed-time", text) }
        }
    }

    @Test func verifyTakesItsOwnOptions() throws {
        let options = try bare.verify(
            "a.torrent", "--dir", "/data", "--json", "--hash-workers", "64", "--pin", "on", "--worker-wrap", "hash=x")
        #expect(options.torrent == "a.torrent")
        #expect(options.directory == "/data")
        #expect(options.hashing.isJSON)
        #expect(options.hashing.hashWorkers == 64)
        #expect(options.hashing.pins == true)
        #expect(options.hashing.diagnosis.wrappers == [.hashWorker: ["x"]])
        #expect(try bare.verify("a").directory == ".")
    }

    @Test func attacksAreTakenWhenTheyAreUnlocked() throws {
        let unlocked = ParsedCommandLine(environment: ["SWARMKEEPER_ALLOW_SELFTEST": "1"])
        let options = try unlocked.download("a", "--selftest", "peer:spin", "--selftest", "writer:flood")
        #expect(options.diagnosis.attacks == [.peerWorker: .spin, .writer: .flood])
        for (text, value) in [("hash:badref-slot", "1"), ("peer", "1"), ("supervisor:spin", "1"), ("peer:fly", "1")] {
            #expect(throws: UserError.self) {
                try ParsedCommandLine(environment: [Attack.key: value]).download("a", "--selftest", text)
            }
        }
        #expect(throws: UserError.self) {
            try ParsedCommandLine(environment: [Attack.key: "yes"]).download("a", "--selftest", "peer:spin")
        }
    }

    @Test func showTakesOneTorrent() throws {
        #expect(try bare.parse("show", "a") == .show(ShowOptions(torrent: "a", isJSON: false)))
        #expect(try bare.parse("show", "--json", "a") == .show(ShowOptions(torrent: "a", isJSON: true)))
    }

    @Test func aTorrentMayBeCalledLikeACommand() throws {
        #expect(try bare.download("./show").torrents == ["./show"])
        #expect(try bare.download("--sequential", "show").torrents == ["show"])
        #expect(try bare.download("--", "--odd").torrents == ["--odd"])
    }

    @Test(arguments: [["--help"], ["-h"], ["a", "--help"], ["show", "--help"], ["verify", "-h"], ["--version"]])
    func helpAndVersionAreForStdout(arguments: [String]) throws {
        guard case .print(let text) = try bare.parse(arguments) else {
            Issue.record("\(arguments) prints nothing")
            return
        }
        #expect(text.contains("supervisor"))
        #expect(text.contains(arguments == ["--version"] ? "0.1.0" : "USAGE"))
    }

    @Test func helpNamesEveryOption() throws {
        guard case .print(let text) = try bare.parse("--help") else { return #expect(Bool(false)) }
        for name in OptionName.allCases { #expect(text.contains(name.flag), "\(name.flag)") }
    }

    @Test func listenPortHasAFormForErrors() throws {
        #expect(try bare.download("a").listenPortText == "6881-6999")
        #expect(try bare.download("a", "--listen-port", "7000").listenPortText == "7000")
        #expect(try bare.download("a", "--listen-port", "0").listenPorts == 0...0)
        #expect(try bare.download("a", "--listen-port", "off").listenPorts == nil)
    }

    @Test func workersLogNoMoreThanSomebodyReads() throws {
        #expect(try bare.download("a").output.leastLogLevel == .warning)
        #expect(try bare.download("a", "-l", "x").output.leastLogLevel == .notice)
        #expect(try bare.download("a", "--log-level", "trace").output.leastLogLevel == .trace)
    }
}
