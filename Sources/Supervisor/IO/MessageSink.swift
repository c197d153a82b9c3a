import BitTorrent
import Logging

/// Where messages for people go: lines of the log to the file, the weightier ones to the terminal. Usable from every
/// thread.
struct MessageSink: Sendable {
    let terminal: OutputThread
    let terminalLevel: LogLevel
    let file: OutputThread?
    let fileLevel: LogLevel

    /// Nothing below it goes anywhere.
    var leastLevel: LogLevel { file == nil ? terminalLevel : min(terminalLevel, fileLevel) }

    /// - Parameters:
    ///   - source: who speaks, such as `supervisor` or `p3.1`.
    ///   - text: of one line.
    func write(_ level: LogLevel, from source: String, _ text: String) {
        if let file, level >= fileLevel {
            file.write("\(WallClock.text) \(level.rawValue) \(source): \(TerminalText.escaped(text))")
        }
        if level >= terminalLevel { complain(level, source == Self.ourselves ? text : "\(source): \(text)") }
    }

    /// A line on the terminal alone.
    func complain(_ level: LogLevel, _ text: String) {
        let prefix = level == .warning ? "supervisor: warning: " : "supervisor: "
        terminal.write(prefix + TerminalText.escaped(text))
    }

    static let ourselves = "supervisor"
}

/// Lets swift-log write through a `MessageSink`.
struct MessageLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let source: String
    private let sink: MessageSink

    init(source: String, level: Logger.Level, sink: MessageSink) {
        self.source = source
        logLevel = level
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let pairs = merged.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        sink.write(LogLevel(event.level), from: source, "\(event.message)\(pairs)")
    }
}

extension LogLevel {
    init(_ level: Logger.Level) { self = LogLevel(rawValue: level.rawValue) ?? .notice }
    var swiftLog: Logger.Level { Logger.Level(rawValue: rawValue) ?? .notice }
}
