import BitTorrent

/// Draws a run as a small table at the bottom of a wide terminal: a line of figures for each torrent, a map of its pieces,
/// and the download rate over the last minutes. Shows nothing itself, and reads nothing but its arguments.
struct ProgressPanel {
    /// The table with 19 columns for names.
    static let leastColumns = 80
    /// Titles, two torrents, those left out, the sum and the rate take two thirds of it.
    static let leastRows = 12

    private let report: StatusReport
    private let history: RateHistory
    private let shape: TerminalShape
    private let overview: Overview
    /// For a name, and for the map behind the figures; 0: the map is below them.
    private let nameColumns: Int
    private let besideColumns: Int

    /// - Returns: nil where there is no room for a table.
    static func lines(_ report: StatusReport, history: RateHistory, shape: TerminalShape) -> [ScreenLine]? {
        guard shape.columns >= leastColumns, shape.rows >= leastRows, !report.torrents.isEmpty else { return nil }
        return ProgressPanel(report, history, shape).lines
    }

    private init(_ report: StatusReport, _ history: RateHistory, _ shape: TerminalShape) {
        self.report = report
        self.history = history
        self.shape = shape
        overview = Overview(report)
        // A character in the last column makes some terminals begin another line.
        let room = shape.columns - 1 - Self.figureColumns
        let longest = report.torrents.map { TextWidth.columns(Self.name($0, shape)) }.max() ?? 0
        let wished = min(max(longest, 12), Self.mostNameColumns)
        let beside = room - wished - Self.gap.count
        nameColumns = beside >= Self.leastMapColumns ? wished : min(room, Self.mostNameColumns)
        besideColumns = beside >= Self.leastMapColumns ? beside : 0
    }

    private static let mostNameColumns = 40
    /// A map beside the figures has at least so many columns, or else goes below them.
    private static let leastMapColumns = 40
    private static let gap = "  "
    /// Titles and widths of the figures. Fixed, so that nothing moves when a figure grows.
    private static let figures = [("DONE", 6), ("SIZE", 14), ("DOWN", 7), ("UP", 7), ("PEERS", 5), ("ETA", 8)]
    private static let figureColumns = figures.reduce(0) { $0 + gap.count + $1.1 }

    private var tableColumns: Int { nameColumns + Self.figureColumns }
    private var totalColumns: Int { besideColumns > 0 ? shape.columns - 1 : tableColumns }

    private var lines: [ScreenLine] {
        let torrents = report.torrents
        // The rest of the screen is for messages.
        let room = shape.rows * 2 / 3 - (torrents.count > 1 ? 3 : 2)
        let hasMapsBelow = besideColumns == 0 && torrents.count * 2 <= room
        var shown = torrents
        if torrents.count > room {
            let chosen = torrents.indices.sorted { (Self.rank(torrents[$0]), $0) < (Self.rank(torrents[$1]), $1) }
            shown = chosen.prefix(room - 1).sorted().map { torrents[$0] }
        }
        var lines = [row("TORRENT", Self.figures.map(\.0), .dim)]
        for torrent in shown {
            var line = row(Self.name(torrent, shape), Self.cells(torrent))
            if besideColumns > 0 {
                line.append(Self.gap)
                draw(torrent, columns: besideColumns, into: &line)
            }
            lines.append(line)
            if hasMapsBelow {
                var below = ScreenLine()
                draw(torrent, columns: tableColumns, into: &below)
                lines.append(below)
            }
        }
        if shown.count < torrents.count { lines.append(ScreenLine("\(torrents.count - shown.count) more", .dim)) }
        if torrents.count > 1 { lines.append(row(overview.name, sumCells)) }
        lines.append(rateLine)
        return lines
    }

    /// Which torrents are shown when not all fit, the least first: those with peers or trouble, those that wait, those
    /// that are done. Not by rates, so that rows do not come and go.
    private static func rank(_ torrent: StatusReport.Torrent) -> Int {
        if torrent.phase == .seeding { return 2 }
        return torrent.peerCount > 0 || torrent.trouble != nil ? 0 : 1
    }

    // MARK: Figures

    private static func name(_ torrent: StatusReport.Torrent, _ shape: TerminalShape) -> String {
        let name = TerminalText.escaped(torrent.name)
        return shape.isUTF8 ? name : TextWidth.ascii(name)
    }

    private func row(_ name: String, _ cells: [String], _ style: ScreenLine.Style = .plain) -> ScreenLine {
        let name = TextWidth.fitted(name, columns: nameColumns, isUTF8: shape.isUTF8)
        var text = name + String(repeating: " ", count: nameColumns - TextWidth.columns(name))
        for (cell, (_, columns)) in zip(cells, Self.figures) {
            let cell = TextWidth.fitted(cell, columns: columns, isUTF8: shape.isUTF8)
            text += Self.gap + String(repeating: " ", count: columns - TextWidth.columns(cell)) + cell
        }
        return ScreenLine(text, style)
    }

    private static func cells(_ torrent: StatusReport.Torrent) -> [String] {
        let isChecking = torrent.phase == .checking || torrent.phase == .hashing
        return cells(
            isChecking ? torrent.checkedByteCount : torrent.completedByteCount,
            of: isChecking ? torrent.checkTotalByteCount : torrent.totalByteCount, down: torrent.downloadRate,
            up: torrent.uploadRate, peerCount: torrent.peerCount, phase: torrent.phase,
            secondsLeft: torrent.secondsLeft)
    }

    private var sumCells: [String] {
        Self.cells(
            overview.doneByteCount, of: overview.totalByteCount, down: overview.downloadRate, up: overview.uploadRate,
            peerCount: overview.peerCount, phase: overview.phase, secondsLeft: overview.secondsLeft)
    }

    private static func cells(
        _ doneByteCount: UInt64, of totalByteCount: UInt64, down: Double, up: Double, peerCount: Int,
        phase: StatusReport.Phase, secondsLeft: Int?
    ) -> [String] {
        let end = phase == .downloading ? secondsLeft.map { Amounts.duration(seconds: $0) } ?? "--" : phase.rawValue
        return [
            Amounts.percent(doneByteCount, of: totalByteCount), Amounts.shortPart(doneByteCount, of: totalByteCount),
            Amounts.shortRate(down), Amounts.shortRate(up), String(peerCount), end,
        ]
    }

    // MARK: Drawings

    /// The map of the pieces, or why nothing moves.
    private func draw(_ torrent: StatusReport.Torrent, columns: Int, into line: inout ScreenLine) {
        if let trouble = torrent.trouble {
            let text = TextWidth.fitted(trouble, columns: columns, isUTF8: shape.isUTF8)
            line.append(shape.isUTF8 ? text : TextWidth.ascii(text), .accent)
            return
        }
        for cell in torrent.map?.cells(columns) ?? [] {
            let (letter, style) = letter(cell)
            line.append(letter, style)
        }
    }

    /// All there, more than half, some, under way, missing, not wanted.
    private func letter(_ cell: PieceMap.Cell) -> (String, ScreenLine.Style) {
        let style: ScreenLine.Style = cell.isInFlight ? .accent : .plain
        if cell.missingCount == 0 { return (cell.haveCount == 0 ? " " : shape.isUTF8 ? "█" : "#", style) }
        if cell.haveCount > cell.missingCount { return (shape.isUTF8 ? "▓" : "=", style) }
        if cell.haveCount > 0 { return (shape.isUTF8 ? "▒" : "-", style) }
        if cell.isInFlight { return (shape.isUTF8 ? "░" : ":", style) }
        return (shape.isUTF8 ? "·" : ".", .dim)
    }

    /// The rates are drawn below the maps where these are beside the figures.
    private var rateLine: ScreenLine {
        let missing = overview.readyWorkerCount < overview.workerCount ? "\(overview.readyWorkerCount)/" : ""
        let start = besideColumns > 0 ? tableColumns + Self.gap.count : Self.peakColumns + Self.gap.count
        let columns = min(RateHistory.limit, totalColumns - start)
        let text =
            "\(missing)\(Amounts.counted(overview.workerCount, "worker")), peak "
            + Amounts.rate(history.peak(columns: columns))
        var line = ScreenLine(text, .dim)
        line.append(String(repeating: " ", count: max(Self.gap.count, start - text.count)))
        line.append(history.sparkline(columns: columns, isUTF8: shape.isUTF8))
        return line
    }

    /// For `16/16 workers, peak 1023.9 MiB/s`.
    private static let peakColumns = 32
}
