/// Makes text that strangers wrote safe to show: nothing in it can move a cursor, colour a line, hide or turn letters.
package enum TerminalText {
    /// Every invisible scalar as `\u{1b}` (hexadecimal), all others as they are.
    package static func escaped(_ text: some StringProtocol) -> String {
        if text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) { return String(text) }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isInvisible(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// Escaped and, when longer, cut to `limit` bytes with an ellipsis. Bytes and not characters: one character may be
    /// a letter and a thousand accents.
    package static func excerpt(_ text: some StringProtocol, limit: Int = 200) -> String {
        var head = String.UnicodeScalarView()
        // No more than the limit can be shown, so that a text of megabytes costs nothing.
        head.append(contentsOf: text.unicodeScalars.prefix(limit + 1))
        let shown = escaped(String(head))
        guard shown.utf8.count > limit else { return shown }
        head = String.UnicodeScalarView()
        var byteCount = 0
        for scalar in shown.unicodeScalars {
            byteCount += UTF8.width(scalar)
            guard byteCount <= limit else { break }
            head.append(scalar)
        }
        return String(head) + "…"
    }

    /// Bytes of unknown encoding; what is no UTF-8 shows as U+FFFD.
    package static func escaped(bytes: some Collection<UInt8>) -> String {
        escaped(String(decoding: bytes, as: UTF8.self))
    }

    /// Controls (C0, C1, DEL), format characters (bidirectional, zero-width, tags), line and paragraph separators.
    static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
