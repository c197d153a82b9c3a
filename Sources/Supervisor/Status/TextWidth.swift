/// How many columns text takes on a terminal, and how it is made to fit. Knows the usual cases, not every emoji.
enum TextWidth {
    static func columns(_ text: some StringProtocol) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + columns($1) }
    }

    /// The text, or its beginning and an ellipsis; never wider than `columns`.
    static func fitted(_ text: String, columns limit: Int, isUTF8: Bool) -> String {
        guard columns(text) > limit else { return text }
        let ellipsis = isUTF8 ? "…" : "..."
        let room = limit - columns(ellipsis)
        guard room > 0 else { return prefix(text, columns: limit) }
        return prefix(text, columns: room) + ellipsis
    }

    /// For a terminal that shows ASCII only.
    static func ascii(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isASCII ? $0 : "?" }))
    }

    private static func prefix(_ text: String, columns limit: Int) -> String {
        var width = 0
        return String(
            text.prefix { character in
                width += columns(String(character))
                return width <= limit
            })
    }

    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }

    /// Unicode's East Asian Width W and F, in large blocks.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
        0x20000...0x3FFFD,
    ]
}
