import Glibc
import Testing

extension EndToEnd {
    /// Torrents of one run share the pool, and nothing else: each has its own bytes, speed and fate.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct TwoTorrents {
        let workspace: Workspace
        init() throws { workspace = try Workspace("two") }

        /// The newest `progress` event of a torrent.
        private func progress(_ run: SupervisorRun, of torrent: Torrent) -> RunEvent? {
            run.events.last { $0.kind == "progress" && $0.text("info_hash") == torrent.infoHash }
        }

        /// What came is what the files needed, and what was wasted on it.
        private func expectOwnBytes(
            _ run: SupervisorRun, _ torrents: [Torrent], sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            for torrent in torrents {
                let last = try #require(progress(run, of: torrent), sourceLocation: sourceLocation)
                let wasted = try #require(last.count("wasted_length"), sourceLocation: sourceLocation)
                #expect(
                    last.count("download_length") == torrent.byteCount + wasted, "\(last.members)",
                    sourceLocation: sourceLocation)
                #expect(wasted < 512 << 10, sourceLocation: sourceLocation)
            }
        }

        @Test func figuresOfEachAreItsOwn() throws {
            let large = try workspace.makeTorrent("large.bin", size: "6M", pieceLength: "128K")
            let small = try workspace.makeTorrent("small.bin", size: "1M", pieceLength: "64K")
            let seeders = try [large, small].map { try Seeder.lean($0, in: workspace, rate: 4 << 20) }
            let tracker = try TrackerProcess.recording(in: workspace, seeders.flatMap { ["--peer", $0.address] })
            let run = try SupervisorRun(workspace, [large, small], ["--tracker", tracker.url, "--interval", "0.1"])
            try run.expectEnd(0)
            large.expectComplete(in: run.directory, besides: [small.name])
            try expectOwnBytes(run, [large, small])
            for torrent in [large, small] {
                let told = try tracker.announces().filter {
                    $0.text("info_hash") == torrent.infoHash && $0.text("event") == "stopped"
                }
                let received = try #require(progress(run, of: torrent)?.count("download_length"))
                #expect(told.map { $0.text("downloaded") } == [String(received)])
            }
        }

        /// The other one, with the same peer all the time, is not taken for stalled, and keeps nothing up that is.
        @Test func oneThatStallsEndsTheRunWhenTheOtherIsComplete() throws {
            let stalled = try workspace.makeTorrent("stalled.bin", size: "8M", pieceLength: "128K")
            let steady = try workspace.makeTorrent("steady.bin", size: "4M", pieceLength: "64K")
            let stopping = try Seeder.lean(stalled, in: workspace, rate: 4 << 20)
            let sending = try Seeder.lean(steady, in: workspace, rate: 512 << 10)
            let run = try SupervisorRun(
                workspace, [stalled, steady],
                [
                    "--no-tracker", "--peer", stopping.address, "--peer", sending.address, "--stop-timeout", "2",
                    "--interval", "0.1",
                ])
            try run.wait(for: "pieces of the one that stalls", within: 20) {
                $0.isA("piece", "written") && $0.text("info_hash") == stalled.infoHash
            }
            stopping.process.send(SIGSTOP)
            let complete = try run.wait(for: "the end of the other", within: 30) { $0.kind == "complete" }
            #expect(complete.text("info_hash") == steady.infoHash)
            try run.expectEnd(5)
            stopping.process.send(SIGCONT)
            // Its two seconds were over long before.
            let exit = try #require(run.events.last)
            #expect(exit.time - complete.time < 1.5)
            #expect(complete.time - run.process.startedAt > 5)
            try expectOwnBytes(run, [steady])
            let figures = try #require(progress(run, of: stalled))
            let received = try #require(figures.count("download_length"))
            #expect(received < 4 << 20 && received >= figures.count("completed_length") ?? .max)
            #expect(figures.count("download_speed") == 0)
        }
    }
}
