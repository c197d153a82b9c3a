import BitTorrent
import PoolProtocol

/// What each stage of the way of a byte has done: received, hashed, written and synced; and sent, the other way.
struct StageFigures {
    struct Figure {
        let name: String
        let value: JSONValue
        let text: String

        init(_ name: String, _ value: JSONValue, _ text: String) {
            self.name = name
            self.value = value
            self.text = text
        }
        init(_ name: String, _ count: some BinaryInteger) { self.init(name, .count(count), "\(count)") }
        /// Of both in bytes, for people in short.
        init(_ name: String, bytes: UInt64) { self.init(name, .count(bytes), Cell.bytes(bytes)) }
        init(_ name: String, _ duration: Duration) {
            self.init(name, .number(duration.inSeconds), Cell.time(duration))
        }
    }

    struct Stage {
        let name: String
        let byteCount: UInt64?
        let rate: Double?
        let figures: [Figure]
    }

    private let inspection: Inspection

    init(_ inspection: Inspection) { self.inspection = inspection }

    var all: [Stage] { [received, hashed, written, synced, sent, run] }

    private var stages: Inspection.Stages { inspection.stages }

    private func room(_ role: Role, _ field: (WorkerReport.Room) -> Int) -> Int {
        inspection.processes.filter { $0.role == role }.compactMap(\.room).reduce(0) { $0 + field($1) }
    }

    private func sum(_ field: (Inspection.Torrent) -> Int) -> Int { inspection.torrents.reduce(0) { $0 + field($1) } }

    private var received: Stage {
        Stage(
            name: "received", byteCount: stages.receivedByteCount, rate: stages.receivedRate,
            figures: [
                Figure("peers", inspection.peers.count { $0.state != "connecting" }),
                Figure("connecting", inspection.peers.count { $0.state == "connecting" }),
                Figure("requests", inspection.peers.reduce(0) { $0 + Int($1.requestCount) }),
                Figure("slots", room(.peerWorker) { $0.heldCount }),
                Figure("slots_total", room(.peerWorker) { $0.totalCount ?? 0 }),
                Figure("sockets_waiting", stages.waitingSocketCount),
                Figure("wasted", bytes: stages.wastedByteCount),
                Figure("blocks_resent", inspection.processes.reduce(UInt64(0)) { $0 &+ $1.resentBlockCount }),
            ])
    }

    private var hashed: Stage {
        Stage(
            name: "hashed", byteCount: stages.hashedByteCount, rate: stages.hashedRate,
            figures: [
                Figure(
                    "lanes", .number(stages.meanLaneCount), Cell.decimal(stages.meanLaneCount)),
                Figure("lane_steps", stages.laneStepCount),
                Figure("frames", room(.hashWorker) { $0.heldCount }),
                Figure("frames_reserved", room(.hashWorker) { $0.reservedCount ?? 0 }),
                Figure("frames_total", room(.hashWorker) { $0.totalCount ?? 0 }),
                Figure("pieces_open", inspection.pieces.count { $0.state == "open" }),
                Figure("pieces_failed", sum(\.failedPieceCount)),
                Figure("blocks_duplicate", stages.duplicateBlockCount),
            ])
    }

    private var written: Stage {
        Stage(
            name: "written", byteCount: stages.writtenByteCount, rate: stages.writtenRate,
            figures: [
                Figure("calls", stages.writeCallCount),
                Figure("pieces_held", room(.writer) { $0.heldCount }),
                Figure("pieces_unsynced", sum(\.unsyncedPieceCount)),
            ])
    }

    private var synced: Stage {
        let times = inspection.processes.first { $0.role == .writer }?.syncTimes ?? TimeHistogram()
        return Stage(
            name: "synced", byteCount: nil, rate: nil,
            figures: [
                Figure("syncs", stages.syncCount),
                Figure("total", .nanoseconds(Int64(clamping: stages.syncNanoseconds))),
                Figure("p50", times.percentile(500)), Figure("p99", times.percentile(990)),
                Figure("max", times.longest),
            ])
    }

    private var sent: Stage {
        Stage(
            name: "sent", byteCount: stages.sentByteCount, rate: stages.sentRate,
            figures: [
                Figure("interested", inspection.peers.count(where: \.isInterested)),
                Figure("unchoked", inspection.peers.count(where: \.isUnchoked)),
                Figure("upload_slots", sum(\.uploadSlotCount)),
            ])
    }

    private var run: Stage {
        Stage(
            name: "run", byteCount: nil, rate: nil,
            figures: [
                Figure("uptime", .number(inspection.secondsSinceStart), "\(Int(inspection.secondsSinceStart))s"),
                Figure("torrents", inspection.torrents.count),
                Figure("messages", inspection.processes.reduce(UInt64(0)) { $0 &+ $1.sentMessageCount }),
                Figure(
                    "message_cpu",
                    .seconds(inspection.processes.reduce(0.0) { $0 + $1.messageCPUSeconds })),
                Figure("restarts", inspection.processes.reduce(0) { $0 + $1.restartCount }),
                Figure("known_peers", sum(\.knownCount)), Figure("banned", sum(\.bannedCount)),
            ])
    }
}
