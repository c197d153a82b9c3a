import BitTorrent

/// The decoder of BEP 3, strict and lenient about keys that come twice.
enum BencodeTarget: FuzzTarget {
    static let name = "bencode"

    private static let limits = BencodeDecoder.Limits(byteCount: 1 << 16, depth: 16, itemCount: 1000)

    static let seeds: [[UInt8]] =
        [
            "i-42e", "4:spam", "0:", "le", "de", "l4:spami7ee", "d1:ai1e1:bl0:i-1eee", "d1:bi1e1:ai2ee",
            "d1:ai1e1:ai2ee",
            "d1:ad1:bd1:cleeee", "i9223372036854775807e", "i-9223372036854775808e", "i01e", "i-0e", "3:ab", "01:a",
            "d1:ae",
        ].map { Array($0.utf8) } + [[UInt8](repeating: UInt8(ascii: "l"), count: 40)]

    static func run(_ input: [UInt8]) throws {
        let kept = try read(input, .kept)
        let refused = try read(input, .refused)
        switch (kept, refused) {
        case (let kept?, let refused?): try promise(kept == refused, "two readings of the same bytes")
        case (let kept?, nil): try promise(hasDuplicates(kept), "refused for keys that do not come twice")
        case (nil, _?): throw BrokenPromise(description: "the strict reading takes what the lenient one refuses")
        case (nil, nil): break
        }
        if let refused { try promise(!hasDuplicates(refused), "a key that comes twice was taken") }
    }

    private static func read(_ input: [UInt8], _ keys: BencodeDecoder.DuplicateKeys) throws -> BencodeValue? {
        let decoder = BencodeDecoder(limits: limits, duplicateKeys: keys)
        guard let (view, rest) = try? decoder.decode(input) else {
            try promise((try? decoder.decode([0] + input)) == nil, "a byte in front makes it readable")
            return nil
        }
        try promise(Array(view.rawBytes) + rest == input, "the value and the rest are not the input")
        let value = BencodeValue(view)
        try promise(BencodeEncoder(keyOrder: .given).encode(value) == Array(view.rawBytes), "written otherwise")
        try promise(depth(value) <= limits.depth, "nested deeper than the limit")
        try promise(itemCount(value) <= limits.itemCount, "more items than the limit")
        let moved = try decoder.decode(([0, 0, 0] + input)[3...])
        try promise(moved.value.rawBytes.elementsEqual(view.rawBytes), "read otherwise from another place")
        let sorted = BencodeEncoder().encode(value)
        let again = try decoder.decode(sorted)
        try promise(again.rest.isEmpty, "the canonical form has a rest")
        try promise(BencodeEncoder().encode(BencodeValue(again.value)) == sorted, "the canonical form changes")
        return value
    }

    private static func depth(_ value: BencodeValue) -> Int {
        switch value {
        case .integer, .string: 0
        case .list(let elements): 1 + (elements.map(depth).max() ?? 0)
        case .dictionary(let entries): 1 + (entries.map { depth($0.value) }.max() ?? 0)
        }
    }

    private static func itemCount(_ value: BencodeValue) -> Int {
        switch value {
        case .integer, .string: 1
        case .list(let elements): elements.reduce(1) { $0 + itemCount($1) }
        case .dictionary(let entries): entries.reduce(1) { $0 + 1 + itemCount($1.value) }
        }
    }

    private static func hasDuplicates(_ value: BencodeValue) -> Bool {
        switch value {
        case .integer, .string: false
        case .list(let elements): elements.contains(where: hasDuplicates)
        case .dictionary(let entries):
            Set(entries.map(\.key)).count < entries.count || entries.contains { hasDuplicates($0.value) }
        }
    }
}
