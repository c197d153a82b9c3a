import Testing

extension EndToEnd {
    /// Peers that send wrong data: found, banned, and never believed.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Liars {
        let workspace: Workspace
        init() throws { workspace = try Workspace("liars") }

        /// A liar that shares every piece with the honest peer hides among them until a piece is asked of one peer only.
        @Test(arguments: [(mode: "corrupt-block", workers: 1), ("corrupt-block", 2), ("corrupt-block-10", 1)])
        func aLiarBesideAnHonestPeerIsBanned(_ mode: String, _ workers: Int) throws {
            let torrent = try workspace.makeTorrent(size: "3M", pieceLength: "64K")
            let meeting = try HostileRun(
                [mode], torrent, in: workspace, honestRate: 4 << 20, hostileRate: 4 << 20,
                ["--workers", "\(workers)"])
            try meeting.expectDownload()
            try meeting.expectBans(1)
        }

        /// One wrong block of 50 is enough, and every block that it got right is used.
        @Test func aLiarThatIsMostlyHonestIsBanned() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            let meeting = try HostileRun(
                ["corrupt-block-50"], torrent, in: workspace, honestRate: 4 << 20, hostileRate: 8 << 20)
            try meeting.expectDownload()
            try meeting.expectBans(1)
        }

        @Test func threeLiarsOfFourAreBannedAndTheFourthIsNot() throws {
            let torrent = try workspace.makeTorrent(size: "3M", pieceLength: "64K")
            let meeting = try HostileRun(
                ["corrupt-block", "corrupt-block-3", "corrupt-block-9"], torrent, in: workspace, honestRate: 4 << 20,
                hostileRate: 4 << 20)
            try meeting.expectDownload()
            try meeting.expectBans(3)
        }

        /// It is gone before its lie is found, and would be back with the next.
        @Test func aLiarThatLeavesInTimeIsBannedAllTheSame() throws {
            let torrent = try workspace.makeTorrent(size: "3M", pieceLength: "64K")
            let meeting = try HostileRun(["corrupt-then-close-4"], torrent, in: workspace, honestRate: 4 << 20)
            try meeting.expectDownload()
            try meeting.expectBans(1)
        }

        /// Nobody is left: no spin, and no fetching of the same lies for ever.
        @Test func aloneWithLiarsTheRunRests() throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let liars = ["corrupt-block", "corrupt-block", "corrupt-block"]
            let meeting = try HostileRun(liars, torrent, in: workspace, honestRate: nil)
            for peer in meeting.hostile.peers {
                try meeting.run.wait(for: "ban of \(peer.address)") {
                    $0.isA("peer", "banned") && $0.text("address") == peer.address
                }
            }
            let requests = try meeting.requestCount()
            let before = try meeting.run.cpuSeconds()
            let start = secondsNow()
            try awaiting("the end of the measurement") { secondsNow() - start > 2 }
            let share = (try meeting.run.cpuSeconds() - before) / (secondsNow() - start)
            #expect(share < 0.2, "\(share) of a core for all processes")
            #expect(try meeting.requestCount() <= requests + 100, "what was on its way may still have come")
            // Each piece may fail once with all three, and then once for each on trial.
            #expect(try meeting.requestCount() < 4 * torrent.byteCount / 16384)
            #expect(meeting.run.pieces("verified").isEmpty)
            meeting.run.process.send(15)
            try meeting.run.expectEnd(7)
            meeting.run.expectNoWorkerDied()
        }

        @Test(.enabled(if: Able.longSuite, Why.long)) func aloneWithLiarsTheRunEndsAfterAMinute() throws {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let meeting = try HostileRun(
                ["corrupt-block", "corrupt-block", "corrupt-block"], torrent, in: workspace, honestRate: nil)
            try meeting.run.expectEnd(6, within: 90)
        }
    }
}

extension HostileRun {
    /// The liars, and only they, were banned, and cost little: faults.md asks for two pieces each; what was on its way
    /// when the first lie was found fails as well.
    fileprivate func expectBans(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let banned = run.events.filter { $0.isA("peer", "banned") }
        #expect(
            Set(banned.compactMap { $0.text("address") }) == Set(hostile.peers.map(\.address)),
            sourceLocation: sourceLocation)
        #expect(banned.allSatisfy { $0.text("text")?.contains("bad data") ?? false }, sourceLocation: sourceLocation)
        let wasted = run.progress?.count("wasted_length") ?? .max
        let failed = run.pieces("failed").count
        print("\(hostile.peers.map(\.mode)): \(failed) pieces failed, \(wasted) bytes wasted")
        // Two windows of a fresh peer, and what it sent until the first verdict.
        #expect(wasted < hostile.peers.count << 20, sourceLocation: sourceLocation)
    }

    fileprivate func requestCount() throws -> Int { try hostile.records().count { $0.kind == "request" } }
}

extension SupervisorRun {
    /// Of all processes that live.
    func cpuSeconds() throws -> Double {
        ProcessTable.ofRun(in: workspace).compactMap { ProcessTable.cpuSeconds($0) }.reduce(0, +)
    }
}
