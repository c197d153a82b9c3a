import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What a person and a script see of a download.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Output {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        init() throws {
            workspace = try Workspace()
            torrent = try workspace.makeTorrent(size: "6M", pieceLength: "128K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
        }

        private func download(
            _ arguments: [String] = [], closing: [Int32] = [], outputTo: String? = nil
        ) throws -> SupervisorRun {
            try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address] + arguments, closing: closing,
                outputTo: outputTo)
        }

        @Test func progressIsPlainLinesOnStderrWhereThereIsNoTerminal() throws {
            let run = try download(["--interval", "0.2"])
            try run.expectEnd(0)
            #expect(run.process.outputText.isEmpty)
            let text = run.process.errorText
            #expect(!text.contains("\r") && !text.contains("\u{1b}"))
            let lines = text.split(separator: "\n").filter { $0.hasPrefix("one.bin: ") }
            // Workers come and end one by one, and a line that is due then counts those that are there.
            let isPartial = { (line: Substring) in line.contains("  1 worker  ") }
            let progress = lines.filter { $0.contains(" peer") && $0.contains("/48 pieces") && $0.contains("ETA") }
                .drop(while: isPartial).reversed().drop(while: isPartial)
            #expect(progress.count >= 3)
            #expect(
                progress.allSatisfy {
                    $0.contains("%") && $0.contains("down ") && $0.contains("up ") && $0.contains("workers")
                })
            let last = try #require(lines.last)
            #expect(
                last.contains("complete") && last.contains("on average") && last.contains("wasted")
                    && last.contains("restart"))
        }

        @Test func onATerminalOneLineIsRewritten() throws {
            // `script` gives the run a terminal of its own, and copies what it writes.
            guard let script = Programs.find("script") else { return }
            let command = [
                Programs.supervisor, "--dir", workspace.path("out"), "--state-dir", workspace.path("state"),
                "--listen-port", "0", "--no-tracker", "--peer", seeder.address, torrent.file,
            ]
            let running = try Running(
                [script, "-q", "-e", "-c", command.joined(separator: " "), "/dev/null"], in: workspace,
                name: "terminal",
                environment: ["TERM": "xterm"])
            #expect(try running.wait() == .exited(0))
            let text = running.outputText
            let rewrites = text.components(separatedBy: "\r").filter { $0.contains("%") }
            #expect(rewrites.count >= 3)
            // One and a half seconds of download at most four times a second, and a first and a last one.
            #expect(rewrites.count <= 12)
            #expect(text.contains("complete"))
            torrent.expectComplete(in: workspace.path("out"))
        }

        @Test func aWideTerminalHasATableThatLeavesNothingBehind() throws {
            guard let script = Programs.find("script") else { return }
            let command = [
                Programs.supervisor, "--dir", workspace.path("out"), "--state-dir", workspace.path("state"),
                "--listen-port", "0", "--no-tracker", "--progress", "bar", "--peer", seeder.address, torrent.file,
            ]
            let running = try Running(
                [script, "-q", "-e", "-c", "stty cols 100 rows 30; " + command.joined(separator: " "), "/dev/null"],
                in: workspace, name: "table", environment: ["TERM": "xterm", "LC_ALL": "C.UTF-8"])
            #expect(try running.wait() == .exited(0))
            let text = running.outputText.replacingOccurrences(of: "\r\n", with: "\n")
            let tables = text.components(separatedBy: "TORRENT ").dropFirst()
            #expect((3...12).contains(tables.count), "at most four a second")
            #expect(tables.contains { $0.contains("░") && $0.contains("█") })
            #expect(tables.allSatisfy { $0.contains("peak ") })
            // The last table has four lines, and is erased from its first one on.
            let last = try #require(text.range(of: "\r\u{1B}[3A\u{1B}[J", options: .backwards))
            let rest = text[last.upperBound...]
            #expect(rest.contains("complete") && !rest.contains("\u{1B}"))
            torrent.expectComplete(in: workspace.path("out"))
        }

        @Test func jsonOnStdoutHasTheDocumentedMembers() throws {
            let run = try download(["--progress", "json", "--interval", "0.2"])
            try run.expectEnd(0)
            let events = try RunEvent.all(in: run.process.outputText)
            let kinds = Set(events.map(\.kind))
            #expect(kinds.isSuperset(of: ["start", "progress", "piece", "worker", "peer", "complete", "exit"]))
            // A run that is told to have no sandbox says so first.
            #expect(events.first { $0.kind != "warning" || Programs.sandbox != "off" }?.kind == "start")
            #expect(events.last?.kind == "exit" && events.last?.count("code") == 0)
            #expect(events.last?.text("reason") != nil)
            #expect(events.allSatisfy { $0.count("v") == 1 && $0.time > 1e9 })

            // After completion the workers end one by one, and progress that is due then lists those that are left.
            let untilComplete = events.prefix { $0.kind != "complete" }
            let progress = try #require(untilComplete.last { $0.kind == "progress" })
            for name in [
                "info_hash", "name", "total_length", "completed_length", "wasted_length", "download_speed",
                "upload_speed", "upload_length", "num_peers", "num_seeders", "num_pieces", "pieces_done", "eta_seconds",
            ] { #expect(progress.members[name] != nil, "\(name)") }
            for worker in progress.objects("workers") {
                #expect(
                    Set(worker.keys).isSuperset(of: ["role", "ordinal", "generation", "pid", "state", "rss", "cpu"]))
            }
            #expect(
                Set(progress.objects("workers").compactMap { $0["role"] as? String }) == ["peer", "hash", "writer"])
            let states = Set(events.filter { $0.kind == "piece" }.compactMap { $0.text("state") })
            #expect(states == ["granted", "assembled", "verified", "written", "synced"])
            #expect(events.filter { $0.isA("piece", "synced") }.count == torrent.pieceCount)
            let final = try #require(events.last { $0.kind == "progress" })
            #expect(final.count("completed_length") == torrent.byteCount)
            #expect(final.count("pieces_done") == torrent.pieceCount)
            // The same lines go to the file of --events.
            #expect(events.count == run.events.count)
        }

        @Test(arguments: [["-q"], ["--progress", "none"]])
        func aQuietRunSaysNothing(arguments: [String]) throws {
            let run = try download(arguments)
            try run.expectEnd(0)
            #expect(run.process.outputText.isEmpty)
            if arguments.count == 1 { #expect(run.process.errorText.isEmpty) }
            #expect(!run.process.errorText.contains("%"))
        }

        @Test func theLogIsAppendedToAFile() throws {
            let log = workspace.path("log")
            try workspace.write(Data("before\n".utf8), to: "log")
            let run = try download(["-l", log, "--log-level", "debug", "-q"])
            try run.expectEnd(0)
            let text = try String(contentsOfFile: log, encoding: .utf8)
            #expect(text.hasPrefix("before\n"))
            #expect(text.contains(" p0.1 ") && text.contains(" w.1 ") && text.contains(seeder.address))
            #expect(text.split(separator: "\n").last?.contains("one.bin") == true)
            #expect(run.process.errorText.isEmpty)
        }

        @Test(arguments: [[1], [2], [0, 1, 2]])
        func closedStandardStreamsSpoilNothing(closed: [Int32]) throws {
            let run = try download(["--progress", "json"], closing: closed)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(Torrent.files(below: run.directory) == torrent.paths)
        }

        @Test func aReaderThatNeverReadsHoldsNothingUp() throws {
            let pipe = workspace.path("pipe")
            mkfifo(pipe, 0o600)
            let reader = open(pipe, O_RDWR)
            defer { close(reader) }
            // F_SETPIPE_SZ, which Glibc's module does not have: the pipe is full after a page.
            _ = fcntl(reader, 1031, 4096)
            let run = try download(["--progress", "json", "--interval", "0.1"], outputTo: pipe)
            try run.expectEnd(0, within: 15)
            torrent.expectComplete(in: run.directory)
        }

        @Test func aReaderThatGoesAwaySpoilsNothing() throws {
            let pipe = workspace.path("pipe")
            mkfifo(pipe, 0o600)
            let reader = open(pipe, O_RDWR)
            let run = try download(["--progress", "json", "--interval", "0.1"], outputTo: pipe)
            try run.wait(forPieces: 3)
            close(reader)
            try run.expectEnd(0, within: 15)
            torrent.expectComplete(in: run.directory)
        }

        @Test func usr1WritesAllProcessesToTheLog() throws {
            let log = workspace.path("log")
            let run = try download(["--log", log, "--hash-workers", "2"])
            try run.wait(forPieces: 5)
            run.process.send(SIGUSR1)
            func text() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
            let workers = try ["peer", "hash", "writer"].map { ($0, try run.worker($0)) }
            try awaiting("the table in the log") { text().contains("  writer  ") }
            let lines = text().split(separator: "\n")
            for (role, process) in workers {
                #expect(
                    lines.contains {
                        let words = $0.split(separator: " ")
                        return words.contains(Substring(role)) && words.contains("\(process)")
                    }, "\(role)")
            }
            try run.expectEnd(0)
        }

        @Test func anEventsFileThatCannotBeMadeIsNamed() throws {
            let run = try workspace.supervisor(
                ["--dir", workspace.path("out"), "--events", workspace.path("nowhere/events"), torrent.file])
            #expect(run.ending == .exited(17))
            #expect(run.errorText.contains("nowhere/events"))
            #expect(run.errorText.split(separator: "\n").count == 1)
        }

        @Test func anEnvironmentVariableIsAnOptionAndTheCommandLineComesFirst() throws {
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--workers", "1"],
                environment: ["SWARMKEEPER_WORKERS": "7", "SWARMKEEPER_HASH_WORKERS": "3"])
            let start = try run.wait(for: "start") { $0.kind == "start" }
            #expect(start.count("workers") == 1 && start.count("hash_workers") == 3)
            try run.expectEnd(0)
        }
    }
}
