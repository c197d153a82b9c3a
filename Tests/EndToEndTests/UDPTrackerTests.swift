import BitTorrent
import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Trackers over UDP (BEP 15), and how swarms are counted.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct UDPTrackers {
        let workspace: Workspace
        init() throws { workspace = try Workspace("udp") }

        private func events(_ announces: [RunEvent]) -> [String] { announces.map { $0.text("event") ?? "" } }

        @Test(arguments: ["127.0.0.1", "[::1]"])
        func aWholeDownloadSaysStartedCompletedAndStoppedOnceEach(host: String) throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let tracker = try UDPTrackerProcess.recording(in: workspace, ["--peer", "\(host):1"], listen: "\(host):0")
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url, "--peer", seeder.address])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let named = try #require(PeerAddress(numericHost: host.filter { !"[]".contains($0) }, port: 1)).description
            #expect(run.events.contains { $0.isA("peer", "connecting") && $0.text("address") == named })

            let announces = try tracker.announces()
            #expect(events(announces) == ["started", "completed", "stopped"])
            #expect(announces.map { $0.text("left") } == [String(torrent.byteCount), "0", "0"])
            #expect(
                announces.map { $0.text("downloaded") } == ["0"] + Array(repeating: String(torrent.byteCount), count: 2)
            )
            #expect(announces.allSatisfy { $0.text("info_hash") == torrent.infoHash })
            #expect(announces.allSatisfy { $0.text("url") == "/announce?key=secret" })
            #expect(announces.map { $0.text("numwant") } == ["80", "80", "0"])
            #expect(Set(announces.map { $0.text("key") }).count == 1)
            #expect(announces.allSatisfy { $0.text("port") == String((try? run.listenPort()) ?? 0) })
            #expect(try tracker.requests("connect").count == 1, "a connection serves for a minute")
            #expect(try tracker.requests("scrape").count == 1)
            let scraped = try #require(run.events.first { $0.isA("tracker", "scraped") })
            #expect(scraped.count("seeders") == 3 && scraped.count("leechers") == 1 && scraped.count("downloads") == 20)
            #expect(!run.process.errorText.contains("secret"))
        }

        /// Debian's opentracker is built for IPv4 alone.
        @Test(.enabled(if: Able.opentracker, "needs opentracker"), arguments: ["udp", "http"])
        func openTrackerCountsUsRight(scheme: String) throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "128K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let tracker = try TrackerProcess.open(port: try Ports.free(), torrent, in: workspace)
            let arguments = ["--peer", seeder.address, "--tracker", "\(scheme)://\(tracker.address)/announce"]
            func expect(
                _ seeders: Int, _ leechers: Int, downloads: Int, sourceLocation: SourceLocation = #_sourceLocation
            ) throws {
                let counts = SwarmCounts(seeders: seeders, leechers: leechers, downloads: downloads)
                #expect(try tracker.scrapeOverUDP(torrent) == counts, sourceLocation: sourceLocation)
                #expect(try tracker.scrapeOverHTTP(torrent, in: workspace) == counts, sourceLocation: sourceLocation)
            }

            let first = try SupervisorRun(workspace, [torrent], arguments)
            try first.wait(forPieces: 8)
            try expect(0, 1, downloads: 0)
            first.process.send(SIGINT)
            try first.expectEnd(7)
            try expect(0, 0, downloads: 0)

            let second = try SupervisorRun(workspace, [torrent], arguments)
            try second.wait(for: "the announce") { $0.isA("tracker", "announced") }
            try expect(0, 1, downloads: 0)
            try second.expectEnd(0)
            try expect(0, 0, downloads: 1)
            let told = second.events.filter { $0.isA("tracker", "announced") }
            #expect(told.map { $0.text("announce") } == ["started", "completed", "stopped"])
            #expect(told.map { $0.count("seeders") } == [0, 1, 0], "\(told.map(\.members))")

            let third = try SupervisorRun(workspace, [torrent], arguments + ["--seed"])
            try third.wait(for: "the announce") { $0.isA("tracker", "announced") }
            try expect(1, 0, downloads: 1)
            third.process.send(SIGINT)
            try third.expectEnd(0)
            try expect(0, 0, downloads: 1)
            let seeding = third.events.filter { $0.isA("tracker", "announced") }
            #expect(seeding.map { $0.text("announce") } == ["started", "stopped"])
        }

        /// None of it is taken for an answer, and nobody connects to where a lie points.
        @Test func noiseIsNotHeard() throws {
            let torrent = try workspace.makeTorrent(size: "2M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try UDPTrackerProcess.recording(in: workspace, ["--mode", "noise", "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(events(try tracker.announces()) == ["started", "completed", "stopped"])
            #expect(!run.events.contains { $0.isA("tracker", "failed") })
            let attempts = run.events.filter { $0.isA("peer", "connecting") }.compactMap { $0.text("address") }
            #expect(attempts == [seeder.address])
        }

        @Test(arguments: ["error", "full", "silent", "garbage"])
        func aBadTrackerIsPassedOverForTheNext(mode: String) throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let bad = try UDPTrackerProcess.recording(in: workspace, ["--mode", mode])
            let good = try UDPTrackerProcess.recording(in: workspace, ["--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", bad.url, "--tracker", good.url])
            try run.expectEnd(0, within: 15)
            torrent.expectComplete(in: run.directory)
            #expect(events(try good.announces()) == ["started", "completed", "stopped"])
            let failed = run.events.first { $0.isA("tracker", "failed") }
            if mode == "error" || mode == "full" {
                #expect(failed?.text("text")?.contains("refuses: the torrent is not known here") ?? false)
            } else {
                #expect(failed == nil, "it is still being waited for")
            }
        }

        @Test func aRestartedTrackerIsConnectedToAgain() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try UDPTrackerProcess.recording(
                in: workspace, ["--mode", "forget", "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.expectEnd(0)
            let told = run.events.filter { $0.isA("tracker", "announced") }.map { $0.text("announce") }
            #expect(told == ["started", "completed", "stopped"])
            #expect(try tracker.requests("connect").count == 3)
        }

        @Test func aTrackerThatFallsSilentHearsStoppedAndHoldsUpNobody() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try UDPTrackerProcess.recording(in: workspace, ["--mode", "mute", "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            let complete = try run.wait(for: "complete") { $0.kind == "complete" }
            try run.expectEnd(0, within: 15)
            let end = try #require(run.events.last)
            #expect(end.time - complete.time < 6)
            #expect(events(try tracker.announces()) == ["started", "completed", "stopped"], "nothing is sent in haste")
        }

        @Test func anHTTPTrackerThatDoesNotCountIsScraped() throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let tracker = try TrackerProcess.recording(in: workspace, ["--no-counts", "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.expectEnd(0)
            let asked = try tracker.announces()
            #expect(asked.compactMap { $0.text("path") } == ["/announce", "/scrape", "/announce", "/announce"])
            #expect(asked.allSatisfy { $0.text("info_hash") == torrent.infoHash })
            let scraped = run.events.filter { $0.isA("tracker", "scraped") }
            #expect(scraped.map { $0.count("seeders") } == [7])
            #expect(scraped.first?.count("leechers") == 8 && scraped.first?.count("downloads") == 40)
        }

        /// Nothing depends on it, and yet it does not fail in silence.
        @Test func aScrapeThatFailsIsTold() throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let tracker = try TrackerProcess.recording(
                in: workspace, ["--no-counts", "--scrapes-fail", "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.expectEnd(0)
            let failed = run.events.filter { $0.isA("tracker", "scrape-failed") }
            #expect(failed.count == 1)
            #expect(failed.first?.text("text")?.contains("no scrapes here") == true, "\(failed)")
            #expect(!run.process.errorText.contains("no scrapes here"), "it is no warning")
        }

        @Test(arguments: [1, 3]) func torrentsOfOneTrackerAreScrapedTogether(torrentCount: Int) throws {
            let torrents = try (0..<torrentCount).map {
                try workspace.makeTorrent("part-\($0).bin", size: "2M", pieceLength: "64K")
            }
            let seeders = try torrents.map { try Seeder.lean($0, in: workspace, rate: 1 << 20) }
            let tracker = try UDPTrackerProcess.recording(in: workspace)
            let run = try SupervisorRun(
                workspace, torrents, ["--tracker", tracker.url] + seeders.flatMap { ["--peer", $0.address] })
            try run.expectEnd(0)
            let scrapes = try tracker.requests("scrape")
            #expect(scrapes.count == 1)
            let named = scrapes.first?.members["info_hashes"] as? [String] ?? []
            #expect(named.sorted() == torrents.map(\.infoHash).sorted())
            for (index, infoHash) in named.enumerated() {
                let event = run.events.first { $0.isA("tracker", "scraped") && $0.text("info_hash") == infoHash }
                #expect(event?.count("downloads") == 20 + index)
            }
        }

        @Test func packetsLeaveFromTheAddressTheUserChose() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try UDPTrackerProcess.recording(in: workspace, ["--peer", seeder.address])
            let other = try UDPTrackerProcess.recording(in: workspace, listen: "[::1]:0")
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--bind", "127.0.0.3", "--tracker", other.url, "--tracker", tracker.url])
            try run.expectEnd(0)
            #expect(try tracker.announces().allSatisfy { $0.text("from") == "127.0.0.3" })
            #expect(try !tracker.announces().isEmpty && other.announces().isEmpty)
            #expect(run.events.contains { $0.isA("tracker", "failed") && $0.text("url")?.contains("::1") == true })
        }

        /// A tracker that names ourselves by our external address costs no connection (BEP 24).
        @Test func weDoNotConnectToWhereATrackerSeesUs() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try TrackerProcess.recording(
                in: workspace, ["--mode", "own", "--external-ip", "127.0.0.1", "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.expectEnd(0)
            let attempts = run.events.filter { $0.isA("peer", "connecting") }.compactMap { $0.text("address") }
            #expect(attempts == [seeder.address])
        }

        @Test(.enabled(if: Able.longSuite, Why.long), arguments: [1, 2])
        func lostPacketsAreSentAgainAfterFifteenSecondsAndThirty(lost: Int) throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let tracker = try UDPTrackerProcess.recording(
                in: workspace, ["--drop", String(lost), "--peer", seeder.address])
            let run = try SupervisorRun(workspace, [torrent], ["--tracker", tracker.url])
            try run.expectEnd(0, within: 60)
            let times = try tracker.requests("connect").compactMap { $0.number("ts") }
            let pauses = zip(times, times.dropFirst()).map { $1 - $0 }
            #expect(pauses.map { $0.rounded() } == [15, 30].prefix(lost).map { $0 })
            #expect(events(try tracker.announces()) == ["started", "completed", "stopped"])
        }
    }
}
