/// A set of pieces of one torrent, a bit each. Knows the wire form of BEP 3's bitfield; knows no torrent.
package struct PieceSet: Equatable, Sendable {
    /// Size of the universe: legal members are `0 ..< pieceCount`.
    package let pieceCount: Int
    /// Number of members.
    package private(set) var count: Int
    /// Bit i of word w is piece 64·w + i; bits beyond `pieceCount` are 0.
    private var words: [UInt64]

    package init(pieceCount: Int) {
        self.pieceCount = pieceCount
        count = 0
        words = [UInt64](repeating: 0, count: (pieceCount + 63) / 64)
    }

    /// The set that holds every piece.
    package static func full(pieceCount: Int) -> PieceSet {
        var set = PieceSet(pieceCount: pieceCount)
        for index in set.words.indices { set.words[index] = .max }
        if pieceCount % 64 != 0 { set.words[set.words.count - 1] = (1 << UInt64(pieceCount % 64)) - 1 }
        set.count = pieceCount
        return set
    }

    /// Reads BEP 3's bitfield (high bit first).
    /// - Returns: nil when the length is not ⌈pieceCount / 8⌉ or a spare bit is set.
    package init?(wireBytes: some Collection<UInt8>, pieceCount: Int) {
        guard wireBytes.count == (pieceCount + 7) / 8 else { return nil }
        self.init(pieceCount: pieceCount)
        var index = 0
        for byte in wireBytes {
            words[index / 8] |= UInt64(byte.bitReversed) << UInt64(index % 8 * 8)
            index += 1
        }
        if pieceCount % 64 != 0, let last = words.last, last >> UInt64(pieceCount % 64) != 0 { return nil }
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// The set as BEP 3's bitfield payload.
    package var wireBytes: [UInt8] {
        (0..<(pieceCount + 7) / 8).map { index in
            UInt8(truncatingIfNeeded: words[index / 8] >> UInt64(index % 8 * 8)).bitReversed
        }
    }

    package var isEmpty: Bool { count == 0 }
    package var isFull: Bool { count == pieceCount }

    package func contains(_ piece: PieceIndex) -> Bool {
        words[piece.value / 64] >> UInt64(piece.value % 64) & 1 == 1
    }

    /// - Returns: whether the piece was new.
    @discardableResult package mutating func insert(_ piece: PieceIndex) -> Bool {
        precondition(piece.value < pieceCount)
        let bit: UInt64 = 1 << UInt64(piece.value % 64)
        guard words[piece.value / 64] & bit == 0 else { return false }
        words[piece.value / 64] |= bit
        count += 1
        return true
    }

    /// - Returns: whether the piece was a member.
    @discardableResult package mutating func remove(_ piece: PieceIndex) -> Bool {
        let bit: UInt64 = 1 << UInt64(piece.value % 64)
        guard words[piece.value / 64] & bit != 0 else { return false }
        words[piece.value / 64] &= ~bit
        count -= 1
        return true
    }

    package mutating func formUnion(_ other: PieceSet) { combine(other) { $0 | $1 } }
    package mutating func formIntersection(_ other: PieceSet) { combine(other) { $0 & $1 } }
    package mutating func subtract(_ other: PieceSet) { combine(other) { $0 & ~$1 } }

    private mutating func combine(_ other: PieceSet, _ operation: (UInt64, UInt64) -> UInt64) {
        precondition(other.pieceCount == pieceCount)
        for index in words.indices { words[index] = operation(words[index], other.words[index]) }
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Whether `self` holds a piece that `other` lacks; reads a word at a time and stops at the first.
    package func hasMember(notIn other: PieceSet) -> Bool {
        for index in words.indices where words[index] & ~other.words[index] != 0 { return true }
        return false
    }

    /// How many of the pieces in `range`, which is within the universe, are members; reads a word at a time.
    package func count(in range: Range<Int>) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= pieceCount)
        guard !range.isEmpty else { return 0 }
        let (first, last) = (range.lowerBound / 64, (range.upperBound - 1) / 64)
        var count = 0
        for index in first...last {
            var word = words[index]
            if index == first { word &= .max << UInt64(range.lowerBound % 64) }
            if index == last { word &= .max >> UInt64(63 - (range.upperBound - 1) % 64) }
            count += word.nonzeroBitCount
        }
        return count
    }

    /// The members in ascending order.
    package func forEach(_ body: (PieceIndex) throws -> Void) rethrows {
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                try body(PieceIndex(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
    }

    /// The lowest member at or above `start`.
    package func first(from start: PieceIndex = PieceIndex(0)) -> PieceIndex? {
        guard start.value < pieceCount else { return nil }
        var index = start.value / 64
        var word = words[index] & (.max << UInt64(start.value % 64))
        while word == 0 {
            index += 1
            guard index < words.count else { return nil }
            word = words[index]
        }
        return PieceIndex(index * 64 + word.trailingZeroBitCount)
    }
}

extension UInt8 {
    /// BEP 3 counts bits from the high end, machine words from the low end.
    fileprivate var bitReversed: UInt8 {
        var value = self
        value = value >> 4 | value << 4
        value = (value & 0xCC) >> 2 | (value & 0x33) << 2
        return (value & 0xAA) >> 1 | (value & 0x55) << 1
    }
}
