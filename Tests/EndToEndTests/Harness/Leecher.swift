import Foundation
import Testing

/// A client of another make that has nothing of a torrent yet and fetches it from us.
final class Leecher: Server {
    /// Where its files go.
    let directory: String
    private let isDone: (Leecher) -> Bool

    private init(
        _ command: [String], directory: String, in workspace: Workspace, name: String,
        isDone: @escaping (Leecher) -> Bool
    ) throws {
        self.directory = directory
        self.isDone = isDone
        try super.init(command, in: workspace, name: name)
    }

    private init(
        _ process: Running, address: String, directory: String, _ isReady: () throws -> Bool,
        isDone: @escaping (Leecher) -> Bool
    ) throws {
        self.directory = directory
        self.isDone = isDone
        try super.init(process, address: address, isReady)
    }

    private static func makeDirectory(in workspace: Workspace) throws -> String {
        let directory = workspace.path("leech-\(workspace.nextNumber())")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return directory
    }

    /// Waits until it says that it has everything, and looks at the files.
    /// - Parameter run: who serves it; what it knows of its peers is told when the wait is in vain.
    func expectComplete(
        _ torrent: Torrent, from run: SupervisorRun? = nil, within seconds: Double = 60,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        do {
            try awaiting("the end of \(process.command[0])'s download", within: seconds) {
                let isDone = isDone(self)
                if !isDone, process.hasEnded { throw Unexpected("\(process.command[0]) ended: \(process.errorText)") }
                return isDone
            }
        } catch var timedOut as TimedOut {
            timedOut.context = """
                it said: \(process.outputText.suffix(500)) \(process.errorText.suffix(500))
                \(run?.sayingOfPeers ?? "")
                """
            throw timedOut
        }
        torrent.expectComplete(in: directory, sourceLocation: sourceLocation)
    }

    /// - Parameter peers: it connects to them; without any it waits for us.
    static func libtorrent(
        _ torrent: Torrent, in workspace: Workspace, peers: [String] = [], listen: String = "127.0.0.1:0",
        arguments: [String] = []
    ) throws -> Leecher {
        let directory = try makeDirectory(in: workspace)
        return try Leecher(
            Programs.tool(
                "leech_libtorrent",
                [torrent.file, directory, "--listen", listen] + peers.flatMap { ["--peer", $0] } + arguments),
            directory: directory, in: workspace, name: "leech-libtorrent"
        ) { $0.process.outputText.contains("complete") }
    }

    static func aria2(_ torrent: Torrent, in workspace: Workspace) throws -> Leecher {
        let directory = try makeDirectory(in: workspace)
        let port = try Ports.free()
        let process = try Running(
            [
                "aria2c", "--dir", directory, "--seed-time=0", "--listen-port=\(port)", "--enable-dht=false",
                "--enable-dht6=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false",
                "--bt-exclude-tracker=*",
                "--no-conf=true", "--file-allocation=none", "--summary-interval=1", torrent.file,
            ], in: workspace, name: "leech-aria2-\(workspace.nextNumber())")
        return try Leecher(
            process, address: "127.0.0.1:\(port)", directory: directory, { Ports.isListening(port) }
        ) { $0.process.hasEnded && $0.process.ending == .exited(0) }
    }

    /// Debian's rtorrent.
    static func rtorrent(_ torrent: Torrent, in workspace: Workspace) throws -> Leecher {
        let directory = try makeDirectory(in: workspace)
        let daemon = try RTorrentDaemon(
            torrent, directory: directory, event: "event.download.finished", in: workspace)
        return try Leecher(
            daemon.process, address: "127.0.0.1:\(daemon.port)", directory: directory,
            { Ports.isListening(daemon.port) }
        ) { _ in daemon.hasHappened }
    }

    /// Debian's transmission-daemon, in the seeders' namespace.
    static func transmission(_ torrent: Torrent, on network: Namespaces, in workspace: Workspace) throws -> Leecher {
        let directory = try makeDirectory(in: workspace)
        chmod(directory, 0o777)
        let folder = "transmission-\(workspace.nextNumber())"
        let daemon = try TransmissionDaemon(torrent, folder: folder, downloadDirectory: directory, network, workspace)
        return try Leecher(
            daemon.process, address: daemon.address, directory: directory,
            { try daemon.listing().contains("Name:") }
        ) { _ in (try? daemon.listing())?.contains("Percent Done: 100%") ?? false }
    }
}
