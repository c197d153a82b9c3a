import BitTorrent
import PoolProtocol

/// All that can be seen of a run at one moment: what `ps` shows and what the metrics are made of. Numbers only; how they
/// look is for `InspectionText`, `InspectionJSON` and `MetricsText`.
struct Inspection {
    var processes: [Process] = []
    var torrents: [Torrent] = []
    var peers: [Peer] = []
    var trackers: [Tracker] = []
    /// Those that a hash-worker has, or is to get, frames for.
    var pieces: [Piece] = []
    /// Rows beyond `mostRows` of their kind.
    var leftOutCount = 0
    var stages = Stages()
    var secondsSinceStart: Double = 0

    /// Of one kind: beyond it making the table would hold up the loop.
    static let mostRows = 2000

    struct Process {
        var name: ThingName
        var role: Role
        var ordinal: UInt16
        var generation: UInt32
        /// nil: the place is empty.
        var pid: Int32?
        /// `starting`, `waiting-to-join`, `joining`, `settling`, `working`, `dying`, `vacant`, `given-up`.
        var state: String
        /// Turns of its loop.
        var turnCount: UInt64 = 0
        var cpuSeconds: Double = 0
        var residentByteCount: UInt64 = 0
        /// Frames of orders that it has not taken yet.
        var queueCount: UInt64 = 0
        /// ZeroMQ messages that it sent.
        var sentMessageCount: UInt64 = 0
        /// CPU of libzmq's own threads in it.
        var messageCPUSeconds: Double = 0
        /// Payload through the process.
        var bytesPerSecond: Double = 0
        var byteCount: UInt64 = 0
        var restartCount = 0
        /// Since its loop last began or ended a turn; nil: it has not yet.
        var beatAge: Duration?
        var handler = LoopHandler.none
        /// How long the present turn has taken; nil while the loop waits.
        var turnAge: Duration?
        var room: WorkerReport.Room?
        /// nil: it has not told yet, or it is the supervisor.
        var sandbox: SandboxState?
        var turnTimes = TimeHistogram()
        /// Kinds of its loop's handlers that took longer than `--slow-ms`.
        var slowHandlers: [SlowHandler] = []
        var slowCount: UInt64 { slowHandlers.reduce(0) { $0 &+ $1.count } }
        /// Of a writer.
        var syncTimes = TimeHistogram()
        /// Of a peer-worker.
        var resentBlockCount: UInt64 = 0
    }

    struct Torrent {
        var ordinal: Int
        var report: StatusReport.Torrent
        /// `cancelled` besides those of the report.
        var state: String
        var age: Duration
        /// Written, and not synced yet.
        var unsyncedPieceCount: Int
        /// Of the unchoked peers.
        var uploadSlotCount: Int
        var failedPieceCount: Int
        var bannedCount: Int
        var knownCount: Int
    }

    struct Peer {
        var name: ThingName
        var worker: ThingName
        var address: String
        var isIncoming: Bool
        /// `connecting`, `choking` (us), `serving`, `snubbed` (it owes blocks), `idle`, `closing`.
        var state: String
        var age: Duration
        /// Until an attempt is given up, or until the block that the peer has owed longest counts as late.
        var deadline: Duration?
        var downloadRate: Double = 0
        var uploadRate: Double = 0
        var downloadedByteCount: UInt64 = 0
        var uploadedByteCount: UInt64 = 0
        /// Requests that it has not answered.
        var requestCount: UInt16 = 0
        /// It has everything.
        var isSeed = false
        var isInterested = false
        var isUnchoked = false
        var client: String
    }

    struct Tracker {
        var name: ThingName
        /// Without path and credentials.
        var url: String
        /// `announcing`, `working`, `failed`, `refused` (for good), `unused`.
        var state: String
        /// Since the present announce was sent, or else since the last one ended.
        var age: Duration?
        /// Until the next announce, or until the present one counts as slow.
        var deadline: Duration?
        var failureCount: Int
        var lastWord: String
    }

    struct Piece {
        var name: ThingName
        /// `opening`, `open`, `verified`.
        var state: String
        var assembler: ThingName?
        var assignment: AssignmentID
        var age: Duration?
        /// Until the next of its granted blocks counts as late, or goes back because no peer can be asked for it.
        var deadline: Duration?
        /// Payload bytes a second since it was opened.
        var rate: Double
        var blockCount: Int
        /// Of them, those that came, as far as is known.
        var hereCount: Int
        /// Not granted to anybody; of the others some may have come already.
        var ungrantedCount: Int
        /// Peer-workers that hold blocks of it.
        var holders: [ThingName]
    }

    /// Totals of the whole run, over all generations of all processes.
    struct Stages: Equatable {
        var receivedByteCount: UInt64 = 0
        var sentByteCount: UInt64 = 0
        var wastedByteCount: UInt64 = 0
        var hashedByteCount: UInt64 = 0
        var writtenByteCount: UInt64 = 0
        var receivedRate: Double = 0
        var sentRate: Double = 0
        var hashedRate: Double = 0
        var writtenRate: Double = 0
        /// Steps of the lane kernels, and the lanes that were filled in them.
        var laneStepCount: UInt64 = 0
        var laneCount: UInt64 = 0
        /// Blocks that came to a hash-worker that had them.
        var duplicateBlockCount: UInt64 = 0
        var writeCallCount: UInt64 = 0
        var syncCount: UInt64 = 0
        var syncNanoseconds: UInt64 = 0
        /// Sockets of peer-workers that wait for a slot.
        var waitingSocketCount = 0

        var meanLaneCount: Double { laneStepCount == 0 ? 0 : Double(laneCount) / Double(laneStepCount) }
    }
}
