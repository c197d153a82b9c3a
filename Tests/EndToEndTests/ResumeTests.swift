import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What a run leaves behind when it is stopped half-way, and what the next one makes of it.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Resume {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        /// Starts a download of a second and more, if the seeder is slow.
        private func start(_ torrent: Torrent, _ seeder: Seeder, _ arguments: [String] = []) throws -> SupervisorRun {
            try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--interval", "0.1"] + arguments)
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func anOrderlyStopLosesNothing(signal: Int32) throws {
            let torrent = try workspace.makeTorrent(size: "12M", pieceLength: "128K")
            let slow = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let first = try start(torrent, slow)
            try first.wait(forPieces: torrent.pieceCount * 2 / 5)
            let signalledAt = secondsNow()
            first.process.send(signal)
            try first.expectEnd(7, within: 10)
            #expect(first.process.endedAt! - signalledAt < 10)
            #expect(Set(first.pieces("synced")) == Set(first.pieces("verified")), "a stop syncs what is verified")

            let second = try start(torrent, try Seeder.lean(torrent, in: workspace))
            try second.expectEnd(0)
            torrent.expectComplete(in: second.directory)
            #expect(Set(second.pieces("granted")).isDisjoint(with: first.pieces("synced")))
            let checked = second.events.compactMap { $0.count("check_length") }.max() ?? 0
            #expect(checked == 0, "the journal of an orderly stop vouches for everything")
            let start = try second.wait(for: "start") { $0.kind == "start" }.objects("torrents").first
            let there = (start?["completed_length"] as? NSNumber)?.intValue ?? 0
            #expect(there == first.pieces("synced").count * torrent.pieceByteCount)
        }

        /// No piece is complete when the first run is stopped, so all that it can keep is unfinished pieces.
        @Test(arguments: [SIGINT, SIGTERM])
        func anOrderlyStopKeepsBlocksOfUnfinishedPieces(signal: Int32) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "4M")
            let slow = try Seeder.lean(torrent, in: workspace, rate: 2 << 20)
            let first = try start(torrent, slow)
            try first.wait(for: "an eighth") { ($0.count("download_length") ?? 0) > 1 << 20 }
            first.process.send(signal)
            try first.expectEnd(7, within: 10)
            #expect(first.pieces("verified").isEmpty)
            let kept = first.downloadedByteCount - (first.progress?.count("wasted_length") ?? 0)
            #expect(kept > 1 << 20)

            let fresh = try Seeder.lean(torrent, in: workspace)
            let second = try start(torrent, fresh)
            try second.expectEnd(0)
            torrent.expectComplete(in: second.directory)
            // What was on its way at the moment of the stop is fetched again, and no more: a request window or two.
            #expect(second.downloadedByteCount <= torrent.byteCount - kept + (512 << 10))
            #expect(try fresh.servedByteCount() <= torrent.byteCount - kept + (512 << 10))
        }

        @Test func aKilledRunLosesAtMostItsOpenPieces() throws {
            let torrent = try workspace.makeTorrent(size: "12M", pieceLength: "128K")
            let first = try start(torrent, try Seeder.lean(torrent, in: workspace, rate: 8 << 20))
            try first.wait(forPieces: torrent.pieceCount * 2 / 5)
            first.process.send(SIGKILL)
            try first.process.wait(within: 5)
            first.expectNothingLeft()

            let fresh = try Seeder.lean(torrent, in: workspace)
            let second = try start(torrent, fresh)
            try second.expectEnd(0)
            torrent.expectComplete(in: second.directory)
            #expect(
                Set(second.pieces("granted")).isDisjoint(with: first.pieces("synced")),
                "what the journal may claim is not fetched again")
            #expect(
                Set(second.pieces("granted")).isDisjoint(with: first.pieces("written")),
                "what is in the files is checked, not fetched again")
        }

        /// Nothing was synced yet, so the journal claims nothing; but it knows the file, and the file its holes.
        @Test func aRunKilledInItsFirstSecondLeavesLittleToCheck() throws {
            let torrent = try workspace.makeTorrent(size: "24M", pieceLength: "128K")
            let first = try start(torrent, try Seeder.lean(torrent, in: workspace, rate: 4 << 20))
            try first.wait(forPieces: 4)
            first.process.send(SIGKILL)
            try first.process.wait(within: 5)
            first.expectNothingLeft()
            #expect(first.pieces("synced").isEmpty)

            let second = try start(torrent, try Seeder.lean(torrent, in: workspace))
            try second.expectEnd(0)
            torrent.expectComplete(in: second.directory)
            let checked = second.events.compactMap { $0.count("check_length") }.max() ?? 0
            #expect(checked >= 4 * torrent.pieceByteCount)
            // The last of what was written may be in no event.
            #expect(checked < torrent.byteCount / 2)
        }

        @Test func killsOneAfterAnotherNeverSpoilTheFiles() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let slow = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            var written: Set<Int> = []
            for round in 1...5 {
                let run = try start(torrent, slow)
                try run.wait(forPieces: 12)
                run.process.send(SIGKILL)
                try run.process.wait(within: 5)
                run.expectNothingLeft()
                #expect(written.isDisjoint(with: run.pieces("written")), "in round \(round)")
                written.formUnion(run.pieces("written"))
            }
            let last = try start(torrent, slow)
            try last.expectEnd(0)
            torrent.expectComplete(in: last.directory)
            #expect(written.isDisjoint(with: last.pieces("written")))
        }

        @Test func aSecondInterruptEndsARunAtOnceAndLeavesItSound() throws {
            let torrent = try workspace.makeTorrent(size: "12M", pieceLength: "128K")
            let slow = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let first = try start(torrent, slow, ["--heartbeat-ms", "10000"])
            try first.wait(forPieces: 20)
            // The orderly stop cannot end while the writer stands still.
            let writer = try first.worker("writer")
            kill(writer, SIGSTOP)
            first.process.send(SIGINT)
            try first.wait(for: "the stop") { $0.text("phase") == "stopping" }
            #expect(!first.process.hasEnded)
            let signalledAt = secondsNow()
            first.process.send(SIGINT)
            try first.expectEnd(7, within: 10)
            #expect(first.process.endedAt! - signalledAt < 1)

            let second = try start(torrent, slow)
            try second.expectEnd(0)
            torrent.expectComplete(in: second.directory)
            #expect(Set(second.pieces("granted")).isDisjoint(with: first.pieces("synced")))
        }

        @Test func anOrderlyStopEndsInTenSecondsThoughTheWriterIsStuck() throws {
            let torrent = try workspace.makeTorrent(size: "12M", pieceLength: "128K")
            let slow = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try start(torrent, slow, ["--heartbeat-ms", "10000"])
            try run.wait(forPieces: 10)
            kill(try run.worker("writer"), SIGSTOP)
            run.process.send(SIGTERM)
            try run.expectEnd(7, within: 10.5)
        }

        @Test func aStopBeforeTheFirstByteIsAnOrderlyOne() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker"])
            _ = try run.worker("peer", 1)
            run.process.send(SIGINT)
            try run.expectEnd(7, within: 5)
        }

        @Test func aCompleteDownloadIsCompleteAgainAtOnce() throws {
            let torrent = try workspace.makeTorrent("payload.bin", size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            try start(torrent, seeder).expectEnd(0)
            let again = try SupervisorRun(workspace, [torrent], ["--no-tracker"])
            try again.expectEnd(0, within: 5)
            #expect(again.downloadedByteCount == 0)
            #expect(again.events.allSatisfy { ($0.count("check_length") ?? 0) == 0 })
        }
    }
}
