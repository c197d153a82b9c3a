import BitTorrent
import Glibc
import Logging
import PoolProtocol
import PoolRuntime

/// All that a run says: the progress line, messages, the log, events. stdout carries only what was asked for. Nothing
/// here ever blocks but `finish`, and that for a second at most. Used by the main thread; loggers by any.
final class Output {
    private enum Style { case bar, plain, none }

    /// A bar is rewritten at most four times a second; plain lines and events are for logs and scripts.
    private static let barInterval: Duration = .milliseconds(250)
    private static let plainInterval: Duration = .seconds(5)
    private static let eventInterval: Duration = .seconds(1)
    /// How long the end waits for readers.
    private static let patience: Duration = .seconds(1)

    private let style: Style
    private let isQuiet: Bool
    private let terminal: Terminal
    private let stdout: OutputThread
    private let stderr: OutputThread
    private let logFile: (path: UserPath, thread: OutputThread)?
    private let eventsFile: (path: UserPath, thread: OutputThread)?
    private let eventsGoToStdout: Bool
    private let sink: MessageSink
    private let logLevel: LogLevel
    private var linePace: ProgressPace
    private var eventPace: ProgressPace
    private var display: ProgressDisplay
    private var latest: StatusReport?
    private var lastError = ""
    /// Lines for stdout at the end.
    private var result: [String] = []

    /// Opens the files of `--log` and `--events`.
    /// - Parameters:
    ///   - standardOutput: a descriptor; closed at the end unless it is a standard stream, as `standardError`.
    init(
        _ options: OutputOptions, environment: [String: String], standardOutput: CInt = STDOUT_FILENO,
        standardError: CInt = STDERR_FILENO
    ) throws(UserError) {
        isQuiet = options.isQuiet
        terminal = Terminal(descriptor: standardError, environment: environment)
        style = Self.style(options, terminal)
        display = ProgressDisplay(prefersPanel: options.progress == .bar)
        eventsGoToStdout = options.progress == .json
        let event: @Sendable (Int) -> String = { count in
            EventStream.lines(.warning("\(count) lines were not read in time and are missing"), time: WallClock.now)[0]
        }
        stdout = try Self.thread(standardOutput, "stdout", dropNotice: event)
        stderr = try Self.thread(standardError, "stderr") { "supervisor: warning: \($0) messages were dropped here" }
        logFile = try options.logFile.map { (path) throws(UserError) in
            let descriptor = try OutputFile.open(path, isFresh: false)
            let thread = try Self.thread(descriptor, "\(path)") {
                "\(WallClock.text) warning supervisor: \($0) lines lost"
            }
            return (path, thread)
        }
        eventsFile = try options.eventsFile.map { (path) throws(UserError) in
            (path, try Self.thread(try OutputFile.open(path, isFresh: true), "\(path)", dropNotice: event))
        }
        let shown = options.logFile == nil ? options.logLevel ?? .warning : .warning
        sink = MessageSink(
            terminal: stderr, terminalLevel: options.isQuiet ? .error : min(shown, .error), file: logFile?.thread,
            fileLevel: options.logLevel ?? .notice)
        logLevel = options.leastLogLevel
        switch style {
        case .bar: linePace = ProgressPace(every: max(options.interval ?? Self.barInterval, Self.barInterval))
        case .plain: linePace = ProgressPace(every: options.interval ?? Self.plainInterval)
        case .none: linePace = ProgressPace(every: nil)
        }
        let hasEvents = eventsGoToStdout || eventsFile != nil
        eventPace = ProgressPace(every: hasEvents ? options.interval ?? Self.eventInterval : nil)
    }

    private static func style(_ options: OutputOptions, _ terminal: Terminal) -> Style {
        if options.isQuiet { return .none }
        switch options.progress {
        case .auto: return terminal.canRewrite ? .bar : .plain
        case .bar: return .bar
        case .plain: return .plain
        case .json, .none: return .none
        }
    }

    private static func thread(
        _ descriptor: CInt, _ name: String, dropNotice: @escaping @Sendable (Int) -> String
    ) throws(UserError) -> OutputThread {
        do throws(SystemCallError) {
            return try OutputThread(descriptor: descriptor, dropNotice: dropNotice)
        } catch {
            throw UserError(.fileError, name, "cannot be written by a thread", because: error.description)
        }
    }

    // MARK: Progress

    /// When `show` would do something; `.distantFuture` when nobody wants progress.
    var nextProgress: MonotonicInstant { min(linePace.nextDeadline, eventPace.nextDeadline) }

    /// The next report will be shown, so the workers and their figures are wanted in it. True a little early, since time
    /// goes on while a report is made.
    var wantsWorkerFigures: Bool { nextProgress <= MonotonicClock.now + .milliseconds(20) }

    /// The next report will be shown with maps of the pieces.
    func wantsPieceMaps(torrentCount: Int) -> Bool {
        style == .bar && terminal.canRewrite && wantsWorkerFigures
            && display.wantsMaps(torrentCount: torrentCount, shape: terminal.shape)
    }

    /// Shows a report where one is due; may be called as often as one likes.
    /// - Parameter now: not later than the questions about what is wanted in the report, so that what is shown has it.
    func show(_ report: StatusReport, now: MonotonicInstant = MonotonicClock.now) {
        if linePace.isDue(now: now) {
            latest = report
            display.note(report)
            drawProgress(report)
            tellFailures()
        }
        if eventPace.isDue(now: now) { writeEvents(.progress(report), .progress) }
    }

    /// The terminal's window has another size.
    func terminalResized() {
        if style == .bar, let latest { drawProgress(latest) }
    }

    private func drawProgress(_ report: StatusReport) {
        switch style {
        case .bar:
            let shape = terminal.shape
            let lines = display.lines(report, shape: shape)
            stderr.setStatus(ScreenStatus(lines: lines, columns: shape.columns, hasColour: shape.hasColour))
        case .plain: stderr.write(ProgressLine.text(report, columns: nil, isUTF8: true), .progress)
        case .none: break
        }
    }

    // MARK: Events and messages

    func emit(_ event: Event) {
        writeEvents(event, .ordinary)
        for line in EventText.lines(event, atLeast: sink.leastLevel) {
            sink.write(line.level, from: MessageSink.ourselves, line.text)
        }
        switch event {
        case .start(let report):
            guard style != .none, sink.terminalLevel > .notice else { return }
            for line in EventText.start(report) { stderr.write(line) }
        case .error(let text): lastError = text
        case .progress, .piece, .worker, .peer, .tracker, .warning, .complete, .exit: break
        }
    }

    /// A line that a worker wrote to its stderr: of its log (`warning p0.1: text`), or the last words of a crash.
    func complained(_ place: Place, _ line: String) {
        let words = line.split(separator: " ", maxSplits: 2)
        if words.count == 3, let level = LogLevel(rawValue: String(words[0])), words[1].hasPrefix("\(place).") {
            let source = String(words[1].dropLast(words[1].last == ":" ? 1 : 0)), text = String(words[2])
            sink.write(level, from: source, text)
            // What a worker could not do is worth as much to a script as what we could not.
            if level >= .error {
                writeEvents(.error("\(source): \(text)"), .ordinary)
            } else if level == .warning {
                writeEvents(.warning("\(source): \(text)"), .ordinary)
            }
        } else {
            sink.write(.notice, from: place.description, line)
        }
    }

    /// A line for the log, as it stands.
    func note(from source: String, _ text: String) { sink.write(.notice, from: source, text) }

    /// Writes through the same log; for every thread.
    func logger(_ label: String = MessageSink.ourselves) -> Logger {
        let (sink, level) = (sink, logLevel.swiftLog)
        return Logger(label: label) { MessageLogHandler(source: $0, level: level, sink: sink) }
    }

    /// What `ps` shows, to the log; to the terminal when there is no log.
    func logStatus(_ lines: [String]) {
        for line in lines where !line.isEmpty {
            sink.write(.notice, from: MessageSink.ourselves, line)
            if logFile == nil && sink.terminalLevel > .notice { stderr.write(line) }
        }
    }

    /// The result of `verify`, for stdout: JSON at once, text at the end, when the progress line is gone.
    func verified(_ report: VerifyReport, asJSON: Bool) {
        let text = VerifyText(report: report)
        if asJSON { stdout.write(text.json.text) } else if !isQuiet { result = text.lines }
    }

    /// The result of `create`: JSON on stdout when that was asked for, else a line among the messages.
    func created(_ report: CreateReport, asJSON: Bool) {
        if asJSON { stdout.write(report.json.text) } else if !isQuiet { stderr.write(report.line) }
    }

    private func writeEvents(_ event: Event, _ importance: OutputQueue.Importance) {
        guard eventsGoToStdout || eventsFile != nil else { return }
        for line in EventStream.lines(event, time: WallClock.now) {
            if eventsGoToStdout { stdout.write(line, importance) }
            eventsFile?.thread.write(line, importance)
        }
    }

    /// A file that cannot be written is worth a word, not the download.
    private func tellFailures() {
        for file in [logFile, eventsFile] {
            guard let file, let code = file.thread.takeFailure() else { continue }
            let reason = SystemCallError("write", code, subject: file.path.description)
            sink.complain(.warning, reason.description)
        }
    }

    // MARK: The end

    /// The last line, the reason if it is not a good one, and the `exit` event. Nothing is written afterwards.
    /// - Parameters:
    ///   - reason: as `UserError.description` has it.
    ///   - summary: the last report of a download.
    /// - Returns: `code`.
    @discardableResult
    func finish(_ code: ExitCode, reason: String, summary: StatusReport?) -> ExitCode {
        stderr.setStatus(ScreenStatus(columns: terminal.columns))
        let isError = Self.isError(code)
        if isError && reason != lastError { emit(.error(reason)) }
        if let summary { writeEvents(.progress(summary), .progress) }
        emit(.exit(code, reason: reason))
        if let summary, !summary.torrents.isEmpty {
            let line = ProgressLine.summary(summary, code: code)
            logFile?.thread.write("\(WallClock.text) \(LogLevel.notice.rawValue) supervisor: \(line)")
            if style != .none { stderr.write(line) }
        } else if code == .interrupted && !isQuiet {
            sink.complain(.notice, reason)
        }
        tellFailures()
        let deadline = MonotonicClock.now + Self.patience
        stderr.close(by: deadline)
        for line in result { stdout.write(line) }
        for thread in [stdout, logFile?.thread, eventsFile?.thread] { thread?.close(by: deadline) }
        return code
    }

    /// Whether the end is worth an error message: an interruption was the user's wish, and what `verify` found wrong
    /// is its result.
    private static func isError(_ code: ExitCode) -> Bool {
        switch code {
        case .complete, .interrupted, .verifyFailed: false
        case .internalError, .stalled, .nobodyLeft, .diskFull, .inUse, .fileError, .notBencoded, .invalidTorrent,
            .badMagnet, .badOption, .workersCrash, .sandboxFailed:
            true
        }
    }
}
