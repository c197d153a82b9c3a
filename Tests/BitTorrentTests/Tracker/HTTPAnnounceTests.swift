import BitTorrent
import Testing

struct HTTPAnnounceTests {
    static let identity = AnnounceIdentity(
        infoHash: InfoHash(Digest((0..<20).map { UInt8($0 * 13) })), peerID: PeerID(Array("-SK0100-abcdefghij~ ".utf8)),
        key: 0x00C0_FFEE, port: 6881)
    static let counters = TransferCounters(uploaded: 1, downloaded: 22, left: .max)

    private func url(
        at tracker: String, event: AnnounceEvent? = nil, peersWanted: Int = 80, trackerID: [UInt8]? = nil
    ) throws -> String {
        HTTPAnnounce.url(
            of: AnnounceRequest(
                identity: Self.identity, counters: Self.counters, event: event, peersWanted: peersWanted,
                trackerID: trackerID),
            at: try TrackerURL(tracker))
    }

    static let fixed =
        "info_hash=%00%0D%1A%274AN%5Bhu%82%8F%9C%A9%B6%C3%D0%DD%EA%F7"
        + "&peer_id=-SK0100-abcdefghij~%20&port=6881&uploaded=1&downloaded=22&left=18446744073709551615&compact=1&no_peer_id=1"

    @Test func regularAnnounceHasNoEvent() throws {
        #expect(
            try url(at: "http://t.example/announce") == "http://t.example/announce?" + Self.fixed
                + "&numwant=80&key=00C0FFEE")
    }

    @Test(arguments: [AnnounceEvent.started, .completed, .stopped])
    func eventIsNamed(event: AnnounceEvent) throws {
        #expect(
            try url(at: "http://t.example/announce", event: event, peersWanted: 0)
                == "http://t.example/announce?" + Self.fixed + "&numwant=0&key=00C0FFEE&event=\(event.rawValue)")
    }

    @Test func trackerIDIsReturnedPercentEncoded() throws {
        #expect(
            try url(at: "http://t.example/a", trackerID: [0, 0x26, 0x41, 0xFF]).hasSuffix(
                "&key=00C0FFEE&trackerid=%00%26A%FF"))
    }

    @Test(arguments: [
        ("http://t.example/announce?passkey=k%2Fk", "http://t.example/announce?passkey=k%2Fk&info_hash="),
        ("http://t.example/announce?", "http://t.example/announce?info_hash="),
        ("http://t.example/announce?a=b&", "http://t.example/announce?a=b&info_hash="),
        ("http://t.example", "http://t.example?info_hash="),
        ("http://u:p@t.example/announce#x", "http://u:p@t.example/announce?info_hash="),
    ])
    func announceURLWithQueryKeepsIt(tracker: String, start: String) throws {
        #expect(try url(at: tracker).hasPrefix(start))
    }

    @Test func answerOfASuccessIsParsed() throws {
        #expect(
            try HTTPAnnounce.response(status: 200, body: Array("d8:intervali60e5:peers0:e".utf8)).interval
                == .seconds(60))
    }

    @Test(arguments: [400, 403, 500])
    func failureReasonCountsWhateverTheStatus(status: Int) {
        #expect(throws: AnnounceError.refused(reason: "no", retry: nil)) {
            try HTTPAnnounce.response(status: status, body: Array("d14:failure reason2:noe".utf8))
        }
    }

    @Test(arguments: ["<html>Not found</html>", "", "d8:intervali60e5:peers0:e"])
    func statusOfAnErrorIsNamed(body: String) {
        #expect(throws: AnnounceError.httpStatus(404)) {
            try HTTPAnnounce.response(status: 404, body: Array(body.utf8))
        }
    }
}
