import BitTorrent
import TestSupport
import Testing

/// What a peer may tell of others.
@Suite struct PeerExchangeReceivingTests {
    typealias Contact = PeerExchangeMessage.Contact
    private let sender = PeerAddress(v4: 0x0800_0001, port: 1)

    private func payload(_ addresses: [PeerAddress]) -> [UInt8] {
        PeerExchangeMessage(added: addresses.map { Contact($0) }).payload
    }
    private func addresses(_ count: Int) -> [PeerAddress] { (0..<count).map { PeerExchangeMessageTests.address($0) } }

    @Test func theFirstMessageMayNameMoreThanLaterOnes() throws {
        var exchange = PeerExchangeReceiving()
        let clock = FakeClock()
        #expect(try exchange.received(payload(addresses(150)), from: sender, now: clock.now).count == 100)
        #expect(try exchange.received(payload(addresses(150)), from: sender, now: clock.now).count == 50)
    }

    @Test func aFloodOfAddressesEndsTheConnection() {
        var exchange = PeerExchangeReceiving()
        #expect(throws: PeerWireError.peerExchangeTooLong(count: 9000)) {
            try exchange.received(payload(addresses(9000)), from: sender, now: FakeClock().now)
        }
        let drops = PeerExchangeMessage(dropped: addresses(1001)).payload
        #expect(throws: PeerWireError.peerExchangeTooLong(count: 1001)) {
            try exchange.received(drops, from: sender, now: FakeClock().now)
        }
    }

    @Test func aMessageAMinuteIsFineForEver() throws {
        var exchange = PeerExchangeReceiving()
        var clock = FakeClock()
        for _ in 0..<100 {
            #expect(try exchange.received(payload(addresses(1)), from: sender, now: clock.now).count == 1)
            clock.advance(by: .seconds(59))
        }
    }

    @Test func aMessageASecondEndsTheConnectionWithTheSeventh() throws {
        var exchange = PeerExchangeReceiving()
        var clock = FakeClock()
        for _ in 0..<6 {
            _ = try exchange.received(payload(addresses(1)), from: sender, now: clock.now)
            clock.advance(by: .seconds(1))
        }
        #expect(throws: PeerWireError.peerExchangeTooOften) {
            try exchange.received(payload(addresses(1)), from: sender, now: clock.now)
        }
    }

    @Test func whatWasHeldUpOnItsWayMayComeTogether() throws {
        var exchange = PeerExchangeReceiving()
        var clock = FakeClock()
        _ = try exchange.received(payload(addresses(1)), from: sender, now: clock.now)
        clock.advance(by: .seconds(300))
        for _ in 0..<5 { _ = try exchange.received(payload(addresses(1)), from: sender, now: clock.now) }
        clock.advance(by: .seconds(60))
        _ = try exchange.received(payload(addresses(1)), from: sender, now: clock.now)
    }

    @Test func addressesThatTheSenderCannotHaveMetAreLeftOut() throws {
        let names = ["10.1.2.3", "192.168.1.1", "127.0.0.1", "169.254.1.1", "fc00::1", "::1", "fe80::1"]
        let useless = names.compactMap { PeerAddress(numericHost: $0, port: 6881) } + [PeerAddress(v4: 1, port: 0)]
        var exchange = PeerExchangeReceiving()
        let good = PeerAddress(v4: 0x0102_0304, port: 1)
        #expect(
            try exchange.received(payload(useless + [good]), from: sender, now: FakeClock().now) == [Contact(good)])
        // A neighbour may name neighbours, and this machine itself.
        let neighbour = PeerAddress(v4: 0x0A00_0001, port: 1), ourselves = PeerAddress(v4: 0x7F00_0001, port: 1)
        let private4 = PeerAddress(numericHost: "10.1.2.3", port: 6881)!
        let loopback = PeerAddress(numericHost: "127.0.0.1", port: 6881)!
        for (source, expected) in [(neighbour, [private4]), (ourselves, [private4, loopback])] {
            var exchange = PeerExchangeReceiving()
            let heard = try exchange.received(payload([private4, loopback]), from: source, now: FakeClock().now)
            #expect(heard.map(\.address) == expected)
        }
    }

    @Test func oneMachineIsNamedOnce() throws {
        var exchange = PeerExchangeReceiving()
        let many = (1...20).map { PeerAddress(v4: 0x0102_0304, port: $0) }
        #expect(
            try exchange.received(payload(many), from: sender, now: FakeClock().now) == [Contact(many[0])])
    }
}
