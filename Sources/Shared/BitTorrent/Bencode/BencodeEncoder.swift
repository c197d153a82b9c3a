/// Writes bencoded values (BEP 3): the one canonical form, in which equal values have equal bytes.
package struct BencodeEncoder: Sendable {
    package enum KeyOrder: Hashable, Sendable {
        /// By raw bytes, as BEP 3 asks.
        case sorted
        /// As the value lists them; for imitating what other programs write.
        case given
    }

    private let keyOrder: KeyOrder

    package init(keyOrder: KeyOrder = .sorted) { self.keyOrder = keyOrder }

    package func encode(_ value: BencodeValue) -> [UInt8] {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return bytes
    }

    private func append(_ value: BencodeValue, to bytes: inout [UInt8]) {
        switch value {
        case .integer(let number):
            bytes.append(Bencode.integer)
            bytes += String(number).utf8
            bytes.append(Bencode.end)
        case .string(let string): append(string, to: &bytes)
        case .list(let elements):
            bytes.append(Bencode.list)
            for element in elements { append(element, to: &bytes) }
            bytes.append(Bencode.end)
        case .dictionary(let entries):
            bytes.append(Bencode.dictionary)
            for entry in inOrder(entries) {
                append(entry.key, to: &bytes)
                append(entry.value, to: &bytes)
            }
            bytes.append(Bencode.end)
        }
    }

    private func append(_ string: [UInt8], to bytes: inout [UInt8]) {
        bytes += String(string.count).utf8
        bytes.append(Bencode.colon)
        bytes += string
    }

    private func inOrder(_ entries: [BencodeValue.Entry]) -> [BencodeValue.Entry] {
        switch keyOrder {
        case .given: entries
        case .sorted: entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        }
    }
}
