import Foundation
import Testing

extension EndToEnd {
    /// From nothing to whole files, with other implementations as seeders.
    @Suite struct Downloads {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        @Test(.enabled(if: Able.leanSeeder, Why.lean)) func oneFileComesFromALeanSeederThatIsNamedAsPeer() throws {
            let torrent = try workspace.makeTorrent(size: "32M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(try seeder.servedByteCount() == torrent.byteCount)
        }

        @Test(.enabled(if: Able.libtorrent && Able.opentracker, "needs libtorrent and opentracker"))
        func oneFileComesFromLibtorrentThatOpentrackerNames() throws {
            try expectDownloadThroughOpentracker(layout: .single, pieceLength: "256K")
        }
    }
}

private func expectDownloadThroughOpentracker(
    layout: Workspace.Layout, pieceLength: String, pads: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let workspace = try Workspace()
    let port = try Ports.free()
    let torrent = try workspace.makeTorrent(
        "payload", layout, pieceLength: pieceLength, pads: pads, trackers: ["http://127.0.0.1:\(port)/announce"])
    let tracker = try TrackerProcess.open(port: port, torrent, in: workspace)
    let seeder = try Seeder.libtorrent(torrent, in: workspace, announces: true)
    try tracker.awaitSeeder(of: torrent, in: workspace)
    let run = try SupervisorRun(workspace, [torrent])
    try run.expectEnd(0, sourceLocation: sourceLocation)
    torrent.expectComplete(in: run.directory, sourceLocation: sourceLocation)
    #expect(run.downloadedByteCount >= torrent.byteCount, sourceLocation: sourceLocation)
    withExtendedLifetime(seeder) {}
}
