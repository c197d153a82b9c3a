import BitTorrent
import Testing

/// Conversations with a tracker of several addresses.
struct UDPTrackerQueryTests {
    private typealias Script = UDPTrackerScript
    private static let v4 = address("192.0.2.1"), v4b = address("192.0.2.2"), v6 = address("2001:db8::1")
    private static let peerV4: [UInt8] = [198, 51, 100, 1, 0, 80]
    private static let peerV6: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9, 0, 80]

    private static func address(_ host: String) -> PeerAddress { PeerAddress(numericHost: host, port: 6969)! }

    private struct Talk {
        var query: UDPTrackerQuery
        var connections = UDPConnections()
        var seconds: Double = 0
        private var generator = AnnounceTestGenerator(state: 1)

        init(_ addresses: [PeerAddress], _ question: UDPTrackerQuestion = UDPTrackerScript.announce()) {
            query = UDPTrackerQuery(question, addresses: addresses, now: .distantPast + .seconds(1000))
        }

        var now: MonotonicInstant { .distantPast + .seconds(1000) + .milliseconds(Int64(seconds * 1000)) }

        mutating func begin() -> [UDPTrackerQuery.Action] {
            var actions: [UDPTrackerQuery.Action] = []
            query.begin(now: now, connections: connections, using: &generator, into: &actions)
            return actions
        }

        mutating func receive(_ packet: [UInt8], from source: PeerAddress) -> [UDPTrackerQuery.Action] {
            var actions: [UDPTrackerQuery.Action] = []
            let isTaken = query.received(
                packet, from: source, now: now, connections: &connections, using: &generator, into: &actions)
            #expect(isTaken || actions.isEmpty)
            return actions
        }

        mutating func unreachable(_ address: PeerAddress) -> [UDPTrackerQuery.Action] {
            var actions: [UDPTrackerQuery.Action] = []
            query.unreachable(
                address, reason: "refused", now: now, connections: connections, using: &generator, into: &actions)
            return actions
        }

        mutating func wait(until seconds: Double) -> [UDPTrackerQuery.Action] {
            self.seconds = seconds
            var actions: [UDPTrackerQuery.Action] = []
            query.timerFired(now: now, connections: connections, using: &generator, into: &actions)
            return actions
        }

        /// The last packet to an address.
        func packet(to address: PeerAddress, in actions: [UDPTrackerQuery.Action]) -> [UInt8]? {
            actions.compactMap { if case .send(let packet, to: address) = $0 { packet } else { nil } }.last
        }

        /// Answers the connect packet among the actions.
        /// - Returns: transaction of the request that follows.
        mutating func connect(_ address: PeerAddress, after actions: [UDPTrackerQuery.Action]) throws -> UInt32 {
            let connect = try #require(packet(to: address, in: actions))
            #expect(UDPTrackerScript.action(connect) == 0)
            let id = UInt64(UDPTrackerScript.transaction(connect)) << 8
            let next = receive(UDPTrackerScript.connected(UDPTrackerScript.transaction(connect), id), from: address)
            let request = try #require(packet(to: address, in: next))
            #expect(UDPTrackerScript.connection(request) == id)
            return UDPTrackerScript.transaction(request)
        }
    }

    private func response(_ action: UDPTrackerQuery.Action?) -> AnnounceResponse? {
        if case .announced(let response) = action { response } else { nil }
    }

    @Test func announceOverIPv4() throws {
        var talk = Talk([Self.v4])
        let transaction = try talk.connect(Self.v4, after: talk.begin())
        let actions = talk.receive(Script.announced(transaction, peers: Self.peerV4), from: Self.v4)
        #expect(actions.count == 1)
        #expect(response(actions.first)?.peers.map(\.description) == ["198.51.100.1:80"])
        #expect(talk.query.isOver && talk.query.nextTimer == nil)
        #expect(talk.query.homes == [Self.v4])
        #expect(talk.connections.connection(to: Self.v4, now: talk.now) != nil)
    }

    @Test func announceOverIPv6HasLongAddresses() throws {
        var talk = Talk([Self.v6])
        let transaction = try talk.connect(Self.v6, after: talk.begin())
        let actions = talk.receive(Script.announced(transaction, peers: Self.peerV6), from: Self.v6)
        #expect(response(actions.first)?.peers.map(\.description) == ["[2001:db8:0:0:0:0:0:9]:80"])
    }

    @Test func bothVersionsAreAskedAndTheirAnswersMerged() throws {
        var talk = Talk([Self.v6, Self.v4])
        let begin = talk.begin()
        #expect(begin.count == 2)
        let six = try talk.connect(Self.v6, after: begin)
        let four = try talk.connect(Self.v4, after: begin)
        let first = talk.receive(
            Script.announced(six, interval: 900, leechers: 1, seeders: 9, peers: Self.peerV6), from: Self.v6)
        #expect(first.count == 1, "peers at once, the answer a little later")
        guard case .peersFound(let peers)? = first.first else { return #expect(Bool(false), "\(first)") }
        #expect(peers.count == 1)
        let second = talk.receive(
            Script.announced(four, interval: 1800, leechers: 2, seeders: 8, peers: Self.peerV4), from: Self.v4)
        #expect(second.count == 1)
        let answer = try #require(response(second.first))
        #expect(answer.peers.count == 2)
        #expect(answer.interval == .seconds(1800))
        #expect(answer.counts == SwarmCounts(seeders: 9, leechers: 2))
        #expect(talk.query.isOver)
        #expect(talk.query.homes == [Self.v4, Self.v6])
    }

    @Test func mergedAnswersHaveNoMorePeersThanOneMayHave() throws {
        var talk = Talk([Self.v6, Self.v4])
        let begin = talk.begin()
        let six = try talk.connect(Self.v6, after: begin)
        let four = try talk.connect(Self.v4, after: begin)
        let ports = (1...AnnounceResponse.mostPeers).map { UInt16($0) }
        let manyV6 = ports.flatMap { Self.peerV6.dropLast(2) + [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        let manyV4 = ports.flatMap { Self.peerV4.dropLast(2) + [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        _ = talk.receive(Script.announced(six, peers: Array(manyV6.dropLast(18))), from: Self.v6)
        let answer = try #require(
            response(talk.receive(Script.announced(four, peers: manyV4), from: Self.v4).first))
        #expect(answer.peers.count == AnnounceResponse.mostPeers)
        #expect(answer.peers.last?.description == "198.51.100.1:1", "there is room for one of the second answer")
        #expect(answer.oddities == [.tooManyPeers(count: 2 * AnnounceResponse.mostPeers - 1)])
    }

    @Test(arguments: [true, false])
    func oneVersionIsEnough(answersOverV4: Bool) throws {
        let (good, bad) = answersOverV4 ? (Self.v4, Self.v6) : (Self.v6, Self.v4)
        var talk = Talk([Self.v4, Self.v6])
        let begin = talk.begin()
        let transaction = try talk.connect(good, after: begin)
        let other = try talk.connect(bad, after: begin)
        #expect(talk.receive(Script.error(other, "Failed"), from: bad) == [])
        let answer = talk.receive(Script.announced(transaction), from: good)
        #expect(response(answer.first) != nil && answer.count == 1)
        #expect(talk.query.homes == [good])
    }

    @Test func silentVersionDelaysTheAnswerByNoMoreThanASecond() throws {
        var talk = Talk([Self.v4, Self.v6])
        let begin = talk.begin()
        let six = try #require(talk.packet(to: Self.v6, in: begin))
        let transaction = try talk.connect(Self.v4, after: begin)
        #expect(talk.receive(Script.announced(transaction), from: Self.v4) == [])
        #expect(talk.wait(until: 0.999) == [])
        #expect(response(talk.wait(until: 1).first) != nil)
        #expect(!talk.query.isOver)
        // It goes on behind the scenes, and its peers are welcome.
        #expect(talk.wait(until: 15) == [.send(six, to: Self.v6)])
        let late = try talk.connect(Self.v6, after: begin)
        let actions = talk.receive(Script.announced(late, peers: Self.peerV6), from: Self.v6)
        guard case .peersFound? = actions.first else { return #expect(Bool(false), "\(actions)") }
        #expect(actions.count == 1 && talk.query.isOver)
        #expect(talk.query.homes == [Self.v4, Self.v6])
    }

    @Test func whenNobodyAnswersTheRefusalIsTold() throws {
        var talk = Talk([Self.v4, Self.v6])
        let begin = talk.begin()
        #expect(talk.unreachable(Self.v6) == [])
        let transaction = try talk.connect(Self.v4, after: begin)
        let actions = talk.receive(Script.error(transaction, "not registered"), from: Self.v4)
        #expect(actions == [.failed(.refused(reason: "not registered", retry: nil))])
        #expect(talk.query.isOver)
    }

    @Test func silenceEndsAfterAMinute() {
        var talk = Talk([Self.v4])
        let first = talk.begin()
        #expect(talk.wait(until: 15) == first)
        #expect(talk.wait(until: 45) == first)
        #expect(talk.wait(until: 59.9) == [])
        #expect(talk.wait(until: 60) == [.failed(.unreachable(reason: "no answer within 60 s"))])
        #expect(talk.query.isOver)
    }

    @Test func silentAddressIsFollowedByTheNext() throws {
        var talk = Talk([Self.v4, Self.v4b])
        #expect(talk.packet(to: Self.v4, in: talk.begin()) != nil)
        let second = talk.wait(until: 15)
        #expect(second.count == 1 && talk.packet(to: Self.v4b, in: second) != nil)
        let third = talk.wait(until: 45)
        #expect(talk.packet(to: Self.v4, in: third) != nil, "repetitions slow down for the tracker as a whole")
        let transaction = try talk.connect(Self.v4, after: third)
        #expect(response(talk.receive(Script.announced(transaction), from: Self.v4).first) != nil)
    }

    @Test func unreachableAddressIsFollowedByTheNextAtOnce() {
        var talk = Talk([Self.v4, Self.v4b])
        _ = talk.begin()
        let second = talk.unreachable(Self.v4)
        #expect(talk.packet(to: Self.v4b, in: second) != nil)
        #expect(talk.unreachable(Self.v4) == [], "it is not asked any more")
        #expect(talk.unreachable(Self.v4b) == [.failed(.unreachable(reason: "refused"))])
    }

    @Test func packetsFromElsewhereAreNotForIt() throws {
        var talk = Talk([Self.v4, Self.v4b])
        let begin = talk.begin()
        let connect = try #require(talk.packet(to: Self.v4, in: begin))
        let reply = Script.connected(Script.transaction(connect), 1)
        for source in [Self.v4b, Self.v6, PeerAddress(numericHost: "192.0.2.1", port: 6970)!] {
            #expect(talk.receive(reply, from: source) == [])
        }
        #expect(talk.receive(reply, from: Self.v4).count == 1)
    }

    @Test func addressesThatNoTrackerHasAreNotAsked() {
        let addresses = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "ff02::1", "::"].map(Self.address)
        var talk = Talk(addresses + [PeerAddress(numericHost: "192.0.2.1", port: 0)!])
        #expect(talk.begin() == [.failed(.unreachable(reason: "no address that a tracker can have"))])
        #expect(talk.query.isOver)
    }

    @Test func scrapeEndsWithTheFirstAnswer() throws {
        let hash = InfoHash(Digest(1...20))
        var talk = Talk([Self.v4, Self.v6], .scrape([hash]))
        let transaction = try talk.connect(Self.v4, after: talk.begin())
        let actions = talk.receive(Script.scraped(transaction, [[1, 2, 3]]), from: Self.v4)
        #expect(actions == [.scraped([SwarmCounts(seeders: 1, leechers: 3, downloads: 2)])])
        #expect(talk.query.isOver)
    }

    @Test func scrapeThatIsRefusedSaysWhy() throws {
        var talk = Talk([Self.v4], .scrape([InfoHash(Digest(1...20))]))
        let transaction = try talk.connect(Self.v4, after: talk.begin())
        #expect(
            talk.receive(Script.error(transaction, "no scrapes"), from: Self.v4)
                == [.failed(.refused(reason: "no scrapes", retry: nil))])
    }

    @Test func goodbyeIsOverWithItsAnswer() throws {
        var talk = Talk([Self.v4, Self.v6], Script.announce(.stopped))
        let transaction = try talk.connect(Self.v4, after: talk.begin())
        #expect(talk.receive(Script.announced(transaction), from: Self.v4) == [])
        #expect(response(talk.wait(until: 1).first) != nil)
        #expect(talk.query.isOver, "nobody waits for the other any more")
    }

    @Test func connectionsAreSharedForAMinute() throws {
        var talk = Talk([Self.v4])
        _ = try talk.connect(Self.v4, after: talk.begin())
        var second = Talk([Self.v4])
        second.connections = talk.connections
        second.seconds = 59
        let asks = second.begin()
        #expect(Script.action(try #require(second.packet(to: Self.v4, in: asks))) == 1)
        var third = Talk([Self.v4])
        third.connections = talk.connections
        third.seconds = 60
        let connects = third.begin()
        #expect(Script.action(try #require(third.packet(to: Self.v4, in: connects))) == 0)
    }

    @Test func connectionsAreBounded() {
        var connections = UDPConnections()
        let now = MonotonicInstant.distantPast + .seconds(1000)
        for number in 0..<10_000 {
            let address = PeerAddress(v4: 0xC000_0000 + UInt32(number), port: 1)
            connections.learned(UDPConnection(id: 1, receivedAt: now), to: address)
            #expect(connections.connection(to: address, now: now) != nil)
        }
        let left = (0..<10_000).count {
            connections.connection(to: PeerAddress(v4: 0xC000_0000 + UInt32($0), port: 1), now: now) != nil
        }
        #expect(left <= 256)
    }
}
