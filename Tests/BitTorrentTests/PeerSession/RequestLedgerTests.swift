import TestSupport
import Testing

@testable import BitTorrent

@Suite struct RequestLedgerTests {
    private static let seed = UInt64.random(in: 0...UInt64.max)
    private let start = FakeClock().now

    @Test func blocksAreAwaitedOldestFirst() {
        var ledger = RequestLedger()
        for index in 0..<3 { _ = ledger.requested(.at(index, 0), deadline: start + .seconds(index), now: start) }
        #expect(ledger.count == 3)
        #expect(ledger.oldest?.block == .at(0, 0))
        #expect(ledger.answered(.at(1, 0), leaving: .unwanted)?.standing == .awaited)
        #expect(ledger.answered(.at(0, 0), leaving: .unwanted)?.standing == .awaited)
        #expect(ledger.oldest?.block == .at(2, 0))
        ledger.checkInvariants()
    }

    @Test func awaitedBlocksAreWalkedOldestFirst() {
        var ledger = RequestLedger()
        for index in 0..<4 { _ = ledger.requested(.at(index, 0), deadline: start + .seconds(index), now: start) }
        ledger.release(.at(2, 0), as: .late)
        _ = ledger.answered(.at(0, 0), leaving: nil)
        var walked: [BlockAddress] = []
        ledger.forEachAwaited { walked.append($0.block) }
        #expect(walked == [.at(1, 0), .at(3, 0)])
    }

    @Test func aBlockIsRequestedOnceAtATime() {
        var ledger = RequestLedger()
        let isNew = ledger.requested(.at(0, 0), deadline: start, now: start)
        let isNewAgain = ledger.requested(.at(0, 0), deadline: start + .seconds(9), now: start)
        #expect(isNew && !isNewAgain)
        #expect(ledger.count == 1)
        #expect(ledger.oldest?.deadline == start)
        ledger.checkInvariants()
    }

    @Test func aLaterRequestNeverHasAnEarlierDeadline() {
        var ledger = RequestLedger()
        _ = ledger.requested(.at(0, 0), deadline: start + .seconds(60), now: start)
        _ = ledger.requested(.at(1, 0), deadline: start + .seconds(5), now: start)
        #expect(ledger[.at(1, 0)]?.deadline == start + .seconds(60))
        ledger.checkInvariants()
    }

    @Test func whatIsGivenUpIsRememberedUntilItIsAnswered() {
        var ledger = RequestLedger()
        _ = ledger.requested(.at(0, 0), deadline: start, now: start)
        ledger.release(.at(0, 0), as: .late)
        #expect(ledger.isEmpty)
        #expect(ledger.answered(.at(0, 0), leaving: .unwanted)?.standing == .late)
        #expect(ledger.answered(.at(0, 0), leaving: .unwanted) == nil)
        ledger.checkInvariants()
    }

    @Test func aBlockThatWasRequestedTwiceMayComeTwice() {
        var ledger = RequestLedger()
        _ = ledger.requested(.at(0, 0), deadline: start, now: start)
        ledger.release(.at(0, 0), as: .late)
        _ = ledger.requested(.at(0, 0), deadline: start, now: start)
        #expect(ledger.answered(.at(0, 0), leaving: .unwanted)?.standing == .awaited)
        #expect(ledger.answered(.at(0, 0), leaving: .unwanted)?.standing == .unwanted)
        #expect(ledger.answered(.at(0, 0), leaving: .unwanted) == nil)
        ledger.checkInvariants()
    }

    @Test func aRequestIsPassedOverWhenALaterOneIsAnswered() throws {
        var ledger = RequestLedger()
        for index in 0..<3 { _ = ledger.requested(.at(index, 0), deadline: start, now: start) }
        _ = ledger.answered(.at(1, 0), leaving: .unwanted)
        #expect(ledger.isPassedOver(try #require(ledger[.at(0, 0)])))
        #expect(!ledger.isPassedOver(try #require(ledger[.at(2, 0)])))
        #expect(ledger.count == 2)
        #expect(ledger.queuedCount == 1)
        #expect(ledger.newestPassedOver?.block == .at(0, 0))
    }

    @Test func theMemoryOfGivenUpRequestsIsBounded() {
        var ledger = RequestLedger()
        for index in 0..<RequestLedger.releasedLimit + 10 {
            _ = ledger.requested(.at(index, 0), deadline: start, now: start)
            ledger.release(.at(index, 0), as: .late)
        }
        ledger.checkInvariants()
        #expect(ledger[.at(9, 0)] == nil)
        #expect(ledger[.at(10, 0)] != nil)
    }

    @Test func anyOrderOfStepsKeepsTheLedgerInStep() {
        var random = SeededGenerator(seed: Self.seed)
        var ledger = RequestLedger()
        /// Awaited blocks, oldest first; and what was given up, with the answers due.
        var awaited: [BlockAddress] = []
        var due: [BlockAddress: Int] = [:]
        for step in 0..<20_000 {
            let block = BlockAddress.at(Int.random(in: 0..<40, using: &random), Int.random(in: 0..<2, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                if !awaited.contains(block), due[block, default: 0] < 200 {
                    _ = ledger.requested(block, deadline: start + .seconds(step), now: start + .seconds(step))
                    awaited.append(block)
                    due[block, default: 0] += 1
                }
            case 2:
                ledger.release(block, as: .late)
                awaited.removeAll { $0 == block }
            default:
                let answered = ledger.answered(block, leaving: .unwanted)
                #expect((answered?.standing == .awaited) == awaited.contains(block), "seed \(Self.seed)")
                #expect((answered != nil) == (due[block] != nil), "seed \(Self.seed)")
                awaited.removeAll { $0 == block }
                due[block] = due[block].flatMap { $0 > 1 ? $0 - 1 : nil }
            }
            #expect(ledger.count == awaited.count, "seed \(Self.seed), step \(step)")
            #expect(ledger.oldest?.block == awaited.first, "seed \(Self.seed), step \(step)")
            if step % 100 == 0 { ledger.checkInvariants() }
        }
    }
}
