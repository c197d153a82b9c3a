import BitTorrent
import Testing

/// Addresses that anybody may name (BEP 11, BEP 14), and their order (BEP 40).
@Suite struct KnownPeersHearsayTests {
    typealias Fixture = SwarmFixture
    let start = SwarmFixture.start
    private let liar = PeerAddress(v4: 0x0900_0001, port: 1), other = PeerAddress(v4: 0x0901_0001, port: 1)

    @Test func oneSourceFillsNoTable() {
        var peers = Fixture.peers()
        for number in 0..<1000 {
            let isNew = peers.learned(Fixture.address(number), from: .peerExchange, by: liar, now: start)
            #expect(isNew == (number < 250))
        }
        #expect(peers.knownCount == 250)
        #expect(
            peers.learned(Fixture.address(2000), from: .peerExchange, by: PeerAddress(liar, port: 9), now: start)
                == false, "another connection of the same machine is the same source")
        #expect(peers.learned(Fixture.address(2000), from: .peerExchange, by: other, now: start) == true)
        #expect(peers.learned(Fixture.address(2001), from: .tracker, now: start) == true)
        peers.checkInvariants()
    }

    @Test func aSourceMakesRoomByItsOwnFailures() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        for number in 0..<250 { peers.learned(Fixture.address(number), from: .peerExchange, by: liar, now: start) }
        let failing = peers.candidates(now: start, limit: 1)[0]
        #expect(peers.connecting(failing, worker: 0, now: start) == true)
        #expect(peers.learned(Fixture.address(900), from: .peerExchange, by: liar, now: start) == false)
        peers.closed(failing, worker: 0, .failed, now: start, using: &random)
        #expect(peers.learned(Fixture.address(900), from: .peerExchange, by: liar, now: start) == true)
        #expect(peers.learned(Fixture.address(901), from: .peerExchange, by: liar, now: start) == false)
        peers.checkInvariants()
    }

    @Test func whatATrackerConfirmsIsNoHearsayAnyLonger() {
        var peers = Fixture.peers()
        for number in 0..<250 { peers.learned(Fixture.address(number), from: .peerExchange, by: liar, now: start) }
        peers.learned(Fixture.address(0), from: .tracker, now: start)
        peers.checkInvariants()
        #expect(peers.learned(Fixture.address(900), from: .peerExchange, by: liar, now: start) == true)
    }

    @Test func strangersPushOutNobodyThatATrackerNamed() {
        var random = SeedPrintingGenerator()
        var limits = KnownPeers.Limits()
        limits.known = 20
        var peers = Fixture.peers(limits)
        for number in 0..<20 { peers.learned(Fixture.address(number), from: .tracker, now: start) }
        let failing = peers.candidates(now: start, limit: 1)[0]
        #expect(peers.connecting(failing, worker: 0, now: start) == true)
        peers.closed(failing, worker: 0, .failed, now: start, using: &random)
        #expect(peers.learned(Fixture.address(50), from: .peerExchange, by: liar, now: start) == false)
        #expect(peers.learned(Fixture.address(50), from: .tracker, now: start) == true)
        peers.checkInvariants()
    }

    @Test func neighboursAreNamedByNeighboursOnly() {
        var peers = Fixture.peers()
        let neighbour = PeerAddress(v4: 0x0A00_0005, port: 6881), asker = PeerAddress(v4: 0xC0A8_0001, port: 2)
        #expect(peers.learned(neighbour, from: .peerExchange, by: liar, now: start) == false)
        #expect(peers.learned(neighbour, from: .peerExchange, by: asker, now: start) == true)
        #expect(peers.learned(asker, from: .localDiscovery, by: asker, now: start) == true)
    }

    @Test func everyKindOfSourceHasItsTurn() {
        var peers = Fixture.peers()
        for number in 0..<50 {
            peers.learned(Fixture.address(number), from: .peerExchange, by: liar, now: start)
            peers.learned(Fixture.address(100 + number), from: .tracker, now: start)
        }
        peers.learned(Fixture.address(200), from: .localDiscovery, by: Fixture.address(200), now: start)
        let first = peers.candidates(now: start, limit: 6)
        #expect(first == [100, 200, 0, 101, 1, 102].map { Fixture.address($0) })
    }

    /// BEP 40.
    @Test func dearPeersAreTriedFirstOnceWeKnowWhoWeAre() throws {
        var peers = Fixture.peers()
        for number in 0..<40 { peers.learned(Fixture.address(number), from: .tracker, now: start) }
        let ours = PeerAddress(v4: 0x0801_0203, port: 7000)
        peers.externalAddressLearned(ours)
        peers.checkInvariants()
        for number in 40..<60 { peers.learned(Fixture.address(number), from: .tracker, now: start) }
        let order = peers.candidates(now: start, limit: 60)
        let ranks = try order.map { try #require(PeerPriority.of(ours, $0)) }
        #expect(order.count == 60 && ranks == ranks.sorted(by: >))
        #expect(peers.learned(ours, from: .tracker, now: start) == false, "that is ourselves")
    }

    @Test func whoCameToUsIsNotTriedWhereItListens() {
        var peers = Fixture.peers()
        let address = Fixture.address(1)
        peers.connected(alsoAt: address)
        peers.connected(alsoAt: address)
        peers.learned(address, from: .tracker, now: start)
        #expect(peers.candidates(now: start, limit: 5).isEmpty)
        peers.noLongerConnected(alsoAt: address)
        #expect(peers.candidates(now: start + .seconds(60), limit: 5).isEmpty)
        peers.noLongerConnected(alsoAt: address)
        #expect(peers.candidates(now: start + .seconds(120), limit: 5) == [address])
        peers.checkInvariants()
    }
}
