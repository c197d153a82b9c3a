import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Signals of users and of terminals: row R20 of docs/faults.md.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Signals {
        let workspace: Workspace
        init() throws { workspace = try Workspace("signals") }

        enum Moment: CaseIterable { case starting, checking, writing }
        /// Ctrl-C reaches whoever belongs to the terminal; the workers leave it to the supervisor what becomes of it.
        enum Receiver: CaseIterable { case supervisor, everybody }

        private func send(_ signal: Int32, to receiver: Receiver, of run: SupervisorRun) {
            switch receiver {
            case .supervisor: run.process.send(signal)
            case .everybody: for process in ProcessTable.ofRun(in: workspace) { kill(process, signal) }
            }
        }

        /// A run that has come to the moment.
        private func run(at moment: Moment, _ torrent: Torrent, _ arguments: [String] = []) throws -> SupervisorRun {
            if moment == .checking {
                mkdir(workspace.path("out"), 0o755)
                try FileManager.default.copyItem(
                    atPath: "\(torrent.seedDirectory)/\(torrent.name)",
                    toPath: workspace.path("out/\(torrent.name)"))
            }
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address, "--interval", "0.1", "--hash-workers", "1"] + arguments)
            switch moment {
            case .starting: try run.wait(for: "start") { $0.kind == "start" }
            case .checking: try run.wait(for: "the check") { $0.text("phase") == "checking" }
            case .writing: try run.wait(forPieces: 20)
            }
            return run
        }

        @Test(arguments: [SIGINT, SIGTERM], Moment.allCases)
        func aStopIsOrderlyAndTheNextRunGoesOn(signal: Int32, moment: Moment) throws {
            for receiver in Receiver.allCases {
                let torrent = try workspace.makeTorrent("\(receiver).bin", size: "8M", pieceLength: "64K")
                let run = try run(at: moment, torrent)
                let sentAt = secondsNow()
                send(signal, to: receiver, of: run)
                try run.expectEnd(7, within: 10)
                #expect(run.process.endedAt! - sentAt < 3)
                run.expectSound(torrent, refetched: 0)
                // A worker that has only just been started may not have come to ignore the signal.
                let died = run.events.contains { $0.isA("worker", "dead") && $0.count("signal") != nil }
                #expect(!died || (receiver == .everybody && moment != .writing))
                let next = try SupervisorRun(
                    workspace, [torrent],
                    ["--no-tracker", "--peer", try Seeder.lean(torrent, in: workspace).address])
                try next.expectEnd(0)
                next.expectSound(torrent, refetched: 0)
                #expect(Set(next.pieces("granted")).isDisjoint(with: run.pieces("verified")))
                try FileManager.default.removeItem(atPath: workspace.path("out"))
            }
        }

        @Test(arguments: Moment.allCases) func aSecondSignalEndsTheRunAtOnce(moment: Moment) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let run = try run(at: moment, torrent)
            let sentAt = secondsNow()
            run.process.send(SIGTERM)
            run.process.send(SIGINT)
            try run.expectEnd(7, within: 5)
            #expect(run.process.endedAt! - sentAt < 1)
            run.expectSound(torrent, refetched: 0)
            let next = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", try Seeder.lean(torrent, in: workspace).address])
            try next.expectWhole(torrent, refetched: 0)
        }

        /// One after another: a place is empty only when all others are filled.
        @Test(arguments: Receiver.allCases)
        func aHangupReplacesAllWorkersByTurns(receiver: Receiver) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let run = try run(at: .writing, torrent)
            send(SIGHUP, to: receiver, of: run)
            for (role, ordinal) in [("writer", 0), ("hash", 0), ("peer", 0), ("peer", 1)] {
                try run.wait(for: "a second \(role).\(ordinal)") {
                    $0.isA("worker", "ready") && $0.text("role") == role && $0.count("ordinal") == ordinal
                        && $0.count("generation") == 2
                }
            }
            try run.expectWhole(torrent, refetched: 2 << 20)
            var empty: Set<String> = []
            for event in run.events.drop(while: { !$0.isA("worker", "dead") }) where event.kind == "worker" {
                let place = "\(event.text("role") ?? "").\(event.count("ordinal") ?? -1)"
                if event.isA("worker", "dead"), event.count("status") == nil {
                    #expect(empty.isEmpty, "\(place) went while \(empty) was empty")
                    empty.insert(place)
                } else if event.isA("worker", "ready") {
                    empty.remove(place)
                }
            }
            #expect(run.deaths("peer").count == 2 && run.deaths("hash").count == 1 && run.deaths("writer").count == 1)
        }

        @Test(arguments: [Moment.starting, .checking]) func aHangupAtAnyMomentIsSurvived(moment: Moment) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let run = try run(at: moment, torrent)
            run.process.send(SIGHUP)
            run.process.send(SIGHUP)
            try run.expectWhole(torrent, refetched: 2 << 20)
        }
    }
}
