import BitTorrent
import PoolProtocol

/// What the user asked for in a download, checked: every number is within its bounds, every default is filled in.
struct DownloadOptions: Equatable {
    /// Paths of .torrent files, or magnet links; at least one.
    var torrents: [UserPath]

    // MARK: Pool

    /// Peer-workers, 1 … 256.
    var workers: Int
    /// 1 … 64.
    var hashWorkers: Int
    /// Bytes of all regions together; nil: by the longest piece.
    var memory: Int?
    /// A core for each worker; nil: when there are as many cores as workers.
    var pins: Bool?
    /// Of the whole run, 1 … 65535.
    var maximumPeers: Int

    // MARK: Files

    var directory: UserPath
    /// As given; means something only together with a torrent, see `selection(of:)`.
    var selectedFiles: String?
    /// Print the list of files instead of downloading them.
    var showsFiles: Bool
    var allocation: FileAllocation
    var isSequential: Bool
    /// Look at all data on disk, whatever the journal says.
    var verifiesFirst: Bool
    var stateDirectory: UserPath
    var sync: SyncMode

    // MARK: Network

    /// Tried in order. 0…0: any free port; nil: nobody can connect to us.
    var listenPorts: ClosedRange<UInt16>?
    /// The user named the ports: one of them must be free.
    var isListenPortChosen: Bool
    /// A numeric address to listen on and to connect from; nil: all.
    var bindAddress: String?
    var peers: [HostAndPort]
    /// Besides the torrent's own, a tier each.
    var trackers: [TrackerURL]
    /// Off: neither the torrent's trackers nor `trackers` are asked.
    var usesTrackers: Bool
    /// Peers of torrents that are not private are told of each other, and heard of others.
    var exchangesPeers: Bool
    /// Torrents that are not private are announced on the local network.
    var discoversLocally: Bool
    var connectTimeout: Duration
    /// Without a new byte for so long the run ends; nil: the user did not say.
    var stopTimeout: Duration?
    /// A file of certificates in PEM form instead of the system's.
    var caCertificate: UserPath?

    var sandbox = SandboxOptions()
    var seeding: SeedingOptions
    var output: OutputOptions
    var control = ControlOptions()
    var diagnosis: DiagnosisOptions
    var environment: [String: String]

    /// The ports as the user would write them.
    var listenPortText: String {
        guard let listenPorts else { return "off" }
        let (first, last) = (listenPorts.lowerBound, listenPorts.upperBound)
        return first == last ? "\(first)" : "\(first)-\(last)"
    }

    /// The files to fetch of one torrent.
    func selection(of metainfo: Metainfo) throws(UserError) -> FileSelection {
        guard let selectedFiles else { return .all(fileCount: metainfo.files.count) }
        do throws(FileSelection.Refusal) {
            return try FileSelection(parsing: selectedFiles, fileCount: metainfo.files.count)
        } catch {
            throw UserError(.badOption, OptionName.selectFile.flag, error.description)
        }
    }
}

/// What the user asked for in a check of files.
struct VerifyOptions: Equatable {
    var torrent: UserPath
    /// Where the files are, as `--dir` of the download.
    var directory: UserPath
    var hashing: HashingOptions
}

struct ShowOptions: Equatable {
    var torrent: UserPath
    var isJSON: Bool
}

struct OutputOptions: Equatable {
    var progress: ProgressMode
    /// nil: what suits the kind of progress.
    var interval: Duration?
    /// Nothing but errors on the terminal.
    var isQuiet: Bool
    /// nil: `notice` for the log file, `warning` for the terminal.
    var logLevel: LogLevel?
    var logFile: UserPath?
    /// Events as JSON lines.
    var eventsFile: UserPath?

    /// The least that workers should write: the log file or the terminal wants it. Errors are always told.
    var leastLogLevel: LogLevel { min(logLevel ?? (logFile == nil ? .warning : .notice), .error) }
}

/// For tests and stress runs.
struct DiagnosisOptions: Equatable {
    var heartbeat: Duration
    /// A handler of a loop that takes this long is told and counted.
    var slowLimit = SlowHandler.usualLimit
    /// A command before a worker's own, by role; never empty.
    var wrappers: [Role: [String]]
    /// What the first worker of a role does wrong.
    var attacks: [Role: Attack] = [:]
}

enum ProgressMode: String, CaseIterable { case auto, bar, plain, json, none }
