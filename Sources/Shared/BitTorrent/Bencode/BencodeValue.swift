/// A bencoded value that owns its parts: what our side builds before it is encoded. What others send is read through
/// `BencodeView` instead, which copies nothing.
package enum BencodeValue: Hashable, Sendable {
    case integer(Int64)
    case string([UInt8])
    case list([BencodeValue])
    /// In the order given; `BencodeEncoder` sorts them, as BEP 3 asks.
    case dictionary([Entry])

    package struct Entry: Hashable, Sendable {
        package var key: [UInt8]
        package var value: BencodeValue

        package init(_ key: [UInt8], _ value: BencodeValue) {
            self.key = key
            self.value = value
        }
        package init(_ key: String, _ value: BencodeValue) { self.init(Array(key.utf8), value) }
    }

    package static func text(_ text: String) -> BencodeValue { .string(Array(text.utf8)) }

    /// A copy of what a view shows.
    package init(_ view: BencodeView) {
        switch view.kind {
        case .integer: self = .integer(view.integer ?? 0)
        case .string: self = .string(Array(view.string ?? []))
        case .list: self = .list(view.elements.map { $0.map { BencodeValue($0) } } ?? [])
        case .dictionary: self = .dictionary(view.entries.map { $0.map { Entry(Array($0), BencodeValue($1)) } } ?? [])
        }
    }

    /// The first value with this key of a dictionary. Setting nil takes every such entry away; setting on what is no
    /// dictionary makes it one.
    package subscript(key: String) -> BencodeValue? {
        get {
            guard case .dictionary(let entries) = self else { return nil }
            return entries.first { $0.key.elementsEqual(key.utf8) }?.value
        }
        set {
            var entries: [Entry] = []
            if case .dictionary(let existing) = self { entries = existing }
            let place = entries.firstIndex { $0.key.elementsEqual(key.utf8) } ?? entries.count
            entries.removeAll { $0.key.elementsEqual(key.utf8) }
            if let newValue { entries.insert(Entry(key, newValue), at: place) }
            self = .dictionary(entries)
        }
    }
}

extension BencodeValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .text(value) }
}

extension BencodeValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    package init(arrayLiteral elements: BencodeValue...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, BencodeValue)...) {
        self = .dictionary(elements.map { Entry($0.0, $0.1) })
    }
}
