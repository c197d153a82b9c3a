import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What can be read in the log after something went wrong.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Log {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        let log: String
        init() throws {
            workspace = try Workspace("log")
            torrent = try workspace.makeTorrent(size: "4M", pieceLength: "64K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 3 << 20)
            log = workspace.path("log")
        }

        private func download(_ arguments: [String], environment: [String: String] = [:]) throws -> SupervisorRun {
            try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--workers", "1", "--peer", seeder.address, "-l", log] + arguments,
                environment: environment)
        }

        private func lines(with text: String = "") throws -> [String] {
            try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
                .filter { text.isEmpty || $0.contains(text) }
        }

        /// The place that a line is of, such as `p0.1`.
        private func speaker(_ line: String) -> String {
            String(line.split(separator: " ")[2].dropLast())
        }

        @Test func oneSearchFollowsABlockFromItsRequestIntoTheFile() throws {
            let run = try download(["--log-level", "trace"])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let way = try lines(with: " t0 piece:42 block:2 ")
            let steps = way.map { line in
                let worker = speaker(line).prefix { $0 != "." }
                let step = line.components(separatedBy: ": ").last!.prefix { $0 != "(" }
                return "\(worker.prefix(1)) \(step.trimmingCharacters(in: .whitespaces))"
            }
            let expected = [
                "p requested", "p begins to arrive", "p whole, handed over", "h copied into its frame",
                "h the hash of its piece is right", "w waits to be written", "w written",
            ]
            // What workers say comes over their own pipes, so that lines of different ones may change places.
            for role in ["p", "h", "w"] {
                let ours = steps.filter { $0.hasPrefix(role) && $0 != "p its slot is free again" }
                #expect(ours == expected.filter { $0.hasPrefix(role) }, "\(way.joined(separator: "\n"))")
            }
            #expect(steps.contains("p its slot is free again"))
            #expect(way.filter { speaker($0).hasPrefix("p") }.allSatisfy { $0.contains(" peer:1") })
            // Then the supervisor goes on with the piece.
            for state in ["verified", "written", "synced"] {
                #expect(try lines(with: "trace supervisor: t0 piece:42: \(state)").count == 1)
            }
        }

        @Test(arguments: ["debug", "info"]) func singleBlocksAreInTheMostDetailedLogAlone(level: String) throws {
            let run = try download(["--log-level", level])
            try run.expectEnd(0)
            #expect(try lines(with: " block:").isEmpty)
            #expect(try lines(with: ": t0 piece:42 as:").isEmpty == (level != "debug"))
        }

        // MARK: Deaths

        private static let places = ["peer": "p0", "hash": "h0", "writer": "w"]
        private static let memories = ["peer": "granted, blocks ", "hash": "its hash is right", "writer": "written"]

        /// The last events of the first process of the place, as they are in the log.
        private func trail(of role: String) throws -> [String] {
            let source = " notice \(Self.places[role]!).1: "
            let lines = try lines(with: source).compactMap { $0.components(separatedBy: source).last }
            let start = try #require(lines.firstIndex { $0.hasPrefix("its last ") }, "\(lines)")
            return Array(lines[(start + 1)...])
        }

        private func expectTrail(of role: String, in run: SupervisorRun) throws {
            let events = try trail(of: role)
            #expect(events.count > 5 && events.allSatisfy { $0.contains("s ago  ") }, "\(events)")
            #expect(events.contains { $0.hasSuffix("is ready") })
            #expect(events.contains { $0.contains("t0 piece:") && $0.contains(Self.memories[role]!) }, "\(events)")
            // On the terminal it would hide what counts.
            #expect(!run.process.errorText.contains(" ago  "))
        }

        @Test(arguments: ["peer", "hash", "writer"]) func aCrashLeavesItsLastEvents(role: String) throws {
            let run = try download(["--selftest", "\(role):crash"], environment: ["SWARMKEEPER_ALLOW_SELFTEST": "1"])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            try expectTrail(of: role, in: run)
            #expect(
                run.events.contains {
                    $0.kind == "warning" && $0.text("message")?.contains("died of signal 11") == true
                        && $0.text("message")?.contains("Crash") == true
                })
        }

        @Test(arguments: ["peer", "hash", "writer"]) func aKillLeavesItsLastEvents(role: String) throws {
            let run = try download([])
            try run.wait(forPieces: 10)
            kill(try run.worker(role), SIGKILL)
            try run.expectEnd(0)
            try expectTrail(of: role, in: run)
        }

        @Test func aLoopThatStandsStillLeavesItsLastEvents() throws {
            let run = try download(["--heartbeat-ms", "200"])
            try run.wait(forPieces: 10)
            kill(try run.worker("hash"), SIGSTOP)
            try run.expectEnd(0)
            try expectTrail(of: "hash", in: run)
        }

        @Test func whoIsSentAwayLeavesNothing() throws {
            let run = try download([])
            try run.wait(forPieces: 5)
            let before = try run.worker("writer")
            run.process.send(SIGHUP)
            _ = try run.worker("writer", after: before)
            try run.expectEnd(0)
            #expect(try lines(with: ": its last ").isEmpty)
        }

        @Test func whereShowsWhatAProcessRemembers() throws {
            let run = try download(["--max-download-limit", "1M"])
            try run.wait(forPieces: 10)
            for (role, place) in Self.places {
                // Its last twenty events may just be others.
                try awaiting("what \(place) remembers", within: 5) {
                    let own = try run.control("where", place).outputText.components(separatedBy: "its own\n").last!
                    return own.contains(Self.memories[role]!) && own.split(separator: "\n").count == 20
                }
            }
            try run.expectEnd(0)
        }

        @Test func workersOfCreateAndVerifyAreToldOfToo() throws {
            try workspace.writeRandom(4_000_000, to: "in.bin")
            let commands = [
                ["create", workspace.path("in.bin"), "-o", workspace.path("in.torrent")],
                ["verify", workspace.path("in.torrent"), "--dir", workspace.root],
            ]
            for (number, command) in commands.enumerated() {
                let events = workspace.path("events-\(number)")
                let run = try Running(
                    [Programs.supervisor] + command
                        + ["--hash-workers", "1", "--selftest", "hash:crash", "-l", log, "--events", events],
                    in: workspace, name: command[0], environment: ["SWARMKEEPER_ALLOW_SELFTEST": "1"])
                #expect(try run.wait(within: 30) == .exited(0), "\(run.errorText)")
                #expect(run.errorText.contains("supervisor: warning: h0 died of signal 11 in "), "\(run.errorText)")
                #expect(try trail(of: "hash").contains { $0.hasSuffix("is ready") })
                try FileManager.default.removeItem(atPath: log)
                let told = EventLog(events)
                told.read()
                let states = told.events.filter { $0.kind == "worker" }.compactMap { $0.text("state") }
                #expect(states == ["spawned", "ready", "dead", "replaced", "ready"], "\(states)")
                #expect(told.events.contains { $0.isA("worker", "dead") && $0.count("signal") == Int(SIGSEGV) })
            }
        }

        /// Their last words, in the log under the name of the place that wrote them.
        @Test func whatAWorkerWritesToStderrIsInTheLog() throws {
            let wrapper = workspace.path("wrapper")
            try workspace.write(
                Data("#!/bin/sh\necho \"words of a library\" >&2\nprintf 'half a line' >&2\nexec \"$@\"\n".utf8),
                to: "wrapper")
            chmod(wrapper, 0o700)
            let run = try download(["--worker-wrap", "hash=\(wrapper)"])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let said = try lines(with: " notice h0: ").compactMap { $0.components(separatedBy: " notice h0: ").last }
            #expect(said == ["words of a library", "half a line"])
            #expect(!run.process.errorText.contains("words of a library"))
        }
    }
}
