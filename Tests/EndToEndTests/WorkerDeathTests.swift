import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Workers that die or stand still in the middle of a download.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct WorkerDeaths {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        @Test(arguments: ["peer", "hash", "writer"])
        func tenKillsOfOneRoleInTurnCostNoVerifiedPiece(role: String) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            var victim = try run.worker(role)
            for kills in 1...10 {
                try run.wait(forPieces: 5 * kills)
                kill(victim, SIGKILL)
                victim = try run.worker(role, after: victim)
            }
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectNoPieceTwice()
            let deaths = run.events.filter { $0.isA("worker", "dead") && $0.count("signal") == Int(SIGKILL) }
            #expect(deaths.count == 10)
            #expect(deaths.allSatisfy { $0.text("role") == role })
        }

        @Test func killsOfAllRolesByTurnsCostNoVerifiedPiece() throws {
            let torrent = try workspace.makeTorrent("payload", .many, size: "32M", pieceLength: "128K")
            let seeders = try (0..<3).map { _ in
                try Seeder.libtorrent(torrent, in: workspace)
            }
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--workers", "3", "--hash-workers", "2"] + seeders.flatMap { ["--peer", $0.address] })
            for (kills, place) in [("peer", 0), ("hash", 1), ("writer", 0), ("peer", 2), ("hash", 0)].enumerated() {
                try run.wait(forPieces: 10 * (kills + 1))
                kill(try run.worker(place.0, place.1), SIGKILL)
            }
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectNoPieceTwice()
        }

        /// A fault of a worker's own: its last place is told by name, which is what its author needs.
        @Test(arguments: ["peer", "hash", "writer"]) func aFaultIsToldWithItsPlace(role: String) throws {
            let torrent = try workspace.makeTorrent(size: "4M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 2 << 20)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            let process = try run.worker(role)
            try run.wait(forPieces: 5)
            kill(process, SIGSEGV)
            try run.wait(for: "the place of the fault") {
                $0.kind == "warning"
                    && $0.text("message")?.hasPrefix(
                        "\(["peer": "p0", "hash": "h0", "writer": "w"][role]!) died of signal 11 in ") == true
                    && $0.text("message")?.contains("WorkerLoop.run()") == true
            }
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
        }

        @Test func aDeathOfAllWorkersAtOnceIsSurvived() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.wait(forPieces: 20)
            for role in ["peer", "hash", "writer"] { kill(try run.worker(role), SIGKILL) }
            kill(try run.worker("peer", 1), SIGKILL)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectNoPieceTwice()
        }

        @Test(arguments: ["peer", "hash", "writer"])
        func aWorkerThatStandsStillIsReplaced(role: String) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--heartbeat-ms", "200"])
            try run.wait(forPieces: 20)
            let still = try run.worker(role)
            kill(still, SIGSTOP)
            _ = try run.worker(role, after: still, within: 5)
            #expect(!ProcessTable.isAlive(still))
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectNoPieceTwice()
        }

        /// A program that hangs before its first word, such as one on a disk that does not answer.
        @Test(arguments: ["peer", "hash", "writer"])
        func aWorkerThatNeverSaysHelloIsReplaced(role: String) throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let wrapper = workspace.path("hang-once")
            try workspace.write(
                Data("#!/bin/sh\nmkdir \"$0.did\" 2>/dev/null && exec sleep 1000\nexec \"$@\"\n".utf8), to: "hang-once")
            chmod(wrapper, 0o755)
            let run = try SupervisorRun(
                workspace, [torrent],
                [
                    "--no-tracker", "--peer", seeder.address, "--heartbeat-ms", "200", "--workers", "1",
                    "--worker-wrap", "\(role)=\(wrapper)",
                ])
            let dead = try run.wait(for: "the end of the silent one") {
                $0.isA("worker", "dead") && $0.text("role") == role
            }
            #expect(dead.count("signal") == Int(SIGKILL))
            #expect((5..<15).contains(secondsNow() - run.process.startedAt))
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(run.process.errorText.contains("it has not said hello within 5 s"))
        }

        @Test(arguments: ["peer", "hash", "writer"])
        func aRoleThatAlwaysDiesEndsTheRunWithItsOwnCode(role: String) throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--worker-wrap", "\(role)=/bin/false"])
            try run.expectEnd(40, within: 30)
        }

        @Test func theWholeGroupStandingStillForAWhileIsNoReasonToKill() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "128K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--heartbeat-ms", "200"])
            try run.wait(forPieces: 10)
            let all = ProcessTable.ofRun(in: workspace)
            for process in all { kill(process, SIGSTOP) }
            let stoppedAt = secondsNow()
            try awaiting("a second and more") { secondsNow() - stoppedAt > 1.2 }
            // The supervisor goes on last, when all its workers stood still no longer than itself.
            for process in all where process != run.process.processID { kill(process, SIGCONT) }
            run.process.send(SIGCONT)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let killed = run.events.filter { $0.isA("worker", "dead") && $0.count("signal") != nil }
            #expect(killed.isEmpty)
        }
    }
}
