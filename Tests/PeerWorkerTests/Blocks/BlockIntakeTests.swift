import PoolProtocol
import Testing

@testable import PeerWorker

extension BlockIntake.Place {
    var lease: SlotLedger.Lease? {
        if case .slot(let lease) = self { lease } else { nil }
    }
}

@Suite struct BlockIntakeTests {
    @Test func tricklingPeersCannotPinAllSlots() {
        var intake = BlockIntake(slotCount: 64)
        let places = (0..<512).map { _ in intake.blockBegins(isWhole: false, isResumed: false) }
        #expect(places.count { $0.lease != nil } == 48)
        #expect(places.suffix(464).allSatisfy { $0 == .ownBuffer })
        #expect(intake.slots.freeCount == 16)
        #expect((intake.blockBegins(isWhole: true, isResumed: false).lease) != nil, "a whole block still finds one")
        intake.slots.checkInvariants()
    }

    @Test func wholeBlockWithoutASlotStopsItsReader() {
        var intake = BlockIntake(slotCount: 4)
        for _ in 0..<4 { #expect(intake.blockBegins(isWhole: true, isResumed: false).lease != nil) }
        #expect(intake.blockBegins(isWhole: true, isResumed: false) == .nowhere)
        #expect(intake.blockBegins(isWhole: false, isResumed: false) == .ownBuffer, "it may still grow elsewhere")
    }

    @Test func thoseWhoWaitGoOnFirstComeFirstServed() throws {
        var intake = BlockIntake(slotCount: 4)
        var leases = (0..<4).compactMap { _ in intake.takeSlot(isResumed: false) }
        for peer in [7, 3, 9] as [UInt32] { intake.waits(peer) }
        #expect(intake.nextToResume(isFirst: true) == nil)
        intake.abandon(leases.removeLast())
        #expect(intake.blockBegins(isWhole: true, isResumed: false) == .nowhere, "nobody overtakes")
        #expect(intake.nextToResume(isFirst: true) == 7)
        #expect(intake.takeSlot(isResumed: true) != nil)
        #expect(intake.nextToResume(isFirst: false) == nil, "its slot is gone")
        intake.waits(7)
        intake.waitsNoMore(3)
        intake.abandon(leases.removeLast())
        intake.abandon(leases.removeLast())
        #expect(intake.nextToResume(isFirst: true) == 9)
        #expect(intake.takeSlot(isResumed: true) != nil)
        #expect(intake.nextToResume(isFirst: false) == 7)
        #expect(intake.waitingCount == 0)
    }

    @Test func lineMovesOnlyWhenSeveralSlotsAreFree() {
        var intake = BlockIntake(slotCount: 64)
        var leases = (0..<64).compactMap { _ in intake.takeSlot(isResumed: false) }
        intake.waits(1)
        for _ in 0..<7 { intake.abandon(leases.removeLast()) }
        #expect(intake.nextToResume(isFirst: true) == nil)
        intake.abandon(leases.removeLast())
        #expect(intake.nextToResume(isFirst: true) == 1)
    }

    @Test func lentSlotComesBackOnceAndToItsLenderOnly() throws {
        var intake = BlockIntake(slotCount: 4)
        let taken = intake.takeSlot(isResumed: false)
        let lease = try #require(taken)
        let reference = BlockReference(
            assignment: 1, block: 2, byteCount: 16384, slot: lease.slot, lease: lease.number, peer: 5)
        intake.lend(reference, to: 1)
        let answer = SlotReturn(slot: lease.slot, lease: lease.number, outcome: .taken)
        #expect(intake.returned(answer, by: 0) == nil)
        #expect(intake.returned(answer, by: 1) == reference)
        #expect(intake.returned(answer, by: 1) == nil)
        #expect(intake.slots.freeCount == 4)
    }
}
