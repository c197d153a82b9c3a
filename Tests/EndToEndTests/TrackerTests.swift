import BitTorrent
import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What trackers are told, and what they cannot spoil.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Trackers {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        /// The .torrent of the same payload with other trackers, all tiers as given.
        private func retold(_ torrent: Torrent, tiers: [[String]]) throws -> Torrent {
            let list: BencodeValue = .list(tiers.map { .list($0.map { .text($0) }) })
            // The info dictionary goes in as it is, so that its hash stays.
            var bytes = Data("d13:announce-list".utf8)
            bytes += Data(BencodeEncoder().encode(list)) + Data("4:info".utf8) + Data(torrent.metainfo.infoBytes)
            bytes += Data("e".utf8)
            let name = "retold-\(workspace.nextNumber()).torrent"
            try workspace.write(bytes, to: name)
            let metainfo = try MetainfoParser.parse([UInt8](bytes))
            #expect(metainfo.infoHash == torrent.metainfo.infoHash)
            return Torrent(file: workspace.path(name), seedDirectory: torrent.seedDirectory, metainfo: metainfo)
        }

        private func events(_ announces: [RunEvent]) -> [String] { announces.map { $0.text("event") ?? "" } }

        @Test func aWholeDownloadSaysStartedCompletedAndStoppedOnceEach() throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try TrackerProcess.recording(in: workspace, ["--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)

            let announces = try tracker.announces()
            #expect(events(announces) == ["started", "completed", "stopped"])
            #expect(announces.map { $0.text("left") } == [String(torrent.byteCount), "0", "0"])
            #expect(
                announces.map { $0.text("downloaded") } == ["0"] + Array(repeating: String(torrent.byteCount), count: 2)
            )
            #expect(announces.allSatisfy { $0.text("uploaded") == "0" && $0.text("compact") == "1" })
            #expect(announces.allSatisfy { $0.text("info_hash") == torrent.infoHash })
            #expect(Set(announces.map { $0.text("peer_id") }).count == 1)
            #expect(announces.allSatisfy { $0.text("port") == String((try? run.listenPort()) ?? 0) })
        }

        @Test func anInterruptedDownloadSaysStoppedWithWhatIsLeft() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "128K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let tracker = try TrackerProcess.recording(in: workspace, ["--peer", seeder.address])
            let first = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try first.wait(forPieces: 20)
            first.process.send(SIGINT)
            try first.expectEnd(7)
            var announces = try tracker.announces()
            #expect(events(announces) == ["started", "stopped"])
            let left = announces.last?.text("left").flatMap { Int($0) } ?? -1
            #expect(left == torrent.byteCount - first.pieces("written").count * torrent.pieceByteCount)
            #expect(announces.last?.text("downloaded").flatMap { Int($0) } ?? 0 >= torrent.byteCount - left)

            let second = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try second.expectEnd(0)
            announces = Array(try tracker.announces().dropFirst(2))
            #expect(events(announces) == ["started", "completed", "stopped"])
            #expect(announces.first?.text("left") == String(left))
            #expect(announces.first?.text("downloaded") == "0")

            let third = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try third.expectEnd(0)
            #expect(
                !events(Array(try tracker.announces().dropFirst(5))).contains("completed"), "it was complete before")
        }

        @Test func theSecondTrackerOfATierIsAskedWhenTheFirstIsDead() throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let living = try TrackerProcess.recording(in: workspace, ["--peer", seeder.address])
            let dead = "http://127.0.0.1:\(try Ports.free())/announce"
            // The order in a tier is drawn by lot, so the dead one may not be asked at all; four of them nearly always.
            let told = try retold(torrent, tiers: [[dead, dead + "?1", dead + "?2", dead + "?3", living.url]])
            let run = try SupervisorRun(workspace, [told])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(events(try living.announces()) == ["started", "completed", "stopped"])
        }

        @Test func theNextTierIsAskedWhenAllOfTheFirstAreDead() throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let living = try TrackerProcess.recording(in: workspace, ["--peer", seeder.address])
            let idle = try TrackerProcess.recording(in: workspace)
            let dead = "http://127.0.0.1:\(try Ports.free())/announce"
            let told = try retold(torrent, tiers: [[dead], [living.url], [idle.url]])
            let run = try SupervisorRun(workspace, [told])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let failed = run.events.filter { $0.isA("tracker", "failed") }
            #expect(failed.contains { $0.text("url")?.hasPrefix(String(dead.dropLast(9))) == true })
        }

        @Test(arguments: ["dictionary", "warning", "flood"])
        func anOddTrackerThatNamesTheSeederIsGoodEnough(mode: String) throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try TrackerProcess.recording(in: workspace, ["--mode", mode, "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.wait(for: "complete") { $0.kind == "complete" }
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            if mode == "warning" {
                #expect(
                    run.events.contains {
                        $0.isA("tracker", "warning") && $0.text("text")?.contains("closes soon") == true
                    })
            }
        }

        @Test func noTrackerDelaysATransferHoweverBadItIs() throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let modes = ["slow", "silent", "refuse", "garbage", "failure", "error", "redirect", "endless", "odd"]
            let trackers = try modes.map { try TrackerProcess.recording(in: workspace, ["--mode", $0]) }
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--peer", seeder.address, "--tracker", "http://no-such-host.invalid/announce"]
                    + trackers.flatMap { ["--tracker", $0.url] })
            let complete = try run.wait(for: "complete") { $0.kind == "complete" }
            let start = try run.wait(for: "start") { $0.kind == "start" }
            #expect(complete.time - start.time < 4)
            try run.expectEnd(0, within: 10)
            torrent.expectComplete(in: run.directory)
        }

        @Test(arguments: ["refuse", "garbage", "failure", "error", "redirect", "endless"])
        func aBadTrackerIsNamedAndTheNextOneAsked(mode: String) throws {
            let torrent = try workspace.makeTorrent(size: "2M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let bad = try TrackerProcess.recording(in: workspace, ["--mode", mode])
            let good = try TrackerProcess.recording(in: workspace, ["--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", bad.url, "--tracker", good.url])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let failed = try run.wait(for: "the failure") { $0.isA("tracker", "failed") }
            #expect(failed.text("url")?.contains(bad.address) == true)
            #expect(failed.text("text")?.isEmpty == false)
            #expect(events(try good.announces()) == ["started", "completed", "stopped"])
        }

        @Test func noTrackerIsAskedWhenTheUserSaysSo() throws {
            let tracker = try TrackerProcess.recording(in: workspace)
            let torrent = try workspace.makeTorrent(size: "1M", trackers: [tracker.url])
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.expectEnd(0)
            #expect(try tracker.announces().isEmpty)
        }

        @Test func passwordsOfTrackersAreInNoOutput() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try TrackerProcess.recording(in: workspace, ["--mode", "failure"])
            let url = "http://name:geheim@\(tracker.address)/announce?passkey=topsecret"
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--tracker", url, "--peer", seeder.address, "--log-level", "trace", "--log", workspace.path("log")])
            try run.expectEnd(0)
            #expect(try !tracker.announces().isEmpty)
            let log = try String(contentsOfFile: workspace.path("log"), encoding: .utf8)
            let events = try String(contentsOfFile: run.eventsPath, encoding: .utf8)
            #expect(log.contains("127.0.0.1") && events.contains(tracker.address))
            for text in [run.process.errorText, run.process.outputText, log, events] {
                #expect(!text.contains("geheim") && !text.contains("topsecret"))
            }
        }
    }
}
