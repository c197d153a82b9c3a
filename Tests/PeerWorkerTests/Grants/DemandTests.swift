import BitTorrent
import Testing

@testable import PeerWorker

private let mebi = 1 << 20

@Suite struct DemandTests {
    @Test func worklessWorkerWantsNothing() {
        var demand = Demand()
        #expect(demand.update(Demand.Supply()) == nil)
        #expect(demand.update(Demand.Supply(bytesPerSecond: 1e9)) == nil, "a rate without an unchoked peer is history")
    }

    @Test func firstUnchokedPeerIsWorthAMessage() {
        var demand = Demand()
        let supply = Demand.Supply(windowByteCount: 262_144, idleByteCount: 262_144)
        #expect(demand.update(supply) == UInt32(262_144 + Demand.untestedStock))
        #expect(demand.update(supply) == nil, "it was told")
    }

    @Test func grantsOnTheirWayAreNotAskedForAgain() {
        var demand = Demand()
        var supply = Demand.Supply(windowByteCount: 4 * mebi, bytesPerSecond: 8e7, idleByteCount: 4 * mebi)
        #expect(demand.update(supply) != nil)
        supply.idleByteCount = 2 * mebi
        supply.heldByteCount = 2 * mebi
        demand.granted(byteCount: 2 * mebi)
        #expect(demand.update(supply) == nil, "half has come, and the rest is believed to be wanted")
    }

    @Test func fastPeersAreSuppliedAheadInSteps() {
        var demand = Demand()
        let stock = Demand.fastStock.upperBound
        var supply = Demand.Supply(windowByteCount: 4 * mebi, bytesPerSecond: 1e9, heldByteCount: 4 * mebi + stock)
        #expect(demand.update(supply) == nil)
        supply.heldByteCount -= stock / 2 - 1
        #expect(demand.update(supply) == nil, "not half the stock is used")
        supply.heldByteCount -= 1
        #expect(demand.update(supply) == UInt32(stock / 2))
    }

    @Test func messagesOfAGibibyteAreHundredsAndNotThousands() {
        var demand = Demand()
        var supply = Demand.Supply(windowByteCount: 4 * mebi, bytesPerSecond: 5e8)
        var messages = 0
        for _ in 0..<65536 {
            if supply.heldByteCount > 0 { supply.heldByteCount -= 16384 }
            if let wanted = demand.update(supply) {
                messages += 1
                demand.granted(byteCount: Int(wanted))
                supply.heldByteCount += Int(wanted)
            }
        }
        #expect(messages < 300)
        #expect(supply.heldByteCount >= 4 * mebi, "the window never ran dry")
    }

    @Test func chokeOfTheLastPeerTakesTheWishBack() {
        var demand = Demand()
        _ = demand.update(Demand.Supply(windowByteCount: 262_144, idleByteCount: 262_144))
        #expect(demand.update(Demand.Supply()) == 0)
        #expect(demand.update(Demand.Supply()) == nil)
    }

    @Test func grantsThatNoPeerCanServeDoNotPileUp() {
        let stock = Demand.untestedStock
        let full = Demand.Supply(
            windowByteCount: mebi, heldByteCount: 5 * stock, unassignedByteCount: 5 * stock, idleByteCount: stock)
        #expect(full.wantedByteCount == stock, "what the idle peers could take, and no more")
    }

    @Test func slowWorkerHoardsLittle() {
        let supply = Demand.Supply(windowByteCount: 32768, bytesPerSecond: 20_000)
        #expect(supply.wantedByteCount == 32768 + Demand.slowStock)
    }
}
