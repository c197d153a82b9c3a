import Foundation
import Testing

extension EndToEnd {
    /// From nothing to whole files, with other implementations as seeders.
    @Suite struct Downloads {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        @Test(.enabled(if: Able.leanSeeder, Why.lean))
        func oneFileComesFromASeederThatIsNamedOnTheCommandLine() throws {
            let torrent = try workspace.makeTorrent(size: "32M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(try seeder.servedByteCount() == torrent.byteCount)
            // It has no extension handshake, so its peer id has to do.
            #expect(run.clients(at: seeder.address) == ["LS 0.1.0"])
        }

        struct Shape: CustomTestStringConvertible {
            let testDescription: String
            let layout: Workspace.Layout
            var size = "8M"
            var pieceLength = "256K"
            var pads = false
        }

        @Test(
            .enabled(if: Able.libtorrent && Able.opentracker, "needs python3-libtorrent and opentracker"),
            arguments: [
                Shape(testDescription: "one file", layout: .single),
                Shape(testDescription: "nested folders", layout: .many),
                Shape(testDescription: "files of no bytes", layout: .zero),
                Shape(testDescription: "many files in a piece", layout: .tiny, size: "400K", pieceLength: "64K"),
                Shape(testDescription: "pieces of no whole blocks", layout: .many, pieceLength: "100003"),
                Shape(testDescription: "pieces below a block", layout: .single, size: "300K", pieceLength: "5000"),
                Shape(testDescription: "one piece below a block", layout: .single, size: "777"),
                Shape(testDescription: "a piece above all files", layout: .many, size: "1M", pieceLength: "4M"),
                Shape(testDescription: "pad files", layout: .zero, pads: true),
            ])
        func payloadComesFromLibtorrentThatOpentrackerNames(_ shape: Shape) throws {
            let port = try Ports.free()
            let torrent = try workspace.makeTorrent(
                "payload", shape.layout, size: shape.size, pieceLength: shape.pieceLength, pads: shape.pads,
                trackers: ["http://127.0.0.1:\(port)/announce"])
            let tracker = try TrackerProcess.open(port: port, torrent, in: workspace)
            let seeder = try Seeder.libtorrent(torrent, in: workspace, announces: true)
            try tracker.awaitSeeder(of: torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(Set(run.pieces("written")) == Set(0..<torrent.pieceCount))
            run.expectClient("libtorrent", at: seeder.address)
        }

        @Test(.enabled(if: Able.aria2, "needs aria2c"))
        func filesComeFromAria2() throws {
            let torrent = try workspace.makeTorrent("payload", .zero, size: "8M", pieceLength: "64K")
            let seeder = try Seeder.aria2(torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectClient("aria2", at: seeder.address)
        }

        @Test(.enabled(if: Able.rtorrent, "needs rtorrent"), arguments: [Workspace.Layout.single, .zero])
        func filesComeFromRTorrent(_ layout: Workspace.Layout) throws {
            let torrent = try workspace.makeTorrent("payload", layout, size: "8M", pieceLength: "64K")
            let seeder = try Seeder.rtorrent(torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(Set(run.pieces("written")) == Set(0..<torrent.pieceCount))
        }

        /// Transmission does not talk to loopback addresses.
        @Test(.enabled(if: Able.networkNamespaces && Able.transmission, "needs transmission-daemon and root"))
        func filesComeFromTransmissionInAnotherNetwork() throws {
            let network = try Namespaces(in: workspace)
            let torrent = try workspace.makeTorrent("payload", .zero, size: "8M", pieceLength: "64K")
            let seeder = try Seeder.transmission(torrent, on: network, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address], before: network.inside(.client))
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectClient("Transmission", at: seeder.address)
        }

        @Test(.enabled(if: Able.leanSeeder, Why.lean))
        func everyPeerWorkerCarriesBytes() throws {
            let torrent = try workspace.makeTorrent(size: "16M")
            let seeders = try (0..<4).map { _ in try Seeder.lean(torrent, in: workspace, rate: 4 << 20) }
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--workers", "4"] + seeders.flatMap { ["--peer", $0.address] })
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let connected = run.events.filter { $0.isA("peer", "connected") }
            #expect(Set(connected.compactMap { $0.count("worker") }) == [0, 1, 2, 3])
            for seeder in seeders { #expect(try seeder.servedByteCount() > torrent.byteCount / 20) }
        }

        @Test(.enabled(if: Able.libtorrent, Why.libtorrent))
        func aPeerThatConnectsToUsIsASource() throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker"])
            let ours = "127.0.0.1:\(try run.listenPort())"
            // Only the seeder's .torrent names the tracker, which knows nobody but us.
            let tracker = try TrackerProcess.recording(in: workspace, ["--peer", ours])
            let told = try workspace.makeTorrent(
                of: "\(torrent.seedDirectory)/\(torrent.name)", trackers: [tracker.url])
            _ = try Seeder.libtorrent(told, in: workspace, announces: true)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let peers = run.events.filter { $0.isA("peer", "connected") }
            #expect(!peers.isEmpty && peers.allSatisfy { $0.members["incoming"] as? Bool == true })
            #expect(peers.allSatisfy { $0.text("text")?.hasPrefix("libtorrent") ?? false })
        }

        @Test(.enabled(if: Able.leanSeeder, Why.lean))
        func twoTorrentsOfOneRunEndInOneDirectory() throws {
            let torrents = try ["one.bin", "two.bin"].map { try workspace.makeTorrent($0, size: "8M") }
            let seeders = try torrents.map { try Seeder.lean($0, in: workspace) }
            let run = try SupervisorRun(
                workspace, torrents, ["--no-tracker"] + seeders.flatMap { ["--peer", $0.address] })
            try run.expectEnd(0)
            torrents[0].expectComplete(in: run.directory, besides: [torrents[1].name])
            torrents[1].expectComplete(in: run.directory, besides: [torrents[0].name])
        }

        @Test(.enabled(if: Able.leanSeeder, Why.lean), arguments: ["auto", "none", "falloc"])
        func sequentialDownloadWritesPiecesInOrder(allocation: String) throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address, "--sequential", "--file-allocation", allocation])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let granted = run.pieces("granted")
            #expect(granted == granted.sorted())
        }
    }
}

extension SupervisorRun {
    /// The clients that were met at an address, as the events of their connections name them.
    func clients(at address: String) -> [String] {
        events.filter { $0.isA("peer", "connected") && $0.text("address") == address }.compactMap { $0.text("text") }
    }

    /// A client named itself with its version, in the extension handshake or by its peer id, whichever came first.
    func expectClient(_ name: String, at address: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let clients = clients(at: address)
        #expect(!clients.isEmpty, sourceLocation: sourceLocation)
        for client in clients {
            #expect(
                client.hasPrefix(name) && client.contains { $0.isNumber }, "\(client)", sourceLocation: sourceLocation)
        }
    }
}
