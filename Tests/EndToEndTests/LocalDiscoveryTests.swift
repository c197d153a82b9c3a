import Foundation
import Testing

extension EndToEnd {
    /// Peers on one network (BEP 14), in namespaces of their own.
    @Suite(.enabled(if: Able.networkNamespaces, Why.namespaces)) struct LocalDiscoveries {
        let workspace: Workspace
        let network: Namespaces
        init() throws {
            workspace = try Workspace("discovery")
            network = try Namespaces(in: workspace)
        }

        private static let isOn = ["SWARMKEEPER_NO_LSD": "off"]

        private func start(
            _ torrents: [Torrent], on side: Namespaces.Side, _ arguments: [String] = []
        ) throws -> SupervisorRun {
            let name = "\(side)"
            return try SupervisorRun(
                workspace, torrents, ["--no-tracker", "--state-dir", workspace.path("state-\(name)")] + arguments,
                directory: workspace.path("out-\(name)"), before: network.inside(side), environment: Self.isOn)
        }

        @Test(arguments: [false, true]) func twoSupervisorsFindEachOther(isV6: Bool) throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            if isV6 { try network.useIPv6Only() }
            let first = try start([torrent], on: .seeders)
            _ = try first.worker("peer", 1)
            let second = try start([torrent], on: .client)
            for (run, other) in [(first, network.clientAddress), (second, network.seederAddress)] {
                let met = try run.wait(for: "the neighbour") { $0.isA("peer", "connected") }
                #expect(met.text("address")?.hasPrefix("\(other):") == true)
            }
            for run in [first, second] { run.process.send(SIGINT) }
            for run in [first, second] {
                try run.process.wait(within: 20)
                #expect(run.process.ending == .exited(7))
                // One connection, not one each way.
                #expect(run.events.count { $0.isA("peer", "connected") } == 1)
            }
        }

        @Test(.enabled(if: Able.libtorrent, Why.libtorrent), arguments: [false, true])
        func aSeederOnTheNetworkIsFoundAndUsed(isV6: Bool) throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            if isV6 { try network.useIPv6Only() }
            let run = try start([torrent], on: .client)
            _ = try run.worker("peer", 1)
            let seeder = try Seeder.libtorrent(
                torrent, in: workspace, listen: "\(network.seederAddress):6999", before: network.inside(.seeders),
                ["--lsd"])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(seeder.process.ending == nil)
        }

        @Test func privateTorrentsAreAnnouncedToNobody() throws {
            let open = try workspace.makeTorrent("open.bin", size: "1M")
            let secret = try workspace.makeTorrent("secret.bin", size: "1M", isPrivate: true)
            let listener = try Server(
                network.inside(.seeders) + Programs.tool("hear_announcements", [network.seederAddress]),
                in: workspace, name: "listener")
            let run = try start([secret, open], on: .client)
            try awaiting("an announcement") { listener.process.outputText.contains(open.infoHash) }
            run.process.send(SIGINT)
            try run.expectEnd(7)
            #expect(!listener.process.outputText.contains(secret.infoHash))
        }

        @Test func nothingIsAnnouncedWhenTheUserSaysSo() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let listener = try Server(
                network.inside(.seeders) + Programs.tool("hear_announcements", [network.seederAddress]),
                in: workspace, name: "listener")
            let silent = try start([torrent], on: .client, ["--no-lsd"])
            try silent.wait(for: "progress") { $0.isA("progress", "downloading") || $0.text("phase") == "downloading" }
            silent.process.send(SIGINT)
            try silent.expectEnd(7)
            #expect(!listener.process.outputText.contains(torrent.infoHash))
        }

        /// A machine with loopback alone, as many containers have.
        @Test func aMachineWithoutNetworksIsNotDisturbed() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            try network.setLink(up: false)
            let run = try start([torrent], on: .seeders)
            try run.wait(for: "progress") { $0.text("phase") == "downloading" }
            run.process.send(SIGINT)
            try run.expectEnd(7)
            #expect(!run.process.errorText.contains("warning"))
        }
    }
}
