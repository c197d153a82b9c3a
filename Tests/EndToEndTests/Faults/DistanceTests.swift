import Testing

extension EndToEnd {
    /// Peers that are far away: row R40 of docs/faults.md.
    @Suite(.enabled(if: Able.tunnels && Able.leanSeeder, Why.tunnels)) struct Distance {
        let workspace: Workspace
        init() throws { workspace = try Workspace("distance") }

        /// 200 ms there and back, each packet up to 50 ms late or early: a line of 6 MiB/s is full when 77 blocks are on
        /// their way, five times as many as a session starts with.
        @Test(arguments: [nil, "reno"]) func aLongLineIsFilled(congestionControl: String?) throws {
            let rate = 6 << 20
            let network = try Namespaces(in: workspace)
            let torrent = try workspace.makeTorrent(size: "32M")
            let way = try network.makeLongWay(roundTrip: 0.2, jitter: 0.05)
            let host = way.address.split(separator: ":")[0]
            if let congestionControl {
                try network.run(.seeders, ["sysctl", "-qw", "net.ipv4.tcp_congestion_control=\(congestionControl)"])
            }
            let seeder = try Seeder.lean(
                torrent, in: workspace, rate: rate, listen: "\(host):6881", before: network.inside(.seeders))
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--interval", "0.2"],
                before: network.inside(.client))
            try run.expectEnd(0, within: 60)
            torrent.expectComplete(in: run.directory)
            run.expectSound(torrent, refetched: 0)
            // Without the first quarter, in which the line and the window open up.
            let verified = run.events.filter { $0.isA("piece", "verified") }
            let first = verified[verified.count / 4], last = try #require(verified.last)
            let bytes = Double((verified.count - 1 - verified.count / 4) * torrent.pieceByteCount)
            let perSecond = bytes / (last.time - first.time)
            print(
                "\(Int(perSecond) >> 10) KiB/s over 200 ms with \(congestionControl ?? "the usual congestion control")")
            #expect(perSecond > 0.75 * Double(rate))
        }
    }
}
