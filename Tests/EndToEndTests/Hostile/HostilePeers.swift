import Foundation

/// Peers that each do something wrong, all played by one process of `Tools/hostile_peer.py`.
final class HostilePeers: Server {
    /// What each does wrong, and where it listens (ADDRESS:PORT); empty when they connect to us.
    let peers: [(mode: String, address: String)]
    private let record: String

    /// - Parameter modes: names that `Tools/modes.py` lists; several peers may do the same.
    /// - Parameter rate: of each, in bytes a second.
    init(_ modes: [String], _ torrent: Torrent, in workspace: Workspace, rate: Int? = nil) throws {
        let record = workspace.path("hostile-\(workspace.nextNumber()).ndjson")
        self.record = record
        let process = try Running(
            Self.command(modes, torrent, record: record, rate: rate), in: workspace,
            name: "hostile-\(workspace.nextNumber())")
        let addresses: [String] = try awaiting("ready line of the hostile peers") {
            if process.hasEnded { throw Unexpected("the hostile peers ended: \(process.errorText)") }
            let text = process.outputText
            guard text.hasSuffix("\n") else { return nil }
            let words = text.split(whereSeparator: \.isWhitespace)
            guard words.count == modes.count + 2, words[0] == "ready" else {
                throw Unexpected("no ready line: \(text)")
            }
            return words.dropFirst(2).map { "\(words[1]):\($0)" }
        }
        peers = Array(zip(modes, addresses))
        try super.init(process, address: addresses[0]) { true }
    }

    /// Words that start peers which listen, or connect to `address` and end with the last of their connections.
    static func command(
        _ modes: [String], _ torrent: Torrent, record: String, rate: Int? = nil, connectingTo address: String? = nil
    ) -> [String] {
        Programs.tool(
            "hostile_peer",
            [torrent.file, torrent.seedDirectory, "--record", record] + modes.flatMap { ["--mode", $0] }
                + (rate.map { ["--rate", String($0)] } ?? []) + (address.map { ["--connect", $0] } ?? []))
    }

    /// Options that make a run connect to all of them.
    var options: [String] { peers.flatMap { ["--peer", $0.address] } }

    /// What the peers wrote down so far.
    func records() throws -> [RunEvent] { try Self.records(in: record) }

    static func records(in path: String) throws -> [RunEvent] {
        guard let bytes = FileManager.default.contents(atPath: path) else { return [] }
        return try RunEvent.all(in: String(decoding: bytes, as: UTF8.self))
    }
}
