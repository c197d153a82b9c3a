import ArgumentParser

/// `supervisor TORRENT...`: the root of the command line, and the download.
struct DownloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervisor",
        abstract: "Downloads torrents through a pool of processes.",
        usage: """
            supervisor [<options>] <torrent> ...
            supervisor show <torrent> [--json]
            supervisor verify <torrent> [--dir <dir>] [--json] [<options>]
            supervisor create <path> [-o <file>] [--tracker <url>] [--json] [<options>]
            supervisor ps|stats [--socket <path>] [--json] [--watch]
            supervisor where|cancel <id> [--socket <path>] [--json]
            supervisor signal <name> <id> [--socket <path>] [--json]
            """,
        discussion: """
            Every option but --help and --version may also be given by the environment (SWARMKEEPER_HASH_WORKERS=4) \
            and by $XDG_CONFIG_HOME/swarmkeeper/config (lines of "hash-workers = 4"); the command line comes first. \
            Sizes take K, M and G, powers of 1024.
            """,
        version: ProgramVersion.line)

    @Argument(help: .init("A .torrent file.", valueName: "torrent"))
    var torrents: [String] = []

    @OptionGroup(title: "Pool") var pool: PoolArguments
    @OptionGroup(title: "Pool") var hashPool: HashPoolArguments
    @OptionGroup(title: "Pool") var sandbox: SandboxArguments
    @OptionGroup(title: "Files") var files: FileArguments
    @OptionGroup(title: "Seeding") var seeding: SeedingArguments
    @OptionGroup(title: "Network") var network: NetworkArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "Looking in") var control: ControlArguments
    @OptionGroup(title: "For tests and stress runs") var diagnosis: DiagnosisArguments

    var flags: FlagTexts {
        [
            pool.flags, hashPool.flags, sandbox.flags, files.flags, seeding.flags, network.flags, output.flags,
            control.flags, diagnosis.flags,
        ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }
    }
}

/// `supervisor show FILE`.
struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervisor show", abstract: "Shows what a torrent says.", version: ProgramVersion.line)

    @Argument(help: .init("A .torrent file.", valueName: "torrent"))
    var torrent: String

    @Flag(help: "One JSON object instead of text.")
    var json = false
}

/// `supervisor verify FILE --dir D`.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervisor verify",
        abstract: "Checks downloaded files against a torrent; changes nothing.",
        discussion: "Exits with 0 when every byte is there and right, with 32 when not.", version: ProgramVersion.line)

    @Argument(help: .init("A .torrent file.", valueName: "torrent"))
    var torrent: String

    @Option(
        name: [.short, .customLong("dir")], parsing: .unconditional,
        help: .init("Where the files are (default: the current directory).", valueName: "dir"))
    var directory: String?

    @Flag(help: "The result as one JSON object on stdout.")
    var json = false

    @OptionGroup(title: "Pool") var pool: HashPoolArguments
    @OptionGroup(title: "Pool") var sandbox: SandboxArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "For tests and stress runs") var diagnosis: DiagnosisArguments

    var flags: FlagTexts {
        var flags = [pool.flags, sandbox.flags, output.flags, diagnosis.flags].reduce(into: [:]) {
            $0.merge($1) { first, _ in first }
        }
        flags[.directory] = directory.map { [$0] }
        return flags
    }
}

/// The version of the whole program, as in `PeerID` and the user agent.
enum ProgramVersion {
    static let text = "0.1.0"
    static let line = "supervisor \(text)"
}
