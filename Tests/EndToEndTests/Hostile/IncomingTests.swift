import Testing

extension EndToEnd {
    /// Peers that come to us, hostile and honest ones.
    @Suite struct IncomingPeers {
        let workspace: Workspace
        init() throws { workspace = try Workspace("incoming") }

        @Test func hostilePeersThatComeAreSentAwayAndAnHonestOneIsUsed() throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--sync", "none"])
            let address = "127.0.0.1:\(try run.listenPort())"
            _ = try run.worker("peer", 1)
            let sentAway = [
                "message-first", "wrong-protocol", "wrong-info-hash", "garbage", "second-handshake", "spare-bits",
                "oversize-length", "piece-overflow", "request-flood",
            ]
            let leaving = (0...67).map { "eof-handshake-\($0)" } + ["half-close-handshake-20", "reset-handshake-50"]
            let record = workspace.path("hostile.ndjson")
            let hostile = try Running(
                HostilePeers.command(sentAway + leaving, torrent, record: record, connectingTo: address),
                in: workspace, name: "hostile")
            // The whole crowd is gone before its connections would time out.
            #expect(try hostile.wait(within: 8) == .exited(0))
            let closed = try HostilePeers.records(in: record).filter { $0.kind == "closed" }
            for mode in sentAway {
                let ending = closed.first { $0.text("mode") == mode }?.text("ending")
                #expect(["fin", "reset"].contains(ending), "\(mode): \(ending ?? "still open")")
            }
            let honest = try Running(
                HostilePeers.command(
                    ["honest"], torrent, record: workspace.path("honest.ndjson"), connectingTo: address),
                in: workspace, name: "honest")
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            run.expectNoWorkerDied()
            #expect(try honest.wait(within: 10) == .exited(0))
        }

        /// A peer that closes, or is closed, is not visited again at once; and no visit leaves a descriptor behind.
        @Test(.enabled(if: Able.leanSeeder, Why.lean)) func aFlappingPeerCostsNothing() throws {
            let torrent = try workspace.makeTorrent(size: "2M", pieceLength: "64K")
            let meeting = try HostileRun(
                ["close-mid-piece-1", "garbage", "eof-handshake-20"], torrent, in: workspace, honestRate: 1 << 20)
            let workers = try (0..<2).map { try meeting.run.worker("peer", $0) }
            try meeting.run.wait(forPieces: 20)
            for worker in workers {
                let sockets = ProcessTable.descriptors(of: worker).filter { $0.hasPrefix("socket:") }
                // A listener for each of two families, the unix ones of the pool, and the peers.
                #expect(sockets.count < 30, "\(sockets.count)")
            }
            try meeting.expectDownload()
        }
    }
}
