import Foundation

/// Another program that a run talks to and that prints `ready ADDRESS PORT` when it listens.
class Server {
    let process: Running
    /// ADDRESS:PORT
    let address: String

    init(_ command: [String], in workspace: Workspace, name: String) throws {
        let process = try Running(command, in: workspace, name: "\(name)-\(workspace.nextNumber())")
        self.process = process
        address = try awaiting("ready line of \(name)") {
            let words = process.outputText.split(separator: "\n").first.map { $0.split(separator: " ") } ?? []
            if words.count >= 3, words[0] == "ready", process.outputText.contains("\n") {
                return "\(words[1]):\(words[2])"
            }
            if process.hasEnded { throw Unexpected("\(name) ended: \(process.outputText) \(process.errorText)") }
            return nil
        }
    }

    /// For programs that print no such line.
    init(_ process: Running, address: String, within seconds: Double = 20, _ isReady: () throws -> Bool) throws {
        self.process = process
        self.address = address
        try awaiting("\(process.command[0]) at \(address)", within: seconds) {
            if process.hasEnded { throw Unexpected("\(process.command[0]) ended: \(process.errorText)") }
            return try isReady()
        }
    }

    var port: Int { Int(address.split(separator: ":").last ?? "") ?? 0 }
}

/// A client of any make that has a whole torrent.
final class Seeder: Server {
    private var record: String?

    /// - Parameter announces: to the torrent's trackers.
    static func libtorrent(
        _ torrent: Torrent, in workspace: Workspace, announces: Bool = false, listen: String = "127.0.0.1:0",
        before: [String] = [], _ arguments: [String] = []
    ) throws -> Seeder {
        try Seeder(
            before
                + Programs.tool(
                    "seed_libtorrent",
                    [torrent.file, torrent.seedDirectory, "--listen", listen] + (announces ? [] : ["--no-tracker"])
                        + arguments),
            in: workspace, name: "libtorrent")
    }

    /// The seeder of the benchmarks; for torrents of one file.
    /// - Parameter rate: bytes a second for all peers together.
    static func lean(
        _ torrent: Torrent, in workspace: Workspace, rate: Int? = nil, listen: String = "127.0.0.1:0",
        before: [String] = []
    ) throws -> Seeder {
        try Seeder(
            before + [
                Programs.leanSeeder.get(), "--file", "\(torrent.seedDirectory)/\(torrent.name)", "--info-hash",
                torrent.infoHash, "--piece-length", String(torrent.pieceByteCount), "--listen", listen,
            ] + (rate.map { ["--rate", String($0)] } ?? []),
            in: workspace, name: "lean")
    }

    /// The seeder of the tools, which writes down what it is asked for. With a mode it misbehaves.
    static func recording(
        _ torrent: Torrent, in workspace: Workspace, mode: String = "honest", listen: String = "127.0.0.1:0"
    ) throws -> Seeder {
        let record = workspace.path("record-\(workspace.nextNumber()).ndjson")
        let seeder = try Seeder(
            Programs.tool(
                "hostile_peer",
                [torrent.file, torrent.seedDirectory, "--mode", mode, "--record", record, "--listen", listen]),
            in: workspace, name: "recording")
        seeder.record = record
        return seeder
    }

    static func aria2(_ torrent: Torrent, in workspace: Workspace) throws -> Seeder {
        let port = try Ports.free()
        let process = try Running(
            [
                "aria2c", "--dir", torrent.seedDirectory, "--check-integrity=true", "--seed-ratio=0.0",
                "--listen-port=\(port)", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                "--enable-peer-exchange=false", "--bt-exclude-tracker=*", "--no-conf=true", "--file-allocation=none",
                "--summary-interval=1", torrent.file,
            ], in: workspace, name: "aria2-\(workspace.nextNumber())")
        return try Seeder(process, address: "127.0.0.1:\(port)") {
            process.outputText.contains("SEED(")
        }
    }

    /// Ends a lean seeder.
    /// - Returns: bytes of blocks that it sent.
    func servedByteCount() throws -> Int {
        try process.stop()
        let words = process.outputText.split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard let index = words.firstIndex(of: "served"), let count = Int(words[index + 1]) else {
            throw Unexpected("no count in: \(process.outputText)")
        }
        return count
    }

    /// What a recording seeder wrote down so far.
    func records() throws -> [RunEvent] {
        guard let record, let bytes = FileManager.default.contents(atPath: record) else { return [] }
        return try RunEvent.all(in: String(decoding: bytes, as: UTF8.self))
    }
}

/// A tracker; `Tools/tracker.py` writes down what it is told.
final class TrackerProcess: Server {
    private var record: String?
    /// `http://ADDRESS:PORT/announce`
    var url: String { "http://\(address)/announce" }

    /// - Parameter arguments: of `Tools/tracker.py`, such as `--mode slow` or `--peer 127.0.0.1:6881`.
    static func recording(in workspace: Workspace, _ arguments: [String] = []) throws -> TrackerProcess {
        let record = workspace.path("tracker-\(workspace.nextNumber()).ndjson")
        let tracker = try TrackerProcess(
            Programs.tool("tracker", ["--listen", "127.0.0.1:0", "--record", record] + arguments), in: workspace,
            name: "tracker")
        tracker.record = record
        return tracker
    }

    /// Debian's opentracker, which serves listed torrents only. The torrent's file names the tracker, so the port comes
    /// first.
    static func open(port: UInt16, _ torrent: Torrent, in workspace: Workspace) throws -> TrackerProcess {
        let folder = "opentracker-\(workspace.nextNumber())"
        try workspace.write(Data("\(torrent.infoHash)\n".utf8), to: "\(folder)/whitelist")
        chmod(workspace.path(folder), 0o755)
        let process = try Running(
            [
                "opentracker", "-i", "127.0.0.1", "-p", String(port), "-P", String(port), "-d", workspace.path(folder),
                "-w", "whitelist",
            ], in: workspace, name: folder)
        return try TrackerProcess(process, address: "127.0.0.1:\(port)") { Ports.isOpen("127.0.0.1:\(port)") }
    }

    /// Waits until opentracker knows a seeder of a torrent.
    func awaitSeeder(of torrent: Torrent, in workspace: Workspace) throws {
        try workspace.run(Programs.tool("await_seeders", [url, torrent.infoHash]), "await_seeders")
    }

    /// What it was told so far; members that are numbers are texts, as they came in the query.
    func announces() throws -> [RunEvent] {
        guard let record, let bytes = FileManager.default.contents(atPath: record) else { return [] }
        return try RunEvent.all(in: String(decoding: bytes, as: UTF8.self))
    }
}
