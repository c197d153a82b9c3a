import Foundation

/// Debian's transmission-daemon with one torrent, in the seeders' namespace.
struct TransmissionDaemon {
    let process: Running
    /// Where it listens for peers.
    let address: String
    private let host: String
    private let network: Namespaces
    private let workspace: Workspace

    init(
        _ torrent: Torrent, folder: String, downloadDirectory: String, _ network: Namespaces, _ workspace: Workspace
    ) throws {
        self.network = network
        self.workspace = workspace
        host = network.seederAddress
        address = "\(host):51413"
        let settings: [String: Any] = [
            "bind-address-ipv4": host, "peer-port": 51413, "port-forwarding-enabled": false, "dht-enabled": false,
            "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false, "encryption": 0,
            "download-dir": downloadDirectory, "incomplete-dir-enabled": false, "watch-dir-enabled": true,
            "watch-dir": workspace.path("\(folder)/watch"), "rpc-enabled": true, "rpc-bind-address": host,
            "rpc-whitelist-enabled": false, "rpc-host-whitelist-enabled": false, "rpc-port": 9091,
            "start-added-torrents": true, "trash-original-torrent-files": false,
        ]
        try workspace.write(JSONSerialization.data(withJSONObject: settings), to: "\(folder)/settings.json")
        try workspace.write(
            Data(contentsOf: URL(fileURLWithPath: torrent.file)), to: "\(folder)/watch/payload.torrent")
        process = try Running(
            network.inside(.seeders)
                + ["transmission-daemon", "--foreground", "--config-dir", workspace.path(folder)],
            in: workspace, name: "daemon-\(folder)")
    }

    /// What `transmission-remote --info` prints of the torrent.
    func listing() throws -> String {
        let listing = try Running(
            network.inside(.client) + ["transmission-remote", "\(host):9091", "--torrent", "all", "--info"],
            in: workspace, name: "remote-\(workspace.nextNumber())")
        try listing.wait(within: 10)
        return listing.outputText
    }
}
