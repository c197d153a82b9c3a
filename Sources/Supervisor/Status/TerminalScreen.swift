/// What is to stand at the bottom of a terminal.
struct ScreenStatus: Equatable {
    var lines: [ScreenLine] = []
    /// Of the terminal, when the lines were made for it.
    var columns = 80
    var hasColour = false
}

/// Keeps a few lines at the bottom of a terminal that are rewritten in place, while ordinary lines scroll by above them.
struct TerminalScreen {
    private static let eraseLine = "\u{1B}[K"
    private static let eraseBelow = "\u{1B}[J"
    /// What stands at the bottom now.
    private var shown = ScreenStatus()

    /// The bytes that make a terminal show `lines` (each ends with a newline) above, and then `status` at the bottom.
    mutating func update(lines: [UInt8], status: ScreenStatus) -> [UInt8] {
        if lines.isEmpty && status == shown { return [] }
        var bytes: [UInt8] = []
        if !shown.lines.isEmpty {
            let height = height(at: status.columns)
            bytes += "\r".utf8
            if height > 1 { bytes += "\u{1B}[\(height - 1)A".utf8 }
            // Without messages, lines are written over one another, and nothing flickers.
            let isInPlace = lines.isEmpty && status.lines.count > 1 && shown.columns == status.columns
            if !isInPlace { bytes += (height > 1 ? Self.eraseBelow : Self.eraseLine).utf8 }
        }
        bytes += lines
        let isAlone = status.lines.count < 2
        for (index, line) in status.lines.enumerated() {
            if index > 0 { bytes += "\n".utf8 }
            bytes += line.rendered(hasColour: status.hasColour).utf8
            if !isAlone { bytes += Self.eraseLine.utf8 }
        }
        if !isAlone { bytes += Self.eraseBelow.utf8 }
        shown = status
        return bytes
    }

    /// The rows that the shown lines take. Most terminals break lines anew when they become narrower.
    private func height(at columns: Int) -> Int {
        guard columns < shown.columns else { return shown.lines.count }
        return shown.lines.reduce(0) { $0 + max(1, ($1.columns + columns - 1) / max(1, columns)) }
    }
}
