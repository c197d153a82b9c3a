import Testing

extension EndToEnd {
    /// What a peer may not do on the wire costs its own connection and nothing else.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Breaches {
        let workspace: Workspace
        init() throws { workspace = try Workspace("breaches") }

        @Test(arguments: ["eof", "half-close", "reset"])
        func everyByteOfTheHandshakeMayBeTheLast(_ ending: String) throws {
            let meeting = try met((0...67).map { "\(ending)-handshake-\($0)" })
            for count in 0...67 {
                // What came before a reset may be lost with it.
                let reasons =
                    ending == "reset"
                    ? (0...count).map { "after \($0) bytes of the handshake" }
                    : ["the peer closed after \(count) bytes of"]
                meeting.expectClosed("\(ending)-handshake-\(count)", because: reasons)
            }
        }

        @Test(arguments: ["eof-length", "half-close-frame", "reset-frame"])
        func aBlockMayEndAnywhereInItsFrame(_ ending: String) throws {
            let expected =
                [(1...3, "inside a length"), (4...12, "inside a header")].flatMap { cuts, reason in
                    cuts.map { ($0, reason) }
                } + [13, 5000, 16396].map { ($0, "\(16397 - $0) bytes before the end of a message") }
            let meeting = try met(expected.map { "\(ending)-\($0.0)" }, rate: 700_000)
            for (cut, reason) in expected {
                let reasons = ending == "reset-frame" ? [reason, "the connection broke"] : [reason]
                meeting.expectClosed("\(ending)-\(cut)", because: reasons)
            }
        }

        @Test func whatIsNoHandshakeEndsTheConnection() throws {
            try expectClosed([
                "message-first": "it does not speak BitTorrent", "wrong-protocol": "it does not speak BitTorrent",
                "wrong-info-hash": "it answered for another torrent", "second-handshake": "a second handshake",
                "garbage": "a message of ", "close-at-once": "after 0 bytes of the handshake",
            ])
        }

        @Test func claimsOnWhatThePeerHasMustFitTheTorrent() throws {
            try expectClosed([
                "short-bitfield": "a bitfield of 1 bytes", "long-bitfield": "a bitfield of 3 bytes",
                "spare-bits": "a bitfield",
                "have-all-unasked": "haveAll without the fast extension",
                "out-of-range": "have for piece 16, which does not exist",
                "allowed-fast-out-of-range": "allowedFast for piece 16, which does not exist",
            ])
        }

        @Test func requestsThatNobodyMayMakeEndTheConnection() throws {
            try expectClosed([
                "request-flood": "too many requests while choked",
                "request-out-of-range": "request for piece 4294967295, which does not exist",
                "request-overflow": "request beyond its piece", "request-empty": "request beyond its piece",
                "request-too-long": "request beyond its piece", "short-request": "request with 4 bytes",
                "long-unchoke": "unchoke with 1 bytes",
                "broken-extension": "an extension handshake that is no dictionary",
                "half-close": "the peer closed between two messages",
            ])
        }

        @Test func blocksThatAnswerNothingEndTheConnection() throws {
            try expectClosed([
                "piece-out-of-range": "piece for piece 16, which does not exist",
                "piece-overflow": "piece beyond its piece", "piece-empty": "a block without a byte",
                "piece-too-long": "a block of 131072 bytes", "oversize-length": "a message of 4294967295 bytes",
                "oversize-length-1048577": "a message of 1048577 bytes", "unrequested": "a block at an odd offset",
                "unasked-blocks": "too many blocks that were not requested",
                "duplicates-60": "too many blocks that were not requested",
                "close-mid-piece": "the peer closed between two messages",
            ])
        }

        /// It takes 250 refusals, and so more requests than the others leave it.
        @Test func whoRefusesEveryRequestIsSentAway() throws {
            try expectClosed(["reject-all": "it unchokes us and refuses every request"])
        }

        /// The peers of one run, by mode, and why each is sent away.
        private func expectClosed(
            _ reasons: [String: String], sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let meeting = try met(reasons.keys.sorted(), sourceLocation: sourceLocation)
            for (mode, reason) in reasons {
                meeting.expectClosed(mode, because: [reason], sourceLocation: sourceLocation)
            }
        }

        /// Downloads from an honest seeder while each of the others is met.
        private func met(
            _ modes: [String], rate: Int = 1_000_000, sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> HostileRun {
            let torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
            let meeting = try HostileRun(modes, torrent, in: workspace, honestRate: rate)
            try meeting.expectDownload(sourceLocation: sourceLocation)
            return meeting
        }
    }
}
