import Foundation

/// Debian's rtorrent with one torrent, as a daemon without a terminal and with settings of its own.
struct RTorrentDaemon {
    let process: Running
    let port: UInt16
    private let mark: String

    /// - Parameters:
    ///   - directory: where the payload is, or goes.
    ///   - event: of rtorrent, such as `event.download.finished`; see `hasHappened`.
    init(_ torrent: Torrent, directory: String, event: String, in workspace: Workspace) throws {
        let folder = workspace.path("rtorrent-\(workspace.nextNumber())")
        try FileManager.default.createDirectory(atPath: "\(folder)/session", withIntermediateDirectories: true)
        // It takes no torrent without a tracker; this one answers nobody.
        let told = try workspace.makeTorrent(
            of: "\(torrent.seedDirectory)/\(torrent.name)", pieceLength: String(torrent.pieceByteCount),
            trackers: ["http://127.0.0.1:1/announce"])
        port = try Ports.free()
        mark = "\(folder)/happened"
        let settings = """
            system.daemon.set = true
            session.path.set = \(folder)/session
            directory.default.set = \(directory)
            network.bind_address.set = 127.0.0.1
            network.port_range.set = \(port)-\(port)
            network.port_random.set = no
            dht.mode.set = disable
            protocol.pex.set = no
            method.set_key = \(event), told, "execute.nothrow=touch,\(mark)"
            schedule2 = load, 0, 0, "load.start=\(told.file)"

            """
        try Data(settings.utf8).write(to: URL(fileURLWithPath: "\(folder)/rtorrent.rc"))
        process = try Running(
            ["rtorrent", "-n", "-o", "import=\(folder)/rtorrent.rc"], in: workspace,
            name: "rtorrent-\(workspace.nextNumber())", environment: ["TERM": "dumb"])
    }

    var hasHappened: Bool { FileManager.default.fileExists(atPath: mark) }
}
