import Foundation
import Testing

/// A run that meets peers which misbehave, with or without a slow honest seeder beside them.
struct HostileRun {
    let torrent: Torrent
    let hostile: HostilePeers
    let run: SupervisorRun
    private let honest: Seeder?

    /// Nothing is said here about the disk, so no run waits for it.
    /// - Parameters:
    ///   - honestRate: of the honest seeder, in bytes a second: slow enough that every other peer has its turn. nil: there
    ///     is no honest seeder.
    ///   - hostileRate: of each of the others; nil: as fast as they can.
    ///   - arguments: more of the supervisor's.
    init(
        _ modes: [String], _ torrent: Torrent, in workspace: Workspace, honestRate: Int?,
        hostileRate: Int? = nil, _ arguments: [String] = []
    ) throws {
        self.torrent = torrent
        hostile = try HostilePeers(modes, torrent, in: workspace, rate: hostileRate)
        honest = try honestRate.map { try Seeder.lean(torrent, in: workspace, rate: $0) }
        run = try SupervisorRun(
            workspace, [torrent],
            ["--no-tracker", "--sync", "none"] + hostile.options + (honest.map { ["--peer", $0.address] } ?? [])
                + arguments)
    }

    /// Whole and right at the end, whoever was met: and every process is still the one that was started.
    func expectDownload(within seconds: Double = 40, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try run.expectEnd(0, within: seconds, sourceLocation: sourceLocation)
        torrent.expectComplete(in: run.directory, sourceLocation: sourceLocation)
        run.expectNoWorkerDied(sourceLocation: sourceLocation)
        try expectWindowsKept(sourceLocation: sourceLocation)
    }

    /// The connection to a peer was closed, and the event says why.
    func expectClosed(
        _ mode: String, because reasons: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for peer in hostile.peers where peer.mode == mode {
            let text = run.endOfPeer(peer.address)
            #expect(
                reasons.contains { text?.contains($0) ?? false }, "\(mode): \(text ?? "not closed")",
                sourceLocation: sourceLocation)
        }
    }

    /// No peer has seen more requests than a fresh window and what it earned by serving, nor, with those that it passed
    /// over, more than the 250 that a peer queues which does not tell (BEP 10, reqq). And none was visited again and again.
    private func expectWindowsKept(sourceLocation: SourceLocation) throws {
        let records = try hostile.records()
        for request in records where request.kind == "request" {
            let waiting = request.count("waiting") ?? .max
            #expect(
                waiting <= 16 + (request.count("served") ?? 0) && request.count("outstanding") ?? .max <= 250,
                "\(request.members)", sourceLocation: sourceLocation)
        }
        let visits = Dictionary(grouping: records.filter { $0.kind == "connected" }) { $0.text("mode") ?? "" }
        for (mode, list) in visits {
            let peerCount = hostile.peers.count { $0.mode == mode }
            #expect(
                list.count <= 2 * peerCount, "\(mode) was visited \(list.count) times", sourceLocation: sourceLocation)
        }
    }
}

extension SupervisorRun {
    /// Why the first connection with a peer ended; nil if none did.
    func endOfPeer(_ address: String) -> String? {
        events.first { $0.isA("peer", "closed") && $0.text("address") == address }?.text("text")
    }

    /// One process for each place from the start to an orderly end.
    func expectNoWorkerDied(sourceLocation: SourceLocation = #_sourceLocation) {
        let workers = events.filter { $0.kind == "worker" }
        let processes = Dictionary(grouping: workers) { "\($0.text("role") ?? "") \($0.count("ordinal") ?? -1)" }
        #expect(processes.count >= 3, sourceLocation: sourceLocation)
        for (place, list) in processes {
            #expect(
                Set(list.map { $0.count("pid") }).count == 1, "\(place) was replaced", sourceLocation: sourceLocation)
        }
        for death in workers where death.text("state") == "dead" {
            #expect(
                death.count("status") == 0, "\(death.members.description)", sourceLocation: sourceLocation)
        }
    }
}
