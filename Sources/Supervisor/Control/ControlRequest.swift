import BitTorrent

/// One line of a client of the control socket, understood: a command in words, and `json` or `--json` anywhere among them
/// for an answer that scripts can read.
struct ControlRequest: Equatable {
    enum Command: Equatable {
        case ps
        case stats
        /// What it waits for, and what happened to it.
        case whereIs(ThingName)
        case cancel(ThingName)
        /// - Parameter name: without SIG.
        case signal(name: String, ThingName)
        /// One line that says which run this is.
        case about
        case help
        case quit
    }

    var command: Command
    var isJSON: Bool

    /// - Parameters:
    ///   - line: without its newline.
    ///   - torrentCount: of the run.
    /// - Returns: nil for a line without a word, which wants no answer.
    static func parse(_ line: [UInt8], torrentCount: Int) throws(ControlFault) -> ControlRequest? {
        // A terminal's line may end with a carriage return.
        let line = line.last == 13 ? line.dropLast() : line[...]
        guard let text = String(validating: line, as: UTF8.self),
            line.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 })
        else { throw .malformed }
        var words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        let isJSON = words.contains(where: isJSONWord)
        words.removeAll(where: isJSONWord)
        guard let first = words.first else {
            guard isJSON else { return nil }
            throw .unknownCommand("json")
        }
        let rest = Array(words.dropFirst())
        return ControlRequest(command: try command(first, rest, torrentCount), isJSON: isJSON)
    }

    /// For the answer to a line that was not understood.
    static func wantsJSON(_ line: [UInt8]) -> Bool {
        line.split { $0 == 32 || $0 == 9 || $0 == 13 }.contains { isJSONWord(String(decoding: $0, as: UTF8.self)) }
    }

    static func isJSONWord(_ word: String) -> Bool { word == "json" || word == "--json" }

    private static func command(
        _ word: String, _ rest: [String], _ torrentCount: Int
    ) throws(ControlFault) -> Command {
        func alone(_ command: Command) throws(ControlFault) -> Command {
            guard rest.isEmpty else { throw .usage(word) }
            return command
        }
        switch word {
        case "ps": return try alone(.ps)
        case "stats": return try alone(.stats)
        case "about": return try alone(.about)
        case "help": return try alone(.help)
        case "quit": return try alone(.quit)
        case "where", "cancel":
            guard rest.count == 1 else { throw .usage("\(word) ID") }
            let name = try ThingName(excerpt(rest[0]), torrentCount: torrentCount)
            return word == "where" ? .whereIs(name) : .cancel(name)
        case "signal":
            guard rest.count == 2 else { throw .usage("signal NAME ID") }
            let name = rest[0].uppercased()
            let short = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
            return .signal(name: excerpt(short), try ThingName(excerpt(rest[1]), torrentCount: torrentCount))
        default: throw .unknownCommand(excerpt(word))
        }
    }

    /// What the client wrote, fit to be shown again.
    private static func excerpt(_ word: String) -> String { TerminalText.excerpt(word, limit: 60) }

    static let help = [
        "ps                 processes, torrents, peers, trackers, pieces under way",
        "stats              totals stage by stage, and how long the loops' turns take",
        "where ID           what it waits for, and its last events",
        "cancel ID          close a peer, fetch a piece anew, give up an announce, stop a torrent, replace a worker",
        "signal NAME ID     TERM, STOP, CONT, KILL, HUP, ... to a worker",
        "about              which run this is",
        "quit",
        "json among the words makes the answer one line of JSON; every other answer ends with the line ok, or is a line"
            + " that begins with error:",
    ]
}

/// An answer as both kinds of readers want it.
struct ControlAnswer: Equatable {
    var lines: [String] = []
    var json: JSONValue = .object([])
    /// The client wants to hear no more.
    var isLast = false

    func bytes(isJSON: Bool) -> [UInt8] {
        if isJSON { return Array((json.text + "\n").utf8) }
        return Array((lines + ["ok"]).map { $0 + "\n" }.joined().utf8)
    }

    static func bytes(_ fault: ControlFault, isJSON: Bool) -> [UInt8] {
        guard isJSON else { return Array("error: \(fault)\n".utf8) }
        let json = JSONValue.object([.init("v", .integer(version)), .init("error", .string(fault.description))])
        return Array((json.text + "\n").utf8)
    }

    /// Of all JSON answers; grows when a member changes its meaning or goes away.
    static let version: Int64 = 1
}
