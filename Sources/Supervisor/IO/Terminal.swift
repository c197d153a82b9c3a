import CLinux
import Glibc

/// What the descriptor for messages is, and what may be shown on it.
struct Terminal {
    private let descriptor: CInt
    /// A terminal that can rewrite a line.
    let canRewrite: Bool
    /// Shows more than ASCII.
    let isUTF8: Bool
    /// Colour is welcome: `NO_COLOR` is not set (no-color.org).
    let hasColour: Bool
    /// `COLUMNS` and `LINES`, for where the kernel does not know.
    private let statedColumns: Int
    private let statedRows: Int

    init(descriptor: CInt, environment: [String: String]) {
        self.descriptor = descriptor
        canRewrite = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
        isUTF8 = Self.isUTF8(environment)
        hasColour = canRewrite && (environment["NO_COLOR"] ?? "").isEmpty
        statedColumns = environment["COLUMNS"].flatMap { Int($0) } ?? 0
        statedRows = environment["LINES"].flatMap { Int($0) } ?? 0
    }

    /// Asked each time: windows change.
    var columns: Int {
        let columns = Int(clinux_terminal_columns(descriptor))
        if columns > 0 { return columns }
        return 1...1000 ~= statedColumns ? statedColumns : 80
    }

    /// Asked each time, too.
    var rows: Int {
        let rows = Int(clinux_terminal_rows(descriptor))
        if rows > 0 { return rows }
        return 1...1000 ~= statedRows ? statedRows : 24
    }

    /// What fits and may be shown now.
    var shape: TerminalShape {
        TerminalShape(columns: columns, rows: rows, isUTF8: isUTF8, hasColour: hasColour)
    }

    /// By the locale's name, as the C library chooses it.
    static func isUTF8(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let name = locale.lowercased()
        return name.hasSuffix("utf-8") || name.hasSuffix("utf8") || name.contains("utf-8@") || name.contains("utf8@")
    }
}
