import PoolProtocol

/// Owns the slots of the intake region and the connections that wait for one: which block may begin in a slot, which
/// grows in its connection's own buffer, and who goes on first when slots come back. Copies nothing and reads no socket.
struct BlockIntake {
    /// Where the bytes of a block that begins now go.
    enum Place: Equatable {
        case slot(SlotLedger.Lease)
        /// The connection's own 16 KiB, until the block is whole.
        case ownBuffer
        /// Nowhere: the connection stops reading.
        case nowhere
    }

    private(set) var slots: SlotLedger
    /// First come, first served.
    private var waiting: [UInt32] = []
    /// Free slots from which on those that wait go on. Their reads would else be switched on and off for every slot.
    private let resumeCount: Int

    init(slotCount: Int) {
        slots = SlotLedger(slotCount: slotCount)
        resumeCount = max(1, min(16, slotCount / 8))
    }

    var waitingCount: Int { waiting.count }
    /// Fewer than a quarter of the slots are free: nothing that holds slots may dawdle.
    var isShort: Bool { !slots.hasSlotsToSpare }

    /// None is free, or somebody waits for one.
    var isOut: Bool { slots.freeCount == 0 || !waiting.isEmpty }

    /// A block begins.
    /// - Parameters:
    ///   - isWhole: all its bytes are here already, so its slot is not held while they trickle in.
    ///   - isResumed: the connection has waited for this; others do not overtake those who wait.
    mutating func blockBegins(isWhole: Bool, isResumed: Bool) -> Place {
        if !isWhole && isShort { return .ownBuffer }
        return takeSlot(isResumed: isResumed).map { .slot($0) } ?? (isWhole ? .nowhere : .ownBuffer)
    }

    /// The slots of the next blocks, at most `count`, as far as that leaves enough for others; none while anybody waits.
    func upcoming(_ count: Int) -> ReversedCollection<ArraySlice<UInt32>> {
        let spare = waiting.isEmpty ? slots.freeCount - slots.slotCount / 4 - 1 : 0
        return slots.upcoming(max(0, min(count, spare)))
    }

    /// A slot for a block that is whole; nil: wait.
    mutating func takeSlot(isResumed: Bool) -> SlotLedger.Lease? {
        guard waiting.isEmpty || isResumed else { return nil }
        return slots.take()
    }

    /// The block that its connection had a slot for will not become whole, or is not wanted.
    mutating func abandon(_ lease: SlotLedger.Lease) { slots.abandon(lease) }

    /// The connection has stopped reading; it takes its place at the end of the line.
    mutating func waits(_ connection: UInt32) { waiting.append(connection) }

    /// It is gone.
    mutating func waitsNoMore(_ connection: UInt32) { waiting.removeAll { $0 == connection } }

    /// The connection that may go on, taken out of the line; nil when there is none or no slot for it. Ask again after
    /// it has used its slots.
    /// - Parameter isFirst: whether this is the first question of a turn; the line moves only when it is worth it.
    mutating func nextToResume(isFirst: Bool) -> UInt32? {
        guard !waiting.isEmpty, slots.freeCount >= (isFirst ? resumeCount : 1) else { return nil }
        return waiting.removeFirst()
    }

    // MARK: The way to the hash-worker and back

    mutating func lend(_ reference: BlockReference, to assembler: UInt16) { slots.lend(reference, to: assembler) }

    mutating func returned(_ answer: SlotReturn, by assembler: UInt16) -> BlockReference? {
        slots.returned(answer, by: assembler)
    }

    mutating func freeAll(lentTo assembler: UInt16) -> [BlockReference] { slots.freeAll(lentTo: assembler) }
}
