import ArgumentParser
import BitTorrent

/// What all commands to a running supervisor take.
struct ControlTargetArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: .init("Its control socket (default: that of the only supervisor that runs).", valueName: "path"))
    var socket: String?

    @Flag(help: "One line of JSON instead of text.")
    var json = false
}

struct WatchArguments: ParsableArguments {
    @Flag(help: "Show it again every second.")
    var watch = false
}

/// A command whose words go to the supervisor.
protocol ControlCommandLine: ParsableCommand {
    var target: ControlTargetArguments { get }
    var watches: Bool { get }
    var words: [String] { get }
}

extension ControlCommandLine {
    var watches: Bool { false }
}

extension CommandLineParser {
    /// The supervisor says whether a name means anything; here it only has to be one word of text.
    func control(_ command: some ControlCommandLine) throws(UserError) -> Invocation {
        for word in command.words
        where word.isEmpty || ControlRequest.isJSONWord(word) || word.unicodeScalars.contains(where: Self.isUnfit) {
            throw UserError(
                .badOption, "", "\"\(TerminalText.excerpt(ArgumentText.repaired(word), limit: 60))\" is no name",
                because: "such as s, p0, h1, w, t0, peer:12, tracker:0, piece:17")
        }
        if let socket = command.target.socket, socket.isEmpty {
            throw UserError(.badOption, "--socket", "is empty")
        }
        return .control(
            ControlInvocation(
                line: command.words.joined(separator: " "),
                socket: command.target.socket.map { UserPath(argument: $0) }, isJSON: command.target.json,
                watches: command.watches))
    }

    private static func isUnfit(_ scalar: Unicode.Scalar) -> Bool { !(33...126).contains(scalar.value) }
}

private let idHelp: ArgumentHelp = .init(
    "As ps names it: s, p0, h1, w, t0, peer:12, tracker:0, piece:17.", valueName: "id")

/// `supervisor ps`.
struct PsCommand: ControlCommandLine {
    static let configuration = CommandConfiguration(
        commandName: "supervisor ps",
        abstract: "Shows the processes, torrents, peers, trackers and pieces of a running supervisor.",
        version: ProgramVersion.line)

    @OptionGroup var target: ControlTargetArguments
    @OptionGroup var watching: WatchArguments

    var watches: Bool { watching.watch }
    var words: [String] { ["ps"] }
}

/// `supervisor stats`.
struct StatsCommand: ControlCommandLine {
    static let configuration = CommandConfiguration(
        commandName: "supervisor stats",
        abstract: "Shows what a running supervisor has done, stage by stage, and how long its loops' turns take.",
        version: ProgramVersion.line)

    @OptionGroup var target: ControlTargetArguments
    @OptionGroup var watching: WatchArguments

    var watches: Bool { watching.watch }
    var words: [String] { ["stats"] }
}

/// `supervisor where ID`.
struct WhereCommand: ControlCommandLine {
    static let configuration = CommandConfiguration(
        commandName: "supervisor where", abstract: "Shows what something waits for, and what happened to it.",
        version: ProgramVersion.line)

    @Argument(help: idHelp) var id: String
    @OptionGroup var target: ControlTargetArguments
    @OptionGroup var watching: WatchArguments

    var watches: Bool { watching.watch }
    var words: [String] { ["where", id] }
}

/// `supervisor cancel ID`.
struct CancelCommand: ControlCommandLine {
    static let configuration = CommandConfiguration(
        commandName: "supervisor cancel",
        abstract: "Closes a peer, has a piece fetched anew, gives up an announce or a torrent, replaces a worker.",
        discussion: "Everything else goes on.", version: ProgramVersion.line)

    @Argument(help: idHelp) var id: String
    @OptionGroup var target: ControlTargetArguments

    var words: [String] { ["cancel", id] }
}

/// `supervisor signal NAME ID`.
struct SignalCommand: ControlCommandLine {
    static let configuration = CommandConfiguration(
        commandName: "supervisor signal", abstract: "Sends a signal to a worker.", version: ProgramVersion.line)

    @Argument(help: .init("Such as TERM, STOP, CONT, KILL or HUP.", valueName: "name")) var name: String
    @Argument(help: .init("The worker: p0, h1 or w.", valueName: "id")) var id: String
    @OptionGroup var target: ControlTargetArguments

    var words: [String] { ["signal", name, id] }
}
