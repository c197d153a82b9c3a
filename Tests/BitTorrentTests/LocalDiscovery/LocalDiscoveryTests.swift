import BitTorrent
import TestSupport
import Testing

@Suite struct LocalDiscoveryTests {
    private struct Talk {
        var clock = FakeClock()
        var discovery: LocalDiscovery
        init(seed: UInt64 = 1) {
            var random = TestSupport.SeededGenerator(seed: seed)
            discovery = LocalDiscovery(port: 6881, using: &random)
        }
        mutating func add(_ hash: InfoHash) { discovery.added(hash, now: clock.now) }
        mutating func pass(_ duration: Duration) -> [LocalAnnouncement] {
            clock.advance(by: duration)
            var actions: [LocalDiscovery.Action] = []
            discovery.timerFired(now: clock.now, into: &actions)
            return actions.compactMap { if case .send(let announcement) = $0 { announcement } else { nil } }
        }
        mutating func hear(_ announcement: LocalAnnouncement, from sender: PeerAddress) -> [LocalDiscovery.Action] {
            var actions: [LocalDiscovery.Action] = []
            discovery.received(announcement.datagram(to: .v4), from: sender, now: clock.now, into: &actions)
            return actions
        }
    }
    private let first = LocalAnnouncementTests.first, second = LocalAnnouncementTests.second
    private let neighbour = PeerAddress(v4: 0x0A00_0001, port: 6771)

    @Test func announcementsComeAtOnceAfterAMinuteAndThenEveryFive() {
        var talk = Talk()
        #expect(talk.discovery.nextDeadline == .distantFuture)
        talk.add(first)
        #expect(talk.pass(.zero).map(\.infoHashes) == [[first]])
        #expect(talk.pass(.seconds(59)).isEmpty)
        #expect(talk.pass(.seconds(1)).count == 1)
        #expect(talk.pass(.seconds(299)).isEmpty)
        #expect(talk.pass(.seconds(1)).count == 1)
        #expect(talk.pass(.seconds(299)).isEmpty)
    }

    @Test func aNewTorrentWaitsForItsMinute() {
        var talk = Talk()
        talk.add(first)
        _ = talk.pass(.zero)
        _ = talk.pass(.seconds(60))
        _ = talk.pass(.seconds(10))
        talk.add(second)
        #expect(talk.pass(.seconds(49)).isEmpty)
        #expect(talk.pass(.seconds(1)).map(\.infoHashes) == [[first, second]])
        talk.discovery.removed(first)
        talk.discovery.removed(second)
        #expect(talk.discovery.nextDeadline == .distantFuture)
    }

    @Test func manyTorrentsGoIntoSeveralDatagrams() {
        var talk = Talk()
        for number in 0..<45 { talk.add(InfoHash(Digest((0..<20).map { UInt8($0 + number) }))) }
        #expect(talk.pass(.zero).map(\.infoHashes.count) == [20, 20, 5])
    }

    @Test func aNeighbourIsLearnedForTheTorrentsThatAreOurs() {
        var talk = Talk()
        talk.add(second)
        let heard = talk.hear(
            LocalAnnouncement(port: 80, infoHashes: [first, second], cookie: "other"), from: neighbour)
        #expect(heard == [.learn(PeerAddress(v4: 0x0A00_0001, port: 80), second)])
        #expect(talk.hear(LocalAnnouncement(port: 80, infoHashes: [first], cookie: ""), from: neighbour).isEmpty)
    }

    @Test func ourOwnAnnouncementIsKnownByItsCookie() throws {
        var talk = Talk(), other = Talk(seed: 2)
        talk.add(first)
        other.add(first)
        let ours = try #require(talk.pass(.zero).first)
        #expect(!ours.cookie.isEmpty)
        #expect(talk.hear(ours, from: neighbour).isEmpty)
        #expect(other.hear(ours, from: neighbour).count == 1)
    }

    @Test func aFloodIsBelievedForAHundredAddressesAMinute() {
        var talk = Talk()
        talk.add(first)
        func flood() -> Int {
            (1...1000).reduce(0) { count, port in
                count
                    + talk.hear(
                        LocalAnnouncement(port: UInt16(port), infoHashes: [first], cookie: ""), from: neighbour
                    ).count
            }
        }
        #expect(flood() == 100 && flood() == 0)
        _ = talk.pass(.seconds(60))
        #expect(flood() == 100)
    }
}
