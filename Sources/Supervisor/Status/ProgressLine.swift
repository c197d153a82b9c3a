/// Says on one line how the run goes, as much of it as fits. Shows nothing itself.
enum ProgressLine {
    /// - Parameters:
    ///   - columns: of the terminal; nil where lines may be long.
    ///   - isUTF8: whether the terminal shows more than ASCII.
    static func text(_ report: StatusReport, columns: Int?, isUTF8: Bool) -> String {
        let overview = Overview(report)
        let name = isUTF8 ? overview.name : TextWidth.ascii(overview.name)
        guard let columns else { return "\(name): \(fields(overview, .wide).joined(separator: "  "))" }
        // A character in the last column makes some terminals begin another line.
        let room = max(0, columns - 1)
        let (fields, separator) = fitting(overview, room: room, nameColumns: TextWidth.columns(name))
        let tail = fields.joined(separator: separator)
        let left = room - TextWidth.columns(tail) - separator.count
        let shownName = left >= 4 ? TextWidth.fitted(name, columns: left, isUTF8: isUTF8) + separator : ""
        return TextWidth.fitted(
            shownName + (isUTF8 ? tail : TextWidth.ascii(tail)), columns: room, isUTF8: isUTF8)
    }

    /// How the run went, for the last line.
    /// - Parameter code: how it ends.
    static func summary(_ report: StatusReport, code: ExitCode) -> String {
        let overview = Overview(report)
        let total = report.torrents.reduce(0) { $0 + $1.totalByteCount }
        let done = report.torrents.reduce(0) { $0 + $1.completedByteCount }
        let seconds = report.secondsSinceStart
        let state =
            code == .complete
            ? "complete, \(Amounts.bytes(total))"
            : "stopped at \(Amounts.percent(done, of: total)), \(Amounts.part(done, of: total))"
        let ended = [
            state,
            "\(Amounts.bytes(overview.downloadedByteCount)) fetched in "
                + Amounts.duration(seconds: Int(exactly: seconds.rounded(.down)) ?? 0),
            "\(Amounts.rate(report.average(overview.downloadedByteCount))) on average",
            "\(Amounts.bytes(overview.uploadedByteCount)) uploaded at "
                + "\(Amounts.rate(report.average(overview.uploadedByteCount))) on average",
            "ratio \(Amounts.ratio(overview.uploadedInAllByteCount, to: total))",
            "\(Amounts.bytes(overview.wastedByteCount)) wasted",
            Amounts.counted(report.restartCount, "worker restart"),
        ]
        return "\(overview.name): \(ended.joined(separator: ", "))"
    }

    private enum Style {
        case wide, medium, narrow

        /// The name gets at least as many columns before a style with shorter fields is taken.
        var nameColumns: Int {
            switch self {
            case .wide: 24
            case .medium: 12
            case .narrow: 8
            }
        }
        var separator: String { self == .wide ? "  " : " " }
    }

    /// The richest fields that leave the name room; in the narrow style the least important go one by one.
    private static func fitting(_ overview: Overview, room: Int, nameColumns: Int) -> ([String], separator: String) {
        for style in [Style.wide, .medium] {
            let fields = fields(overview, style)
            if fits(fields, style, room: room, nameColumns: nameColumns) { return (fields, style.separator) }
        }
        var fields = fields(overview, .narrow)
        for dropped in dropOrder(fieldCount: fields.count) {
            if fits(fields, .narrow, room: room, nameColumns: nameColumns) { break }
            fields[dropped] = ""
        }
        return (fields.filter { !$0.isEmpty }, Style.narrow.separator)
    }

    private static func fits(_ fields: [String], _ style: Style, room: Int, nameColumns: Int) -> Bool {
        let shown = fields.filter { !$0.isEmpty }
        let width = shown.reduce(0) { $0 + TextWidth.columns($1) + style.separator.count }
        return width + min(nameColumns, style.nameColumns) <= room
    }

    /// Of the fields of a download: workers, pieces, up rate, peers, amounts, ETA, down rate; the share stays. The few
    /// fields of other phases go from the back.
    private static func dropOrder(fieldCount: Int) -> [Int] {
        fieldCount == 8 ? [6, 5, 3, 4, 1, 7, 2] : Array((1..<fieldCount).reversed())
    }

    private static func fields(_ overview: Overview, _ style: Style) -> [String] {
        let share = Amounts.percent(overview.doneByteCount, of: overview.totalByteCount)
        let amounts =
            style == .narrow
            ? Amounts.shortPart(overview.doneByteCount, of: overview.totalByteCount)
            : Amounts.part(overview.doneByteCount, of: overview.totalByteCount)
        if let trouble = overview.trouble { return [share, "\(overview.phase.rawValue): \(trouble)", amounts] }
        switch overview.phase {
        case .checking, .hashing:
            return ["\(overview.phase.rawValue) \(share)", amounts]
                + (overview.workerCount > 0 ? [workers(overview, style)] : [])
        case .stopping: return [share, "stopping", amounts]
        case .paused: return [share, "paused", amounts]
        case .downloading, .seeding: return [share, amounts] + transfer(overview, style)
        }
    }

    /// Six fields.
    private static func transfer(_ overview: Overview, _ style: Style) -> [String] {
        let pieces = "\(overview.completedPieceCount)/\(overview.pieceCount)"
        let eta = overview.secondsLeft.map { Amounts.duration(seconds: $0) } ?? "--"
        let (down, up) = (overview.downloadRate, overview.uploadRate)
        switch style {
        case .wide:
            return [
                "down \(Amounts.rate(down))", "up \(Amounts.rate(up))", Amounts.counted(overview.peerCount, "peer"),
                "\(pieces) pieces", workers(overview, style), "ETA \(eta)",
            ]
        case .medium:
            return [
                "DL:\(Amounts.shortRate(down))", "UL:\(Amounts.shortRate(up))",
                Amounts.counted(overview.peerCount, "peer"), "\(pieces) pcs", workers(overview, style), "ETA \(eta)",
            ]
        case .narrow:
            return [
                "DL:\(Amounts.shortRate(down))", "UL:\(Amounts.shortRate(up))", "\(overview.peerCount)p", pieces,
                workers(overview, style), eta,
            ]
        }
    }

    /// How many work, and of how many when some do not.
    private static func workers(_ overview: Overview, _ style: Style) -> String {
        let missing = overview.readyWorkerCount < overview.workerCount
        if style == .narrow {
            return missing ? "\(overview.readyWorkerCount)/\(overview.workerCount)w" : "\(overview.workerCount)w"
        }
        let count = Amounts.counted(overview.workerCount, "worker")
        return missing ? "\(overview.readyWorkerCount)/\(count)" : count
    }
}
