import BitTorrent

/// Owns which slot of the intake region is free, being filled, or lent to a hash-worker. Last returned is first taken,
/// so that the hot slots stay in the cache. Touches no memory of the region.
package struct SlotLedger {
    /// The right to a slot: void once the slot was returned.
    package struct Lease: Hashable, Sendable {
        package let slot: UInt32
        package let number: UInt32
    }

    private enum State: Equatable {
        case free
        /// A block grows in it, or it waits for its reference to be sent.
        case filling
        /// Sent to the hash-worker and not answered.
        case lent(assembler: UInt16, BlockReference)
    }

    private var states: [State]
    private var leaseNumbers: [UInt32]
    private var freeSlots: [UInt32]

    package init(slotCount: Int) {
        states = Array(repeating: .free, count: slotCount)
        leaseNumbers = Array(repeating: 0, count: slotCount)
        freeSlots = (0..<UInt32(slotCount)).reversed()
    }

    package var slotCount: Int { states.count }
    package var freeCount: Int { freeSlots.count }
    /// While this holds, a block may take its slot at its first byte; else only when it is whole, so that many
    /// trickling peers cannot pin all slots.
    package var hasSlotsToSpare: Bool { freeSlots.count * 4 > states.count }

    /// The slots that `take` will hand out next, at most `count`, if none comes back before.
    package func upcoming(_ count: Int) -> ReversedCollection<ArraySlice<UInt32>> {
        freeSlots.suffix(count).reversed()
    }

    /// A free slot, or nil when the reader must wait.
    package mutating func take() -> Lease? {
        guard let slot = freeSlots.popLast() else { return nil }
        leaseNumbers[Int(slot)] &+= 1
        states[Int(slot)] = .filling
        return Lease(slot: slot, number: leaseNumbers[Int(slot)])
    }

    /// The slot was filled and `reference` goes to the hash-worker `assembler`; it is kept here until answered.
    package mutating func lend(_ reference: BlockReference, to assembler: UInt16) {
        precondition(states[Int(reference.slot)] == .filling && leaseNumbers[Int(reference.slot)] == reference.lease)
        states[Int(reference.slot)] = .lent(assembler: assembler, reference)
    }

    /// A block that will never be sent (its peer left, or nobody wants it).
    package mutating func abandon(_ lease: Lease) {
        precondition(states[Int(lease.slot)] == .filling && leaseNumbers[Int(lease.slot)] == lease.number)
        free(lease.slot)
    }

    /// The hash-worker's answer.
    /// - Returns: the reference that it answers; nil when it answers nothing that this hash-worker holds (a late
    ///   answer after a replacement is one).
    package mutating func returned(_ answer: SlotReturn, by assembler: UInt16) -> BlockReference? {
        guard Int(answer.slot) < states.count, leaseNumbers[Int(answer.slot)] == answer.lease,
            case .lent(assembler, let reference) = states[Int(answer.slot)]
        else { return nil }
        free(answer.slot)
        return reference
    }

    /// Every reference that the hash-worker has not answered: sent again to its successor.
    package func unanswered(by assembler: UInt16) -> [BlockReference] {
        states.compactMap { state in
            if case .lent(assembler, let reference) = state { reference } else { nil }
        }
    }

    /// The hash-worker's place was given up.
    /// - Returns: the blocks that are lost with it.
    package mutating func freeAll(lentTo assembler: UInt16) -> [BlockReference] {
        let lost = unanswered(by: assembler)
        for reference in lost { free(reference.slot) }
        return lost
    }

    private mutating func free(_ slot: UInt32) {
        states[Int(slot)] = .free
        freeSlots.append(slot)
    }

    package func checkInvariants() {
        precondition(Set(freeSlots).count == freeSlots.count)
        precondition(freeSlots.allSatisfy { states[Int($0)] == .free })
        precondition(states.count { $0 == .free } == freeSlots.count)
    }
}
