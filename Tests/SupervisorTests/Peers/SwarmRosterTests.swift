import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

@Suite struct SwarmRosterTests {
    private func address(_ number: UInt32) -> PeerAddress { PeerAddress(v4: 0x0A00_0000 + number, port: 6881) }

    @Test func newsAreGatheredForASecond() {
        var roster = SwarmRoster(), clock = FakeClock()
        roster.joined(address(1))
        #expect(roster.news(now: clock.now) == .init(added: [address(1)]))
        roster.joined(address(2))
        roster.left(address(1))
        roster.joined(address(3))
        roster.left(address(3))
        #expect(roster.news(now: clock.now).isEmpty)
        clock.advance(by: .seconds(1))
        #expect(roster.news(now: clock.now) == .init(added: [address(2)], dropped: [address(1)]))
        #expect(roster.told == [address(2)])
        clock.advance(by: .seconds(1))
        #expect(roster.news(now: clock.now).isEmpty)
    }

    @Test func twoConnectionsToOneAddressAreOneMember() {
        var roster = SwarmRoster(), clock = FakeClock()
        roster.joined(address(1))
        roster.joined(address(1))
        #expect(roster.news(now: clock.now).added == [address(1)])
        roster.left(address(1))
        clock.advance(by: .seconds(1))
        #expect(roster.news(now: clock.now).isEmpty)
        roster.left(address(1))
        roster.left(address(7))
        clock.advance(by: .seconds(1))
        #expect(roster.news(now: clock.now) == .init(dropped: [address(1)]))
    }
}
