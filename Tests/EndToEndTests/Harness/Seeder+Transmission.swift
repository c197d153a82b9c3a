import Foundation

extension Seeder {
    /// Debian's transmission-daemon, in the seeders' namespace.
    static func transmission(_ torrent: Torrent, on network: Namespaces, in workspace: Workspace) throws -> Seeder {
        let daemon = try TransmissionDaemon(
            torrent, folder: "transmission-\(workspace.nextNumber())", downloadDirectory: torrent.seedDirectory,
            network, workspace)
        return try Seeder(daemon.process, address: daemon.address) {
            // It finds the payload whole a moment after it was given the .torrent.
            let listing = try daemon.listing()
            return listing.contains("Percent Done: 100%") && listing.contains("State: Idle")
        }
    }
}
