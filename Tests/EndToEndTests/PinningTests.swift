import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// "Running workers on separate cores", and who waits for whom where there are too few.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Pinning {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        /// Cores that the test itself may use.
        private static let cores = ProcessTable.field("Cpus_allowed_list", of: getpid()).map(parse) ?? []

        /// `0-3,6` as a list.
        private static func parse(_ list: String) -> [Int] {
            list.split(separator: ",").flatMap { part -> [Int] in
                let ends = part.split(separator: "-").compactMap { Int($0) }
                return ends.isEmpty ? [] : Array(ends[0]...ends[ends.count - 1])
            }
        }

        private func start(_ arguments: [String]) throws -> SupervisorRun {
            let torrent = try workspace.makeTorrent(size: "1M")
            return try SupervisorRun(workspace, [torrent], ["--no-tracker"] + arguments)
        }

        private func coresOf(_ role: String, _ count: Int, _ run: SupervisorRun) throws -> [[Int]] {
            try (0..<count).map { ordinal in
                let list = ProcessTable.field("Cpus_allowed_list", of: try run.worker(role, ordinal))
                return Self.parse(try #require(list))
            }
        }

        @Test func eachPinnedPeerWorkerHasACoreOfItsOwn() throws {
            let count = min(Self.cores.count, 8)
            let run = try start(["--workers", String(count), "--pin", "on"])
            let cores = try coresOf("peer", count, run)
            #expect(cores.allSatisfy { $0.count == 1 })
            #expect(Set(cores.flatMap { $0 }).count == count)
            #expect(Set(cores.flatMap { $0 }).isSubset(of: Self.cores))
            for other in try coresOf("hash", 1, run) + coresOf("writer", 1, run) { #expect(other.count == 1) }
        }

        @Test func pinningIsOnByItselfWhenThereAreAsManyCoresAsWorkers() throws {
            let run = try start(["--workers", String(Self.cores.count)])
            #expect(try coresOf("peer", Self.cores.count, run).allSatisfy { $0.count == 1 })
        }

        @Test func moreWorkersThanCoresAreNotPinnedByThemselves() throws {
            let run = try start(["--workers", String(Self.cores.count + 1)])
            #expect(try coresOf("peer", Self.cores.count + 1, run).allSatisfy { $0 == Self.cores })
        }

        @Test func aReplacementGetsTheCoreOfItsPredecessor() throws {
            let run = try start(["--workers", "1", "--pin", "on"])
            let first = try run.worker("peer")
            let before = ProcessTable.field("Cpus_allowed_list", of: first)
            kill(first, SIGKILL)
            let second = try run.worker("peer", after: first)
            #expect(ProcessTable.field("Cpus_allowed_list", of: second) == before)
        }

        /// Numbers of sched.h that Swift does not see.
        private enum Policy: CInt { case other = 0, batch = 3, idle = 5 }

        /// Of the main thread.
        private func policy(_ process: pid_t) -> Policy? { Policy(rawValue: sched_getscheduler(process)) }

        @Test func whereWorkersOutnumberCoresAllWaitForTheirTurn() throws {
            let run = try start(["--workers", String(Self.cores.count + 1)])
            for role in ["hash", "peer", "writer"] { #expect(policy(try run.worker(role)) == .batch) }
            #expect(policy(run.process.processID) == .batch)
        }

        @Test func whereTheyDoNotNobodyWaits() throws {
            let run = try start(["--workers", String(Self.cores.count)])
            for role in ["hash", "peer", "writer"] { #expect(policy(try run.worker(role)) == .other) }
        }

        /// `chrt --idle`, which an unprivileged process cannot leave.
        @Test func aPolicyThatSomebodyChoseStays() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--workers", String(Self.cores.count + 1)],
                before: ["chrt", "--idle", "0"])
            for role in ["hash", "peer", "writer"] { #expect(policy(try run.worker(role)) == .idle) }
        }

        @Test func pinningCanBeTurnedOff() throws {
            let run = try start(["--workers", "1", "--pin", "off"])
            #expect(try coresOf("peer", 1, run) == [Self.cores])
            #expect(try coresOf("hash", 1, run) == [Self.cores])
        }
    }
}
