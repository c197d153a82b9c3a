import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Workers that misbehave on purpose, in the real pool: rows R11, R13, R14, R15, R26 and S9 of docs/faults.md.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct SelfTests {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        init() throws {
            workspace = try Workspace("selftest")
            torrent = try workspace.makeTorrent(size: "12M", pieceLength: "64K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 6 << 20, listen: "0.0.0.0:0")
        }

        private func start(_ attack: String, _ arguments: [String] = []) throws -> SupervisorRun {
            try SupervisorRun(
                workspace, [torrent],
                [
                    "--no-tracker", "--selftest", attack, "--peer", "127.0.0.1:\(seeder.port)", "--peer",
                    "127.0.0.2:\(seeder.port)",
                ] + arguments, environment: ["SWARMKEEPER_ALLOW_SELFTEST": "1"])
        }

        private static func place(_ role: String) -> String { ["peer": "p0", "hash": "h0", "writer": "w"][role]! }

        /// Replacements and their reasons, those apart of newcomers that were just joining the one that died.
        private func reasons(_ run: SupervisorRun) -> [String] {
            run.events.filter { $0.kind == "warning" }.compactMap { $0.text("message") }
                .filter { $0.contains(" is replaced: ") && !$0.hasSuffix(" died during its join") }
        }

        private func expectOneReplacement(
            _ run: SupervisorRun, _ beginning: String, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let reasons = reasons(run)
            #expect(
                reasons.count == 1 && reasons[0].hasPrefix(beginning), "\(reasons)", sourceLocation: sourceLocation)
        }

        @Test func nobodyComesUponItByAccident() throws {
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--selftest", "peer:spin"])
            #expect(try run.process.wait(within: 5) == .exited(28))
            #expect(run.process.errorText.split(separator: "\n").count == 1)
            #expect(run.process.errorText.contains("SWARMKEEPER_ALLOW_SELFTEST=1 unlocks it"))
        }

        @Test(arguments: ["peer", "hash", "writer"]) func aLoopThatSpinsIsReplaced(role: String) throws {
            let run = try start("\(role):spin", ["--heartbeat-ms", "200"])
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            expectOneReplacement(run, "\(Self.place(role)) is replaced: its loop has not turned for 3 heartbeats, in ")
            #expect(
                reasons(run).first?.contains("Spin") == true, "the function that spins is not named: \(reasons(run))")
            // Killed first, reaped, and only then followed.
            let states = run.events.filter {
                $0.kind == "worker" && $0.text("role") == role && $0.count("ordinal") == 0
            }
            .map { "\($0.count("generation") ?? 0) \($0.text("state") ?? "")" }
            #expect(states.prefix(3).filter { $0 != "1 ready" }.prefix(2) == ["1 spawned", "1 dead"])
            #expect(states.contains("2 replaced") && states.contains("2 ready"))
        }

        /// Its loop turns, and so it does not count as silent.
        @Test(arguments: ["peer", "hash", "writer"]) func aLoopThatTurnsAndMovesNothingIsReplaced(role: String) throws {
            // A second peer-worker would have all before a busy machine has given the first one time enough to be found.
            let run = try start("\(role):busy", ["--heartbeat-ms", "200", "--workers", "1"])
            try run.expectWhole(torrent, refetched: torrent.byteCount, within: 60)
            expectOneReplacement(run, "\(Self.place(role)) is replaced: it has been busy for ")
            let reason = reasons(run).first ?? ""
            #expect(reason.contains(" and moved nothing in "), "\(reason)")
            #expect(reason.contains("Busy"), "the function that spins is not named: \(reason)")
        }

        /// Bytes go on coming: an event that nobody consumes, beside peers that serve.
        @Test func aLoopThatSpinsBesideItsWorkIsReplaced() throws {
            let run = try start(
                "peer:restless", ["--heartbeat-ms", "200", "--workers", "1", "--max-download-limit", "512K"])
            try run.expectWhole(torrent, refetched: torrent.byteCount, within: 60)
            expectOneReplacement(run, "p0 is replaced: it has been busy for ")
        }

        /// It turns and answers nothing, so the pool would wait for ever when a neighbour is replaced. A peer-worker, which
        /// is not told of that death, finds the connection quiet and ends itself; the others owe us an answer.
        @Test(arguments: [("peer", "hash"), ("hash", "peer"), ("writer", "hash")])
        func aWorkerThatHearsNothingIsReplaced(role: String, victim: String) throws {
            let run = try start("\(role):mute", ["--heartbeat-ms", "200"])
            if role == "peer" { for ordinal in 0...1 { _ = try run.worker(role, ordinal) } }
            kill(try run.worker(victim), SIGKILL)
            try run.expectWhole(torrent, refetched: torrent.byteCount, within: 60)
            #expect(
                run.events.contains {
                    $0.isA("worker", "dead") && $0.text("role") == role && $0.count("generation") == 1
                        && $0.count("status") != 0
                })
            if role != "peer" {
                let reasons = reasons(run)
                #expect(reasons.contains { $0.hasPrefix("\(Self.place(role)) is replaced: it has not ") }, "\(reasons)")
            }
        }

        @Test(arguments: ["peer", "hash", "writer"]) func aFloodEndsItsSenderAndCostsLittleMemory(role: String) throws {
            let calm = try SupervisorRun(workspace, [torrent], ["--no-tracker"], directory: workspace.path("calm"))
            _ = try calm.worker("peer", 1)
            let usual = try #require(residentByteCount(calm.process.processID))
            calm.process.send(SIGTERM)
            try calm.expectEnd(7)

            let run = try start("\(role):flood")
            var most = 0
            try awaiting("the end of the flood", within: 20) {
                most = max(most, residentByteCount(run.process.processID) ?? 0)
                return reasons(run).contains { $0.hasPrefix("\(Self.place(role)) is replaced: it floods us") }
            }
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            #expect(most < usual + 32 << 20, "\(most >> 20) MiB, usually \(usual >> 20)")
        }

        @Test(arguments: ["peer", "hash", "writer"]) func aMessageThatIsTooLongEndsItsSender(role: String) throws {
            let run = try start("\(role):oversize", ["--heartbeat-ms", "200"])
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            #expect(reasons(run).contains { $0.hasPrefix("\(Self.place(role)) is replaced: ") })
        }

        @Test(arguments: ["peer", "hash", "writer"]) func aFrameThatIsNoneEndsItsSender(role: String) throws {
            let run = try start("\(role):nonsense")
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            #expect(
                reasons(run).contains { $0.hasPrefix("\(Self.place(role)) is replaced: it sent what cannot be read") })
        }

        /// Whatever it says, the supervisor lives and believes none of it to be data.
        @Test func randomMessagesNeitherEndTheSupervisorNorSpoilTheFiles() throws {
            for _ in 1...3 {
                let run = try start("peer:babble", ["--workers", "3"])
                try run.expectEnd(0)
                torrent.expectComplete(in: run.directory)
                #expect(reasons(run) == [], "nothing of it is what no sound worker says")
                try FileManager.default.removeItem(atPath: workspace.path("out"))
            }
        }

        @Test func randomMessagesAtTheEdgesEndTheirSender() throws {
            for _ in 1...3 {
                let run = try start("peer:overreach", ["--workers", "3"])
                try run.expectEnd(0)
                torrent.expectComplete(in: run.directory)
                expectOneReplacement(run, "p0 is replaced: it said what makes no sense (")
                try FileManager.default.removeItem(atPath: workspace.path("out"))
            }
        }

        @Test(arguments: ["badref-slot", "badref-block", "badref-nonsense"])
        func aForgedReferenceEndsItsSenderAndNobodyElse(attack: String) throws {
            let run = try start("peer:\(attack)")
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            expectOneReplacement(run, "p0 is replaced: h0 says: ")
            #expect(run.deaths("hash").isEmpty)
        }

        /// Its peers seem to lie and are banned for it, until there are too many of them; no wrong byte is ever called right.
        private func expectSpoilerReplaced(_ run: SupervisorRun) throws {
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            #expect(reasons(run).contains("p0 is replaced: too many of its peers seem to lie"), "\(reasons(run))")
            #expect(run.deaths("hash").isEmpty && run.deaths("writer").isEmpty)
        }

        @Test func aWorkerThatSpoilsWhatItReceivedIsReplaced() throws {
            let others = (3...16).flatMap { ["--peer", "127.0.0.\($0):\(seeder.port)"] }
            try expectSpoilerReplaced(start("peer:scribble", others + ["--workers", "1"]))
        }

        /// Each of its peers has a rate of its own: the first one to ask takes all of a shared one, and then the worker may
        /// get no byte to spoil.
        @Test func aWorkerThatSpoilsIsReplacedBesideASoundOne() throws {
            let others = try (3...16).map {
                try Seeder.lean(torrent, in: workspace, rate: 256 << 10, listen: "127.0.0.\($0):0")
            }
            try expectSpoilerReplaced(start("peer:scribble", others.flatMap { ["--peer", $0.address] }))
        }

        @Test func aReferenceToWhatNeverWasIsAnsweredAndForgotten() throws {
            let run = try start("peer:badref-stale")
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            run.expectNoWorkerDied()
        }

        @Test func forgedFramesEndTheirSenderAndNotTheWriter() throws {
            let run = try start("hash:badframes")
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            expectOneReplacement(run, "h0 is replaced: w says: ")
            #expect(run.deaths("writer").isEmpty)
        }

        @Test func answersToWritesThatNobodyAskedForChangeNothing() throws {
            let run = try start("writer:badanswers")
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            run.expectNoWorkerDied()
        }

        /// The sandbox's filter would refuse it as well; the seals hold alone.
        @Test(arguments: ["peer", "hash"], ["auto", "off"])
        func sharedMemoryCanNeitherShrinkNorGrow(role: String, sandbox: String) throws {
            let run = try start("\(role):truncate-arena", ["--sandbox", sandbox])
            try run.expectWhole(torrent, refetched: torrent.byteCount)
            for call in ["shrink", "grow", "seal"] {
                #expect(run.process.errorText.contains("selftest: \(call): Operation not permitted"))
            }
            run.expectNoWorkerDied()
        }

        private func residentByteCount(_ process: pid_t) -> Int? {
            ProcessTable.field("VmRSS", of: process)?.split(separator: " ").first.flatMap { Int($0) }.map { $0 << 10 }
        }
    }
}
