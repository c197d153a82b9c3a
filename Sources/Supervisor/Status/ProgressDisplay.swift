/// Owns which form the progress on a terminal takes, a line or a panel, and what the panel remembers. Shows nothing itself.
struct ProgressDisplay {
    /// `--progress bar`: a panel even for one torrent.
    let prefersPanel: Bool
    private var history = RateHistory()

    init(prefersPanel: Bool) { self.prefersPanel = prefersPanel }

    /// Whether the maps of pieces would be shown.
    func wantsMaps(torrentCount: Int, shape: TerminalShape) -> Bool {
        (prefersPanel || torrentCount > 1) && shape.columns >= ProgressPanel.leastColumns
            && shape.rows >= ProgressPanel.leastRows
    }

    mutating func note(_ report: StatusReport) {
        let rate = report.torrents.reduce(0) { $0 + $1.downloadRate }
        history.note(rate, atSeconds: report.secondsSinceStart)
    }

    /// A report without maps, as those of `verify` and `create`, is a line.
    func lines(_ report: StatusReport, shape: TerminalShape) -> [ScreenLine] {
        if report.torrents.contains(where: { $0.map != nil }),
            wantsMaps(torrentCount: report.torrents.count, shape: shape),
            let lines = ProgressPanel.lines(report, history: history, shape: shape)
        {
            return lines
        }
        return [ScreenLine(ProgressLine.text(report, columns: shape.columns, isUTF8: shape.isUTF8))]
    }
}
