/// Keeps one line at the bottom of a terminal that is rewritten in place, while ordinary lines scroll by above it.
struct TerminalScreen {
    private static let eraseLine = "\r\u{1B}[K"
    /// What stands at the bottom now; empty: nothing.
    private var shown = ""

    /// The bytes that make a terminal show `lines` (each ends with a newline) above, and then `status` at the bottom.
    mutating func update(lines: [UInt8], status: String) -> [UInt8] {
        if lines.isEmpty && status == shown { return [] }
        var bytes: [UInt8] = []
        if !shown.isEmpty { bytes += Self.eraseLine.utf8 }
        bytes += lines
        bytes += status.utf8
        shown = status
        return bytes
    }
}
