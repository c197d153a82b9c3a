import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What was given to others is told, and is remembered from run to run.
    @Suite(.enabled(if: Able.libtorrent, Why.libtorrent)) struct Ratios {
        let workspace: Workspace
        init() throws { workspace = try Workspace("ratio") }

        @Test func uploadsOfAllRunsCount() throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            let first = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--seed"], directory: torrent.seedDirectory)
            try Leecher.libtorrent(torrent, in: workspace, peers: ["127.0.0.1:\(try first.listenPort())"])
                .expectComplete(torrent)
            first.process.send(SIGINT)
            try first.expectEnd(0)
            let told = try #require(first.progress)
            let given = try #require(told.count("upload_length"))
            #expect(given >= torrent.byteCount)
            #expect(told.count("total_upload_length") == given)
            #expect(told.number("ratio") ?? 0 >= 1)
            #expect(told.count("average_upload_speed") ?? 0 > 0)
            let line = first.process.errorText.split(separator: "\n").last ?? ""
            #expect(line.contains(" uploaded at ") && line.contains(" on average, ratio 1."), "\(line)")

            // Nobody comes: only what the first run gave can end it.
            let second = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--seed-ratio", "1"], directory: torrent.seedDirectory)
            try second.expectEnd(0)
            #expect(second.progress?.count("upload_length") == 0)
            #expect(second.progress?.count("total_upload_length") == given)
        }
    }
}
