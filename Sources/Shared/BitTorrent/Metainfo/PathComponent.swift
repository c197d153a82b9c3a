/// One name of a path: what is refused, what is replaced by `_`, and how a long one is cut.
enum PathComponent {
    /// Appends the safe form of `raw` to `path`.
    /// - Returns: whether it differs from `raw`.
    static func append(_ raw: ArraySlice<UInt8>, to path: inout [UInt8]) throws(SafePath.Refusal) -> Bool {
        if raw.elementsEqual("..".utf8) { throw .parentDirectory }
        if raw.elementsEqual(".".utf8) { throw .currentDirectory }
        var isPlain = raw.count <= SafePath.maximumComponentByteCount
        for byte in raw {
            if byte == UInt8(ascii: "/") { throw .separatorInside }
            if byte == 0 { throw .nulInside }
            if !(0x20...0x7E ~= byte) { isPlain = false }
        }
        if isPlain && !PartsFile.isReserved(raw) {
            path += raw
            return false
        }
        var name = visible(raw)
        if PartsFile.isReserved(name[...]) { name[0] = underscore }
        if name.count > SafePath.maximumComponentByteCount {
            var fingerprint = Fingerprint()
            fingerprint.add(raw)
            name = marked(name, by: fingerprint.value)
        }
        path += name
        return !name.elementsEqual(raw)
    }

    /// The name with `~` and twelve hexadecimal digits of `hash` before its extension, cut so that all fits 255 bytes.
    static func marked(_ name: [UInt8], by hash: UInt64) -> [UInt8] {
        let digits = String(hash >> 16, radix: 16)
        let mark = Array("~".utf8) + Array(repeating: UInt8(ascii: "0"), count: 12 - digits.count) + digits.utf8
        let suffix = suffixStart(name)
        var stem = name[..<min(suffix, SafePath.maximumComponentByteCount - mark.count - (name.count - suffix))]
        // Never through the middle of a character: continuation bytes are 10xxxxxx.
        while stem.endIndex < suffix, !stem.isEmpty, name[stem.endIndex] & 0xC0 == 0x80 { stem.removeLast() }
        return stem + mark + name[suffix...]
    }

    /// Longer tails after a dot are no extension but part of a sentence.
    private static let longestSuffix = 32
    private static let underscore = UInt8(ascii: "_")

    /// Where the extension with its dot begins; the end when there is none. A dot in front only hides the file.
    private static func suffixStart(_ name: [UInt8]) -> Int {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0, name.count - dot <= longestSuffix else {
            return name.count
        }
        return dot
    }

    /// `_` for each invisible character and each ill-formed sequence, overlong forms included.
    private static func visible(_ raw: ArraySlice<UInt8>) -> [UInt8] {
        var name: [UInt8] = []
        name.reserveCapacity(raw.count)
        var source = raw.makeIterator()
        var decoder = UTF8()
        while true {
            switch decoder.decode(&source) {
            case .scalarValue(let scalar):
                if TerminalText.isInvisible(scalar) { name.append(underscore) } else { name += UTF8.encode(scalar)! }
            case .error: name.append(underscore)
            case .emptyInput: return name
            }
        }
    }
}
