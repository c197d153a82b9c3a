/// A line for the bottom of a terminal: runs of text in few styles. Knows how wide it is, whatever the styles are.
struct ScreenLine: Equatable {
    enum Style {
        case plain
        /// What stands back: titles, what is missing.
        case dim
        /// What moves.
        case accent
    }
    struct Run: Equatable {
        var text: String
        var style: Style
    }

    private(set) var runs: [Run] = []

    init(_ text: String = "", _ style: Style = .plain) { append(text, style) }

    /// Joins runs of one style.
    mutating func append(_ text: String, _ style: Style = .plain) {
        if text.isEmpty { return }
        if let last = runs.indices.last, runs[last].style == style {
            runs[last].text += text
        } else {
            runs.append(Run(text: text, style: style))
        }
    }

    var text: String { runs.map(\.text).joined() }
    var columns: Int { runs.reduce(0) { $0 + TextWidth.columns($1.text) } }

    /// Each run ends in the terminal's usual style, so that nothing of it outlives the line.
    func rendered(hasColour: Bool) -> String {
        guard hasColour else { return text }
        return runs.map { run in
            switch run.style {
            case .plain: run.text
            case .dim: "\u{1B}[2m\(run.text)\u{1B}[m"
            case .accent: "\u{1B}[36m\(run.text)\u{1B}[m"
            }
        }.joined()
    }
}
