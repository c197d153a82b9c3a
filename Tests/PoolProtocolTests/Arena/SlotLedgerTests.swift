import PoolProtocol
import TestSupport
import Testing

struct SlotLedgerTests {
    private func reference(_ lease: SlotLedger.Lease, assignment: UInt64 = 9, block: UInt32 = 0) -> BlockReference {
        BlockReference(
            assignment: assignment, block: block, byteCount: 16384, slot: lease.slot, lease: lease.number, peer: 1)
    }

    private func answer(_ lease: SlotLedger.Lease, _ outcome: SlotReturn.Outcome = .taken) -> SlotReturn {
        SlotReturn(slot: lease.slot, lease: lease.number, outcome: outcome)
    }

    @Test func slotGoesOutAndComesBack() {
        var ledger = SlotLedger(slotCount: 2)
        let lease = ledger.take()!
        #expect(ledger.freeCount == 1)
        ledger.lend(reference(lease), to: 3)
        #expect(ledger.unanswered(by: 3) == [reference(lease)])
        #expect(ledger.returned(answer(lease), by: 3) == reference(lease))
        #expect(ledger.freeCount == 2)
        #expect(ledger.unanswered(by: 3).isEmpty)
    }

    @Test func hotSlotIsTakenFirst() {
        var ledger = SlotLedger(slotCount: 8)
        let first = ledger.take()!, second = ledger.take()!
        ledger.abandon(first)
        ledger.abandon(second)
        #expect(ledger.take()!.slot == second.slot)
        #expect(ledger.take()!.slot == first.slot)
    }

    @Test func everyUseOfASlotHasALeaseOfItsOwn() {
        var ledger = SlotLedger(slotCount: 1)
        let first = ledger.take()!
        ledger.lend(reference(first), to: 0)
        #expect(ledger.returned(answer(first), by: 0) != nil)
        let second = ledger.take()!
        #expect(second.slot == first.slot)
        ledger.lend(reference(second), to: 0)
        // The answer to the first use comes once more, as after a replacement.
        #expect(ledger.returned(answer(first), by: 0) == nil)
        #expect(ledger.freeCount == 0)
        #expect(ledger.returned(answer(second), by: 0) != nil)
    }

    @Test func answersOfOthersChangeNothing() {
        var ledger = SlotLedger(slotCount: 2)
        let lent = ledger.take()!, filling = ledger.take()!
        ledger.lend(reference(lent), to: 1)
        #expect(ledger.returned(answer(lent), by: 0) == nil)
        #expect(ledger.returned(answer(filling), by: 1) == nil)
        #expect(ledger.returned(SlotReturn(slot: 99, lease: 1, outcome: .taken), by: 1) == nil)
        #expect(ledger.freeCount == 0)
    }

    @Test func nothingIsGivenWhenAllIsTaken() {
        var ledger = SlotLedger(slotCount: 1)
        _ = ledger.take()
        #expect(ledger.take() == nil)
        var empty = SlotLedger(slotCount: 0)
        #expect(empty.take() == nil)
    }

    @Test func aQuarterIsKeptForWholeBlocks() {
        var ledger = SlotLedger(slotCount: 8)
        for _ in 0..<5 { _ = ledger.take() }
        #expect(ledger.hasSlotsToSpare)
        _ = ledger.take()
        #expect(!ledger.hasSlotsToSpare)
    }

    @Test func placeThatIsGivenUpLosesItsBlocksOnly() {
        var ledger = SlotLedger(slotCount: 4)
        let lost = ledger.take()!, kept = ledger.take()!, filling = ledger.take()!
        ledger.lend(reference(lost, block: 1), to: 0)
        ledger.lend(reference(kept, block: 2), to: 1)
        #expect(ledger.freeAll(lentTo: 0) == [reference(lost, block: 1)])
        #expect(ledger.freeCount == 2)
        #expect(ledger.unanswered(by: 1) == [reference(kept, block: 2)])
        ledger.abandon(filling)
        #expect(ledger.freeCount == 3)
    }

    @Test func slotsAreNeverLostNorGivenTwice() {
        var generator = SeededGenerator.printing()
        var ledger = SlotLedger(slotCount: 16)
        var filling: [SlotLedger.Lease] = []
        var lent: [(assembler: UInt16, reference: BlockReference)] = []
        var answered: [SlotReturn] = []
        for _ in 0..<20_000 {
            switch Int.random(in: 0..<8, using: &generator) {
            case 0...2:
                guard let lease = ledger.take() else { continue }
                #expect(!filling.contains { $0.slot == lease.slot } && !lent.contains { $0.1.slot == lease.slot })
                filling.append(lease)
            case 3, 4:
                guard let lease = filling.popLast() else { continue }
                let entry = (assembler: UInt16.random(in: 0..<3, using: &generator), reference: reference(lease))
                ledger.lend(entry.reference, to: entry.assembler)
                lent.append(entry)
            case 5:
                guard !lent.isEmpty else { continue }
                let entry = lent.remove(at: Int.random(in: lent.indices, using: &generator))
                let answer = SlotReturn(slot: entry.reference.slot, lease: entry.reference.lease, outcome: .taken)
                #expect(ledger.returned(answer, by: entry.assembler) == entry.reference)
                answered.append(answer)
            case 6:
                guard let late = answered.randomElement(using: &generator) else { continue }
                #expect(ledger.returned(late, by: .random(in: 0..<3, using: &generator)) == nil)
            default:
                if let lease = filling.popLast() { ledger.abandon(lease) }
                if generator.oneIn(50) {
                    let lost = ledger.freeAll(lentTo: 0)
                    #expect(Set(lost.map(\.slot)) == Set(lent.filter { $0.assembler == 0 }.map { $0.reference.slot }))
                    lent.removeAll { $0.assembler == 0 }
                }
            }
            #expect(ledger.freeCount == 16 - filling.count - lent.count)
            ledger.checkInvariants()
        }
    }
}
