import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// The lock-down of the workers: rows S1 to S13 of docs/faults.md. What an attack would do is tried in the real worker
    /// after `ready` (`--selftest`), with the sandbox, with each of its layers alone, and without.
    @Suite(.enabled(if: Able.leanSeeder && Able.isSandboxed, Why.sandbox)) struct Sandbox {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        static let roles = ["peer", "hash", "writer"]
        init() throws {
            workspace = try Workspace("sandbox")
            torrent = try workspace.makeTorrent(size: "4M", pieceLength: "64K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20, listen: "0.0.0.0:0")
        }

        private func start(
            _ attacks: [String], _ arguments: [String], layers: String? = nil, before: [String] = [],
            directory: String? = nil, environment: [String: String] = [:]
        ) throws -> SupervisorRun {
            var environment = environment
            environment["SWARMKEEPER_ALLOW_SELFTEST"] = "1"
            environment["SWARMKEEPER_SANDBOX_LAYERS"] = layers
            return try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", "127.0.0.1:\(seeder.port)"] + attacks.flatMap { ["--selftest", $0] }
                    + arguments,
                directory: directory, before: before, environment: environment)
        }

        /// How each attempt of a `trespass` in a run of its own ended, by its name.
        private func trespass(_ role: String, _ arguments: [String], layers: String? = nil) throws -> [String: String] {
            let directory = workspace.path("out-\(layers ?? "all")")
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            symlink("..", "\(directory)/link")
            let run = try start(["\(role):trespass"], arguments, layers: layers, directory: directory)
            try run.expectEnd(0)
            for path in ["\(directory)/link", "\(directory)/escaped-link"] + Self.traces {
                try? FileManager.default.removeItem(atPath: path)
            }
            torrent.expectComplete(in: directory)
            run.expectNoWorkerDied()
            var outcomes: [String: String] = [:]
            for line in run.process.errorText.split(separator: "\n") {
                guard let text = line.components(separatedBy: "selftest: ").dropFirst().first else { continue }
                let parts = text.components(separatedBy: ": ")
                if parts.count == 2 { outcomes[parts[0]] = parts[1] }
            }
            return outcomes
        }

        /// What attempts that succeed leave behind.
        private static let traces = ["/tmp/swarmkeeper-trespass", "/tmp/swarmkeeper-escaped"]
        private static let byFilter = "Operation not permitted"
        private static let byLandlock = "Permission denied"

        /// The hard limits, as the kernel tells them.
        private func expectLimits(of process: pid_t, _ role: String) {
            var limits: [String: String] = [:]
            for line in ProcessTable.text("limits", of: process).split(separator: "\n") {
                // Name, soft limit, hard limit: in columns of fixed width.
                let hard = line.dropFirst(47).prefix(21).trimmingCharacters(in: .whitespaces)
                limits[line.prefix(26).trimmingCharacters(in: .whitespaces)] = hard
            }
            #expect(limits["Max file size"] == (role == "writer" ? "unlimited" : "0"), "\(role): \(limits)")
            #expect((limits["Max processes"] == "0") == (role != "peer"), "\(role): \(limits)")
        }

        /// Others' memory is mapped so that it can never be written (`mw`: may be made writable).
        private func expectReadOnlyRegions(of process: pid_t, _ role: String) {
            var mappings: [(access: String, path: String, flags: [Substring])] = []
            for line in ProcessTable.text("smaps", of: process).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.first == "VmFlags:" {
                    mappings[mappings.count - 1].flags = Array(words.dropFirst())
                } else if words.count >= 5, words[0].contains("-") {
                    mappings.append((String(words[1]), words.count > 5 ? String(words[5]) : "", []))
                }
            }
            let readOnly = mappings.filter { $0.access == "r--s" && $0.path.hasPrefix("/memfd:") }
            // The intake regions of two peer-workers; the assembly region of one hash-worker.
            #expect(readOnly.count == ["peer": 0, "hash": 2, "writer": 1][role], "\(role): \(mappings)")
            #expect(readOnly.allSatisfy { !$0.flags.contains("mw") }, "\(role): \(readOnly)")
        }

        // MARK: S11, whole runs

        @Test func everyThreadOfEveryWorkerIsLockedDown() throws {
            let run = try start(
                [], ["--sandbox", "strict", "--seed"], environment: ["AWS_SECRET_ACCESS_KEY": "hunter2"])
            try run.wait(forPieces: 64, "synced")
            for role in Self.roles {
                let process = try run.worker(role)
                #expect(!ProcessTable.text("environ", of: process).contains("hunter2"))
                expectLimits(of: process, role)
                expectReadOnlyRegions(of: process, role)
                let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
                #expect(threads.count >= 3)
                for thread in threads {
                    let field = { ProcessTable.field($0, of: process, thread: thread) }
                    #expect(field("NoNewPrivs") == "1")
                    #expect(field("Seccomp") == "2")
                    // Root's writer writes where the user wants it (CAP_DAC_OVERRIDE), and nothing else.
                    let rights = Able.isRoot && role == "writer" ? 2 : 0
                    #expect(field("CapEff").flatMap { Int($0, radix: 16) } == rights)
                    #expect(field("CapBnd").flatMap { Int($0, radix: 16) } == rights || !Able.isRoot)
                }
                let strange = ProcessTable.descriptors(of: process).filter { name in
                    !["/dev/null", "anon_inode:[event", "socket:", "pipe:", workspace.root].contains {
                        name.hasPrefix($0)
                    }
                }
                #expect(strange == [], "\(role)")
                if role != "writer" {
                    let files = ProcessTable.descriptors(of: process).filter { $0.hasPrefix(workspace.root) }
                    #expect(files.allSatisfy { $0.hasSuffix("/\(torrent.name)") }, "\(files)")
                }
            }
            for row in try run.rows(withColumn: "SANDBOX") {
                #expect(row["SANDBOX"] == (row["ROLE"] == "supervisor" ? "-" : "full"))
            }
            let ready = run.events.filter { $0.isA("worker", "ready") }
            #expect(ready.count == 4 && ready.allSatisfy { $0.text("sandbox") == "full" })

            // And it gives to others what it has.
            let leecher = try Workspace("leecher")
            let second = try SupervisorRun(
                leecher, [torrent],
                ["--no-tracker", "--sandbox", "strict", "--peer", "127.0.0.1:\(try run.listenPort())"])
            try second.expectWhole(torrent)
            run.process.send(SIGTERM)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
        }

        @Test func filesAreCheckedAndMadeIntoTorrentsByLockedDownWorkers() throws {
            let seeded = "\(torrent.seedDirectory)/\(torrent.name)"
            let verified = try workspace.supervisor(
                ["verify", torrent.file, "--dir", torrent.seedDirectory, "--sandbox", "strict"])
            #expect(verified.ending == .exited(0), "\(verified.errorText)")
            let created = try workspace.supervisor(["create", seeded, "-o", "made.torrent", "--sandbox", "strict"])
            #expect(created.ending == .exited(0), "\(created.errorText)")
        }

        // MARK: S1, S4, S5, S7, S10

        @Test(arguments: roles) func aWorkerReachesNothingThatIsNotItsOwn(role: String) throws {
            let outcomes = try trespass(role, ["--sandbox", "strict"])
            for (name, outcome) in outcomes {
                switch name {
                // A peer-worker's work; to whom it connects is for the firewall.
                case "stream socket" where role == "peer": #expect(outcome == "done")
                // A filter cannot see how it is called: Landlock is the guard.
                case "openat2 /etc/passwd" where role == "writer", "openat2 /proc/self/mem" where role == "writer",
                    "make a file above", "make a file elsewhere", "follow a link", "list above",
                    "make a directory above":
                    #expect(outcome == Self.byLandlock, "\(name)")
                default: #expect(outcome == Self.byFilter, "\(name)")
                }
            }
            #expect(outcomes.count == (role == "writer" ? 26 : 18), "\(outcomes.keys.sorted())")
        }

        @Test func eachLayerHoldsAlone() throws {
            let files = try trespass("peer", [], layers: "files")
            for name in [
                "open /etc/passwd", "openat2 /etc/passwd", "open /proc/self/mem", "list /", "make a file",
                "of another thread",
            ] { #expect(files[name] == Self.byLandlock, "\(name)") }
            #expect(files["unix socket"] == "done" && files["signal the supervisor"] == "done")

            let calls = try trespass("peer", [], layers: "calls")
            for name in ["open /etc/passwd", "list /", "unix socket", "bind", "signal the supervisor"] {
                #expect(calls[name] == Self.byFilter, "\(name)")
            }

            let ports = try trespass("hash", [], layers: "ports")
            #expect(ports["bind"] == Self.byLandlock && ports["open /etc/passwd"] == "done")

            let signals = try trespass("writer", [], layers: "signals")
            #expect(signals["signal the supervisor"] == Self.byFilter && signals["signal its thread"] == Self.byFilter)
            #expect(signals["open /etc/passwd"] == "done" && signals["make a file above"] == "done")
        }

        /// The negative control: the same attempts succeed, so that the other tests can fail.
        @Test(.enabled(if: Able.isRoot, Why.root), arguments: roles)
        func withoutASandboxTheSameAttemptsSucceed(role: String) throws {
            let outcomes = try trespass(role, ["--sandbox", "off"])
            // The link has been renamed by then; not every kernel has Multipath TCP.
            for (name, outcome) in outcomes where !["multipath socket", "remove"].contains(name) {
                #expect(outcome == "done", "\(name)")
            }
            #expect(outcomes.count == (role == "writer" ? 26 : 18))
        }

        @Test func aRunWithoutASandboxSaysSo() throws {
            let run = try start([], ["--sandbox", "off"])
            try run.expectWhole(torrent)
            let warnings = run.events.filter { $0.kind == "warning" }.compactMap { $0.text("message") }
            #expect(warnings == ["--sandbox off: a worker that strangers take over has all rights of this user"])
            #expect(run.events.filter { $0.isA("worker", "ready") }.allSatisfy { $0.text("sandbox") == "off" })
        }

        // MARK: S2, S3, S5, S6

        static let felonies = [
            "exec", "fork", "ptrace", "peek", "steal-descriptor", "write-code", "map-code", "userfaultfd", "io-uring",
            "bpf", "perf", "keyctl",
        ]

        @Test(arguments: felonies) func whatIsNeverLegalEndsTheWorkerAndNobodyElse(felony: String) throws {
            let run = try start(Self.roles.map { "\($0):\(felony)" }, ["--sandbox", "strict", "--workers", "3"])
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            for role in Self.roles {
                let deaths = run.events.filter { $0.isA("worker", "dead") && $0.text("role") == role }
                let faults = deaths.filter { $0.count("signal") == Int(SIGSYS) }
                #expect(faults.count == 1, "\(role): \(deaths.map(\.members))")
                #expect(faults.allSatisfy { $0.count("generation") == 1 })
            }
            #expect(!run.process.errorText.contains("selftest: \(felony)"), "the call came back")
        }

        /// What the kernel itself refuses to this machine's users is told with a reason; that the call came back is what
        /// counts.
        @Test(arguments: felonies) func withoutASandboxTheWorkerLivesOn(felony: String) throws {
            let run = try start(Self.roles.map { "\($0):\(felony)" }, ["--sandbox", "off", "--workers", "3"])
            #expect(try run.process.wait(within: 40) == .exited(0))
            torrent.expectComplete(in: run.directory)
            #expect(run.events.filter { $0.count("signal") == Int(SIGSYS) }.isEmpty)
            if felony == "exec" {
                // Each became another program, which had nothing to do.
                #expect(run.events.filter { $0.isA("worker", "dead") && $0.count("generation") == 1 }.count >= 3)
            } else {
                #expect(run.process.errorText.components(separatedBy: "selftest: \(felony): ").count == 4)
            }
        }

        // MARK: S9

        @Test func aWorkerThatChangesBlocksAfterwardsSpoilsNothing() throws {
            for _ in 1...3 {
                let run = try start(["peer:flip"], (2...6).flatMap { ["--peer", "127.0.0.\($0):\(seeder.port)"] })
                try run.expectEnd(0)
                torrent.expectComplete(in: run.directory)
                try FileManager.default.removeItem(atPath: run.directory)
            }
        }

        // MARK: What the supervisor does for a worker

        /// A torrent may be called like something that lies in the directory anyway, and a worker may ask for it.
        @Test func aWorkerIsGivenNoFileThatHoldsNothingOfOurs() throws {
            let payload = workspace.path("mixed")
            try FileManager.default.createDirectory(atPath: payload, withIntermediateDirectories: true)
            func write(_ name: String, _ mark: String, in directory: String) throws {
                var bytes = Data(mark.utf8)
                bytes.append(Data((0..<(65_536 - bytes.count)).map { _ in UInt8.random(in: 0...255) }))
                try bytes.write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
            }
            try write("a.bin", "selftest public", in: payload)
            try write("b.bin", "selftest other!", in: payload)
            let mixed = try workspace.makeTorrent(of: payload, pieceLength: "16K")
            let directory = workspace.path("home")
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: payload, toPath: "\(directory)/mixed")
            try write("b.bin", "selftest secret", in: "\(directory)/mixed")
            let run = try SupervisorRun(
                workspace, [mixed], ["--no-tracker", "--selftest", "peer:want-files", "--workers", "1"],
                directory: directory, environment: ["SWARMKEEPER_ALLOW_SELFTEST": "1"])
            try awaiting("the public file", within: 20) {
                run.process.errorText.contains("selftest: reads: selftest public")
            }
            // It goes on asking, every fourth turn.
            Thread.sleep(forTimeInterval: 2)
            run.process.send(SIGTERM)
            _ = try run.process.wait(within: 10)
            #expect(!run.process.errorText.contains("secret"), "\(run.process.errorText)")
            run.expectNoWorkerDied()
        }

        // MARK: S13

        private func without(_ parts: [String]) -> [String] { Programs.tool("without_sandbox", parts + ["--"]) }

        @Test func aKernelWithoutItIsRefusedByTheStrictAndToldToTheOthers() throws {
            for (parts, lack) in [
                (["landlock"], "this kernel has no Landlock: nothing guards files, ports, signals"),
                (["seccomp"], "this kernel has no system call filters: nothing guards calls"),
            ] {
                let strict = try start([], ["--sandbox", "strict"], before: without(parts))
                #expect(try strict.process.wait(within: 10) == .exited(41))
                #expect(strict.process.errorText.contains("supervisor: --sandbox strict: \(lack)"))
                #expect(strict.events.filter { $0.kind == "worker" }.isEmpty)

                let auto = try start([], [], before: without(parts), directory: workspace.path(parts[0]))
                try auto.expectWhole(torrent)
                #expect(auto.events.contains { $0.kind == "warning" && $0.text("message") == lack })
                let ready = auto.events.filter { $0.isA("worker", "ready") }
                #expect(ready.count == 4 && ready.allSatisfy { $0.text("sandbox") == "partial" })
            }
        }

        /// The supervisor's look at the kernel is a courtesy: what counts is what the worker gets.
        @Test func aWorkerThatCannotLockItselfDownEndsAStrictRun() throws {
            for (part, lack) in [("landlock", "files, ports, signals"), ("seccomp", "calls (")] {
                let wrapper = without([part]).joined(separator: " ")
                let run = try start(
                    [], ["--sandbox", "strict", "--worker-wrap", "hash=\(wrapper)"], directory: workspace.path(part))
                #expect(try run.process.wait(within: 20) == .exited(41))
                #expect(run.process.errorText.contains("h0: the sandbox cannot be set up: \(lack)"))
                run.expectNothingLeft()
            }
        }

        // MARK: Another user

        @Test(.enabled(if: Able.isRoot, Why.root)) func rootsWorkersBecomeAnotherUser() throws {
            let run = try start([], ["--user", "nobody", "--sandbox", "strict", "--seed"])
            try run.wait(forPieces: 64, "synced")
            for role in Self.roles {
                let process = try run.worker(role)
                #expect(ProcessTable.field("Uid", of: process) == "65534\t65534\t65534\t65534")
                #expect(ProcessTable.field("CapEff", of: process) == "0000000000000000")
                #expect(ProcessTable.field("Groups", of: process)?.split(separator: " ").contains("0") == false)
            }
            run.process.send(SIGTERM)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            for path in [run.directory, "\(run.directory)/\(torrent.name)"] {
                let owner = try FileManager.default.attributesOfItem(atPath: path)[.ownerAccountID] as? Int
                #expect(owner == 65534, "\(path)")
            }
        }

        @Test(.enabled(if: Able.isRoot, Why.root)) func aUserWhoMayNotWriteThereIsNamedWithThePath() throws {
            try FileManager.default.createDirectory(atPath: workspace.path("out"), withIntermediateDirectories: true)
            let run = try start([], ["--user", "nobody"])
            #expect(try run.process.wait(within: 20) == .exited(17))
            #expect(run.process.errorText.contains("\(torrent.name): open: Permission denied"))
        }

        @Test func aUserWhoIsNotThereOrIsRootIsRefused() throws {
            for (name, text) in [
                ("nobody-at-all", "there is no user 'nobody-at-all'"), ("root", "'root' is root"),
            ] where Able.isRoot {
                let run = try start([], ["--user", name])
                #expect(try run.process.wait(within: 10) == .exited(28))
                #expect(run.process.errorText.contains("supervisor: --user: \(text)"))
            }
        }
    }
}
