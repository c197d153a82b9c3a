import BitTorrent
import Foundation

/// A UDP tracker; `Tools/udp_tracker.py` writes down what it is told.
final class UDPTrackerProcess: Server {
    private var record = ""
    /// `udp://ADDRESS:PORT/announce?key=secret`
    var url: String { "udp://\(address)/announce?key=secret" }

    /// - Parameter arguments: of `Tools/udp_tracker.py`, such as `--mode noise` or `--peer 127.0.0.1:6881`.
    static func recording(
        in workspace: Workspace, _ arguments: [String] = [], listen: String = "127.0.0.1:0"
    ) throws -> UDPTrackerProcess {
        let record = workspace.path("udp-tracker-\(workspace.nextNumber()).ndjson")
        let tracker = try UDPTrackerProcess(
            Programs.tool("udp_tracker", ["--listen", listen, "--record", record] + arguments), in: workspace,
            name: "udp-tracker")
        tracker.record = record
        return tracker
    }

    /// What it was asked so far.
    /// - Parameter action: `connect`, `announce` or `scrape`.
    func requests(_ action: String) throws -> [RunEvent] {
        guard let bytes = FileManager.default.contents(atPath: record) else { return [] }
        return try RunEvent.all(in: String(decoding: bytes, as: UTF8.self)).filter { $0.text("action") == action }
    }

    func announces() throws -> [RunEvent] { try requests("announce") }
}

extension TrackerProcess {
    /// What the tracker knows of a torrent, asked over UDP with the packets of the client itself.
    func scrapeOverUDP(_ torrent: Torrent) throws -> SwarmCounts {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard connected == 0 else { throw Unexpected("cannot connect") }
        func exchange(_ packet: [UInt8], _ action: UDPTrackerPacket.Action) throws -> UDPTrackerReply {
            send(descriptor, packet, packet.count, 0)
            var reply = [UInt8](repeating: 0, count: 2048)
            let count = recv(descriptor, &reply, reply.count, 0)
            guard count >= 0 else { throw Unexpected("no answer to \(action)") }
            return try UDPTrackerReply(parsing: Array(reply[..<count]), to: action, transaction: 7, family: .v4)
        }
        guard case .connected(let id) = try exchange(UDPTrackerPacket.connect(transaction: 7), .connect) else {
            throw Unexpected("no connection")
        }
        let packet = UDPTrackerPacket.scrape([torrent.metainfo.infoHash], connection: id, transaction: 7)
        guard case .scraped(let counts) = try exchange(packet, .scrape), let first = counts.first else {
            throw Unexpected("no counts")
        }
        return first
    }

    /// The same over HTTP (BEP 48).
    func scrapeOverHTTP(_ torrent: Torrent, in workspace: Workspace) throws -> SwarmCounts {
        let infoHash = torrent.metainfo.infoHash
        guard let url = HTTPScrape.url(of: [infoHash], at: try TrackerURL(url)) else { throw Unexpected("no URL") }
        let file = workspace.path("scrape-\(workspace.nextNumber())")
        try workspace.run(["curl", "-s", "-o", file, url], "curl")
        let body = [UInt8](FileManager.default.contents(atPath: file) ?? Data())
        return try HTTPScrape.counts(of: [infoHash], status: 200, body: body)[infoHash] ?? SwarmCounts()
    }
}
