import BitTorrent
import Testing

/// Answers as trackers send them, and as they should not.
struct AnnounceResponseTests {
    private func parse(_ text: String) throws(AnnounceError) -> AnnounceResponse {
        try AnnounceResponse(parsing: Array(text.utf8))
    }
    private func parse(_ value: BencodeValue) throws(AnnounceError) -> AnnounceResponse {
        try AnnounceResponse(parsing: BencodeEncoder().encode(value))
    }

    @Test func everyKeyIsRead() throws {
        let response = try parse([
            "complete": 12, "downloaded": 40, "incomplete": 3, "interval": 1800, "min interval": 900,
            "tracker id": "x1",
            "warning message": "soon down",
            "external ip": .string([192, 0, 2, 9]), "peers": .string([192, 0, 2, 1, 0x1A, 0xE1]),
            "peers6": .string([0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80]),
        ])
        #expect(
            response
                == AnnounceResponse(
                    interval: .seconds(1800), minInterval: .seconds(900), trackerID: Array("x1".utf8),
                    warning: "soon down", complete: 12,
                    incomplete: 3, downloaded: 40, externalAddress: [192, 0, 2, 9],
                    peers: [
                        try #require(PeerAddress(numericHost: "192.0.2.1", port: 6881)),
                        try #require(PeerAddress(numericHost: "2001:db8::1", port: 80)),
                    ]))
    }

    @Test func dictionaryListTakesNumericAddressesOnly() throws {
        let response = try parse([
            "interval": 600,
            "peers": [
                ["ip": "192.0.2.1", "peer id": "aaaaaaaaaaaaaaaaaaaa", "port": 6881], ["ip": "2001:db8::1", "port": 1],
                ["ip": "::ffff:192.0.2.1", "port": 6881], ["ip": "peer.example", "port": 6881],
                ["ip": "192.0.2.2", "port": 65536],
                ["ip": "192.0.2.2", "port": 0], ["ip": "192.0.2.2"], ["ip": 7, "port": 7], "peer",
                ["ip": "192.0.2.3", "port": -1],
            ],
        ])
        #expect(response.peers.map(\.description) == ["192.0.2.1:6881", "[2001:db8:0:0:0:0:0:1]:1"])
        #expect(response.oddities == [.unusablePeers(count: 7)])
    }

    @Test func trailingBytesOfACompactListCostOnlyThemselves() throws {
        let response = try parse([
            "interval": 600, "peers": .string([192, 0, 2, 1, 0, 80, 1, 2, 3, 4, 5]), "peers6": "abc",
        ])
        #expect(response.peers.map(\.description) == ["192.0.2.1:80"])
        #expect(
            response.oddities == [
                .trailingPeerBytes(key: "peers", count: 5), .trailingPeerBytes(key: "peers6", count: 3),
            ])
    }

    @Test func placesWithoutPeersAndRepetitionsAreFiltered() throws {
        let response = try parse([
            "interval": 600,
            "peers": .string(
                [192, 0, 2, 1, 0, 0] + [0, 0, 0, 0, 0, 80] + [224, 0, 0, 1, 0, 80] + [192, 0, 2, 1, 0, 80] + [
                    192, 0, 2, 1, 0, 80,
                ]
                    + [255, 255, 255, 255, 0, 80]),
        ])
        #expect(response.peers.map(\.description) == ["192.0.2.1:80"])
        #expect(response.oddities == [.unusablePeers(count: 4)])
    }

    @Test func tenThousandPeersAreCut() throws {
        let bytes = (0..<10_000).flatMap { [10, 0, UInt8($0 >> 8), UInt8($0 & 0xFF), 0, 80] as [UInt8] }
        let response = try parse(["interval": 600, "peers": .string(bytes)])
        #expect(response.peers.count == AnnounceResponse.mostPeers)
        #expect(response.oddities == [.tooManyPeers(count: 10_000)])
    }

    @Test(
        arguments: [
            (0, 10), (-5, 10), (9, 10), (10, 10), (1800, 1800), (21_600, 21_600), (21_601, 21_600), (Int64.max, 21_600),
            (.min, 10),
        ] as [(Int64, Int)])
    func intervalsAreHeldWithinBounds(given: Int64, used: Int) throws {
        let response = try parse(["interval": .integer(given), "min interval": .integer(given)])
        #expect(response.interval == .seconds(used))
        #expect(response.minInterval == .seconds(used))
    }

    @Test func missingIntervalIsHalfAnHourAndTold() throws {
        let response = try parse("d5:peers0:e")
        #expect(response.interval == .seconds(1800))
        #expect(response.oddities == [.noInterval])
        #expect(try parse("d8:interval2:605:peers0:e").oddities == [.noInterval])
    }

    @Test func whatFollowsTheDictionaryIsIgnored() throws {
        #expect(try parse("d8:intervali600ee\r\n").interval == .seconds(600))
    }

    @Test func unsortedKeysAreReadAndTheFirstOfTwinsCounts() throws {
        #expect(try parse("d5:peers0:8:intervali600e8:intervali700ee").interval == .seconds(600))
    }

    @Test(
        arguments: [
            ("d14:failure reason9:not founde", "not found", nil),
            ("d14:failure reason4:busy8:retry ini5ee", "busy", .after(.seconds(300))),
            ("d14:failure reason4:busy8:retry in1:5e", "busy", .after(.seconds(300))),
            ("d14:failure reason4:gone8:retry in5:nevere", "gone", .never),
            ("d14:failure reason4:busy8:retry ini-5ee", "busy", nil),
            ("d14:failure reason4:busy8:retry in3:xyze", "busy", nil),
            ("d14:failure reason0:8:intervali5ee", "", nil),
            ("d14:failure reasoni7ee", "i7e", nil),
            ("d14:failure reason8:\u{1b}[2J\nab\u{7}e", "\\u{1b}[2J\\u{a}ab\\u{7}", nil),
        ] as [(String, String, AnnounceError.Retry?)])
    func failureReasonIsThrownFitForATerminal(body: String, reason: String, retry: AnnounceError.Retry?) {
        #expect(throws: AnnounceError.refused(reason: reason, retry: retry)) { try parse(body) }
    }

    @Test func longTextsAreCut() throws {
        let warning = try #require(
            try parse(["interval": 60, "warning message": .string([UInt8](repeating: 0x61, count: 100_000))]).warning)
        #expect(warning.utf8.count < 1000)
        let marks = BencodeValue.text("a" + String(repeating: "\u{301}", count: 50_000))
        #expect(try #require(try parse(["interval": 60, "warning message": marks]).warning).utf8.count < 1000)
    }

    @Test func hugeTrackerIDAndNegativeCountsAreIgnored() throws {
        let response = try parse([
            "interval": 60, "tracker id": .string([UInt8](repeating: 0x61, count: 257)), "complete": -1,
            "incomplete": "many",
        ])
        #expect(response.trackerID == nil)
        #expect(response.complete == nil)
        #expect(response.incomplete == nil)
    }

    @Test(arguments: ["", "<!DOCTYPE html>", "d", "d8:interval", "d8:intervali60e", "le", "i1e", "4:spam"])
    func whatIsNoDictionaryIsNamed(body: String) {
        #expect {
            try parse(body)
        } throws: { error in
            if case .notBencoded(let reason)? = error as? AnnounceError { !reason.isEmpty } else { false }
        }
    }

    @Test func nestedAndHugeBodiesAreRefusedWithoutHarm() {
        #expect(throws: AnnounceError.self) { try parse(String(repeating: "l", count: 1_000_000)) }
        #expect(throws: AnnounceError.self) { try parse("d5:peers" + String(repeating: "9", count: 30) + ":") }
        #expect(throws: AnnounceError.self) {
            try AnnounceResponse(parsing: [UInt8](repeating: 0x30, count: (1 << 20) + 1))
        }
    }

    @Test(arguments: ["de", "d4:spami1ee", "d5:filesdee"])
    func dictionaryOfAnotherServiceIsNoAnswer(body: String) {
        #expect(throws: AnnounceError.notAnAnswer) { try parse(body) }
    }

    @Test(arguments: [("d5:peersi1ee", "peers"), ("d5:peersdee", "peers"), ("d8:intervali60e6:peers6i1ee", "peers6")])
    func peersOfAnotherTypeAreNamed(body: String, key: String) {
        #expect(throws: AnnounceError.wrongType(key: key)) { try parse(body) }
    }

    @Test func everyCutOfAnAnswerIsAnErrorNotATrap() throws {
        let whole = BencodeEncoder().encode([
            "interval": 60, "peers": .string([192, 0, 2, 1, 0, 80]), "warning message": "w",
        ])
        for count in 0..<whole.count {
            #expect(throws: AnnounceError.self) { try AnnounceResponse(parsing: Array(whole.prefix(count))) }
        }
    }

    @Test func randomDamageNeverTraps() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = AnnounceTestGenerator(state: seed)
        let whole = BencodeEncoder().encode([
            "complete": 1, "interval": 60, "min interval": 30, "peers": [["ip": "192.0.2.1", "port": 80]],
            "peers6": "abcdefghijklmnopqr",
        ])
        for _ in 0..<5000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let response = try? AnnounceResponse(parsing: bytes) else { continue }
            #expect(AnnounceResponse.intervals.contains(response.interval), "seed \(seed)")
            #expect(!response.peers.contains { !$0.canBeDialled }, "seed \(seed)")
        }
    }
}
