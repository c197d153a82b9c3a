extension Seeder {
    /// Debian's rtorrent.
    static func rtorrent(_ torrent: Torrent, in workspace: Workspace) throws -> Seeder {
        let daemon = try RTorrentDaemon(
            torrent, directory: torrent.seedDirectory, event: "event.download.hash_done", in: workspace)
        return try Seeder(daemon.process, address: "127.0.0.1:\(daemon.port)") {
            daemon.hasHappened && Ports.isOpen("127.0.0.1:\(daemon.port)")
        }
    }
}
