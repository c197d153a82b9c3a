import Foundation
import Testing

extension EndToEnd {
    /// Calls to the disk that fail or do less than they were asked: rows R16 to R19 of docs/faults.md.
    @Suite(.enabled(if: Able.strace && Able.leanSeeder, Why.strace)) struct DiskErrors {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        init() throws {
            workspace = try Workspace("disk")
            torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 12 << 20)
        }

        private func download(_ injection: Injection? = nil, _ arguments: [String] = []) throws -> SupervisorRun {
            try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address, "--interval", "0.1"] + (injection?.options ?? [])
                    + arguments)
        }

        @Test(arguments: ["EINTR", "EAGAIN"]) func anInterruptedWriteIsGoneOnWith(error: String) throws {
            let injection = try Injection("writer", .putToFile, .error(error), when: "2..4", in: workspace)
            let run = try download(injection)
            try run.expectWhole(torrent, refetched: 0)
            #expect(injection.injectedCount == 3)
            #expect(run.progress?.text("trouble") == nil)
        }

        /// It is tried again after five seconds; nothing is fetched twice, and nothing is claimed meanwhile.
        @Test func aDiskThatIsFullForAMomentIsAPauseAndNoMore() throws {
            let injection = try Injection("writer", .putToFile, .error("ENOSPC"), when: "5", in: workspace)
            let run = try download(injection)
            try run.wait(for: "the pause") { $0.text("phase") == "paused" && $0.text("trouble") != nil }
            try run.expectWhole(torrent, refetched: 0)
            #expect(injection.injectedCount == 1)
        }

        @Test(arguments: [Injection.Calls.putToFile, .open, .append])
        func aDiskThatFailsEndsTheRunAndTheNextOneMendsIt(calls: Injection.Calls) throws {
            let journal = try workspace.journalPath(of: torrent)
            let injection = try Injection(
                "writer", calls, .error("EIO"), when: calls == .putToFile ? "8+" : "1+",
                on: calls == .append ? journal : nil, in: workspace)
            let run = try download(injection)
            try run.expectEnd(17, within: 15)
            #expect(injection.injectedCount >= 1)
            #expect(run.deaths("writer", signal: SIGABRT).isEmpty)
            #expect(run.process.errorText.contains("Input/output error"))
            run.expectSound(torrent, refetched: 0)
            let next = try download()
            try next.expectWhole(torrent, refetched: 0)
            #expect(Set(next.pieces("granted")).isDisjoint(with: run.pieces("written")))
        }

        /// The records of what is synced wait, and nothing is called synced meanwhile. The first record is that of a new
        /// file, which can wait for them.
        @Test func aFullDiskUnderTheJournalIsAPauseToo() throws {
            let journal = try workspace.journalPath(of: torrent)
            let injection = try Injection("writer", .append, .error("ENOSPC"), when: "2", on: journal, in: workspace)
            let run = try download(injection)
            try run.wait(for: "the trouble") { $0.text("trouble") != nil }
            #expect(run.pieces("synced").isEmpty)
            try run.expectWhole(torrent, refetched: 0)
            #expect(injection.injectedCount == 1)
            #expect(Set(run.pieces("synced")).count == torrent.pieceCount)
        }

        /// What was written since the last good sync may be in memory only and lost there: it is not looked at again, since
        /// the look would find it whole, but fetched again.
        @Test func afterAFailedSyncNothingSinceTheLastGoodOneIsClaimed() throws {
            let injection = try Injection("writer", .dataSync, .error("EIO"), when: "1", in: workspace)
            let run = try download(injection)
            try run.expectEnd(17, within: 15)
            #expect(injection.injectedCount == 1)
            #expect(run.process.errorText.contains("Input/output error"))
            run.expectSound(torrent, refetched: torrent.byteCount, losesPieces: true)
            let doubtful = Set(run.pieces("written")).subtracting(run.pieces("synced"))
            #expect(!doubtful.isEmpty)
            let next = try download()
            try next.expectWhole(torrent, refetched: 0)
            #expect(Set(next.pieces("written")).isSuperset(of: doubtful))
            #expect(Set(next.pieces("granted")).isDisjoint(with: run.pieces("synced")))
        }

        /// The files are synced by then; the records of it are appended anew, which is no retry of the failed sync.
        @Test func aJournalWhoseSyncFailedIsAppendedToAnew() throws {
            let injection = try Injection("writer", .dataSync, .error("EIO"), when: "2", in: workspace)
            let run = try download(injection)
            try run.expectEnd(17, within: 15)
            #expect(injection.injectedCount == 1)
            #expect(run.process.errorText.contains("resume journal"))
            run.expectSound(torrent, refetched: 0)
            let next = try download()
            try next.expectWhole(torrent, refetched: 0)
            #expect(Set(next.pieces("granted")).isDisjoint(with: run.pieces("synced")))
        }

        @Test func whatCannotBeReadIsFetchedAgain() throws {
            try FileManager.default.createDirectory(
                atPath: workspace.path("out"), withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: "\(torrent.seedDirectory)/\(torrent.name)", toPath: workspace.path("out/\(torrent.name)"))
            let injection = try Injection("hash", .getFromFile, .error("EIO"), when: "4", in: workspace)
            let run = try download(injection)
            try run.expectWhole(torrent)
            #expect(injection.injectedCount >= 1)
            let fetched = Set(run.pieces("written")).count
            #expect(fetched >= 1 && fetched <= torrent.pieceCount / 4)
            #expect(run.deaths("hash").isEmpty)
        }
    }
}
