/// How much a line of the log matters; the words of `--log-level`, least important first.
enum LogLevel: String, CaseIterable, Comparable {
    case trace, debug, info, notice, warning, error, critical

    static func < (left: LogLevel, right: LogLevel) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}
