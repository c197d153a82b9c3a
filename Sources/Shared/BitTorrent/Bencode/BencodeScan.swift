/// One pass over bytes that finds where the first bencoded value ends, or why it is none.
/// Keeps its own list of open containers, so hostile nesting can never exhaust the call stack.
struct BencodeScan {
    private struct Container {
        let isDictionary: Bool
        /// A key was read and its value was not.
        var awaitsValue = false
        /// Keys so far came in strictly ascending order, so none can be there twice.
        var isSorted = true
        /// Place of this dictionary's first key in `keyStarts`.
        let firstKey: Int
        var lastKey: Range<Int> = 0..<0
    }

    private let limits: BencodeDecoder.Limits
    private let refusesDuplicates: Bool
    private var open: [Container] = []
    private var itemCount = 0
    /// Where the keys of the open dictionaries start; kept only when duplicates are refused.
    private var keyStarts: [Int] = []

    init(limits: BencodeDecoder.Limits, duplicateKeys: BencodeDecoder.DuplicateKeys) {
        self.limits = limits
        refusesDuplicates = duplicateKeys == .refused
    }

    /// - Returns: the offset behind the first value of `bytes`.
    mutating func endOfValue(_ bytes: Span<UInt8>) throws(BencodeError) -> Int {
        var position = 0
        repeat {
            guard position < bytes.count else { throw BencodeError(.unexpectedEnd, at: position) }
            position = try step(bytes, at: position)
        } while !open.isEmpty
        return position
    }

    /// Reads a string, an integer, or the head or end of a container.
    private mutating func step(_ bytes: Span<UInt8>, at position: Int) throws(BencodeError) -> Int {
        let byte = bytes[position]
        let expectsKey = open.last.map { $0.isDictionary && !$0.awaitsValue } ?? false
        if byte == Bencode.end {
            guard let container = open.last, !container.awaitsValue else {
                throw BencodeError(.unexpectedByte(byte), at: position)
            }
            if !container.isSorted { try refuseDuplicates(bytes, from: container.firstKey) }
            if refusesDuplicates { keyStarts.removeLast(keyStarts.count - container.firstKey) }
            open.removeLast()
            valueRead()
            return position + 1
        }
        itemCount += 1
        guard itemCount <= limits.itemCount else {
            throw BencodeError(.tooManyItems(limit: limits.itemCount), at: position)
        }
        switch byte {
        case Bencode.digits:
            let body = try Bencode.stringBody(bytes, at: position)
            if expectsKey { keyRead(bytes, start: position, body: body) } else { valueRead() }
            return body.upperBound
        case Bencode.integer, Bencode.list, Bencode.dictionary:
            guard !expectsKey else { throw BencodeError(.keyIsNoString, at: position) }
            if byte == Bencode.integer {
                let (_, end) = try Bencode.integer(bytes, at: position)
                valueRead()
                return end
            }
            guard open.count < limits.depth else {
                throw BencodeError(.nestedTooDeep(limit: limits.depth), at: position)
            }
            open.append(Container(isDictionary: byte == Bencode.dictionary, firstKey: keyStarts.count))
            return position + 1
        case UInt8(ascii: "-"): throw BencodeError(.malformedStringLength, at: position)
        default: throw BencodeError(.unexpectedByte(byte), at: position)
        }
    }

    private mutating func valueRead() {
        if !open.isEmpty { open[open.count - 1].awaitsValue = false }
    }

    private mutating func keyRead(_ bytes: Span<UInt8>, start: Int, body: Range<Int>) {
        let last = open.count - 1
        open[last].awaitsValue = true
        guard refusesDuplicates else { return }
        let isFirst = keyStarts.count == open[last].firstKey
        if !isFirst && !Self.isAscending(bytes, open[last].lastKey, body) { open[last].isSorted = false }
        open[last].lastKey = body
        keyStarts.append(start)
    }

    private static func isAscending(_ bytes: Span<UInt8>, _ first: Range<Int>, _ second: Range<Int>) -> Bool {
        for offset in 0..<min(first.count, second.count) {
            let left = bytes[first.lowerBound + offset], right = bytes[second.lowerBound + offset]
            if left != right { return left < right }
        }
        return first.count < second.count
    }

    /// For a dictionary whose keys came unsorted: sorts their hashes, so that a hostile one costs n·log n small steps.
    private func refuseDuplicates(_ bytes: Span<UInt8>, from firstKey: Int) throws(BencodeError) {
        var hashes: [(hash: Int, start: Int)] = []
        hashes.reserveCapacity(keyStarts.count - firstKey)
        for start in keyStarts[firstKey...] {
            var hasher = Hasher()
            let body = try Bencode.stringBody(bytes, at: start)
            for index in body { hasher.combine(bytes[index]) }
            hashes.append((hasher.finalize(), start))
        }
        hashes.sort { ($0.hash, $0.start) < ($1.hash, $1.start) }
        for index in hashes.indices.dropFirst() where hashes[index].hash == hashes[index - 1].hash {
            let earlier = try Bencode.stringBody(bytes, at: hashes[index - 1].start)
            let later = try Bencode.stringBody(bytes, at: hashes[index].start)
            guard earlier.count == later.count, !Self.isAscending(bytes, earlier, later),
                !Self.isAscending(bytes, later, earlier)
            else { continue }
            let key = String(decoding: later.prefix(64).map { bytes[$0] }, as: UTF8.self)
            throw BencodeError(.duplicateKey(TerminalText.excerpt(key)), at: hashes[index].start)
        }
    }
}
