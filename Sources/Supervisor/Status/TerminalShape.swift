/// What fits on a terminal, and what may be shown there.
struct TerminalShape: Equatable {
    var columns: Int
    var rows: Int
    /// Shows more than ASCII.
    var isUTF8: Bool
    var hasColour: Bool
}
