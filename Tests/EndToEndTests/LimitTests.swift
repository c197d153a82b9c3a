import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// The user's limits hold for the whole run: all torrents, all workers.
    @Suite(.enabled(if: Able.leanSeeder && Able.libtorrent, "needs a C compiler and python3-libtorrent"))
    struct Limits {
        let workspace: Workspace
        init() throws { workspace = try Workspace("limits") }

        private static let limit = 4 << 20
        /// Of the limit, either way: the promise, which takes the long form to measure. In four seconds a single pause of
        /// the machine is a tenth.
        private static let tolerance = Able.longSuite ? 0.05 : 0.15
        private static let workers = ["--workers", "4", "--interval", "0.1"]
        /// Until the shares of the workers have settled.
        private static let settling = 2.5
        private static let seconds = Able.longSuite ? 15.0 : 4.0
        /// Of a core, all processes of a run together.
        private static let mostIdleCPU = 0.05

        @Test func theyAreKeptByAllWorkersAndTorrentsTogether() throws {
            let size = "\(Int(Self.seconds) * 3 + 10)M"
            let torrents = try ["a.bin", "b.bin"].map { try workspace.makeTorrent($0, size: size, pieceLength: "64K") }
            let giving = try SupervisorRun(
                workspace, torrents, ["--no-tracker", "--seed", "--max-upload-limit", "4M"] + Self.workers,
                directory: torrents[0].seedDirectory)
            let address = "127.0.0.1:\(try giving.listenPort())"
            try awaiting("both complete") { giving.events.count { $0.kind == "complete" } == 2 }
            let leechers = try torrents.flatMap { torrent in
                try (0..<3).map { _ in try Leecher.libtorrent(torrent, in: workspace, peers: [address]) }
            }
            let seeders = try torrents.flatMap { torrent in
                try (0..<3).map { try Seeder.lean(torrent, in: workspace, listen: "127.0.0.\($0 + 1):0") }
            }
            let taking = try SupervisorRun(
                workspace, torrents,
                ["--no-tracker", "--max-download-limit", "4M", "--state-dir", workspace.path("taking.state")]
                    + Self.workers + seeders.flatMap { ["--peer", $0.address] })
            let runs = [(giving, "upload_length"), (taking, "download_length")]
            for (run, member) in runs {
                try run.wait(for: "the first bytes") { $0.kind == "progress" && $0.count(member) ?? 0 > 0 }
            }
            let start = secondsNow()
            try awaiting("the end of the measurement", within: 60) {
                secondsNow() - start >= Self.settling + Self.seconds
            }
            for (run, member) in runs {
                let rate = try rate(run, member)
                print("\(member) at \(rate / Double(Self.limit)) of the limit")
                #expect(abs(rate / Double(Self.limit) - 1) <= Self.tolerance, "\(member): \(rate) bytes a second")
            }
            taking.process.send(SIGINT)
            try taking.process.wait(within: 15)
            #expect(taking.process.ending == .exited(7))
            for leecher in leechers { leecher.process.kill() }

            // Nobody is left: the buckets fill, and nothing else happens.
            try awaiting("the leechers' end") { giving.progress?.count("num_peers") == 0 }
            let before = cpuSeconds(), from = secondsNow()
            try awaiting("the end of the pause") { secondsNow() - from >= 2 }
            let share = (cpuSeconds() - before) / (secondsNow() - from)
            print("idle with a limit: \(share) of a core")
            #expect(share < Self.mostIdleCPU)
            giving.process.send(SIGINT)
            try giving.expectEnd(0)
        }

        /// The slope of the line through the reports of both torrents: workers tell their totals twice a second only.
        private func rate(_ run: SupervisorRun, _ member: String) throws -> Double {
            let reports = run.events.filter { $0.kind == "progress" }
            let from = try #require(reports.last?.time) - Self.seconds
            var latest: [String: Double] = [:]
            var points: [(x: Double, y: Double)] = []
            for report in reports {
                latest[report.text("info_hash") ?? ""] = report.number(member)
                if report.time >= from, latest.count == 2 {
                    points.append((report.time - from, latest.values.reduce(0, +)))
                }
            }
            let count = Double(points.count)
            let meanX = points.reduce(0) { $0 + $1.x } / count, meanY = points.reduce(0) { $0 + $1.y } / count
            return points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
                / points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        }

        /// Of all processes of the runs that live.
        private func cpuSeconds() -> Double {
            ProcessTable.ofRun(in: workspace).compactMap { ProcessTable.cpuSeconds($0) }.reduce(0, +)
        }
    }
}
