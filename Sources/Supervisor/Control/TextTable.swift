import BitTorrent

/// Rows of cells as aligned columns, for a terminal and for `awk`: two blanks between columns, `-` for what there is none
/// of, and blanks within a cell only in the last column.
struct TextTable {
    enum Alignment { case left, right }

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    init(_ columns: [(title: String, alignment: Alignment)]) {
        titles = columns.map(\.title)
        alignments = columns.map(\.alignment)
    }

    /// - Precondition: as many cells as columns.
    mutating func add(_ cells: [String]) {
        precondition(cells.count == titles.count)
        rows.append(
            cells.enumerated().map { index, cell in
                let text = index == cells.count - 1 ? cell : String(cell.map { $0 == " " ? "_" : $0 })
                return text.isEmpty ? "-" : text
            })
    }

    var lines: [String] {
        let all = [titles] + rows
        let widths = titles.indices.map { column in all.map { TextWidth.columns($0[column]) }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                if column > 0 { line += "  " }
                let room = widths[column] - TextWidth.columns(cell)
                let padding = String(repeating: " ", count: room)
                switch alignments[column] {
                case .right: line += padding + cell
                case .left: line += column == row.count - 1 ? cell : cell + padding
                }
            }
            return line
        }
    }
}

/// Short forms for the cells of tables.
enum Cell {
    static func bytes(_ count: UInt64) -> String { Amounts.shortBytes(count) }
    static func rate(_ bytesPerSecond: Double) -> String { Amounts.shortRate(bytesPerSecond) }

    /// `0.3s`, `12.0s`, `2m05s`; nil: `-`.
    static func seconds(_ duration: Duration?) -> String {
        guard let duration else { return "-" }
        let tenths = max(0, duration.wholeNanoseconds / 100_000_000)
        return tenths < 600 ? "\(tenths / 10).\(tenths % 10)s" : Amounts.duration(seconds: Int(tenths / 10))
    }

    /// `45us`, `1.2ms`, `350ms`, `2.5s`: short times, of which the order of magnitude counts.
    static func time(_ duration: Duration) -> String {
        let microseconds = max(0, duration.wholeNanoseconds / 1000)
        switch microseconds {
        case ..<1000: return "\(microseconds)us"
        case ..<100_000: return "\(microseconds / 1000).\(microseconds / 100 % 10)ms"
        case ..<1_000_000: return "\(microseconds / 1000)ms"
        default: return "\(microseconds / 1_000_000).\(microseconds / 100_000 % 10)s"
        }
    }

    /// `12.3`: rounded down.
    static func decimal(_ value: Double) -> String {
        let tenths = Int(exactly: (value * 10).rounded(.down)) ?? 0
        return "\(tenths / 10).\(tenths % 10)"
    }

    static func count(_ count: (some BinaryInteger)?) -> String { count.map { "\($0)" } ?? "-" }
}
