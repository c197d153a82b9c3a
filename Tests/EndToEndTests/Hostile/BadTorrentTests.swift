import BitTorrent
import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What is no sound torrent is refused in one line, at once, before anything is started or made.
    @Suite struct BadTorrents {
        let workspace: Workspace
        init() throws { workspace = try Workspace("bad") }

        /// Resident bytes beyond the file's own.
        private static let mostMemory = 64 << 20

        /// For the largest file, of 64 MiB; a build without optimization is slow.
        #if DEBUG
        private static let mostSeconds = 8.0
        #else
        private static let mostSeconds = 1.0
        #endif

        /// What `Tools/run_each.py` says of a command.
        private struct Outcome: Decodable {
            let code: Int32
            let seconds: Double
            let peak: Int
            let stdout: String
            let stderr: String
        }

        @Test(arguments: [[], ["show"]])
        func nothingComesOfABadTorrentButOneLine(_ command: [String]) throws {
            let bad = BadTorrent.all
            for (index, torrent) in bad.enumerated() {
                try workspace.write(Data(torrent.bytes), to: "bad-\(index).torrent")
            }
            let program = try instrumented()
            let outcomes = try run(
                bad.indices.map { index in
                    [program] + command + (command.isEmpty ? options : []) + ["bad-\(index).torrent"]
                })
            for (index, (torrent, outcome)) in zip(bad, outcomes).enumerated() {
                expectRefusal(outcome, torrent.name, torrent.code, file: "bad-\(index).torrent", torrent.text)
                #expect(outcome.peak < Self.mostMemory + torrent.bytes.count, "\(torrent.name): \(outcome.peak) bytes")
            }
            expectNothingMade()
        }

        @Test func whatIsNoFileIsRefusedWithoutWaiting() throws {
            try FileManager.default.createDirectory(atPath: workspace.path("folder"), withIntermediateDirectories: true)
            #expect(mkfifo(workspace.path("pipe"), 0o600) == 0)
            #expect(symlink("loop", workspace.path("loop")) == 0)
            let program = try instrumented()
            let cases: [(file: String, code: Int32, text: String)] = [
                ("missing.torrent", 17, "cannot be read"), ("folder", 25, "it is a directory"),
                ("pipe", 25, "it is a pipe or a device"), ("/dev/zero", 25, "it is a pipe or a device"),
                ("loop", 17, "cannot be read"), ("magnet:?xt=urn:btih:short", 27, "magnet"),
            ]
            let outcomes = try run(cases.map { [program] + options + [$0.file] })
            for (expected, outcome) in zip(cases, outcomes) {
                expectRefusal(outcome, expected.file, expected.code, file: expected.file, expected.text)
            }
            expectNothingMade()
        }

        /// The first is sound, and still nothing begins.
        @Test func oneBadTorrentAmongGoodOnesStopsAll() throws {
            try workspace.write(Data(TorrentBuilder.single(byteCount: 50_000).bytes), to: "good.torrent")
            try workspace.write(Data("d4:info4:spame".utf8), to: "bad.torrent")
            let outcome = try run([[try instrumented()] + options + ["good.torrent", "bad.torrent"]])[0]
            expectRefusal(outcome, "two torrents", 26, file: "bad.torrent", "info is a string")
            expectNothingMade()
        }

        // MARK: Parts

        private var options: [String] { ["--dir", "out", "--state-dir", "state", "--listen-port", "0"] }

        /// The supervisor among workers that leave a mark when they are started.
        private func instrumented() throws -> String {
            let folder = workspace.path("bin")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: Programs.supervisor, toPath: "\(folder)/supervisor")
            for worker in Programs.ofRun.subtracting(["supervisor"]) {
                try workspace.write(Data("#!/bin/sh\ntouch '\(workspace.path("started"))'\n".utf8), to: "bin/\(worker)")
                chmod("\(folder)/\(worker)", 0o755)
            }
            return "\(folder)/supervisor"
        }

        private func run(_ commands: [[String]]) throws -> [Outcome] {
            let lines = try commands.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
            try workspace.write(Data(lines.joined(separator: "\n").utf8), to: "commands")
            let text = try workspace.run(Programs.tool("run_each", ["commands"]), "run_each")
            return try text.split(separator: "\n").map { try JSONDecoder().decode(Outcome.self, from: Data($0.utf8)) }
        }

        private func expectRefusal(
            _ outcome: Outcome, _ name: String, _ code: Int32, file: String, _ text: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let line = outcome.stderr
            #expect(outcome.code == code, "\(name): \(line)", sourceLocation: sourceLocation)
            #expect(
                line.hasSuffix("\n") && line.split(separator: "\n").count == 1, "\(name): \(line)",
                sourceLocation: sourceLocation)
            #expect(line.utf8.count < 300, "\(name): \(line)", sourceLocation: sourceLocation)
            #expect(
                line.hasPrefix("supervisor: \(file): ") && line.contains(text), "\(name): \(line)",
                sourceLocation: sourceLocation)
            #expect(outcome.stdout.isEmpty, "\(name)", sourceLocation: sourceLocation)
            #expect(outcome.seconds < Self.mostSeconds, "\(name): \(outcome.seconds) s", sourceLocation: sourceLocation)
        }

        /// No directory, no journal, no sockets, no process.
        private func expectNothingMade(sourceLocation: SourceLocation = #_sourceLocation) {
            for path in ["out", "state", "runtime/swarmkeeper", "started", "home/.local"] {
                #expect(
                    !FileManager.default.fileExists(atPath: workspace.path(path)), "\(path)",
                    sourceLocation: sourceLocation)
            }
        }
    }
}
