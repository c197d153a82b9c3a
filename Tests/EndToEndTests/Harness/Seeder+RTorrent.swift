import Foundation

extension Seeder {
    /// Debian's rtorrent, as a daemon without a terminal and with settings of its own.
    static func rtorrent(_ torrent: Torrent, in workspace: Workspace) throws -> Seeder {
        let folder = workspace.path("rtorrent-\(workspace.nextNumber())")
        try FileManager.default.createDirectory(atPath: "\(folder)/session", withIntermediateDirectories: true)
        // It takes no torrent without a tracker; this one answers nobody.
        let told = try workspace.makeTorrent(
            of: "\(torrent.seedDirectory)/\(torrent.name)", pieceLength: String(torrent.pieceByteCount),
            trackers: ["http://127.0.0.1:1/announce"])
        let port = try Ports.free()
        let settings = """
            system.daemon.set = true
            session.path.set = \(folder)/session
            directory.default.set = \(torrent.seedDirectory)
            network.bind_address.set = 127.0.0.1
            network.port_range.set = \(port)-\(port)
            network.port_random.set = no
            dht.mode.set = disable
            protocol.pex.set = no
            method.set_key = event.download.hash_done, told, "execute.nothrow=touch,\(folder)/checked"
            schedule2 = load, 0, 0, "load.start=\(told.file)"

            """
        try Data(settings.utf8).write(to: URL(fileURLWithPath: "\(folder)/rtorrent.rc"))
        let process = try Running(
            ["rtorrent", "-n", "-o", "import=\(folder)/rtorrent.rc"], in: workspace,
            name: "rtorrent-\(workspace.nextNumber())", environment: ["TERM": "dumb"])
        return try Seeder(process, address: "127.0.0.1:\(port)") {
            FileManager.default.fileExists(atPath: "\(folder)/checked") && Ports.isOpen("127.0.0.1:\(port)")
        }
    }
}
