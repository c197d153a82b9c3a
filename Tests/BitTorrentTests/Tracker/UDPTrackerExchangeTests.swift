import BitTorrent
import Testing

/// Conversations with one address, on a clock that only the test moves.
struct UDPTrackerExchangeTests {
    private typealias Script = UDPTrackerScript

    private struct NothingSent: Error { let step: UDPTrackerExchange.Step }

    private struct Talk {
        var exchange: UDPTrackerExchange
        var seconds: Double = 0
        private var generator = AnnounceTestGenerator(state: 1)

        init(_ question: UDPTrackerQuestion = UDPTrackerScript.announce()) {
            exchange = UDPTrackerExchange(question, family: .v4)
        }

        var now: MonotonicInstant { .distantPast + .seconds(1000) + .milliseconds(Int64(seconds * 1000)) }
        var timer: Double? { exchange.nextTimer.map { ($0 - now).inSeconds + seconds } }

        mutating func begin(with id: UInt64? = nil, age: Double = 0) -> [UInt8] {
            let received = now + .milliseconds(-Int64(age * 1000))
            return exchange.begin(
                connection: id.map { UDPConnection(id: $0, receivedAt: received) }, now: now, using: &generator)
        }

        mutating func receive(_ packet: [UInt8]) -> UDPTrackerExchange.Step {
            exchange.received(packet, now: now, using: &generator)
        }

        /// What is sent next.
        mutating func sent(_ packet: [UInt8]) throws -> [UInt8] {
            let step = receive(packet)
            guard case .send(let packet) = step else { throw NothingSent(step: step) }
            return packet
        }

        mutating func waitForTimer() -> [UInt8]? {
            guard let timer else { return nil }
            seconds = timer - 0.001
            if exchange.timerFired(now: now, using: &generator) != nil { return nil }
            seconds = timer
            return exchange.timerFired(now: now, using: &generator)
        }
    }

    @Test func connectThenAnnounceThenAnswer() throws {
        var talk = Talk()
        let connect = talk.begin()
        #expect(connect == UDPTrackerPacket.connect(transaction: Script.transaction(connect)))
        talk.seconds = 1
        let announce = try talk.sent(Script.connected(Script.transaction(connect), 0xABCD))
        let transaction = Script.transaction(announce)
        #expect(transaction != Script.transaction(connect))
        #expect(
            announce
                == UDPTrackerPacket.announce(
                    Script.request(), urlData: Array("/announce".utf8), connection: 0xABCD, transaction: transaction))
        #expect(talk.exchange.connection == UDPConnection(id: 0xABCD, receivedAt: talk.now))
        let step = talk.receive(Script.announced(transaction, peers: [192, 0, 2, 1, 0, 80]))
        guard case .announced(let response) = step else { return #expect(Bool(false), "\(step)") }
        #expect(response.peers.map(\.description) == ["192.0.2.1:80"])
        #expect(talk.exchange.nextTimer == nil)
        #expect(talk.receive(Script.announced(transaction)) == .ignored(.wrongTransaction))
    }

    @Test func connectIsRepeatedAsTheSpecificationShows() {
        // BEP 15: t = 0, 15, 45, 105, …, and never more than 3840 s apart.
        var talk = Talk()
        let first = talk.begin()
        var times: [Double] = []
        for _ in 0..<11 {
            #expect(talk.waitForTimer() == first)
            times.append(talk.seconds)
        }
        #expect(times == [15, 45, 105, 225, 465, 945, 1905, 3825, 7665, 11505, 15345])
    }

    @Test func announceIsRepeatedAndTheConnectionRenewedWhenItIsOld() throws {
        // BEP 15, "announce times out".
        var talk = Talk()
        let connect = talk.begin()
        talk.seconds = 2
        let announce = try talk.sent(Script.connected(Script.transaction(connect), 1))
        #expect(talk.waitForTimer() == announce)
        #expect(talk.seconds == 17)
        #expect(talk.waitForTimer() == announce)
        #expect(talk.seconds == 47)
        let second = talk.waitForTimer() ?? []
        try #require(!second.isEmpty)
        #expect(talk.seconds == 107)
        #expect(second == UDPTrackerPacket.connect(transaction: Script.transaction(second)))
        #expect(second != connect)
        #expect(talk.waitForTimer() == second)
        #expect(talk.seconds == 227)
        // The answers to what was sent before are too late now.
        #expect(talk.receive(Script.announced(Script.transaction(announce))) == .ignored(.wrongTransaction))
        let again = try talk.sent(Script.connected(Script.transaction(second), 2))
        #expect(Script.connection(again) == 2)
        #expect(talk.timer ?? 0 >= 227 + 240, "a renewed connection does not hasten repetitions")
    }

    @Test func lateAnswerToTheFirstPacketIsGoodEnough() throws {
        var talk = Talk()
        let connect = talk.begin()
        let announce = try talk.sent(Script.connected(Script.transaction(connect), 1))
        _ = talk.waitForTimer()
        guard case .announced = talk.receive(Script.announced(Script.transaction(announce))) else {
            return #expect(Bool(false), "ignored")
        }
    }

    @Test func knownConnectionIsUsedWithoutConnecting() {
        var talk = Talk()
        let announce = talk.begin(with: 77, age: 59)
        #expect(Script.action(announce) == 1)
        #expect(Script.connection(announce) == 77)
    }

    @Test func knownConnectionThatHasEndedMeanwhileIsRenewed() throws {
        var talk = Talk()
        _ = talk.begin(with: 77, age: 50)
        let connect = talk.waitForTimer() ?? []
        try #require(!connect.isEmpty)
        #expect(Script.action(connect) == 0)
        #expect(talk.seconds == 15)
    }

    @Test func trackerThatForgotASharedConnectionIsAskedForAnother() throws {
        var talk = Talk()
        let announce = talk.begin(with: 77)
        let connect = try talk.sent(Script.error(Script.transaction(announce), "connection id mismatch"))
        #expect(Script.action(connect) == 0)
        #expect(talk.exchange.connection == nil)
        let again = try talk.sent(Script.connected(Script.transaction(connect), 78))
        #expect(Script.connection(again) == 78)
        #expect(talk.receive(Script.error(Script.transaction(again), "go away")) == .refused("go away"), "once only")
    }

    @Test func refusalsOfConnectAndAnnounceAreInTheTrackersWords() throws {
        var talk = Talk()
        let connect = talk.begin()
        #expect(talk.receive(Script.error(Script.transaction(connect), "full")) == .refused("full"))
        #expect(talk.exchange.nextTimer == nil)
        var other = Talk()
        let first = other.begin()
        let announce = try other.sent(Script.connected(Script.transaction(first), 1))
        #expect(other.receive(Script.error(Script.transaction(announce), "")) == .refused(""))
    }

    @Test func whatIsNoAnswerChangesNothing() throws {
        var talk = Talk()
        let connect = talk.begin()
        let transaction = Script.transaction(connect)
        let timer = talk.timer
        #expect(talk.receive([]) == .ignored(.tooShort(byteCount: 0, needed: 8)))
        #expect(talk.receive(Script.connected(transaction &+ 1, 5)) == .ignored(.wrongTransaction))
        #expect(talk.receive(Script.announced(transaction)) == .ignored(.wrongAction(1)))
        #expect(
            talk.receive(Array(Script.connected(transaction, 5).prefix(15)))
                == .ignored(.tooShort(byteCount: 15, needed: 16)))
        #expect(talk.timer == timer && talk.exchange.connection == nil)
        let announce = try talk.sent(Script.connected(transaction, 5))
        // The packet once more, as the network may deliver it.
        #expect(talk.receive(Script.connected(transaction, 6)) == .ignored(.wrongTransaction))
        #expect(talk.receive(Script.scraped(Script.transaction(announce), [])) == .ignored(.wrongAction(2)))
        #expect(talk.exchange.connection?.id == 5)
        #expect(talk.timer == timer)
    }

    @Test func scrapeOfSeveralTorrents() throws {
        let hashes = (0..<3).map { InfoHash(Digest(UInt8($0)..<UInt8($0 + 20))) }
        var talk = Talk(.scrape(hashes))
        let connect = talk.begin()
        let scrape = try talk.sent(Script.connected(Script.transaction(connect), 9))
        #expect(
            scrape == UDPTrackerPacket.scrape(hashes, connection: 9, transaction: Script.transaction(scrape)))
        let step = talk.receive(Script.scraped(Script.transaction(scrape), [[1, 2, 3], [4, 5, 6], [7, 8, 9]]))
        guard case .scraped(let counts) = step else { return #expect(Bool(false), "\(step)") }
        #expect(counts.map(\.seeders) == [1, 4, 7])
        #expect(counts.map(\.downloads) == [2, 5, 8])
    }
}
