import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// The supervisor is killed: rows R8 and R9 of docs/faults.md. Its workers end within two seconds, whatever they were
    /// doing, and the next run goes on from what was written.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Orphans {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        init() throws {
            workspace = try Workspace("orphans")
            torrent = try workspace.makeTorrent(size: "12M", pieceLength: "64K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
        }

        enum Moment: CaseIterable { case starting, idle, downloading, stopping }

        private func start(_ arguments: [String] = []) throws -> SupervisorRun {
            try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address] + arguments)
        }

        /// Kills the supervisor, and nobody else.
        private func expectOrphansGone(_ run: SupervisorRun, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let workers = ProcessTable.ofRun(in: workspace).filter { $0 != run.process.processID }
            #expect(!workers.isEmpty, sourceLocation: sourceLocation)
            run.process.send(SIGKILL)
            try run.process.wait(within: 5)
            let killedAt = secondsNow()
            try awaiting("end of all workers", within: 2) { !workers.contains { ProcessTable.isAlive($0) } }
            run.expectNothingLeft(sourceLocation: sourceLocation)
            print("orphans were gone after \(secondsNow() - killedAt) s")
        }

        /// The next run cleans up, fetches nothing that was written and no more than was open.
        private func expectResumed(after run: SupervisorRun, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let fresh = try Seeder.lean(torrent, in: workspace)
            let next = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", fresh.address])
            try next.expectWhole(torrent, refetched: 0, sourceLocation: sourceLocation)
            #expect(
                Set(next.pieces("granted")).isDisjoint(with: run.pieces("written")), sourceLocation: sourceLocation)
        }

        @Test(arguments: Moment.allCases) func workersEndWithTheirSupervisor(moment: Moment) throws {
            // Whoever waits for the last word of a tracker has all its workers still.
            let tracker = try TrackerProcess.recording(in: workspace, ["--mode", "silent"])
            let run = try SupervisorRun(
                workspace, [torrent],
                (moment == .stopping ? ["--tracker", tracker.url] : ["--no-tracker"])
                    + (moment == .idle ? [] : ["--peer", seeder.address]))
            switch moment {
            case .starting: try run.wait(for: "the first worker") { $0.isA("worker", "spawned") }
            case .idle: _ = try run.worker("peer", 1)
            case .downloading: try run.wait(forPieces: 40)
            case .stopping:
                try run.wait(forPieces: 40)
                run.process.send(SIGINT)
                try run.wait(for: "the stop") { $0.text("phase") == "stopping" }
            }
            try expectOrphansGone(run)
            try expectResumed(after: run)
        }

        /// They cannot see the end of the lifeline; the kernel's signal reaches them.
        @Test func stoppedWorkersEndTooWithTheirSupervisor() throws {
            let run = try start()
            try run.wait(forPieces: 40)
            for worker in ProcessTable.ofRun(in: workspace) where worker != run.process.processID {
                kill(worker, SIGSTOP)
            }
            try expectOrphansGone(run)
            try expectResumed(after: run)
        }

        /// The kernel's signal tells of the wrapper's end only; the lifeline tells of the supervisor's.
        @Test func workersBehindAWrapperThatStaysEndWithTheirSupervisor() throws {
            let wrapper = workspace.path("wrapper")
            try workspace.write(Data("#!/bin/sh\n\"$@\"\n".utf8), to: "wrapper")
            chmod(wrapper, 0o755)
            let run = try start(["peer", "hash", "writer"].flatMap { ["--worker-wrap", "\($0)=\(wrapper)"] })
            try run.wait(forPieces: 40)
            try expectOrphansGone(run)
            try expectResumed(after: run)
        }

        @Test func aRunBehindWrappersThatStayEndsInOrder() throws {
            let wrapper = workspace.path("wrapper")
            try workspace.write(Data("#!/bin/sh\n\"$@\"\n".utf8), to: "wrapper")
            chmod(wrapper, 0o755)
            let run = try start(["peer", "hash", "writer"].flatMap { ["--worker-wrap", "\($0)=\(wrapper)"] })
            try run.expectWhole(torrent, refetched: 0)
        }

        /// The run directory and its sockets are what a killed run leaves; the next start sweeps them.
        @Test func whatAKilledRunLeavesIsSweptByTheNext() throws {
            let run = try start()
            try run.wait(forPieces: 20)
            let own = workspace.runDirectories
            #expect(own.count == 1)
            try expectOrphansGone(run)
            #expect(workspace.runDirectories == own)
            let next = try start()
            try next.wait(for: "start") { $0.kind == "start" }
            #expect(Set(workspace.runDirectories).isDisjoint(with: own))
            try next.expectWhole(torrent, refetched: 0)
        }
    }
}
