import Testing

@testable import Supervisor

@Suite struct RateSharesTests {
    /// Shares after so many seconds in which each worker uses what it may and wants.
    private func settle(_ shares: inout RateShares, wanting: [Int: Double], seconds: Int = 20) -> [Int: UInt64] {
        var given = shares.share(used: wanting.mapValues { _ in 0 }) ?? [:]
        for _ in 0..<seconds {
            let used = Dictionary(uniqueKeysWithValues: wanting.map { ($0.key, min($0.value, Double(given[$0.key]!))) })
            given = shares.share(used: used) ?? [:]
            #expect(given.values.reduce(0, +) <= shares.limit!)
        }
        return given
    }

    @Test func withoutALimitThereAreNoShares() {
        var shares = RateShares(limit: nil)
        #expect(shares.share(used: [0: 5]) == nil)
    }

    @Test func workersThatWantEverythingGetEqualShares() {
        var shares = RateShares(limit: 1000)
        let given = settle(&shares, wanting: [0: 1e9, 1: 1e9, 2: 1e9, 3: 1e9])
        for share in given.values { #expect((240...250).contains(share)) }
    }

    @Test func whatOneLeavesTheOthersGet() {
        var shares = RateShares(limit: 1000)
        let given = settle(&shares, wanting: [0: 1e9, 1: 0, 2: 0, 3: 0])
        #expect(given[0]! >= 980)
        let turned = settle(&shares, wanting: [0: 0, 1: 1e9, 2: 0, 3: 0])
        #expect(turned[1]! >= 980)
        let shared = settle(&shares, wanting: [0: 100, 1: 1e9, 2: 1e9, 3: 0])
        #expect(shared[1]! >= 435 && shared[2]! >= 435 && shared[0]! >= 100, "\(shared)")
    }

    /// Who comes late is not held down by the one that had everything.
    @Test func aWorkerThatBeginsToWantSomethingGetsAsMuchAsTheOthers() {
        var shares = RateShares(limit: 1000)
        _ = settle(&shares, wanting: [0: 1e9, 1: 0])
        let given = settle(&shares, wanting: [0: 1e9, 1: 1e9])
        #expect(given[0]! >= 495 && given[1]! >= 495, "\(given)")
    }

    /// A worker whose reports came late seems to use less than it does.
    @Test func whatSeemsToBeLeftIsNotTakenAway() {
        var shares = RateShares(limit: 1000)
        let given = settle(&shares, wanting: [0: 1e9, 1: 0, 2: 0, 3: 0])
        let after = shares.share(used: [0: Double(given[0]!) * 0.85, 1: 0, 2: 0, 3: 0])!
        #expect(after[0]! >= 975, "\(after)")
    }

    @Test func aWorkerThatIsNewHasAShareAtOnce() {
        var shares = RateShares(limit: 1000)
        _ = settle(&shares, wanting: [0: 1e9])
        let given = shares.share(used: [0: 1000, 1: 0])!
        #expect(given[1]! >= 450)
        #expect(given.values.reduce(0, +) <= 1000)
    }
}
