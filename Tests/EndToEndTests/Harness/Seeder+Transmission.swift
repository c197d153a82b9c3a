import Foundation

extension Seeder {
    /// Debian's transmission-daemon, in the seeders' namespace.
    static func transmission(_ torrent: Torrent, on network: Namespaces, in workspace: Workspace) throws -> Seeder {
        let folder = "transmission-\(workspace.nextNumber())"
        let address = network.seederAddress
        let settings: [String: Any] = [
            "bind-address-ipv4": address, "peer-port": 51413, "port-forwarding-enabled": false, "dht-enabled": false,
            "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false, "encryption": 0,
            "download-dir": torrent.seedDirectory, "incomplete-dir-enabled": false, "watch-dir-enabled": true,
            "watch-dir": workspace.path("\(folder)/watch"), "rpc-enabled": true, "rpc-bind-address": address,
            "rpc-whitelist-enabled": false, "rpc-host-whitelist-enabled": false, "rpc-port": 9091,
            "start-added-torrents": true, "trash-original-torrent-files": false,
        ]
        try workspace.write(JSONSerialization.data(withJSONObject: settings), to: "\(folder)/settings.json")
        try workspace.write(
            Data(contentsOf: URL(fileURLWithPath: torrent.file)), to: "\(folder)/watch/payload.torrent")
        let process = try Running(
            network.inside(.seeders)
                + ["transmission-daemon", "--foreground", "--config-dir", workspace.path(folder)],
            in: workspace, name: "daemon-\(folder)")
        return try Seeder(process, address: "\(address):51413") {
            // It finds the payload whole a moment after it was given the .torrent.
            let listing = try Running(
                network.inside(.client) + ["transmission-remote", "\(address):9091", "--torrent", "all", "--info"],
                in: workspace, name: "remote-\(workspace.nextNumber())")
            try listing.wait(within: 10)
            return listing.outputText.contains("Percent Done: 100%") && listing.outputText.contains("State: Idle")
        }
    }
}
