import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Several supervisors at a time.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Locks {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        @Test func aSecondRunOfTheSameTorrentAndDirectorySaysSoAndLeavesTheFirstAlone() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let first = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try first.wait(forPieces: 10)
            // Another name of the same directory is the same directory.
            symlink(workspace.path("out"), workspace.path("alias"))
            for directory in ["out", "alias"] {
                let second = try SupervisorRun(
                    workspace, [torrent], ["--no-tracker", "--peer", seeder.address],
                    directory: workspace.path(directory))
                #expect(try second.process.wait(within: 5) == .exited(11))
                #expect(second.process.endedAt! - second.process.startedAt < 1)
                #expect(second.process.errorText.split(separator: "\n").count == 1)
            }
            try first.expectEnd(0)
            torrent.expectComplete(in: first.directory)
        }

        @Test func twoRunsOfTwoTorrentsInOneDirectoryDoNotMind() throws {
            let torrents = try ["one.bin", "two.bin"].map { try workspace.makeTorrent($0, size: "8M") }
            let runs = try torrents.map {
                try SupervisorRun(
                    workspace, [$0],
                    ["--no-tracker", "--peer", try Seeder.lean($0, in: workspace, rate: 8 << 20).address])
            }
            for run in runs { #expect(try run.process.wait(within: 30) == .exited(0)) }
            torrents[0].expectComplete(in: runs[0].directory, besides: ["two.bin"])
            torrents[1].expectComplete(in: runs[1].directory, besides: ["one.bin"])
            runs[1].expectNothingLeft()
        }

        @Test func oneTorrentInTwoDirectoriesIsTwoDownloads() throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 16 << 20)
            let runs = try ["here", "there"].map {
                try SupervisorRun(
                    workspace, [torrent], ["--no-tracker", "--peer", seeder.address], directory: workspace.path($0))
            }
            for run in runs {
                #expect(try run.process.wait(within: 30) == .exited(0))
                torrent.expectComplete(in: run.directory)
            }
        }

        @Test func theLockIsFreeAtOnceAfterAKill() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let first = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try first.wait(forPieces: 10)
            first.process.send(SIGKILL)
            try first.process.wait(within: 5)
            // At once: the workers of the first may still be there.
            let second = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try second.expectEnd(0)
            torrent.expectComplete(in: second.directory)
        }
    }
}
