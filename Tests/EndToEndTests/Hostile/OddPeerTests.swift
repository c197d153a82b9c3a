import Testing

extension EndToEnd {
    /// What is unusual and legal: such a peer alone is enough for a whole download.
    @Suite struct OddPeers {
        let workspace: Workspace
        init() throws { workspace = try Workspace("odd") }

        @Test(arguments: [
            "start-empty-then-have-5", "drop-first-block", "keepalive-flood", "unknown-ids", "odd-extension",
            "small-queue", "split-bytes-97", "slow-handshake", "choke-flap", "late-bitfield", "second-bitfield",
        ])
        func oneOddPeerIsEnough(_ mode: String) throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let meeting = try HostileRun([mode], torrent, in: workspace, honestRate: nil)
            try meeting.expectDownload()
            #expect(meeting.run.endOfPeer(meeting.hostile.address) ?? "closed by us" == "closed by us")
        }

        /// BEP 10, reqq: what the peer says that it queues is never exceeded.
        @Test func aSmallQueueIsNeverOverfilled() throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let meeting = try HostileRun(["small-queue-3"], torrent, in: workspace, honestRate: nil)
            try meeting.expectDownload()
            let mostOutstanding = try meeting.hostile.records().compactMap { $0.count("outstanding") }.max()
            #expect(mostOutstanding == 3)
        }

        /// Files shorter than a block, pieces that no number of blocks fills, a last piece of one byte.
        @Test(arguments: [
            ("1", "16K"), ("999", "16K"), ("16384", "16K"), ("16385", "16K"), ("100000", "1000"), ("65537", "16383"),
            ("500000", "40000"), ("500001", "100000"), ("123457", "256K"),
        ])
        func anyLengthOfFileAndPieceWillDo(_ size: String, _ pieceLength: String) throws {
            let torrent = try workspace.makeTorrent(size: size, pieceLength: pieceLength)
            #expect(torrent.byteCount == Int(size))
            let meeting = try HostileRun(["honest"], torrent, in: workspace, honestRate: nil)
            try meeting.expectDownload()
            #expect(meeting.run.downloadedByteCount == torrent.byteCount)
        }
    }
}
