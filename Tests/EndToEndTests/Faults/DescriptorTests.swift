import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Processes that run out of descriptors: row R27 of docs/faults.md.
    @Suite(.enabled(if: Able.strace && Able.leanSeeder, Why.strace)) struct Descriptors {
        let workspace: Workspace
        let torrent: Torrent
        init() throws {
            workspace = try Workspace("fds")
            torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
        }

        /// The pool needs some hundred descriptors; where it may not have them that is said before anything is started.
        @Test(arguments: [24, 128, 192])
        func aSupervisorWithFewDescriptorsWorksOrSaysWhy(limit: Int) throws {
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--workers", "4"],
                before: ["prlimit", "--nofile=\(limit)"])
            let ending = try run.process.wait(within: 30)
            run.expectNothingLeft()
            if limit >= 192 {
                #expect(ending == .exited(0))
                torrent.expectComplete(in: run.directory)
            } else {
                #expect(ending == .exited(28))
                #expect(run.process.errorText.contains("need 170 descriptors"))
                #expect(!run.events.contains { $0.kind == "worker" })
            }
        }

        /// A soft limit is no limit: the supervisor raises it as far as it may.
        @Test func aSoftLimitIsRaised() throws {
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address],
                before: ["prlimit", "--nofile=30:4096"])
            try run.expectWhole(torrent, refetched: 0)
        }

        /// Sixty peers, room for six: the others wait, and a hash-worker's successor finds room to connect, since a
        /// connection that libzmq cannot accept would end the process.
        @Test func aPeerWorkerWithFewDescriptorsHasFewerPeers() throws {
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20, listen: "0.0.0.0:0")
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--worker-wrap", "peer=prlimit --nofile=70"]
                    + (1...60).flatMap { ["--peer", "127.0.0.\($0):\(seeder.port)"] })
            try run.wait(forPieces: 20)
            for _ in 0..<3 {
                let victim = try run.worker("hash")
                kill(victim, SIGKILL)
                _ = try run.worker("hash", after: victim)
            }
            try run.expectWhole(torrent, refetched: 8 << 20)
            #expect(
                run.events.allSatisfy {
                    !$0.isA("worker", "dead") || $0.text("role") != "peer" || $0.count("status") == 0
                })
            let most = run.events.compactMap { $0.count("num_peers") }.max() ?? 0
            #expect(most <= 12, "six for each of two workers")
        }

        @Test(arguments: ["EMFILE", "ENOMEM"])
        func aSocketThatCannotBeMadeIsTriedAgainLater(error: String) throws {
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20, listen: "0.0.0.0:0")
            let injection = try Injection("peer", .socket, .error(error), when: "3+", in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker"] + injection.options
                    + (1...6).flatMap { ["--peer", "127.0.0.\($0):\(seeder.port)"] })
            try run.expectWhole(torrent, refetched: 8 << 20)
            #expect(injection.injectedCount >= 1)
            #expect(run.deaths("peer", signal: 6).isEmpty)
        }

        /// It keeps at most half a thousand files open, and fewer where it may not.
        @Test func aWriterWithFewDescriptorsWritesManyFiles() throws {
            let many = try workspace.makeTorrent("many", .tiny, size: "2M", pieceLength: "32K")
            #expect(many.paths.count > 40)
            let seeder = try Seeder.libtorrent(many, in: workspace)
            let run = try SupervisorRun(
                workspace, [many],
                ["--no-tracker", "--peer", seeder.address, "--worker-wrap", "writer=prlimit --nofile=40"])
            try run.expectWhole(many)
        }

        /// Files that are open make room; with none there is nothing to do but to say so.
        @Test(arguments: ["EMFILE", "ENFILE"]) func aFileThatCannotBeOpenedForTheMomentCostsNothing(error: String)
            throws
        {
            let many = try workspace.makeTorrent("some", .many, size: "4M", pieceLength: "64K")
            let seeder = try Seeder.libtorrent(many, in: workspace)
            let injection = try Injection("writer", .open, .error(error), when: "14", in: workspace)
            let run = try SupervisorRun(
                workspace, [many], ["--no-tracker", "--peer", seeder.address] + injection.options)
            try run.expectWhole(many)
            #expect(injection.injectedCount == 1)
        }
    }
}
