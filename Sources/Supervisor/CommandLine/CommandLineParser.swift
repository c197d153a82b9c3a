import ArgumentParser
import BitTorrent
import PoolProtocol

/// Turns the words of a command line into what is to be done, or into one line that says which word is wrong. Pure: it
/// looks neither at files nor at the process's environment.
struct CommandLineParser {
    let surroundings: Surroundings

    init(_ surroundings: Surroundings) { self.surroundings = surroundings }

    /// The first word may name a command; a torrent of the same name needs a path (`./show`).
    /// - Parameter arguments: without the program's name, encoded by `ArgumentText`.
    func parse(_ arguments: [String]) throws(UserError) -> Invocation {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case "show":
            return try Self.parse(rest, as: ShowCommand.self) { (command) throws(UserError) in
                .show(ShowOptions(torrent: UserPath(argument: command.torrent), isJSON: command.json))
            }
        case "verify":
            return try Self.parse(rest, as: VerifyCommand.self) { (command) throws(UserError) in
                .verify(try verify(command))
            }
        case "create":
            return try Self.parse(rest, as: CreateCommand.self) { (command) throws(UserError) in
                .create(try create(command))
            }
        case "ps": return try Self.parse(rest, as: PsCommand.self, control)
        case "stats": return try Self.parse(rest, as: StatsCommand.self, control)
        case "where": return try Self.parse(rest, as: WhereCommand.self, control)
        case "cancel": return try Self.parse(rest, as: CancelCommand.self, control)
        case "signal": return try Self.parse(rest, as: SignalCommand.self, control)
        default:
            return try Self.parse(arguments, as: DownloadCommand.self) { (command) throws(UserError) in
                .download(try download(command))
            }
        }
    }

    private static func parse<Command: ParsableCommand>(
        _ arguments: [String], as: Command.Type, _ invocation: (Command) throws(UserError) -> Invocation
    ) throws(UserError) -> Invocation {
        let command: Command
        do {
            command = try Command.parse(arguments)
        } catch {
            // Help and the like come as errors with exit code 0.
            if Command.exitCode(for: error) == .success { return .print(Command.fullMessage(for: error)) }
            let line = Command.message(for: error).split(separator: "\n").first ?? "not understood"
            // The message repeats the user's words.
            let text = TerminalText.excerpt(ArgumentText.repaired(line.prefix(1).lowercased() + line.dropFirst()))
            throw UserError(.badOption, "", text, because: "see \(name(of: Command.self)) --help")
        }
        return try invocation(command)
    }

    private static func name(of command: (some ParsableCommand).Type) -> String {
        command.configuration.commandName ?? "supervisor"
    }

    func reader(_ flags: FlagTexts) -> OptionReader {
        OptionReader(
            OptionTexts(flags: flags, environment: surroundings.environment, file: surroundings.configuration))
    }

    private func download(_ command: DownloadCommand) throws(UserError) -> DownloadOptions {
        guard !command.torrents.isEmpty else {
            throw UserError(.badOption, "", "no torrent is named", because: "see supervisor --help")
        }
        guard command.torrents.count <= Self.mostTorrents else {
            throw UserError(.badOption, "", "more than \(Self.mostTorrents) torrents")
        }
        guard !command.torrents.contains("") else { throw UserError(.badOption, "", "the name of a torrent is empty") }
        let reader = reader(command.flags)
        let cores = surroundings.coreCount
        let directory = try reader.path(.directory) ?? "."
        if let selection = reader.last(.selectFile), command.torrents.count > 1 {
            throw selection.refusal("needs exactly one torrent, not \(command.torrents.count)")
        }
        return DownloadOptions(
            torrents: command.torrents.map { UserPath(argument: $0) },
            workers: try reader.integer(.workers, in: 1...256) ?? min(max(cores, 1), 256),
            hashWorkers: try reader.integer(.hashWorkers, in: 1...64) ?? min(max(cores / 2, 1), 64),
            memory: try reader.byteCount(.memory, atLeast: PoolPlan.smallestMemory), pins: try reader.isPinned(),
            maximumPeers: try reader.integer(.maxPeers, in: 1...65535) ?? 200, directory: directory,
            selectedFiles: try reader.text(.selectFile), showsFiles: try reader.isOn(.showFiles),
            allocation: try reader.choice(.fileAllocation, of: AllocationWord.self)?.allocation ?? .whereItPays,
            isSequential: try reader.isOn(.sequential), verifiesFirst: try reader.isOn(.verify),
            stateDirectory: try reader.path(.stateDirectory) ?? defaultStateDirectory(below: directory),
            sync: try reader.choice(.sync, of: SyncWord.self)?.mode ?? .batch,
            listenPorts: try reader.listenPorts(), isListenPortChosen: reader.last(.listenPort) != nil,
            bindAddress: try reader.bindAddress(), peers: try reader.peers(), trackers: try reader.trackers(),
            usesTrackers: try !reader.isOn(.noTracker), exchangesPeers: try !reader.isOn(.noPeerExchange),
            discoversLocally: try !reader.isOn(.noLocalDiscovery),
            connectTimeout: try reader.duration(.connectTimeout, in: .seconds(1) ... .seconds(600)) ?? .seconds(10),
            stopTimeout: try reader.duration(.stopTimeout, in: .seconds(1) ... .seconds(31_536_000)),
            caCertificate: try reader.path(.caCertificate),
            sandbox: try reader.sandbox(environment: surroundings.environment), seeding: try reader.seeding(),
            output: try reader.output(), control: try reader.control(),
            diagnosis: try reader.diagnosis(environment: surroundings.environment),
            environment: surroundings.environment)
    }

    private func verify(_ command: VerifyCommand) throws(UserError) -> VerifyOptions {
        let reader = reader(command.flags)
        return VerifyOptions(
            torrent: UserPath(argument: command.torrent), directory: try reader.path(.directory) ?? ".",
            hashing: try hashing(reader, isJSON: command.json))
    }

    /// By the XDG base directory specification; relative paths there mean nothing.
    private func defaultStateDirectory(below directory: UserPath) -> UserPath {
        let environment = surroundings.environment
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return UserPath("\(state)/swarmkeeper") }
        if let home = environment["HOME"], home.hasPrefix("/") { return UserPath("\(home)/.local/state/swarmkeeper") }
        // A user without a home, as in some containers: beside the files.
        return directory + "/.swarmkeeper"
    }

    /// A run names its torrents by 16 bits; far fewer are of use (a guess).
    private static let mostTorrents = 1000
}
