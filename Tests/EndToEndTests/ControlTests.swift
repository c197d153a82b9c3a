import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Those who look into a running download and steer it: each command, and what it must never spoil.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Control {
        let workspace: Workspace
        let torrent: Torrent
        init() throws {
            workspace = try Workspace("control")
            torrent = try workspace.makeTorrent(size: "16M", pieceLength: "128K")
        }

        /// A download that takes some seconds.
        private func download(
            _ arguments: [String] = [], rate: Int = 4 << 20, environment: [String: String] = [:]
        ) throws -> SupervisorRun {
            let seeder = try Seeder.lean(torrent, in: workspace, rate: rate)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--workers", "2"] + arguments,
                environment: environment)
            try run.wait(forPieces: 4)
            return run
        }

        private func expectDone(_ run: SupervisorRun) throws {
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectNoPieceTwice()
        }

        // MARK: Looking

        @Test func psShowsEveryProcessPeerAndPiece() throws {
            let run = try download()
            let processes = try run.rows(withColumn: "ROLE")
            #expect(processes.map { $0["ID"] } == ["s", "p0", "p1", "h0", "w"])
            for (id, role) in [("p0", "peer"), ("h0", "hash"), ("w", "writer")] {
                let row = processes.first { $0["ID"] == id }
                #expect(row?["PID"] == "\(try run.worker(role))" && row?["STATE"] == "working")
                #expect(Int(row?["TURNS"] ?? "") ?? 0 > 5)
            }
            let peers = try run.rows(withColumn: "CLIENT")
            #expect(peers.count == 1 && peers[0]["ID"] == "peer:1" && peers[0]["STATE"] == "serving")
            // It is asked for blocks all the while, and has ten seconds at first, later at least five.
            #expect(Double(peers[0]["DEADLINE"]?.dropLast() ?? "").map { (0.5...60).contains($0) } == true, "\(peers)")
            #expect(try run.rows(withColumn: "ASSIGNMENT").contains { $0["STATE"] == "open" && $0["AT"] == "h0" })
            #expect(try run.rows(withColumn: "HASH").first?["HASH"] == torrent.infoHash)
            let json = try run.control("ps", "--json").outputText
            let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            #expect((object["processes"] as? [Any])?.count == 5 && object["v"] as? Int == 1)
            #expect(json.split(separator: "\n").count == 1)
            try expectDone(run)
        }

        /// At a millisecond many are slow, those of the start above all.
        @Test func slowHandlersAreLoggedOnceByKindAndCounted() throws {
            let log = workspace.path("log")
            let run = try download(["--slow-ms", "1", "-l", log, "--heartbeat-ms", "200"])
            func counts() throws -> [Int] {
                try run.rows(withColumn: "ROLE").compactMap { Int($0["SLOW"] ?? "") }
            }
            try awaiting("slow handlers") { try counts().reduce(0, +) > 20 }
            let counted = try counts().reduce(0, +)
            #expect(try run.control("where", "s").outputText.contains("  slow "))
            try expectDone(run)
            let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
                .filter { $0.contains(": a step of its loop (") }
                // Without the time, and without how long it took.
                .map { $0.split(separator: " ").dropFirst().joined(separator: " ").prefix { $0 != ")" } }
            #expect(!lines.isEmpty && lines.count < counted)
            #expect(Set(lines).count == lines.count, "a kind was logged twice: \(lines)")
            #expect(lines.contains { $0.contains("supervisor: a step") }, "\(lines)")
        }

        @Test func theOnlySupervisorIsFoundAndSeveralAreListed() throws {
            let none = try workspace.supervisor(["ps"])
            #expect(none.ending == .exited(1) && none.outputText.isEmpty)
            #expect(none.errorText.hasPrefix("supervisor: no supervisor of this user runs"))
            let run = try download()
            #expect(try workspace.supervisor(["stats"]).ending == .exited(0))
            let other = try workspace.makeTorrent("other.bin", size: "1M")
            let second = try SupervisorRun(
                workspace, [other], ["--no-tracker"], directory: workspace.path("out2"))
            try second.wait(for: "start") { $0.kind == "start" }
            let several = try workspace.supervisor(["ps"])
            #expect(several.ending == .exited(1) && several.outputText.isEmpty)
            let lines = several.errorText.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.contains { $0.contains("ctl.sock: pid \(run.process.processID), one.bin") })
            #expect(lines.contains { $0.contains("ctl.sock: pid \(second.process.processID), other.bin") })
            second.process.send(SIGTERM)
            try run.process.wait(within: 40)
        }

        @Test func aSocketOfTheUsersChoiceIsFoundToo() throws {
            let path = workspace.path("chosen.sock")
            let run = try download(["--control-socket", path])
            var status = stat()
            #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_mode & S_IFMT == S_IFSOCK)
            #expect(try workspace.supervisor(["ps"]).ending == .exited(0))
            #expect(try workspace.supervisor(["ps", "--socket", path]).ending == .exited(0))
            // Another run cannot have it, and a dead one's is taken over.
            let other = try workspace.makeTorrent("other.bin", size: "1M")
            let refused = try SupervisorRun(
                workspace, [other], ["--no-tracker", "--control-socket", path], directory: workspace.path("out2"))
            try refused.process.wait()
            #expect(refused.process.ending == .exited(17) && refused.process.errorText.contains(path))
            run.process.send(SIGKILL)
            try run.process.wait()
            #expect(access(path, F_OK) == 0)
            let heir = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--control-socket", path])
            try heir.wait(for: "start") { $0.kind == "start" }
            #expect(try workspace.supervisor(["ps", "--socket", path]).ending == .exited(0))
            heir.process.send(SIGTERM)
            try heir.process.wait()
            #expect(access(path, F_OK) != 0)
        }

        @Test func aFileInTheWayOfTheSocketIsLeftAlone() throws {
            let path = workspace.path("precious")
            try workspace.write(Data("text".utf8), to: "precious")
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--control-socket", path])
            try run.process.wait()
            #expect(run.process.ending == .exited(17) && run.process.errorText.contains(path))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "text")
        }

        @Test func whoWantsNoControlHasNone() throws {
            let run = try download(["--no-control"])
            #expect(try workspace.supervisor(["ps"]).ending == .exited(1))
            try expectDone(run)
        }

        /// A worker that stands still is answered for by what the supervisor knows.
        @Test(arguments: ["p0", "h0", "w"]) func everythingIsAnsweredWhileAWorkerStandsStill(id: String) throws {
            let run = try download(["--heartbeat-ms", "20000"])
            let connection = try ControlConnection(try run.controlSocket())
            #expect(try connection.ask("signal STOP \(id)").text.hasSuffix("ok\n"))
            try awaiting("the stop to show") { try connection.ask("where \(id)").text.contains("stopped by a signal") }
            for command in ["ps", "stats", "where \(id)", "where s", "where t0", "ps json", "stats json"] {
                let isJSON = command.hasSuffix("json")
                let began = secondsNow()
                try connection.send("\(command)\n".utf8)
                let text = try connection.receive { isJSON ? $0.hasSuffix("\n") : $0.hasSuffix("\nok\n") }
                #expect(secondsNow() - began < 0.2, "\(command)")
                #expect(!text.isEmpty && !text.contains("error"))
            }
            let account = try connection.ask("where \(id)").text
            #expect(account.contains("waits for  SIGCONT") && account.contains("SIGSTOP was sent"))
            #expect(try connection.ask("signal CONT \(id)").text.hasSuffix("ok\n"))
            try expectDone(run)
        }

        @Test func whereTellsWhatThingsWaitForAndWhatHappenedToThem() throws {
            let run = try download()
            func account(_ id: String) throws -> String { try run.control("where", id).outputText }
            #expect(try account("peer:1").contains("lets us request"))
            #expect(try account("t0").contains("waits for  blocks of its peers"))
            #expect(try account("w").contains("generation 1 is ready"))
            for place in ["p0", "h0", "w"] { #expect(try account(place).contains("WorkerLoop.run()")) }
            let piece = try #require(try run.rows(withColumn: "ASSIGNMENT").first { $0["WORKERS"] != "-" }?["ID"])
            #expect(try account(piece).contains("granted"))
            let victim = try run.worker("hash")
            #expect(try run.control("signal", "KILL", "h0").ending == .exited(0))
            _ = try run.worker("hash", after: victim)
            let events = try account("h0")
            #expect(events.contains("pid \(victim) ended with signal 9") && events.contains("generation 2 was started"))
            try expectDone(run)
        }

        /// A heartbeat of 5 s: the pool itself finds out after fifteen.
        @Test(arguments: ["peer", "hash", "writer"])
        func whereNamesTheFunctionThatAWorkerSpinsIn(role: String) throws {
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--selftest", "\(role):spin", "--heartbeat-ms", "5000"],
                environment: ["SWARMKEEPER_ALLOW_SELFTEST": "1"])
            _ = try run.worker(role)
            let id = ["peer": "p0", "hash": "h0", "writer": "w"][role]!
            // It is ready two turns before it spins.
            try awaiting("a stack with the function", within: 10) {
                let account = try run.control("where", id).outputText
                return account.contains("running") && account.contains("Spin")
            }
            run.process.send(SIGKILL)
            try run.process.wait()
        }

        @Test func usr1WritesTheSameAsPsToTheLog() throws {
            let log = workspace.path("log")
            let run = try download(["--log", log])
            run.process.send(SIGUSR1)
            func text() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
            try awaiting("ps in the log") { text().contains("peer:1") }
            for title in ["ID  ROLE", "ID         STATE", "ID       WORKER"] {
                #expect(text().contains("supervisor: \(title.prefix(2))"), "\(title)")
            }
            #expect(text().contains("supervisor: p0  peer"))
            try expectDone(run)
        }

        // MARK: Steering

        @Test func aCancelledPieceIsFetchedAnew() throws {
            let run = try download(rate: 2 << 20)
            var isCancelled = false
            while !isCancelled, !run.process.hasEnded {
                // The newest; even that may be verified by the time the command comes.
                guard let id = try run.rows(withColumn: "ASSIGNMENT").last(where: { $0["STATE"] == "open" })?["ID"]
                else { continue }
                isCancelled = try run.control("cancel", id).ending == .exited(0)
            }
            #expect(isCancelled)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
        }

        @Test func aCancelledPeerIsClosedAndTheOthersGoOn() throws {
            let seeders = try (0..<2).map { _ in try Seeder.lean(torrent, in: workspace, rate: 2 << 20) }
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker"] + seeders.flatMap { ["--peer", $0.address] })
            try run.wait(forPieces: 4)
            #expect(try run.control("cancel", "peer:1").ending == .exited(0))
            try awaiting("its end") { try run.control("where", "peer:1").outputText.contains("state    gone") }
            let again = try run.control("cancel", "peer:1")
            #expect(again.ending == .exited(1) && again.errorText == "supervisor: peer:1: it is closed already\n")
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(run.events.count { $0.isA("peer", "connected") } == 2, "it is not tried again")
        }

        @Test func aCancelledAnnounceIsAFailureLikeOthers() throws {
            // Accepts connections, and never answers.
            let listener = try ControlListener()
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--tracker", "http://127.0.0.1:\(listener.port)/announce", "--peer", seeder.address])
            try run.wait(forPieces: 4)
            #expect(try run.rows(withColumn: "URL").first?["STATE"] == "announcing")
            #expect(try run.control("cancel", "tracker:0").ending == .exited(0))
            #expect(try run.rows(withColumn: "URL").first?["STATE"] == "failed")
            #expect(try run.control("where", "tracker:0").outputText.contains("the announce was cancelled"))
            #expect(try run.control("cancel", "tracker:0").ending == .exited(1))
            try run.expectEnd(0, within: 60)
            torrent.expectComplete(in: run.directory)
        }

        @Test func aCancelledTorrentKeepsItsFilesAndTheOtherGoesOn() throws {
            let other = try workspace.makeTorrent("other.bin", size: "8M", pieceLength: "64K")
            let first = try Seeder.lean(torrent, in: workspace, rate: 1 << 20)
            let second = try Seeder.lean(other, in: workspace, rate: 3 << 20)
            let run = try SupervisorRun(
                workspace, [torrent, other],
                ["--no-tracker", "--peer", first.address, "--peer", second.address])
            try run.wait(forPieces: 12)
            try awaiting("pieces of both") {
                Set(run.events.filter { $0.isA("piece", "written") }.compactMap { $0.text("info_hash") }).count == 2
            }
            #expect(try run.control("where", "peer:1").errorText.contains("t0/peer:1"))
            #expect(try run.control("cancel", "t0").ending == .exited(0))
            #expect(try run.control("cancel", "t0").ending == .exited(1))
            try run.expectEnd(7)
            #expect(run.events.contains { $0.kind == "complete" && $0.text("info_hash") == other.infoHash })
            // What was written of it is not fetched again.
            let pieces = Set(
                run.events.filter { $0.isA("piece", "synced") && $0.text("info_hash") == torrent.infoHash }
                    .compactMap { $0.count("index") })
            #expect(!pieces.isEmpty)
            let fast = try Seeder.lean(torrent, in: workspace)
            let again = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", fast.address])
            try again.expectEnd(0)
            torrent.expectComplete(in: again.directory, besides: [other.name])
            #expect(pieces.isDisjoint(with: again.pieces("written")))
        }

        @Test func aCancelledWorkerIsReplaced() throws {
            let run = try download()
            let old = try run.worker("writer")
            #expect(try run.control("cancel", "w").ending == .exited(0))
            _ = try run.worker("writer", after: old)
            try expectDone(run)
        }

        // MARK: Bad input

        @Test func nonsenseIsAnErrorLineEach() throws {
            let run = try download()
            let connection = try ControlConnection(try run.controlSocket())
            let lines: [[UInt8]] = [
                Array("nonsense".utf8), Array("where".utf8), Array("where peer:999".utf8), Array("where p77".utf8),
                Array("cancel piece:999999".utf8), Array("cancel s".utf8), Array("signal HUP s".utf8),
                Array("signal NOPE p0".utf8), Array("where t9".utf8), [0], [0xFF, 0xFE],
                [UInt8](repeating: 65, count: 5000),
            ]
            for line in lines {
                try connection.send(line + [10])
                let answer = try connection.receive { $0.hasSuffix("\n") }
                #expect(answer.hasPrefix("error: ") && answer.split(separator: "\n").count == 1, "\(answer)")
            }
            // An end without a newline, and nothing at all.
            try connection.send("about".utf8)
            connection.endInput()
            #expect(try connection.receive().hasSuffix("one.bin\nok\n"))
            let silent = try ControlConnection(try run.controlSocket())
            silent.endInput()
            #expect(try silent.receive().isEmpty)
            for words in [["where", "peer:99"], ["cancel", "nothing"], ["signal", "HUP", "s"]] {
                let answer = try workspace.supervisor(words)
                #expect(answer.ending == .exited(1) && answer.outputText.isEmpty)
                #expect(answer.errorText.split(separator: "\n").count == 1)
            }
            #expect(try workspace.supervisor(["where"]).ending == .exited(28))
            #expect(try workspace.supervisor(["where", "peer:99", "--json"]).outputText.hasPrefix(#"{"v":1,"error":"#))
            try expectDone(run)
        }

        /// One sends without end and never reads, one asks ten thousand times, one sends a line without end: the download
        /// takes as long as without them, and somebody else is still answered at once.
        @Test func hostileClientsDoNotHoldUpTheDownload() throws {
            let run = try download(["--heartbeat-ms", "1000"], rate: 3 << 20)
            let path = try run.controlSocket()
            let tool = workspace.path("hostile.py")
            try workspace.write(
                Data(
                    """
                    import socket, sys, time
                    def connect():
                        s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); return s
                    deaf = connect(); deaf.setblocking(False)
                    endless = connect(); endless.setblocking(False)
                    busy = connect(); busy.setblocking(False)
                    answered = 0
                    stop = time.time() + 3
                    while time.time() < stop:
                        for s, data in (deaf, b'ps\\n' * 500), (endless, b'x' * 65536), (busy, b'where nothing\\n' * 1000):
                            try: s.send(data)
                            except OSError: pass
                        try:
                            answered += busy.recv(1 << 20).count(b'\\n')
                        except OSError: pass
                        time.sleep(0.001)
                    print(answered)
                    """.utf8), to: "hostile.py")
            let hostile = try Running([Programs.python, tool, path], in: workspace, name: "hostile")
            let connection = try ControlConnection(path)
            var longest = 0.0
            while !hostile.hasEnded {
                longest = max(longest, try connection.ask("where s").seconds)
                usleep(20_000)
            }
            // A debug build on a busy machine; the promise of 200 ms is for a worker that stands still.
            #expect(longest < 1, "somebody else waited \(longest) s")
            #expect(Int(hostile.outputText.split(separator: "\n").first ?? "") ?? 0 > 100)
            try expectDone(run)
            #expect(!run.events.contains { $0.isA("worker", "dead") && $0.count("signal") != nil })
        }

        @Test func moreClientsThanThereIsRoomForAreToldSo() throws {
            let run = try download()
            let path = try run.controlSocket()
            let clients = try (0..<8).map { _ in try ControlConnection(path) }
            for client in clients { _ = try client.ask("about") }
            let late = try ControlConnection(path)
            #expect(try late.receive() == "error: too many clients\n")
            withExtendedLifetime(clients) {}
            try expectDone(run)
        }

        @Test(.enabled(if: Able.netcat, "needs netcat-openbsd")) func aHandSpeaksToItWithNetcat() throws {
            let run = try download()
            let talk = try Running(
                ["/bin/sh", "-c", "printf 'about\\nwhere s json\\n' | nc -N -U '\(try run.controlSocket())'"],
                in: workspace, name: "nc")
            try talk.wait()
            #expect(talk.outputText.contains("one.bin\nok\n{\"v\":1,\"id\":\"s\""))
            try expectDone(run)
        }
    }
}

/// A TCP listener that nobody serves: connections are made by the kernel, and wait.
private final class ControlListener {
    private let descriptor: Int32
    let port: Int

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard result else { throw Unexpected("no listener: \(String(cString: strerror(errno)))") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { Glibc.close(descriptor) }
}
