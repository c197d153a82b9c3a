import Testing

extension EndToEnd {
    /// A dead, slow or lying tracker never delays a transfer from a peer that is known without it.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct HostileTrackers {
        let workspace: Workspace
        init() throws { workspace = try Workspace("trackers") }

        /// Every mode of a tracker that fails at once, and what its event says.
        private static let failures = [
            "refuse": "receiving data", "close": "returned nothing", "garbage": "not a bencoded dictionary",
            "deep": "nested too deep", "types": "\"peers\" has the wrong type",
            "failure": "the torrent is not known here", "error": "HTTP status 500",
            "redirect": "more than 5 redirects", "to-file": "only http and https are followed",
            "to-ftp": "only http and https are followed", "to-unix": "only http and https are followed",
            "endless": "larger than 1048576 bytes", "huge": "larger than 1048576 bytes",
            "bomb": "larger than 1048576 bytes", "cut": "closed in the middle of the answer", "chunks": "next try in",
        ]

        /// All in one run, a tier each: the next is asked when one has failed.
        @Test func badTrackersAreNamedInOneLineEachAndDelayNothing() throws {
            let tracker = try TrackerProcess.recording(in: workspace)
            let unreachable = [
                "http://127.0.0.1:1/announce": "cannot connect",
                "http://tracker.invalid/announce": "cannot resolve the name",
                "http://127.0.0.1:1/secret": "only paths that end in /announce",
                "udp://127.0.0.1:1/announce": "Connection refused", "udp://tracker.invalid:1": "tracker.invalid: ",
                "udp://255.255.255.255:1": "no address that a tracker can have",
            ]
            let urls = Self.failures.keys.sorted().map { "http://\(tracker.address)/\($0)/announce" }
            let run = try download(asking: urls + unreachable.keys.sorted(), rate: 512 << 10)
            let failed = run.events.filter { $0.isA("tracker", "failed") }.compactMap { $0.text("text") }
            #expect(failed.count == Self.failures.count + unreachable.count)
            for text in Array(Self.failures.values) + unreachable.values {
                #expect(failed.contains { $0.contains(text) }, "\(text): \(failed)")
            }
            let lines = run.process.errorText.split(separator: "\n").filter { $0.contains("tracker ") }
            #expect(lines.count == failed.count)
            #expect(lines.allSatisfy { $0.utf8.count < 300 })
            #expect(lines.count { $0.contains("tracker http://\(tracker.address):") } == Self.failures.count)
            #expect(!run.process.errorText.contains("secret"), "paths may hold passkeys")
            run.expectNoWorkerDied()
        }

        @Test(arguments: [
            ("warning", "this tracker closes soon"), ("odd", "no whole entry"), ("flood", "no usable address"),
        ])
        func whatIsOddInAnAnswerIsAWarning(_ mode: String, _ text: String) throws {
            let tracker = try TrackerProcess.recording(in: workspace, ["--mode", mode])
            let run = try download(asking: [tracker.url])
            let warnings = run.events.filter { $0.isA("tracker", "warning") }
            #expect(warnings.first?.text("text")?.contains(text) ?? false)
            #expect(run.events.contains { $0.isA("tracker", "announced") })
            let lines = run.process.errorText.split(separator: "\n").filter { $0.contains("http://\(tracker.address)") }
            #expect(lines.count == warnings.count)
        }

        /// Nothing comes for the whole run, and the goodbye may wait for seconds, but the files are there in time.
        @Test(arguments: ["silent", "drip"])
        func aTrackerThatDoesNotAnswerDelaysNothing(_ mode: String) throws {
            let tracker = try TrackerProcess.recording(in: workspace, ["--mode", mode])
            try download(asking: [tracker.url])
            // It may have counted us all the same, so it is told the end too.
            #expect(try tracker.announces().map { $0.text("event") } == ["started", "stopped"])
        }

        /// The own address is found out by the peer id and never tried again; port 0, 0.0.0.0, multicast and duplicates
        /// are no addresses at all.
        @Test(arguments: ["own", "flood"]) func uselessAddressesAreTriedOnceOrNever(_ mode: String) throws {
            let tracker = try TrackerProcess.recording(in: workspace, ["--mode", mode])
            // A second, so that the last of many handshakes is not cut short by the end of the run.
            let run = try download(asking: [tracker.url], rate: 1 << 20)
            let attempts = run.events.filter { $0.isA("peer", "connecting") }.compactMap { $0.text("address") }
            #expect(attempts.count == Set(attempts).count)
            let own = "127.0.0.1:\(try run.listenPort())"
            if mode == "own" {
                // The end that was connected to answers before it closes, since only the other knows the address.
                #expect(run.endOfPeer(own) == "the other end is this client")
            } else {
                #expect(!attempts.contains { $0.hasSuffix(":0") || $0.hasPrefix("0.") || $0.hasPrefix("2") })
                #expect(attempts.contains { $0.hasPrefix("127.200.") })
                let announced = try #require(run.events.first { $0.isA("tracker", "announced") })
                #expect(announced.count("num_peers") ?? .max <= 2000)
            }
        }

        @Test func aTrackerWhoseCertificateNobodyVouchesForIsNotAsked() throws {
            let (certificate, key) = (workspace.path("cert.pem"), workspace.path("key.pem"))
            try workspace.run(
                [
                    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                ], "openssl")
            let arguments = ["--certificate", certificate, "--key", key]
            let tracker = try TrackerProcess.recording(in: workspace, arguments)
            let url = "https://\(tracker.address)/announce"
            let refused = try download(asking: [url])
            let event = try #require(refused.events.first { $0.isA("tracker", "failed") })
            #expect(event.text("text")?.contains("certificate refused") ?? false)
            #expect(try tracker.announces().isEmpty)
            let trusted = try download(asking: [url], ["--ca-certificate", certificate])
            #expect(trusted.events.contains { $0.isA("tracker", "announced") })
        }

        /// A mebibyte from a named peer, at this rate and not much slower.
        @discardableResult private func download(
            asking trackers: [String], rate: Int = 4 << 20, _ arguments: [String] = [],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> SupervisorRun {
            let number = workspace.nextNumber()
            let torrent = try workspace.makeTorrent("payload-\(number).bin", size: "1M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: rate)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--sync", "none", "--peer", seeder.address] + trackers.flatMap { ["--tracker", $0] } + arguments,
                directory: workspace.path("out-\(number)"))
            try run.expectEnd(0, within: 10, sourceLocation: sourceLocation)
            torrent.expectComplete(in: run.directory, sourceLocation: sourceLocation)
            let seconds = try #require(run.secondsToComplete)
            #expect(seconds < Double(1 << 20) / Double(rate) * 1.5 + 0.3, sourceLocation: sourceLocation)
            return run
        }
    }
}
