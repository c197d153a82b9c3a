/// The options that may also be given by the environment and by the configuration file, by their long names.
enum OptionName: String, CaseIterable {
    case workers
    case hashWorkers = "hash-workers"
    case memory
    case pin
    case maxPeers = "max-peers"
    case sandbox
    case user

    case directory = "dir"
    case selectFile = "select-file"
    case showFiles = "show-files"
    case fileAllocation = "file-allocation"
    case sequential
    case verify
    case stateDirectory = "state-dir"
    case sync

    case listenPort = "listen-port"
    case bind
    case peer
    case tracker
    case noTracker = "no-tracker"
    case noPeerExchange = "no-pex"
    case noLocalDiscovery = "no-lsd"
    case connectTimeout = "connect-timeout"
    case stopTimeout = "stop-timeout"
    case caCertificate = "ca-certificate"

    case seed
    case seedRatio = "seed-ratio"
    case seedTime = "seed-time"
    case uploadSlots = "upload-slots"
    case onComplete = "on-complete"
    case downloadLimit = "max-download-limit"
    case uploadLimit = "max-upload-limit"

    case progress
    case interval
    case quiet
    case logLevel = "log-level"
    case log
    case controlSocket = "control-socket"
    case noControl = "no-control"
    case metricsListen = "metrics-listen"

    case events
    case workerWrap = "worker-wrap"
    case heartbeat = "heartbeat-ms"
    case slowLimit = "slow-ms"
    case selftest

    enum Kind {
        case value
        /// Without a value on the command line; elsewhere `on` or `off`.
        case flag
        /// May be given several times; the environment separates with white space, except in commands.
        case list
    }

    var kind: Kind {
        switch self {
        case .showFiles, .sequential, .verify, .noTracker, .noPeerExchange, .noLocalDiscovery, .seed, .quiet,
            .noControl:
            .flag
        case .peer, .tracker, .workerWrap, .selftest: .list
        case .workers, .hashWorkers, .memory, .pin, .maxPeers, .sandbox, .user, .directory, .selectFile,
            .fileAllocation, .stateDirectory, .sync, .listenPort, .bind, .connectTimeout, .stopTimeout, .caCertificate,
            .seedRatio, .seedTime, .uploadSlots, .onComplete, .downloadLimit, .uploadLimit, .progress, .interval,
            .logLevel, .log, .controlSocket, .metricsListen, .events, .heartbeat, .slowLimit:
            .value
        }
    }

    /// Its value names a file or directory.
    var isPath: Bool {
        switch self {
        case .directory, .stateDirectory, .caCertificate, .log, .controlSocket, .events: true
        case .workers, .hashWorkers, .memory, .pin, .maxPeers, .sandbox, .user, .selectFile, .showFiles,
            .fileAllocation, .sequential, .verify, .sync, .listenPort, .bind, .peer, .tracker, .noTracker,
            .noPeerExchange, .noLocalDiscovery,
            .connectTimeout, .stopTimeout, .seed, .seedRatio, .seedTime, .uploadSlots, .onComplete, .downloadLimit,
            .uploadLimit, .progress, .interval, .quiet, .logLevel, .noControl, .metricsListen,
            .workerWrap, .heartbeat, .slowLimit, .selftest:
            false
        }
    }

    var flag: String { "--\(rawValue)" }

    /// `SWARMKEEPER_HASH_WORKERS`.
    var variable: String {
        "SWARMKEEPER_" + String(rawValue.uppercased().map { $0 == "-" ? "_" : $0 })
    }
}
