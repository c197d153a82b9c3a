import TestSupport
import Testing

@testable import Supervisor

@Suite struct ConnectionSharesTests {
    @Test func oneTorrentHasAll() {
        #expect(ConnectionShares.shares(of: [0], limit: 200) == [200])
        #expect(ConnectionShares.shares(of: [5000], limit: 200) == [200])
    }

    @Test func largeSwarmsHaveEqualParts() {
        #expect(ConnectionShares.shares(of: [5000, 300], limit: 200) == [100, 100])
        #expect(ConnectionShares.shares(of: [70, 5000, 80], limit: 200) == [66, 67, 67])
    }

    @Test func whatASmallSwarmHasNoPeersForIsTheOthers() {
        #expect(ConnectionShares.shares(of: [5000, 3, 900], limit: 200) == [99, 3, 98])
        #expect(ConnectionShares.shares(of: [5000, 0], limit: 200) == [200, 1])
    }

    @Test func whatNobodyWishesIsOfferedToAll() {
        #expect(ConnectionShares.shares(of: [10, 20], limit: 200) == [180, 190])
    }

    @Test func noneIsCutOff() {
        #expect(ConnectionShares.shares(of: [9, 9, 9], limit: 2) == [1, 1, 1])
    }

    @Test func fullSharesNeverExceedTheLimit() {
        var generator = SeededGenerator.printing()
        for _ in 0..<1000 {
            let wishes = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                Int.random(in: 1...400, using: &generator)
            }
            let shares = ConnectionShares.shares(of: wishes, limit: 200)
            let used = zip(shares, wishes).reduce(0) { $0 + min($1.0, $1.1) }
            #expect(used == min(200, wishes.reduce(0, +)), "\(wishes)")
            let equal = 200 / wishes.count
            for (share, wish) in zip(shares, wishes) { #expect(share >= min(wish, equal), "\(wishes)") }
        }
    }
}
