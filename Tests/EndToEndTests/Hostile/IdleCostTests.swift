import Foundation
import Testing

extension EndToEnd {
    /// A process that moves no bytes costs next to nothing, whatever its peers do or fail to do.
    @Suite struct IdleCosts {
        let workspace: Workspace
        init() throws { workspace = try Workspace("idle") }

        /// Of a core, for each process.
        private static let mostCPU = 0.05
        private static let seconds = 3.0

        @Test func noProcessIsBusyWhileNoBytesMove() throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let gone = try start(
                [
                    "close-at-once", "eof-handshake-30", "half-close-handshake-30", "reset-handshake-30", "half-close",
                    "eof-length", "eof-header", "eof-payload", "half-close-frame-2", "half-close-frame-9",
                    "half-close-frame-5000", "reset-frame-9", "close-mid-piece",
                ], torrent, "ended at every stage")
            let silent = try start(["never-unchoke", "never-answer", "mute"], torrent, "silent")
            let keptAlive = try start(["keep-alives-only", "keep-alives-only-20"], torrent, "only keep-alives")
            let lonely = try SupervisorRun(
                workspace, [torrent],
                ["--tracker", "http://127.0.0.1:\(try Ports.free())/announce"] + own("lonely"))
            for peer in gone.hostile.peers {
                try gone.run.wait(for: "end of \(peer.mode)") {
                    $0.isA("peer", "closed") && $0.text("address") == peer.address
                }
            }
            for peer in silent.hostile.peers.dropLast() + keptAlive.hostile.peers {
                try (peer.mode.hasPrefix("never") ? silent : keptAlive).run.wait(for: "\(peer.mode)") {
                    $0.isA("peer", "connected") && $0.text("address") == peer.address
                }
            }
            try lonely.wait(for: "failed announce") { $0.isA("tracker", "failed") }

            let before = usage()
            #expect(before.count == 4 * 5)
            let start = secondsNow()
            try awaiting("the end of the measurement", within: Self.seconds + 10) {
                secondsNow() - start >= Self.seconds
            }
            let after = usage()
            let elapsed = secondsNow() - start
            let shares = after.map { ($0.key, ($0.value - (before[$0.key] ?? 0)) / elapsed) }
            print("busiest idle process: \(shares.map(\.1).max() ?? 0) of a core")
            for (process, share) in shares where share >= Self.mostCPU {
                Issue.record("\(name(of: process)): \(share) of a core")
            }
            #expect(after.keys == before.keys, "a process has ended or was replaced")
        }

        private func start(_ modes: [String], _ torrent: Torrent, _ name: String) throws -> HostileRun {
            try HostileRun(modes, torrent, in: workspace, honestRate: nil, own(name))
        }

        /// Several runs of one torrent at a time need directories of their own.
        private func own(_ name: String) -> [String] {
            ["--dir", workspace.path(name), "--state-dir", workspace.path("\(name).state")]
        }

        /// CPU seconds of every process of all runs.
        private func usage() -> [pid_t: Double] {
            Dictionary(
                uniqueKeysWithValues: ProcessTable.ofRun(in: workspace).compactMap { process in
                    ProcessTable.cpuSeconds(process).map { (process, $0) }
                })
        }

        /// The program, and the arguments of the supervisor that started it.
        private func name(of process: pid_t) -> String {
            let program = ProcessTable.field("Name", of: process) ?? "?"
            let parent = ProcessTable.field("PPid", of: process) ?? ""
            let owner = program == "supervisor" ? String(process) : parent
            let words = (try? FileHandle(forReadingAtPath: "/proc/\(owner)/cmdline")?.readToEnd()) ?? Data()
            return "\(program) of \(String(decoding: words, as: UTF8.self).replacing("\0", with: " "))"
        }
    }
}
