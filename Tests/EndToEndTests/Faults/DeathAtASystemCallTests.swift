import Foundation
import Testing

extension EndToEnd {
    /// Workers that are killed as they enter a chosen system call: rows R1, R2, R3, R5 and R7 of docs/faults.md.
    @Suite(.enabled(if: Able.strace && Able.leanSeeder, Why.strace)) struct DeathsAtASystemCall {
        let workspace: Workspace
        init() throws { workspace = try Workspace("deaths") }

        /// Downloads while one process of the role after another dies at its call.
        /// - Parameters:
        ///   - peerCount: addresses of the one seeder. Several get blocks at the end twice, as any endgame does; with one
        ///     every byte that came twice was lost by a death.
        ///   - rate: bytes per second, so that the download is still under way at the last death.
        ///   - inJournal: only calls on the journal count.
        ///   - refetched: bytes that may come twice.
        private func expectSurvived(
            _ role: String, _ calls: Injection.Calls, at moments: [String], peerCount: Int = 1,
            rate: Int = 8 << 20, inJournal: Bool = false, refetched: Int,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: rate, listen: "0.0.0.0:0")
            let journal = try workspace.journalPath(of: torrent)
            let injection = try Injection(
                role, moments.map { (calls, .kill, $0) }, on: inJournal ? journal : nil, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker"] + injection.options
                    + (1...peerCount).flatMap { ["--peer", "127.0.0.\($0):\(seeder.port)"] })
            try run.expectWhole(torrent, refetched: refetched, sourceLocation: sourceLocation)
            #expect(injection.isUsedUp, sourceLocation: sourceLocation)
            let dead = run.deaths(role).count
            #expect(dead == moments.count, sourceLocation: sourceLocation)
            let slowest = run.secondsToReplace(role).last ?? .infinity
            #expect(slowest < 1, "\(slowest) s until the last successor worked", sourceLocation: sourceLocation)
        }

        /// The first two are the worker's own connections to the pool, the others those to peers.
        @Test func aPeerWorkerDiesWhileConnecting() throws {
            try expectSurvived(
                "peer", .connect, at: ["1", "2", "3", "4", "5"], peerCount: 12, rate: 3 << 20, refetched: 4 << 20)
        }

        @Test func aPeerWorkerDiesInTheMiddleOfABlock() throws {
            try expectSurvived("peer", .receive, at: ["15", "30", "45", "60"], peerCount: 2, refetched: 4 << 20)
        }

        /// Writes are requests to peers, and wakes of libzmq's thread, which sends references.
        @Test func aPeerWorkerDiesBetweenABlockAndItsReference() throws {
            try expectSurvived("peer", .send, at: ["10", "15", "20", "25"], peerCount: 2, refetched: 4 << 20)
        }

        /// Never twice before the first verdict of a successor: that would be a reason not to trust the region.
        @Test(arguments: [Injection.Calls.send, .receive])
        func aHashWorkerDiesAroundItsVerdict(calls: Injection.Calls) throws {
            // Slow enough that blocks do not come in so large batches that two hundred messages are more than there are.
            try expectSurvived("hash", calls, at: ["80", "60", "60"], rate: 2 << 20, refetched: 0)
        }

        @Test func aWriterDiesBeforeAndBetweenWrites() throws {
            try expectSurvived("writer", .putToFile, at: ["1", "2", "5", "20"], refetched: 0)
        }

        @Test func aWriterDiesBeforeASync() throws {
            try expectSurvived("writer", .sync, at: ["1", "2"], refetched: 0)
        }

        @Test func aWriterDiesWhileOpeningItsFiles() throws {
            try expectSurvived("writer", .open, at: ["1", "1"], refetched: 0)
        }

        @Test func aWriterDiesInTheJournalAppend() throws {
            try expectSurvived("writer", .append, at: ["1", "1", "1"], inJournal: true, refetched: 0)
        }
    }
}
