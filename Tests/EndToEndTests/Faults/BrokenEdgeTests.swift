import Foundation
import Testing

extension EndToEnd {
    /// Connections of the pool's own that break or stick while both ends live: rows R13 and R28 of docs/faults.md.
    /// libzmq stops sending for good when the system refuses it a buffer once, and says so to nobody.
    @Suite(.enabled(if: Able.strace && Able.leanSeeder, Why.strace)) struct BrokenEdges {
        let workspace: Workspace
        init() throws { workspace = try Workspace("edges") }

        /// libzmq's thread sends by this call, and a peer-worker's own to its peers; strace counts each thread's calls.
        @Test(arguments: [
            ("peer", "14", "ENOBUFS"), ("peer", "30", "ENOBUFS"), ("hash", "40", "ENOBUFS"), ("writer", "14", "EPIPE"),
        ])
        func aConnectionThatSticksCostsOneOfItsEnds(role: String, call: String, error: String) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 6 << 20, listen: "0.0.0.0:0")
            let injection = try Injection(role, .poolSend, .error(error), when: call, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--heartbeat-ms", "100", "--workers", "1"] + injection.options
                    + ["--peer", "127.0.0.1:\(seeder.port)", "--peer", "127.0.0.2:\(seeder.port)"])
            try run.expectWhole(torrent, refetched: torrent.byteCount, within: 20)
            #expect((role == "peer" ? 1...2 : 1...1).contains(injection.injectedCount))
            let dead = run.events.filter { $0.isA("worker", "dead") && $0.count("status") != 0 }
            #expect(!dead.isEmpty && dead.count <= 2)
        }
    }
}
