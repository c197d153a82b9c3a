import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// No memory and no buffers: rows R25 and R28 of docs/faults.md.
    @Suite(.enabled(if: Able.strace && Able.leanSeeder, Why.strace)) struct ShortMemory {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        init() throws {
            workspace = try Workspace("memory")
            torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20, listen: "0.0.0.0:0")
        }

        /// Memory is reserved at the start, so that what is not there is an error then and never a SIGBUS later.
        @Test(arguments: ["ENOSPC", "ENOMEM"]) func aRegionThatCannotBeReservedIsNamedAtTheStart(error: String) throws {
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker"],
                before: Injection.supervisor(.allocate, error: error, when: "1+"))
            try run.expectEnd(17, within: 10)
            #expect(run.process.errorText.contains("region"))
            #expect(run.process.errorText.contains("memfd_create"))
        }

        @Test func aLimitOnFileSizesIsNoCrash() throws {
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker"], before: ["prlimit", "--fsize=1000000"])
            try run.expectEnd(17, within: 10)
            #expect(run.process.errorText.contains("File too large"))
        }

        @Test func aRegionThatNobodyCanMapEndsTheRunWithItsReason() throws {
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--memory", "512M", "--worker-wrap", "hash=prlimit --as=300000000"])
            try run.expectEnd(40, within: 20)
            #expect(run.process.errorText.contains("mmap: Cannot allocate memory"))
        }

        /// Connections to peers end and are made again; one of the pool's own costs the worker.
        @Test(arguments: [Injection.Calls.send, .receive], ["ENOBUFS", "ENOMEM"])
        func aCallThatFailsForAWhileIsSurvived(calls: Injection.Calls, error: String) throws {
            let when = calls == .send ? "20..24" : "40..44"
            let injection = try Injection("peer", calls, .error(error), when: when, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--heartbeat-ms", "200"] + injection.options
                    + (1...4).flatMap { ["--peer", "127.0.0.\($0):\(seeder.port)"] })
            try run.expectWhole(torrent, refetched: torrent.byteCount, within: 30)
            #expect(injection.injectedCount >= 1)
        }

        @Test func anEndlessLackOfBuffersIsNoSpin() throws {
            let slow = try Seeder.lean(torrent, in: workspace, rate: 1 << 18, listen: "0.0.0.0:0")
            let injection = try Injection("peer", .connect, .error("ENOBUFS"), when: "3+", in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--workers", "1"] + injection.options
                    + (1...8).flatMap { ["--peer", "127.0.0.\($0):\(slow.port)"] })
            try run.wait(for: "a failure") { $0.isA("peer", "closed") }
            let worker = try run.worker("peer")
            let before = try #require(ProcessTable.cpuSeconds(worker))
            let attemptsBefore = injection.injectedCount
            let since = secondsNow()
            try awaiting("two seconds") { secondsNow() - since > 2 }
            #expect((try #require(ProcessTable.cpuSeconds(worker)) - before) / (secondsNow() - since) < 0.2)
            #expect(injection.injectedCount - attemptsBefore <= 16)
            run.process.send(SIGINT)
            try run.expectEnd(7)
            run.expectSound(torrent)
        }
    }
}
