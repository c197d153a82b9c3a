import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Clocks that jump, and time in which a run gets no processor: rows R12 and R41 of docs/faults.md.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Clocks {
        let workspace: Workspace
        init() throws { workspace = try Workspace("clocks") }

        private func expectNobodyKilled(_ run: SupervisorRun, sourceLocation: SourceLocation = #_sourceLocation) {
            let killed = run.events.filter { $0.isA("worker", "dead") && $0.count("status") != 0 }
            #expect(killed.isEmpty, sourceLocation: sourceLocation)
        }

        /// A day ahead, then a day back, in the first of two announce intervals of ten seconds, the shortest there is.
        @Test func aJumpOfTheTimeOfDayMovesNoDeadline() throws {
            let torrent = try workspace.makeTorrent(size: "6M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 400 << 10)
            let tracker = try TrackerProcess.recording(
                in: workspace, ["--interval", "10", "--min-interval", "10", "--peer", seeder.address])
            let shift = workspace.path("shift")
            func shiftClock(seconds: Int64) throws {
                let file = try #require(FileHandle(forWritingAtPath: shift))
                try file.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
            }
            try workspace.write(Data(count: 8), to: "shift")
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--tracker", tracker.url, "--heartbeat-ms", "200", "--interval", "0.2", "--stop-timeout", "5"],
                environment: ["LD_PRELOAD": try Programs.wallClock.get(), "LD_WALL_CLOCK": shift])
            try run.wait(forPieces: 10)
            let day = 86400.0
            for days in [1.0, -1.0] {
                try shiftClock(seconds: Int64(days * day))
                let other = Date().timeIntervalSince1970 + days * day
                let pieces = run.pieces("written").count
                try run.wait(for: "the other time") { abs($0.time - other) < 3600 }
                try run.wait(forPieces: pieces + 10)
            }
            try awaiting("the second announce", within: 20) { try tracker.announces().count >= 2 }
            let announces = try tracker.announces().map(\.time)
            #expect((9...15).contains(announces[1] - announces[0]), "an interval later by a clock that nobody sets")
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectSound(torrent, refetched: 0)
            expectNobodyKilled(run)
            #expect(run.events.count { $0.isA("peer", "connected") } == 1, "no connection timed out")
        }

        /// As a machine that sleeps, or `kill -STOP` of the whole group: everybody goes on at once, in whatever order.
        @Test(arguments: [true, false]) func aGroupThatStandsStillIsNotKilled(supervisorGoesOnFirst: Bool) throws {
            let seconds = Able.longSuite ? 60.0 : 10.0
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "128K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--heartbeat-ms", "200"])
            try run.wait(forPieces: 10)
            let supervisor = run.process.processID
            let workers = ProcessTable.ofRun(in: workspace).filter { $0 != supervisor }
            #expect(workers.count == 4)
            for process in [supervisor] + workers { kill(process, SIGSTOP) }
            let stoppedAt = secondsNow()
            try awaiting("the end of the pause", within: seconds + 20) { secondsNow() - stoppedAt > seconds }
            for process in supervisorGoesOnFirst ? [supervisor] + workers : workers + [supervisor] {
                kill(process, SIGCONT)
            }
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectSound(torrent)
            expectNobodyKilled(run)
        }

        /// Two busy loops for each processor beside a run that is watched as usual.
        @Test func workersThatWaitForAProcessorAreNotKilled() throws {
            let seconds = Able.longSuite ? 600 : 15
            let torrent = try workspace.makeTorrent(size: "\(seconds)M", pieceLength: "256K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 1 << 20)
            let busy = try (0..<2 * sysconf(Int32(_SC_NPROCESSORS_ONLN))).map { number in
                try Running(["sh", "-c", "while :; do :; done"], in: workspace, name: "busy-\(number)")
            }
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.expectEnd(0, within: 60 + 2 * Double(seconds))
            torrent.expectComplete(in: run.directory)
            expectNobodyKilled(run)
            for process in busy {
                #expect(!process.hasEnded)
                process.kill()
            }
        }
    }
}
