import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Other clients fetch whole torrents from us.
    @Suite struct Seeding {
        let workspace: Workspace
        init() throws { workspace = try Workspace("seeding") }

        /// A run that has everything and gives it until it is stopped.
        private func seed(
            _ torrent: Torrent, _ arguments: [String] = [], before: [String] = []
        ) throws -> SupervisorRun {
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--seed"] + arguments, directory: torrent.seedDirectory,
                before: before)
            try run.wait(for: "complete") { $0.kind == "complete" }
            return run
        }

        private func expectOrderlyEnd(_ run: SupervisorRun, uploaded: Int) throws {
            run.process.send(SIGINT)
            try run.expectEnd(0)
            #expect(run.progress?.count("upload_length") ?? 0 >= uploaded)
        }

        @Test(
            .enabled(if: Able.libtorrent, "needs python3-libtorrent"),
            arguments: [
                (Workspace.Layout.single, "16M", "256K"), (.many, "8M", "100003"), (.zero, "8M", "64K"),
                (.tiny, "400K", "64K"),
            ], [false, true])
        func libtorrentFetchesFromUs(shape: (Workspace.Layout, String, String), isV6: Bool) throws {
            let torrent = try workspace.makeTorrent("payload", shape.0, size: shape.1, pieceLength: shape.2)
            let run = try seed(torrent)
            let port = try run.listenPort()
            let leecher = try Leecher.libtorrent(
                torrent, in: workspace, peers: [isV6 ? "[::1]:\(port)" : "127.0.0.1:\(port)"],
                listen: isV6 ? "[::1]:0" : "127.0.0.1:0")
            try leecher.expectComplete(torrent, from: run)
            try expectOrderlyEnd(run, uploaded: torrent.byteCount)
        }

        @Test(.enabled(if: Able.aria2, "needs aria2c"), arguments: [Workspace.Layout.single, .zero])
        func aria2FetchesFromUs(_ layout: Workspace.Layout) throws {
            let torrent = try workspace.makeTorrent("payload", layout, size: "8M", pieceLength: "64K")
            let leecher = try Leecher.aria2(torrent, in: workspace)
            let run = try seed(torrent, ["--peer", leecher.address])
            try leecher.expectComplete(torrent, from: run)
            try expectOrderlyEnd(run, uploaded: torrent.byteCount)
        }

        @Test(.enabled(if: Able.rtorrent, "needs rtorrent"), arguments: [Workspace.Layout.single, .zero])
        func rtorrentFetchesFromUs(_ layout: Workspace.Layout) throws {
            let torrent = try workspace.makeTorrent("payload", layout, size: "8M", pieceLength: "64K")
            let leecher = try Leecher.rtorrent(torrent, in: workspace)
            let run = try seed(torrent, ["--peer", leecher.address])
            try leecher.expectComplete(torrent, from: run)
            try expectOrderlyEnd(run, uploaded: torrent.byteCount)
        }

        @Test(
            .enabled(if: Able.networkNamespaces && Able.transmission, "needs transmission-daemon and root"),
            arguments: [Workspace.Layout.many])
        func transmissionFetchesFromUs(_ layout: Workspace.Layout) throws {
            let torrent = try workspace.makeTorrent("payload", layout, size: "8M", pieceLength: "64K")
            let network = try Namespaces(in: workspace)
            let leecher = try Leecher.transmission(torrent, on: network, in: workspace)
            let run = try seed(torrent, ["--peer", leecher.address], before: network.inside(.client))
            try leecher.expectComplete(torrent, from: run)
            try expectOrderlyEnd(run, uploaded: torrent.byteCount)
        }

        /// What came is given on while the rest still comes.
        @Test(.enabled(if: Able.leanSeeder && Able.libtorrent, "needs a C compiler and python3-libtorrent"))
        func weGiveWhileWeTake() throws {
            let torrent = try workspace.makeTorrent(size: "16M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--seed", "--peer", seeder.address])
            let leecher = try Leecher.libtorrent(
                torrent, in: workspace, peers: ["127.0.0.1:\(try run.listenPort())"])
            try leecher.expectComplete(torrent, from: run)
            try run.wait(for: "complete") { $0.kind == "complete" }
            #expect(run.progress?.count("upload_length") ?? 0 > 0)
            torrent.expectComplete(in: run.directory)
            try expectOrderlyEnd(run, uploaded: torrent.byteCount)
        }

        /// Two of ours: the second has nothing but the first.
        @Test func oneOfOursFetchesFromAnother() throws {
            let torrent = try workspace.makeTorrent("payload", .zero, size: "32M", pieceLength: "64K")
            let first = try seed(torrent)
            let second = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", "127.0.0.1:\(try first.listenPort())"])
            try second.process.wait(within: 30)
            #expect(second.process.ending == .exited(0), "\(second.process.errorText.suffix(500))")
            torrent.expectComplete(in: second.directory)
            try expectOrderlyEnd(first, uploaded: torrent.byteCount)
        }

        @Test(.enabled(if: Able.libtorrent, "needs python3-libtorrent"))
        func theRatioEndsTheRun() throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--seed-ratio", "1"], directory: torrent.seedDirectory)
            let leecher = try Leecher.libtorrent(
                torrent, in: workspace, peers: ["127.0.0.1:\(try run.listenPort())"])
            try run.expectEnd(0)
            try leecher.expectComplete(torrent, from: run)
        }

        @Test func theTimeEndsTheRun() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--seed-time", "0"], directory: torrent.seedDirectory)
            try run.expectEnd(0)
        }

        /// The command gets the torrent's name as a word, whatever is in it, and its failure is told.
        @Test func aCommandRunsWhenTheTorrentIsComplete() throws {
            let name = "a $(touch hacked) 'b'"
            let torrent = try workspace.makeTorrent(name, size: "100K")
            let told = workspace.path("told")
            let run = try SupervisorRun(
                workspace, [torrent],
                [
                    "--no-tracker", "--seed", "--on-complete",
                    "echo \"$TORRENT_NAME|$TORRENT_HASH|$TORRENT_DIR|$TORRENT_BYTES\" > \(told).new && mv \(told).new \(told); exit 3",
                ], directory: torrent.seedDirectory)
            try run.wait(for: "the command's end") {
                $0.kind == "warning" && $0.text("message")?.hasSuffix("ended with exit code 3") == true
            }
            let line = String(decoding: try #require(FileManager.default.contents(atPath: told)), as: UTF8.self)
            #expect(line == "\(name)|\(torrent.infoHash)|\(torrent.seedDirectory)|\(torrent.byteCount)\n")
            #expect(!FileManager.default.fileExists(atPath: workspace.path("hacked")))
            try expectOrderlyEnd(run, uploaded: 0)
        }

        /// SIGKILL of peer-workers while they send: the others' download goes on and is right.
        @Test(.enabled(if: Able.libtorrent, "needs python3-libtorrent"))
        func aKilledPeerWorkerCostsOnlyItsPeers() throws {
            let torrent = try workspace.makeTorrent(size: "32M", pieceLength: "64K")
            let run = try seed(torrent)
            let port = try run.listenPort()
            let leecher = try Leecher.libtorrent(
                torrent, in: workspace, peers: ["127.0.0.1:\(port)"],
                arguments: ["--download-limit", String(8 << 20)])
            for ordinal in [0, 1, 0, 1] {
                let victim = try run.worker("peer", ordinal)
                kill(victim, SIGKILL)
                _ = try run.worker("peer", ordinal, after: victim)
                // The other side does not know where it went; a user's tracker would tell it again.
                usleep(200_000)
            }
            _ = try Leecher.libtorrent(torrent, in: workspace, peers: ["127.0.0.1:\(port)"]).expectComplete(torrent)
            try expectOrderlyEnd(run, uploaded: torrent.byteCount)
            _ = leecher
        }
    }
}
