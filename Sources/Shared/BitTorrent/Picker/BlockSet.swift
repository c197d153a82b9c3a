/// A set of blocks of one piece, a bit each. Knows its universe; knows nothing of bytes, workers or grants.
package struct BlockSet: Equatable, Sendable {
    /// Size of the universe: legal members are `0 ..< blockCount`.
    package let blockCount: Int
    /// Bit i of word w is block 64·w + i; bits beyond `blockCount` are 0.
    private var words: [UInt64]

    package init(blockCount: Int) {
        self.blockCount = blockCount
        words = [UInt64](repeating: 0, count: (blockCount + 63) / 64)
    }

    /// - Precondition: every range lies within `0 ..< blockCount`.
    package init(blockCount: Int, _ ranges: some Sequence<Range<UInt32>>) {
        self.init(blockCount: blockCount)
        for range in ranges { insert(range) }
    }

    /// Reads the pool's own form: block i is bit i % 8, from the low end, of byte i / 8.
    /// - Returns: nil when the length is not ⌈blockCount / 8⌉ or a spare bit is set.
    package init?(bits: some Collection<UInt8>, blockCount: Int) {
        guard bits.count == (blockCount + 7) / 8 else { return nil }
        self.init(blockCount: blockCount)
        for (index, byte) in bits.enumerated() { words[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8) }
        if blockCount % 64 != 0, let last = words.last, last >> UInt64(blockCount % 64) != 0 { return nil }
    }

    /// The set in the form that `init(bits:blockCount:)` reads.
    package var bits: [UInt8] {
        (0..<(blockCount + 7) / 8).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) }
    }

    /// The set that holds every block.
    package static func full(blockCount: Int) -> BlockSet {
        BlockSet(blockCount: blockCount, CollectionOfOne(0..<UInt32(blockCount)))
    }

    package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    package var isFull: Bool { count == blockCount }
    /// Number of members; reads every word.
    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    package func contains(_ block: UInt32) -> Bool { words[Int(block / 64)] >> UInt64(block % 64) & 1 == 1 }

    /// - Precondition: `range` lies within the universe.
    package mutating func insert(_ range: Range<UInt32>) { forEachMask(of: range) { $0 |= $1 } }
    /// - Precondition: `range` lies within the universe.
    package mutating func remove(_ range: Range<UInt32>) { forEachMask(of: range) { $0 &= ~$1 } }

    package mutating func formUnion(_ other: BlockSet) { combine(other) { $0 | $1 } }
    package mutating func formIntersection(_ other: BlockSet) { combine(other) { $0 & $1 } }
    package mutating func subtract(_ other: BlockSet) { combine(other) { $0 & ~$1 } }
    package mutating func removeAll() { for index in words.indices { words[index] = 0 } }

    package func union(_ other: BlockSet) -> BlockSet { combined(other) { $0.formUnion($1) } }
    package func intersection(_ other: BlockSet) -> BlockSet { combined(other) { $0.formIntersection($1) } }
    package func subtracting(_ other: BlockSet) -> BlockSet { combined(other) { $0.subtract($1) } }

    package func isDisjoint(with other: BlockSet) -> Bool {
        precondition(other.blockCount == blockCount)
        return zip(words, other.words).allSatisfy { $0 & $1 == 0 }
    }

    /// The lowest run of neighbours at or above `start`, at most `maximumLength` long.
    package func firstRun(from start: UInt32 = 0, maximumLength: Int) -> Range<UInt32>? {
        guard maximumLength > 0, let first = firstMember(from: start) else { return nil }
        var end = first + 1
        while Int(end) < blockCount, Int(end - first) < maximumLength, contains(end) { end += 1 }
        return first..<end
    }

    /// The top of the highest run of neighbours, at most `maximumLength` long.
    package func lastRun(maximumLength: Int) -> Range<UInt32>? {
        guard maximumLength > 0, let index = words.lastIndex(where: { $0 != 0 }) else { return nil }
        let last = UInt32(index * 64 + 63 - words[index].leadingZeroBitCount)
        var start = last
        while start > 0, Int(last - start) + 1 < maximumLength, contains(start - 1) { start -= 1 }
        return start..<last + 1
    }

    /// The members as ascending runs, none longer than `maximumLength`.
    package func runs(maximumLength: Int = .max) -> [Range<UInt32>] {
        var runs: [Range<UInt32>] = []
        var start: UInt32 = 0
        while Int(start) < blockCount, let run = firstRun(from: start, maximumLength: maximumLength) {
            runs.append(run)
            start = run.upperBound
        }
        return runs
    }

    private func firstMember(from start: UInt32) -> UInt32? {
        guard Int(start) < blockCount else { return nil }
        var index = Int(start / 64)
        var word = words[index] & (.max << UInt64(start % 64))
        while word == 0 {
            index += 1
            guard index < words.count else { return nil }
            word = words[index]
        }
        return UInt32(index * 64 + word.trailingZeroBitCount)
    }

    private mutating func forEachMask(of range: Range<UInt32>, _ change: (inout UInt64, UInt64) -> Void) {
        precondition(Int(range.upperBound) <= blockCount, "a block beyond its piece")
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(range.upperBound, (start / 64 + 1) * 64)
            let mask = (UInt64.max >> UInt64(64 - (end - start))) << UInt64(start % 64)
            change(&words[Int(start / 64)], mask)
            start = end
        }
    }

    private mutating func combine(_ other: BlockSet, _ operation: (UInt64, UInt64) -> UInt64) {
        precondition(other.blockCount == blockCount)
        for index in words.indices { words[index] = operation(words[index], other.words[index]) }
    }

    private func combined(_ other: BlockSet, _ change: (inout BlockSet, BlockSet) -> Void) -> BlockSet {
        var copy = self
        change(&copy, other)
        return copy
    }
}

extension BlockSet: CustomStringConvertible {
    package var description: String { "\(runs().map { "\($0.lowerBound)..<\($0.upperBound)" })/\(blockCount)" }
}
