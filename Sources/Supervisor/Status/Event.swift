import BitTorrent
import PoolProtocol

/// Something a user or a script may want to know, in the words of the documented event stream. Making one costs
/// nothing but its fields; how it looks is `EventStream`'s and the progress line's business.
enum Event {
    case start(StartReport)
    case progress(StatusReport)
    case piece(TorrentName, PieceIndex, state: String)
    case worker(WorkerReport)
    case peer(TorrentName, PeerEvent)
    case tracker(TorrentName, TrackerEvent)
    /// One line, about what, and why.
    case warning(String)
    case error(String)
    case complete(TorrentName, name: String)
    case exit(ExitCode, reason: String)
}

/// A torrent in events: logs have the number, scripts the hash.
struct TorrentName {
    var ordinal: UInt16
    var infoHash: InfoHash
}

/// What a run is about to do.
struct StartReport {
    struct Torrent {
        var infoHash: InfoHash
        var name: String
        /// Bytes of the wanted pieces, and how many of them are there already.
        var totalByteCount: UInt64
        var completedByteCount: UInt64
        var pieceCount: Int
        var pieceByteCount: UInt32
        var directory: UserPath
    }
    var torrents: [Torrent]
    var peerWorkerCount: Int
    var hashWorkerCount: Int
    /// 0: no listener.
    var listenPort: UInt16
    /// Bytes of all regions together.
    var memoryByteCount: Int
}

/// The whole run at one moment: what the progress line and the `progress` event show.
struct StatusReport {
    enum Phase: String { case checking, hashing, downloading, seeding, stopping, paused }
    struct Torrent {
        var infoHash: InfoHash
        var name: String
        var phase: Phase
        /// Bytes of the wanted pieces; written ones count as completed.
        var totalByteCount: UInt64
        var completedByteCount: UInt64
        /// While checking: bytes looked at so far, of `checkTotalByteCount`.
        var checkedByteCount: UInt64
        var checkTotalByteCount: UInt64
        /// Payload that was thrown away: duplicates, unrequested blocks, failed pieces.
        var wastedByteCount: UInt64
        /// Payload bytes a second over the last seconds.
        var downloadRate: Double
        var uploadRate: Double
        /// Payload sent in this run, and in all runs of the torrent.
        var uploadedByteCount: UInt64
        var uploadedInAllByteCount: UInt64
        /// Payload received in this run.
        var downloadedByteCount: UInt64
        var peerCount: Int
        var seedCount: Int
        var pieceCount: Int
        var completedPieceCount: Int
        /// nil: unknown or never.
        var secondsLeft: Int?
        /// Why nothing moves ("no space left on …"), if it is known.
        var trouble: String?
        /// nil: nobody asked for it.
        var map: PieceMap?

        /// What was given in all runs by what is wanted; nil: of nothing.
        var ratio: Double? {
            totalByteCount == 0 ? nil : Double(uploadedInAllByteCount) / Double(totalByteCount)
        }
    }
    var torrents: [Torrent]
    var workers: [WorkerReport]
    var secondsSinceStart: Double
    var restartCount: Int

    /// Bytes a second since the start; 0 at the start.
    func average(_ byteCount: UInt64) -> Double {
        secondsSinceStart > 0 ? Double(byteCount) / secondsSinceStart : 0
    }
}

/// One process of the pool; the fields of the `worker` event.
struct WorkerReport {
    enum State: String { case spawned, ready, dead, replaced }
    var place: Place
    var generation: UInt32
    var pid: Int32
    var state: State
    /// How it ended: a signal's number, or an exit code; nil while it lives.
    var signal: Int32?
    var status: Int32?
    /// Why, or what it said last; empty as a rule.
    var reason = ""
    /// Resident bytes and CPU seconds; 0 where they were not looked up.
    var residentByteCount: UInt64 = 0
    var cpuSeconds: Double = 0
    /// nil: it was not looked up.
    var room: Room?
    /// What it has given up; known from `ready` on.
    var sandbox: SandboxState?

    /// What a worker keeps payload in: slots of 16 KiB in a peer-worker, frames of 64 KiB in a hash-worker; a writer has no
    /// memory of its own, and holds pieces.
    struct Room: Equatable {
        /// In use at the end of the worker's last turn.
        var heldCount: Int
        var totalCount: Int?
        /// Frames that the supervisor has given to pieces; nil for the others, which nobody reserves.
        var reservedCount: Int?
    }
}

struct PeerEvent {
    enum State: String { case connecting, connected, named, closed, banned, pardoned }
    /// nil: nobody remembers it.
    var name: PeerName?
    var address: String
    var state: State
    var worker: Int
    var isIncoming: Bool
    /// The client's name when connected or named, the reason when closed or banned.
    var text: String
}

struct TrackerEvent {
    enum State: String {
        case announced, scraped, failed, warning
        case scrapeFailed = "scrape-failed"
    }
    /// Without credentials.
    var url: String
    var state: State
    /// `started`, `completed`, `stopped` or empty.
    var event: String
    var peerCount: Int
    /// As far as the tracker told with this answer.
    var counts = SwarmCounts()
    var text: String
}
