import BitTorrent
import PoolProtocol

/// An inspection in the text format of Prometheus, version 0.0.4. Names of peers and torrents stay inside: what identifies
/// the content is no business of a monitoring system.
struct MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    private static let prefix = "swarmkeeper_"

    private typealias Label = (name: String, value: String)
    private var lines: [String] = []

    static func text(_ inspection: Inspection) -> String {
        var text = MetricsText()
        text.addRun(inspection)
        text.addStages(inspection)
        text.addTorrents(inspection.torrents)
        text.addProcesses(inspection.processes)
        return text.lines.joined(separator: "\n") + "\n"
    }

    // MARK: What there is

    private mutating func addRun(_ inspection: Inspection) {
        family("build_info", .gauge, "Version of the program.") { $0([("version", ProgramVersion.text)], "1") }
        family("uptime_seconds", .gauge, "Time since the run began.") {
            $0([], Self.number(inspection.secondsSinceStart))
        }
        let states = ["connecting", "choking", "serving", "snubbed", "idle", "closing"]
        family("peers", .gauge, "Connections to peers, and attempts at one, by state.") { add in
            for state in states {
                add([("state", state)], "\(inspection.peers.count { $0.state == state })")
            }
        }
    }

    private mutating func addStages(_ inspection: Inspection) {
        let stages = inspection.stages
        family("stage_bytes_total", .counter, "Payload that passed a stage, in bytes.") { add in
            for (stage, count) in [
                ("received", stages.receivedByteCount), ("wasted", stages.wastedByteCount),
                ("hashed", stages.hashedByteCount), ("written", stages.writtenByteCount),
                ("sent", stages.sentByteCount),
            ] { add([("stage", stage)], "\(count)") }
        }
        counter("hash_lane_steps_total", "Steps of the hash kernels.", stages.laneStepCount)
        counter("hash_lanes_filled_total", "Lanes that were filled in these steps.", stages.laneCount)
        counter("hash_duplicate_blocks_total", "Blocks that had come already.", stages.duplicateBlockCount)
        counter("write_calls_total", "System calls that wrote payload.", stages.writeCallCount)
        counter("syncs_total", "Times that data was forced to disk.", stages.syncCount)
        family("sockets_waiting", .gauge, "Sockets of peer-workers that wait for a slot.") {
            $0([], "\(stages.waitingSocketCount)")
        }
    }

    private mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        family(name, .counter, help) { $0([], "\(value)") }
    }

    private mutating func addTorrents(_ torrents: [Inspection.Torrent]) {
        func each(_ name: String, _ kind: Kind, _ help: String, _ value: (Inspection.Torrent) -> String) {
            family(name, kind, help) { add in
                for torrent in torrents { add([("torrent", "t\(torrent.ordinal)")], value(torrent)) }
            }
        }
        each("torrent_wanted_bytes", .gauge, "Bytes of the wanted pieces.") { "\($0.report.totalByteCount)" }
        each("torrent_completed_bytes", .gauge, "Bytes of the wanted pieces that are written.") {
            "\($0.report.completedByteCount)"
        }
        each("torrent_pieces_unsynced", .gauge, "Pieces that are written and not synced.") {
            "\($0.unsyncedPieceCount)"
        }
        each("torrent_pieces_failed_total", .counter, "Pieces whose digest was wrong.") { "\($0.failedPieceCount)" }
        each("torrent_peers", .gauge, "Connected peers.") { "\($0.report.peerCount)" }
        each("torrent_seeds", .gauge, "Connected peers that have everything.") { "\($0.report.seedCount)" }
        each("torrent_uploaded_bytes_total", .counter, "Payload sent to peers.") { "\($0.report.uploadedByteCount)" }
        each("torrent_downloaded_bytes_total", .counter, "Payload received from peers.") {
            "\($0.report.downloadedByteCount)"
        }
    }

    private mutating func addProcesses(_ processes: [Inspection.Process]) {
        func each(
            _ name: String, _ kind: Kind, _ help: String, where isMeant: (Inspection.Process) -> Bool = { _ in true },
            _ value: (Inspection.Process) -> String
        ) {
            family(name, kind, help) { add in
                for process in processes where isMeant(process) { add(Self.labels(process), value(process)) }
            }
        }
        each("worker_up", .gauge, "1 while the process does its work.") {
            $0.state == "working" || $0.state == "running" ? "1" : "0"
        }
        each("worker_generation", .gauge, "The process's number among those of its place.") { "\($0.generation)" }
        each("worker_restarts_total", .counter, "Replacements of the process.") { "\($0.restartCount)" }
        each("worker_loop_turns_total", .counter, "Turns of the process's loop.") { "\($0.turnCount)" }
        each("worker_cpu_seconds_total", .counter, "CPU time of the process.") { Self.number($0.cpuSeconds) }
        each("worker_messages_sent_total", .counter, "ZeroMQ messages that the process sent.") {
            "\($0.sentMessageCount)"
        }
        each("worker_message_cpu_seconds_total", .counter, "CPU time of libzmq's own threads in the process.") {
            Self.number($0.messageCPUSeconds)
        }
        each("worker_resident_bytes", .gauge, "Memory of the process, shared regions included.") {
            "\($0.residentByteCount)"
        }
        each("worker_queued_orders", .gauge, "Frames of orders that the process has not taken.") {
            "\($0.queueCount)"
        }
        each("worker_payload_bytes_total", .counter, "Payload that went through the process.") { "\($0.byteCount)" }
        each("worker_room_used", .gauge, "Slots of 16 KiB, frames of 64 KiB or pieces held.", where: { $0.room != nil })
        {
            "\($0.room!.heldCount)"
        }
        each("worker_room_size", .gauge, "Slots or frames that there are.", where: { $0.room?.totalCount != nil }) {
            "\($0.room!.totalCount!)"
        }
        each(
            "worker_blocks_resent_total", .counter, "Blocks handed to successors of hash-workers.",
            where: { $0.role == .peerWorker }
        ) { "\($0.resentBlockCount)" }
        family("worker_slow_handlers_total", .counter, "Steps of the loop that took longer than --slow-ms.") { add in
            for process in processes {
                for slow in process.slowHandlers {
                    add(Self.labels(process) + [("handler", slow.handler.name)], "\(slow.count)")
                }
            }
        }
        histogram("worker_loop_turn_seconds", "How long turns of the loop took.", processes.map { ($0, $0.turnTimes) })
        histogram(
            "worker_sync_seconds", "How long forcing data to disk took.",
            processes.filter { $0.role == .writer }.map { ($0, $0.syncTimes) })
    }

    private static func labels(_ process: Inspection.Process) -> [Label] {
        [("role", process.role.name), ("ordinal", "\(process.ordinal)")]
    }

    // MARK: The format

    private enum Kind: String { case counter, gauge, histogram }

    private mutating func family(
        _ name: String, _ kind: Kind, _ help: String, _ body: ((_ labels: [Label], _ value: String) -> Void) -> Void
    ) {
        var samples: [String] = []
        body { labels, value in samples.append(Self.sample(name, labels, value)) }
        guard !samples.isEmpty else { return }
        lines += ["# HELP \(Self.prefix)\(name) \(help)", "# TYPE \(Self.prefix)\(name) \(kind.rawValue)"] + samples
    }

    /// Bounds double from 4 µs to 33 s, as the histogram's own do every fourth bucket.
    private static let bounds: [UInt64] = (2...25).map { 1 << UInt64($0) }

    private mutating func histogram(
        _ name: String, _ help: String, _ values: [(process: Inspection.Process, times: TimeHistogram)]
    ) {
        guard !values.isEmpty else { return }
        lines += ["# HELP \(Self.prefix)\(name) \(help)", "# TYPE \(Self.prefix)\(name) histogram"]
        for (process, times) in values {
            let labels = Self.labels(process)
            for bound in Self.bounds {
                lines.append(
                    Self.sample(
                        name + "_bucket", labels + [("le", Self.number(Double(bound) / 1e6))],
                        "\(times.count(belowMicroseconds: bound))"))
            }
            lines.append(Self.sample(name + "_bucket", labels + [("le", "+Inf")], "\(times.count)"))
            lines.append(Self.sample(name + "_sum", labels, Self.number(Double(times.totalNanoseconds) / 1e9)))
            lines.append(Self.sample(name + "_count", labels, "\(times.count)"))
        }
    }

    private static func sample(_ name: String, _ labels: [Label], _ value: String) -> String {
        let pairs = labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
        return prefix + name + (pairs.isEmpty ? "" : "{\(pairs)}") + " " + value
    }

    private static func escaped(_ text: String) -> String {
        String(text.flatMap { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : "\($0)" })
    }

    private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "0" }
}
