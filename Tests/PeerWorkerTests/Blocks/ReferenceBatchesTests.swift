import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

private func reference(_ slot: UInt32) -> BlockReference {
    BlockReference(assignment: 1, block: slot, byteCount: 16384, slot: slot, lease: 1, peer: 0)
}

private struct Batches {
    var batches = ReferenceBatches(slotCount: 64)
    var clock = FakeClock()
    let first = Incarnation(Place(.hashWorker, 0), generation: 1)
    let second = Incarnation(Place(.hashWorker, 0), generation: 2)

    mutating func join(_ who: Incarnation, _ unanswered: [BlockReference] = []) {
        batches.joined(who, unanswered: unanswered, now: clock.now)
    }
    mutating func add(_ slots: Range<UInt32>) {
        for slot in slots { batches.added(reference(slot), for: 0, now: clock.now) }
    }
    mutating func departures(isShort: Bool = false, isOut: Bool = false) -> [[UInt32]] {
        var list: [ReferenceBatches.Batch] = []
        batches.departures(isShort: isShort, isOut: isOut, now: clock.now, into: &list)
        return list.map { $0.references.map(\.slot) }
    }
}

@Suite struct ReferenceBatchesTests {
    @Test func lonelyReferenceLeavesAtOnce() {
        var talk = Batches()
        talk.join(talk.first)
        talk.add(0..<1)
        #expect(talk.departures() == [[0]])
        #expect(talk.batches.deadline == nil)
    }

    @Test func referencesOfAStreamWaitForCompanyButNotForLong() throws {
        var talk = Batches()
        talk.join(talk.first)
        talk.add(0..<1)
        _ = talk.departures()
        talk.clock.advance(by: .milliseconds(1))
        talk.add(1..<3)
        #expect(talk.departures().isEmpty)
        let deadline = try #require(talk.batches.deadline)
        #expect(deadline == talk.clock.now + ReferenceBatches.hold)
        talk.clock.advance(by: .milliseconds(1))
        talk.add(3..<4)
        #expect(talk.departures().isEmpty)
        talk.clock.advance(to: deadline)
        #expect(talk.departures() == [[1, 2, 3]])
    }

    @Test func enoughOfThemLeaveTogether() {
        var talk = Batches()
        talk.join(talk.first)
        talk.add(0..<1)
        _ = talk.departures()
        talk.add(1..<24)
        #expect(talk.departures().isEmpty)
        talk.add(24..<25)
        #expect(talk.departures() == [Array(1..<25)])
    }

    @Test func nothingWaitsWhenThereAreNoSlots() {
        var talk = Batches()
        talk.join(talk.first)
        talk.add(0..<1)
        _ = talk.departures()
        talk.add(1..<2)
        #expect(talk.departures(isOut: true) == [[1]])
    }

    @Test func halfTheCompanyIsEnoughWhileSlotsAreShort() {
        var talk = Batches()
        talk.join(talk.first)
        talk.add(0..<1)
        _ = talk.departures()
        talk.add(1..<12)
        #expect(talk.departures(isShort: true).isEmpty)
        talk.add(12..<13)
        #expect(talk.departures(isShort: true) == [Array(1..<13)])
    }

    @Test func referencesWaitForAProcessThatHasNotJoined() {
        var talk = Batches()
        talk.add(0..<3)
        #expect(talk.departures(isOut: true).isEmpty)
        #expect(talk.batches.deadline == nil)
        talk.join(talk.first, (0..<3).map { reference($0) })
        #expect(talk.departures() == [[0, 1, 2]])
    }

    @Test func successorGetsEverythingUnansweredAndTheDeadGetNothing() {
        var talk = Batches()
        talk.join(talk.first)
        talk.add(0..<2)
        _ = talk.departures()
        talk.batches.replaced(by: talk.second)
        talk.add(2..<3)
        talk.clock.advance(by: .seconds(1))
        #expect(talk.departures(isOut: true).isEmpty)
        talk.join(talk.second, [reference(0), reference(1), reference(2)])
        var list: [ReferenceBatches.Batch] = []
        talk.batches.departures(isShort: false, isOut: false, now: talk.clock.now, into: &list)
        #expect(list == [.init(receiver: talk.second, references: [reference(0), reference(1), reference(2)])])
    }

    @Test func newsOfAReplacementThatComesAfterTheNewcomersHelloChangesNothing() {
        var talk = Batches()
        talk.join(talk.second)
        talk.batches.replaced(by: talk.second)
        talk.add(0..<1)
        #expect(talk.departures() == [[0]])
    }
}
