import Testing

extension EndToEnd {
    /// Peers that stay connected and are of little or no use: they cost no time that an honest peer could have filled.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Nuisances {
        let workspace: Workspace
        init() throws { workspace = try Workspace("nuisances") }

        private static let modes = [
            "never-unchoke", "never-answer", "slowloris", "keep-alives-only", "mute", "drop-some-20", "choke-flap-1",
            "split-bytes-100",
        ]

        /// The honest peer alone needs a second and a half.
        @Test(arguments: modes.map { [$0] } + [modes])
        func anHonestPeerBesideThemIsNotHeldUp(_ modes: [String]) throws {
            let torrent = try workspace.makeTorrent(size: "1500K", pieceLength: "64K")
            let meeting = try HostileRun(modes, torrent, in: workspace, honestRate: 1 << 20)
            try meeting.expectDownload()
            let seconds = try #require(meeting.run.secondsToComplete)
            #expect(seconds < 1.5 * 1.5 + 0.3, "\(modes)")
            for peer in meeting.hostile.peers where peer.mode != "mute" {
                #expect(meeting.run.endOfPeer(peer.address) ?? "closed by us" == "closed by us", "\(peer.mode)")
            }
        }

        /// A request that is never answered is asked of another, not of the same peer again and again; and what came from
        /// elsewhere, and was cancelled, earns it nothing.
        @Test func whoNeverAnswersIsAskedForOneWindowOnly() throws {
            let torrent = try workspace.makeTorrent(size: "1500K", pieceLength: "64K")
            let meeting = try HostileRun(["never-answer"], torrent, in: workspace, honestRate: 1 << 20)
            try meeting.expectDownload()
            let records = try meeting.hostile.records()
            #expect(records.count { $0.kind == "connected" } == 1)
            #expect(records.count { $0.kind == "request" } <= 16)
        }
    }
}

extension SupervisorRun {
    /// From the event of the start to that of the last byte on disk.
    var secondsToComplete: Double? {
        guard let start = events.first(where: { $0.kind == "start" }),
            let end = events.first(where: { $0.kind == "complete" })
        else { return nil }
        return end.time - start.time
    }
}
