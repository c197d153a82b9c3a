/// A bencoded value where it lies in the bytes it came in: nothing is copied, children are found by walking.
/// Only `BencodeDecoder` makes the first one, after it has proved the bytes; every walk here relies on that.
package struct BencodeView: Sendable {
    package enum Kind: String, Hashable, Sendable { case integer, string, list, dictionary }

    /// The value exactly as it came, with the indices of the whole input; what an info-hash is made of.
    package let rawBytes: ArraySlice<UInt8>

    init(validated bytes: ArraySlice<UInt8>) { rawBytes = bytes }

    package var kind: Kind {
        switch rawBytes[rawBytes.startIndex] {
        case Bencode.integer: .integer
        case Bencode.list: .list
        case Bencode.dictionary: .dictionary
        default: .string
        }
    }

    /// The number; nil when the value is none.
    package var integer: Int64? {
        guard kind == .integer else { return nil }
        return try? Bencode.integer(rawBytes.span, at: 0).value
    }

    /// The bytes of a string; nil when the value is none.
    package var string: ArraySlice<UInt8>? {
        guard kind == .string else { return nil }
        return rawBytes[BencodeWalk.stringBody(rawBytes, at: rawBytes.startIndex)]
    }

    /// A string as text, with U+FFFD where it is no UTF-8; nil when the value is none.
    package var text: String? { string.map { String(decoding: $0, as: UTF8.self) } }

    /// The values of a list, in their order; nil when the value is none.
    package var elements: Elements? { kind == .list ? Elements(inside: rawBytes) : nil }

    /// Keys and values of a dictionary, in the order they came; nil when the value is none.
    package var entries: Entries? { kind == .dictionary ? Entries(inside: rawBytes) : nil }

    /// The first value with this key; nil when there is none or this is no dictionary. Linear in the bytes.
    package subscript(key: String) -> BencodeView? {
        guard let entries else { return nil }
        for (candidate, value) in entries where candidate.elementsEqual(key.utf8) { return value }
        return nil
    }

    /// The first value of each of these keys, found in one walk; empty when this is no dictionary.
    package func values(of keys: [String]) -> [String: BencodeView] {
        guard let entries else { return [:] }
        var values: [String: BencodeView] = [:]
        for (candidate, value) in entries {
            for key in keys where candidate.elementsEqual(key.utf8) && values[key] == nil { values[key] = value }
        }
        return values
    }

    package struct Elements: Sequence, IteratorProtocol, Sendable {
        private let bytes: ArraySlice<UInt8>
        private var position: Int

        fileprivate init(inside bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            position = bytes.startIndex + 1
        }

        package mutating func next() -> BencodeView? {
            guard bytes[position] != Bencode.end else { return nil }
            let end = BencodeWalk.endOfValue(bytes, at: position)
            defer { position = end }
            return BencodeView(validated: bytes[position..<end])
        }
    }

    package struct Entries: Sequence, IteratorProtocol, Sendable {
        private let bytes: ArraySlice<UInt8>
        private var position: Int

        fileprivate init(inside bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            position = bytes.startIndex + 1
        }

        package mutating func next() -> (key: ArraySlice<UInt8>, value: BencodeView)? {
            guard bytes[position] != Bencode.end else { return nil }
            let key = BencodeWalk.stringBody(bytes, at: position)
            let end = BencodeWalk.endOfValue(bytes, at: key.upperBound)
            defer { position = end }
            return (bytes[key], BencodeView(validated: bytes[key.upperBound..<end]))
        }
    }
}

/// Steps over values that are proved to be sound.
private enum BencodeWalk {
    static func stringBody(_ bytes: ArraySlice<UInt8>, at start: Int) -> Range<Int> {
        var position = start
        var length = 0
        while bytes[position] != Bencode.colon {
            length = length * 10 + Int(bytes[position] - Bencode.digits.lowerBound)
            position += 1
        }
        return position + 1..<position + 1 + length
    }

    static func endOfValue(_ bytes: ArraySlice<UInt8>, at start: Int) -> Int {
        var position = start
        var depth = 0
        repeat {
            switch bytes[position] {
            case Bencode.integer:
                while bytes[position] != Bencode.end { position += 1 }
                position += 1
            case Bencode.list, Bencode.dictionary:
                depth += 1
                position += 1
            case Bencode.end:
                depth -= 1
                position += 1
            default: position = stringBody(bytes, at: position).upperBound
            }
        } while depth > 0
        return position
    }
}
