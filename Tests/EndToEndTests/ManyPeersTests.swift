import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// A thousand peers connect to us, and want nothing.
    @Suite struct ManyPeers {
        let workspace: Workspace
        init() throws { workspace = try Workspace("many") }

        private static let peerCount = 1000
        private static let workerCount = 4

        /// Each worker's connections, by its ordinal.
        private func connections(_ run: SupervisorRun, _ state: String = "connected") -> [Int: Int] {
            Dictionary(
                run.events.filter { $0.isA("peer", state) }.map { ($0.count("worker") ?? -1, 1) }, uniquingKeysWith: +)
        }

        private func openCount(_ peers: Server) -> Int? {
            peers.process.outputText.split(separator: "\n").last { $0.hasPrefix("open ") }.flatMap {
                Int($0.dropFirst(5))
            }
        }

        /// The kernel deals them out by their addresses and ports.
        @Test func theyAreSpreadOverTheWorkersAndADeadOneTakesOnlyItsOwn() throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--seed", "--workers", "\(Self.workerCount)", "--max-peers", "\(Self.peerCount)"],
                directory: torrent.seedDirectory)
            let port = try run.listenPort()
            for ordinal in 0..<Self.workerCount { _ = try run.worker("peer", ordinal) }
            try run.wait(for: "complete") { $0.kind == "complete" }
            let peers = try Server(
                Programs.tool("idle_peers", ["127.0.0.1:\(port)", torrent.infoHash, "--count", "\(Self.peerCount)"]),
                in: workspace, name: "peers")
            try awaiting("all connections") {
                connections(run).values.reduce(0, +) == Self.peerCount && openCount(peers) == Self.peerCount
            }
            let spread = connections(run)
            let even = Double(Self.peerCount) / Double(Self.workerCount)
            for ordinal in 0..<Self.workerCount {
                let count = Double(spread[ordinal] ?? 0)
                #expect(count <= even * 1.5 && count >= even / 1.5, "\(spread)")
            }

            let victim = try run.worker("peer", 2)
            kill(victim, SIGKILL)
            _ = try run.worker("peer", 2, after: victim)
            let left = Self.peerCount - (spread[2] ?? 0)
            try awaiting("the end of the dead worker's connections") {
                openCount(peers) == left && run.progress?.count("num_peers") == left
            }
            #expect(connections(run, "closed").keys.allSatisfy { $0 == 2 })
            run.process.send(SIGINT)
            try run.expectEnd(0)
        }

        /// Eight seeds, eight workers, no limit: none is left without work, however few cores there are.
        @Test(.enabled(if: Able.leanSeeder, Why.lean)) func everyWorkerCarriesItsShareOfTheBytes() throws {
            let torrent = try workspace.makeTorrent(size: "512M", pieceLength: "1M")
            let seeders = try (0..<8).map { _ in try Seeder.lean(torrent, in: workspace) }
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--seed", "--workers", "8"] + seeders.flatMap { ["--peer", $0.address] })
            try run.wait(for: "complete", within: 60) { $0.kind == "complete" }
            let json = try run.control("ps", "--json").outputText
            let table = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            let workers = try #require(table["processes"] as? [[String: Any]]).filter {
                $0["role"] as? String == "peer"
            }
            let shares = workers.compactMap { ($0["bytes"] as? Int).map { Double($0) / Double(torrent.byteCount) } }
            #expect(shares.count == 8 && shares.allSatisfy { $0 >= 0.05 }, "\(shares)")
            run.process.send(SIGINT)
            try run.expectEnd(0)
        }
    }
}
