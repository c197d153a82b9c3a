import PoolProtocol

/// One thing for the disk thread to do; it does one at a time.
enum DiskOrder: Equatable, Sendable {
    /// Try to take the writer's lock; never waits.
    case lock(torrent: UInt16)
    /// Cut a torn journal, create empty files, reserve space.
    case prepare(torrent: UInt16)
    case write(torrent: UInt16, WritePlan)
    /// Force the files to the disk, then record what that proves.
    case sync(torrent: UInt16, SyncPolicy.Batch)
    /// Append to the journal.
    case record(torrent: UInt16, [JournalRecord])
    /// Sync what is left and append the facts of all files.
    case finish(torrent: UInt16)

    var torrent: UInt16 {
        switch self {
        case .lock(let torrent), .prepare(let torrent), .write(let torrent, _), .sync(let torrent, _),
            .record(let torrent, _), .finish(let torrent):
            torrent
        }
    }
}

/// How an order ended.
enum DiskOutcome: Equatable, Sendable {
    case done
    /// Another writer holds the lock; the failure is for the case that it keeps it.
    case lockIsHeld(DiskFailure)
    case failed(DiskFailure)
}

struct DiskFailure: Equatable, Sendable {
    enum Stage: Equatable, Sendable {
        /// Before or while bytes went to the page cache: trying again is sound.
        case writing
        /// The kernel could not bring bytes to the disk, and may have dropped them.
        case syncing
        /// The files are as they should be, the journal is not.
        case recording
    }

    let torrent: UInt16
    let stage: Stage
    let call: String
    let errno: Int32
    /// Relative to `--dir`.
    let path: String

    var trouble: DiskTrouble {
        DiskTrouble(torrent: torrent, errno: UInt32(errno), call: call, path: path, isSync: stage == .syncing)
    }
}

/// What the disk thread says of one order.
struct DiskResult: Equatable, Sendable {
    var outcome: DiskOutcome
    /// What the disk thread has done since its start.
    var report: WriteReport
}
