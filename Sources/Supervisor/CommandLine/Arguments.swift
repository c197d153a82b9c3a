import ArgumentParser

// The options as swift-argument-parser declares them: names, shapes and the text of `--help`. Every value stays text;
// `OptionReader` says what it means, so that the environment and the configuration file are read the same way. Values
// are taken as they come, even with a dash in front, so that `--workers -1` is refused for its value.

/// The flags that were given, each with its texts.
typealias FlagTexts = [OptionName: [String]]

private func texts(_ pairs: (OptionName, String?)...) -> FlagTexts {
    var result: FlagTexts = [:]
    for (name, text) in pairs { if let text { result[name] = [text] } }
    return result
}

private func flag(_ isGiven: Bool) -> String? { isGiven ? "on" : nil }

struct PoolArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: .init("Peer-workers, 1 to 256: processes that talk to peers (default: cores).", valueName: "n"))
    var workers: String?

    @Option(
        parsing: .unconditional,
        help: .init(
            "Memory of all workers for blocks and pieces, such as 512M (default: six pieces, 96M to 1G).",
            valueName: "size"))
    var memory: String?

    @Option(
        parsing: .unconditional,
        help: .init("Connections to peers at a time, 1 to 65535 (default: 200).", valueName: "n"))
    var maxPeers: String?

    var flags: FlagTexts { texts((.workers, workers), (.memory, memory), (.maxPeers, maxPeers)) }
}

/// For downloads, checks and new torrents.
struct HashPoolArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: .init(
            "Hash-workers, 1 to 64: processes that verify pieces (default: half of the cores; all for verify and create).",
            valueName: "n"))
    var hashWorkers: String?

    @Option(
        parsing: .unconditional,
        help: .init(
            "A core for each worker, on or off (default: on when there are as many cores as workers).",
            valueName: "on|off"))
    var pin: String?

    var flags: FlagTexts { texts((.hashWorkers, hashWorkers), (.pin, pin)) }
}

/// For all that starts workers.
struct SandboxArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: .init(
            "Lock the workers down: auto, with all that the kernel has; strict, fail if it lacks anything; off.",
            valueName: "mode"))
    var sandbox: String?

    @Option(
        parsing: .unconditional,
        help: .init("Started as root: the workers, and what they write, belong to this user.", valueName: "name"))
    var user: String?

    var flags: FlagTexts { texts((.sandbox, sandbox), (.user, user)) }
}

struct FileArguments: ParsableArguments {
    @Option(
        name: [.short, .customLong("dir")], parsing: .unconditional,
        help: .init("Where the files go (default: the current directory).", valueName: "dir"))
    var directory: String?

    @Option(
        parsing: .unconditional,
        help: .init("Only these files, such as 1,3-5; numbers as --show-files prints them.", valueName: "list"))
    var selectFile: String?

    @Flag(name: [.customShort("S"), .long], help: "Print the files of the torrents and stop.")
    var showFiles = false

    @Option(
        parsing: .unconditional,
        help: .init(
            "Reserve room on disk: auto (a file's when it is begun, where it saves time), none, or falloc (all at the start; default: auto).",
            valueName: "how"))
    var fileAllocation: String?

    @Flag(help: "Fetch pieces in their order, not the rarest first.")
    var sequential = false

    @Flag(help: "Check all data on disk again before going on.")
    var verify = false

    @Option(
        name: .customLong("state-dir"), parsing: .unconditional,
        help: .init(
            "Where what is needed to go on later is kept (default: $XDG_STATE_HOME/swarmkeeper).", valueName: "dir"))
    var stateDirectory: String?

    @Option(
        parsing: .unconditional,
        help: .init("When data is forced to disk, batch, piece or none (default: batch).", valueName: "when"))
    var sync: String?

    var flags: FlagTexts {
        texts(
            (.directory, directory), (.selectFile, selectFile), (.showFiles, flag(showFiles)),
            (.fileAllocation, fileAllocation), (.sequential, flag(sequential)), (.verify, flag(verify)),
            (.stateDirectory, stateDirectory), (.sync, sync))
    }
}

struct NetworkArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: .init(
            "Port for peers that connect to us, port or port-port; 0: any free one; off: none (default: 6881-6999).",
            valueName: "ports"))
    var listenPort: String?

    @Option(
        parsing: .unconditional,
        help: .init("Numeric address to listen on and to connect from (default: all).", valueName: "address"))
    var bind: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: .init("A peer to connect to; repeatable, needs no tracker.", valueName: "host:port"))
    var peer: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: .init("One more tracker (http or https); repeatable.", valueName: "url"))
    var tracker: [String] = []

    @Flag(help: "Ask no tracker.")
    var noTracker = false

    @Flag(name: .customLong("no-pex"), help: "Tell peers of no others, and hear of none from them.")
    var noPeerExchange = false

    @Flag(name: .customLong("no-lsd"), help: "Look for no peers on the local network.")
    var noLocalDiscovery = false

    @Option(
        parsing: .unconditional,
        help: .init("Seconds until a connection attempt is given up, 1 to 600 (default: 10).", valueName: "seconds"))
    var connectTimeout: String?

    @Option(
        parsing: .unconditional,
        help: .init(
            "Give up (exit code 5) when no byte came for so long; with a full disk after so long (default: 60).",
            valueName: "seconds"))
    var stopTimeout: String?

    @Option(
        parsing: .unconditional,
        help: .init("PEM file of the authorities to trust for https trackers.", valueName: "file"))
    var caCertificate: String?

    var flags: FlagTexts {
        var result = texts(
            (.listenPort, listenPort), (.bind, bind), (.noTracker, flag(noTracker)),
            (.noPeerExchange, flag(noPeerExchange)), (.noLocalDiscovery, flag(noLocalDiscovery)),
            (.connectTimeout, connectTimeout), (.stopTimeout, stopTimeout), (.caCertificate, caCertificate))
        result[.peer] = peer
        result[.tracker] = tracker
        return result
    }
}

struct SeedingArguments: ParsableArguments {
    @Flag(help: "Go on when complete and give to others, until interrupted.")
    var seed = false

    @Option(
        parsing: .unconditional,
        help: .init("Seed until so many times the torrent's size was uploaded, such as 1.5.", valueName: "ratio"))
    var seedRatio: String?

    @Option(parsing: .unconditional, help: .init("Seed for so long.", valueName: "minutes"))
    var seedTime: String?

    @Option(
        parsing: .unconditional,
        help: .init(
            "Peers of a torrent that may fetch from us at a time (default: 8 or more, by the upload rate).",
            valueName: "n"))
    var uploadSlots: String?

    @Option(
        parsing: .unconditional,
        help: .init(
            "Run by the shell for each torrent that is complete; $TORRENT_NAME, _HASH, _DIR and _BYTES say which.",
            valueName: "command"))
    var onComplete: String?

    @Option(
        parsing: .unconditional,
        help: .init("Most bytes a second that are received, such as 10M; 0: no limit (default).", valueName: "rate"))
    var maxDownloadLimit: String?

    @Option(
        parsing: .unconditional,
        help: .init("Most bytes a second that are sent; 0: no limit (default).", valueName: "rate"))
    var maxUploadLimit: String?

    var flags: FlagTexts {
        texts(
            (.seed, flag(seed)), (.seedRatio, seedRatio), (.seedTime, seedTime), (.uploadSlots, uploadSlots),
            (.onComplete, onComplete),
            (.downloadLimit, maxDownloadLimit), (.uploadLimit, maxUploadLimit))
    }
}

struct OutputArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: .init(
            "How progress shows: auto, bar, plain, json (on stdout) or none (default: auto).", valueName: "how"))
    var progress: String?

    @Option(
        parsing: .unconditional,
        help: .init("Between two reports, 0.1 to 86400 (default: plain 5, json 1, bar 0.25).", valueName: "seconds"))
    var interval: String?

    @Flag(name: .shortAndLong, help: "Nothing but errors on the terminal.")
    var quiet = false

    @Option(
        parsing: .unconditional,
        help: .init(
            "Least level that is logged: trace, debug, info, notice, warning, error, critical (default: notice).",
            valueName: "level"))
    var logLevel: String?

    @Option(name: .shortAndLong, parsing: .unconditional, help: .init("Append the log to a file.", valueName: "file"))
    var log: String?

    var flags: FlagTexts {
        texts(
            (.progress, progress), (.interval, interval), (.quiet, flag(quiet)), (.logLevel, logLevel), (.log, log))
    }
}

struct ControlArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: .init(
            "Where supervisor ps, where, cancel, signal and stats reach this run (default: in the run directory).",
            valueName: "path"))
    var controlSocket: String?

    @Flag(help: "Let nobody look in or steer.")
    var noControl = false

    @Option(
        parsing: .unconditional,
        help: .init(
            "Serve metrics for Prometheus, at /metrics; a port alone means 127.0.0.1.", valueName: "address:port"))
    var metricsListen: String?

    var flags: FlagTexts {
        texts((.controlSocket, controlSocket), (.noControl, flag(noControl)), (.metricsListen, metricsListen))
    }
}

struct DiagnosisArguments: ParsableArguments {
    @Option(parsing: .unconditional, help: .init("Write all events to a file, as JSON lines.", valueName: "file"))
    var events: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: .init(
            "Start the workers of a role (peer, hash or writer) by another command; repeatable.",
            valueName: "role=command"))
    var workerWrap: [String] = []

    @Option(
        name: .customLong("heartbeat-ms"), parsing: .unconditional,
        help: .init(
            "A worker that is silent for three of these is replaced, 10 to 60000 (default: 1000).",
            valueName: "milliseconds"))
    var heartbeat: String?

    @Option(
        name: .customLong("slow-ms"), parsing: .unconditional,
        help: .init(
            "A step of a process's loop that takes this long is logged once and counted, 1 to 60000 (default: 100).",
            valueName: "milliseconds"))
    var slowLimit: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: .init(
            "Have a worker misbehave, to test the others; repeatable. Locked unless SWARMKEEPER_ALLOW_SELFTEST=1.",
            valueName: "role:attack"))
    var selftest: [String] = []

    var flags: FlagTexts {
        var result = texts((.events, events), (.heartbeat, heartbeat), (.slowLimit, slowLimit))
        result[.workerWrap] = workerWrap
        result[.selftest] = selftest
        return result
    }
}
