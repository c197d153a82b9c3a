/// Owns where each block of a table stands: a hash table with linear probing, made for the two steps that every block takes
/// through a ledger. It costs a quarter of a `Dictionary`, whose keyed hashing guards against chosen keys: only blocks that
/// we asked for get in here, and looking up others changes nothing.
struct BlockIndex {
    private struct Slot {
        var key: UInt64
        /// Negative: the slot is empty.
        var place: Int32
    }

    private static let empty = Slot(key: 0, place: -1)
    private static let leastCapacity = 16

    /// A power of two of them, at most half of them taken; none until the first block comes.
    private var slots: [Slot] = []
    private(set) var count = 0

    private static func key(_ block: BlockAddress) -> UInt64 {
        UInt64(block.piece.rawValue) << 32 | UInt64(block.block)
    }

    /// Where the key would stand if nothing else was there: neighbouring blocks come to lie far apart (Fibonacci hashing).
    private func home(_ key: UInt64) -> Int {
        Int((key &* 0x9E37_79B9_7F4A_7C15) >> UInt64(UInt64.bitWidth - slots.count.trailingZeroBitCount))
    }

    /// The slot of the key, or the empty one where it would go. There must be slots.
    private func find(_ key: UInt64) -> Int {
        var at = home(key)
        while slots[at].place >= 0, slots[at].key != key { at = (at + 1) & (slots.count - 1) }
        return at
    }

    /// - Returns: nil when the block is not in here.
    subscript(block: BlockAddress) -> Int32? {
        guard count > 0 else { return nil }
        let place = slots[find(Self.key(block))].place
        return place < 0 ? nil : place
    }

    /// The block must not be in here yet.
    /// - Parameter place: 0 or more.
    mutating func insert(_ block: BlockAddress, at place: Int32) {
        if (count + 1) * 2 > slots.count { grow() }
        let key = Self.key(block), at = find(key)
        precondition(place >= 0 && slots[at].place < 0)
        slots[at] = Slot(key: key, place: place)
        count += 1
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Self.empty, count: max(Self.leastCapacity, old.count * 2))
        for slot in old where slot.place >= 0 { slots[find(slot.key)] = slot }
    }

    /// Does nothing when the block is not in here.
    mutating func remove(_ block: BlockAddress) {
        guard count > 0 else { return }
        var hole = find(Self.key(block))
        guard slots[hole].place >= 0 else { return }
        count -= 1
        // Those behind that would not be found over the hole move up (Knuth, volume 3, algorithm 6.4R).
        var at = hole
        while true {
            at = (at + 1) & (slots.count - 1)
            guard slots[at].place >= 0 else { break }
            let wished = home(slots[at].key)
            // Whether its home lies, going round, behind the hole: then it is found all the same.
            guard (at - wished) & (slots.count - 1) >= (at - hole) & (slots.count - 1) else { continue }
            slots[hole] = slots[at]
            hole = at
        }
        slots[hole] = Self.empty
    }
}
