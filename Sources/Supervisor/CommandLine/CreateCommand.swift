import ArgumentParser

/// `supervisor create PATH`.
struct CreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervisor create",
        abstract: "Makes a torrent of a file or of all files below a directory.",
        discussion: """
            Files are taken in the order of their names' bytes, hidden and empty ones too; symbolic links, devices and \
            the like are left out with a warning. A file that changes meanwhile ends it (exit code 17). What goes into \
            the torrent comes from this command line alone, not from the environment or the configuration file, but for \
            SOURCE_DATE_EPOCH, which stands for the time of creation.
            """,
        version: ProgramVersion.line)

    @Argument(help: .init("A file or a directory.", valueName: "path"))
    var path: String

    @OptionGroup(title: "Torrent") var torrent: NewTorrentArguments
    @OptionGroup(title: "Result") var result: CreateResultArguments
    @OptionGroup(title: "Pool") var pool: HashPoolArguments
    @OptionGroup(title: "Pool") var sandbox: SandboxArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "For tests and stress runs") var diagnosis: DiagnosisArguments

    var flags: FlagTexts {
        [pool.flags, sandbox.flags, output.flags, diagnosis.flags].reduce(into: [:]) {
            $0.merge($1) { first, _ in first }
        }
    }
}

struct NewTorrentArguments: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: .init(
            "A tracker (http, https or udp), a tier of its own; repeatable. Commas join several in one tier.",
            valueName: "url"))
    var tracker: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: .init("Where the files can be fetched by http or https, too; repeatable.", valueName: "url"))
    var webSeed: [String] = []

    @Option(
        parsing: .unconditional,
        help: .init(
            "A power of two from 16K to 512M (default: what makes 1,000 to 2,000 pieces, 16K to 16M).",
            valueName: "size"))
    var pieceLength: String?

    @Flag(name: .customLong("private"), help: "Peers from the trackers alone (BEP 27).")
    var isPrivate = false

    @Option(parsing: .unconditional, help: .init("A remark for people.", valueName: "text"))
    var comment: String?

    @Option(
        parsing: .unconditional,
        help: .init("Makes another torrent of the same files, as some private trackers ask.", valueName: "text"))
    var source: String?

    @Flag(help: "Do not say when the torrent was made.")
    var noDate = false
}

struct CreateResultArguments: ParsableArguments {
    @Option(
        name: [.customShort("o"), .long], parsing: .unconditional,
        help: .init("The torrent; - for stdout (default: name.torrent in the current directory).", valueName: "file"))
    var output: String?

    @Flag(name: [.customShort("f"), .long], help: "Replace a file that is there.")
    var force = false

    @Flag(help: "What was made as one JSON object on stdout.")
    var json = false
}
