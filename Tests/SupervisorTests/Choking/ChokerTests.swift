import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

@Suite struct ChokerTests {
    /// A choker with a clock, and who is unchoked by what it said.
    private struct Game {
        var choker: Choker<Int>
        var clock = FakeClock()
        private(set) var unchoked: Set<Int> = []
        private(set) var changeCount = 0

        init(slots: Int?, seed: UInt64 = 1) {
            choker = Choker(slots: slots, generator: SeededGenerator(seed: seed))
        }

        mutating func tell(_ event: (inout Choker<Int>, MonotonicInstant, inout [Choker<Int>.Change]) -> Void) {
            var changes: [Choker<Int>.Change] = []
            event(&choker, clock.now, &changes)
            for change in changes {
                changeCount += 1
                if change.isChoked {
                    #expect(unchoked.remove(change.peer) != nil)
                } else {
                    #expect(unchoked.insert(change.peer).inserted)
                }
            }
            #expect(choker.unchokedCount == unchoked.count)
        }

        mutating func join(_ peers: Range<Int>, isInterested: Bool = true) {
            for peer in peers {
                tell { choker, now, _ in choker.connected(peer, now: now) }
                if isInterested { tell { $0.interestChanged(peer, isInterested: true, now: $1, into: &$2) } }
            }
        }

        mutating func pass(_ duration: Duration, bytesPerSecond: Double = 0) {
            let end = clock.now + duration
            while choker.nextDeadline <= end {
                clock.advance(by: max(.zero, choker.nextDeadline - clock.now))
                tell { $0.timerFired(bytesPerSecond: bytesPerSecond, now: $1, into: &$2) }
            }
            clock.advance(by: end - clock.now)
        }

        mutating func leave(_ peer: Int) {
            unchoked.remove(peer)
            tell { $0.left(peer, now: $1, into: &$2) }
        }

        mutating func gives(_ peer: Int, _ rate: UInt32, isSnubbed: Bool = false) {
            tell { choker, _, _ in
                choker.reported(peer, ChokerPeer.Figures(downloadRate: rate, isSnubbed: isSnubbed))
            }
        }
    }

    @Test func aFreeSlotIsGivenAtOnce() {
        var game = Game(slots: 4)
        game.join(0..<6)
        #expect(game.unchoked == [0, 1, 2, 3])
        game.leave(2)
        #expect(game.unchoked == [0, 1, 3, 4])
        game.tell { $0.interestChanged(0, isInterested: false, now: $1, into: &$2) }
        #expect(game.unchoked == [1, 3, 4, 5])
    }

    @Test func nobodyIsUnchokedWhoWantsNothing() {
        var game = Game(slots: 4)
        game.join(0..<3, isInterested: false)
        #expect(game.unchoked.isEmpty)
        #expect(game.choker.nextDeadline == .distantFuture)
    }

    @Test func aSeedHasNoSlot() {
        var game = Game(slots: 1)
        game.join(0..<2)
        game.tell { choker, _, _ in choker.reported(0, ChokerPeer.Figures(isSeed: true)) }
        game.pass(.seconds(10))
        #expect(game.unchoked == [1])
    }

    @Test func whoGivesMostIsUnchoked() {
        var game = Game(slots: 5)
        game.join(0..<20)
        for peer in 0..<20 { game.gives(peer, UInt32(peer) * 1000) }
        game.pass(.seconds(10))
        // Four for the best, one for luck.
        #expect(game.unchoked.isSuperset(of: [16, 17, 18, 19]))
        #expect(game.unchoked.count == 5)
    }

    @Test func whoGivesNothingAlthoughItLetsUsAskLosesItsSlot() {
        var game = Game(slots: 2)
        game.join(0..<3)
        game.gives(0, 5000, isSnubbed: true)
        game.gives(1, 100)
        game.gives(2, 10)
        game.pass(.seconds(10))
        #expect(game.unchoked.contains(1))
    }

    @Test func equalPeersKeepTheirSlots() {
        var game = Game(slots: 4)
        game.join(0..<4)
        for peer in 0..<4 { game.gives(peer, 1000 + UInt32(peer)) }
        let before = game.changeCount
        game.pass(.seconds(100))
        #expect(game.changeCount == before)
    }

    /// Everybody is tried now and then, and the new ones sooner.
    @Test func untriedPeersAreTried() {
        var tried: Set<Int> = []
        var game = Game(slots: 4)
        game.join(0..<10)
        for peer in 0..<3 { game.gives(peer, 1_000_000) }
        for _ in 0..<120 {
            game.pass(.seconds(30))
            tried.formUnion(game.unchoked)
            #expect(game.unchoked.isSuperset(of: [0, 1, 2]) && game.unchoked.count == 4)
        }
        #expect(tried == Set(0..<10))

        var newcomers = 0
        for seed in 0..<200 {
            var game = Game(slots: 1, seed: UInt64(seed))
            game.join(0..<6)
            game.pass(.seconds(300))
            game.join(6..<8)
            let before = game.unchoked
            while game.unchoked == before { game.pass(.seconds(10)) }
            if game.unchoked.isSubset(of: [6, 7]) { newcomers += 1 }
        }
        // Two of three times as likely as five others: 6 of 11.
        #expect((80...140).contains(newcomers), "\(newcomers)")
    }

    @Test func aSeederServesEverybodyInTurn() {
        var game = Game(slots: 4)
        game.join(0..<40)
        game.choker.seedingBegan()
        var served: [Int: Int] = [:]
        var bytes: [Int: UInt64] = [:]
        for _ in 0..<360 {
            game.pass(.seconds(10))
            for peer in game.unchoked {
                served[peer, default: 0] += 1
                // Even ones are fast.
                let rate: UInt32 = peer % 2 == 0 ? 10_000_000 : 10_000
                bytes[peer, default: 0] += UInt64(rate) * 10
                game.tell { [total = bytes[peer]!] choker, _, _ in
                    choker.reported(peer, ChokerPeer.Figures(uploadRate: rate, uploadedByteCount: total))
                }
            }
        }
        #expect(served.count == 40)
        #expect(served.values.min()! >= 6, "\(served)")
    }

    @Test func aSeederLeavesTheSlotsWhereNobodyWaits() {
        var game = Game(slots: 4)
        game.join(0..<4)
        game.choker.seedingBegan()
        let before = game.changeCount
        game.pass(.seconds(1000))
        #expect(game.changeCount == before)
    }

    @Test func aFastLineHasMoreSlots() {
        #expect(Choker<Int>.automaticSlotCount(bytesPerSecond: 0) == 8)
        #expect(Choker<Int>.automaticSlotCount(bytesPerSecond: 1_048_576) == 24)
        #expect(Choker<Int>.automaticSlotCount(bytesPerSecond: 1e12) == 256)
        var game = Game(slots: nil)
        game.join(0..<100)
        #expect(game.unchoked.count == 8)
        game.pass(.seconds(10), bytesPerSecond: 10_485_760)
        #expect(game.unchoked.count == 78)
    }

    @Test func theSlotsOfADeadWorkersPeersAreForOthers() {
        var game = Game(slots: 3)
        game.join(0..<6)
        var changes: [Choker<Int>.Change] = []
        game.choker.left(where: { $0 < 3 }, now: game.clock.now, into: &changes)
        #expect(game.choker.unchokedCount == 3)
        #expect(Set(changes.filter { !$0.isChoked }.map(\.peer)).isSuperset(of: [3, 4, 5]))
    }

    @Test func aThousandPeersAreLookedAtInNoTime() {
        var game = Game(slots: 50)
        game.join(0..<1000)
        for peer in 0..<1000 { game.gives(peer, UInt32(peer * 7919 % 1000)) }
        let start = ContinuousClock.now
        game.pass(.seconds(10))
        #expect(ContinuousClock.now - start < .milliseconds(500))
    }
}
