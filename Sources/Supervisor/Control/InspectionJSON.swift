import BitTorrent
import PoolProtocol

/// An inspection for scripts: one object on a line. Names are a contract: add, never rename.
struct InspectionJSON {
    let inspection: Inspection

    private var torrentCount: Int { inspection.torrents.count }
    private func text(_ name: ThingName?) -> JSONValue { .optional(name?.text(torrentCount: torrentCount)) }

    var ps: JSONValue {
        .object([
            .init("v", .integer(ControlAnswer.version)),
            .init("processes", .array(inspection.processes.map(process))),
            .init("torrents", .array(inspection.torrents.map(torrent))),
            .init("peers", .array(inspection.peers.map(peer))),
            .init("trackers", .array(inspection.trackers.map(tracker))),
            .init("pieces", .array(inspection.pieces.map(piece))),
            .init("left_out", .count(inspection.leftOutCount)),
        ])
    }

    var stats: JSONValue {
        let stages = StageFigures(inspection).all.map { stage in
            JSONValue.Member(
                stage.name,
                .object(
                    (stage.byteCount.map { [.init("bytes", .count($0))] } ?? [])
                        + (stage.rate.map { [.init("speed", speed($0))] } ?? [])
                        + stage.figures.map { .init($0.name, $0.value) }))
        }
        let loops = inspection.processes.filter { $0.pid != nil }.map { process in
            JSONValue.object([
                .init("id", text(process.name)), .init("turns", .count(process.turnCount)),
                .init("p50", .number(process.turnTimes.percentile(500).inSeconds)),
                .init("p99", .number(process.turnTimes.percentile(990).inSeconds)),
                .init("max", .number(process.turnTimes.longest.inSeconds)),
                .init("handler", .string(process.handler.name)), .init("for", seconds(process.turnAge)),
                .init("slow", .count(process.slowCount)), .init("sent", .count(process.sentMessageCount)),
                .init("cpu", .number(process.cpuSeconds)), .init("message_cpu", .number(process.messageCPUSeconds)),
            ])
        }
        return .object([.init("v", .integer(ControlAnswer.version))] + stages + [.init("loops", .array(loops))])
    }

    private func speed(_ rate: Double) -> JSONValue { .count(Int64(exactly: max(0, rate).rounded(.down)) ?? 0) }
    private func seconds(_ duration: Duration?) -> JSONValue { duration.map { .number($0.inSeconds) } ?? .null }

    private func process(_ process: Inspection.Process) -> JSONValue {
        .object([
            .init("id", text(process.name)), .init("role", .string(process.role.name)),
            .init("ordinal", .count(process.ordinal)), .init("generation", .count(process.generation)),
            .init("pid", .optional(process.pid)), .init("state", .string(process.state)),
            .init("turns", .count(process.turnCount)), .init("cpu", .number(process.cpuSeconds)),
            .init("rss", .count(process.residentByteCount)), .init("queue", .count(process.queueCount)),
            .init("speed", speed(process.bytesPerSecond)), .init("bytes", .count(process.byteCount)),
            .init("restarts", .count(process.restartCount)), .init("beat", seconds(process.beatAge)),
            .init("handler", .string(process.handler.name)), .init("turn_age", seconds(process.turnAge)),
            .init("held", .optional(process.room?.heldCount)), .init("room", .optional(process.room?.totalCount)),
            .init("reserved", .optional(process.room?.reservedCount)), .init("slow", .count(process.slowCount)),
            .init("sandbox", .optional(process.sandbox?.name)),
            .init("sandbox_missing", .array((process.sandbox?.missing.words ?? []).map { .string($0) })),
        ])
    }

    private func torrent(_ torrent: Inspection.Torrent) -> JSONValue {
        let report = torrent.report
        return .object([
            .init("id", .string("t\(torrent.ordinal)")), .init("info_hash", .string(report.infoHash.description)),
            .init("name", .string(report.name)), .init("state", .string(torrent.state)),
            .init("age", .number(torrent.age.inSeconds)), .init("total_length", .count(report.totalByteCount)),
            .init("completed_length", .count(report.completedByteCount)),
            .init("download_speed", speed(report.downloadRate)), .init("upload_speed", speed(report.uploadRate)),
            .init("upload_length", .count(report.uploadedByteCount)), .init("num_peers", .count(report.peerCount)),
            .init("num_seeders", .count(report.seedCount)), .init("num_pieces", .count(report.pieceCount)),
            .init("pieces_done", .count(report.completedPieceCount)),
            .init("pieces_unsynced", .count(torrent.unsyncedPieceCount)),
            .init("eta_seconds", .optional(report.secondsLeft)), .init("trouble", .optional(report.trouble)),
        ])
    }

    private func peer(_ peer: Inspection.Peer) -> JSONValue {
        .object([
            .init("id", text(peer.name)), .init("worker", text(peer.worker)),
            .init("address", .string(peer.address)), .init("incoming", .bool(peer.isIncoming)),
            .init("state", .string(peer.state)), .init("age", .number(peer.age.inSeconds)),
            .init("deadline", seconds(peer.deadline)), .init("download_speed", speed(peer.downloadRate)),
            .init("upload_speed", speed(peer.uploadRate)), .init("download_length", .count(peer.downloadedByteCount)),
            .init("upload_length", .count(peer.uploadedByteCount)), .init("requests", .count(peer.requestCount)),
            .init("seed", .bool(peer.isSeed)), .init("interested", .bool(peer.isInterested)),
            .init("unchoked", .bool(peer.isUnchoked)), .init("client", .string(peer.client)),
        ])
    }

    private func tracker(_ tracker: Inspection.Tracker) -> JSONValue {
        .object([
            .init("id", text(tracker.name)), .init("url", .string(tracker.url)),
            .init("state", .string(tracker.state)), .init("age", seconds(tracker.age)),
            .init("deadline", seconds(tracker.deadline)), .init("failures", .count(tracker.failureCount)),
            .init("last", .string(tracker.lastWord)),
        ])
    }

    private func piece(_ piece: Inspection.Piece) -> JSONValue {
        .object([
            .init("id", text(piece.name)), .init("state", .string(piece.state)), .init("at", text(piece.assembler)),
            .init("age", seconds(piece.age)), .init("blocks", .count(piece.blockCount)),
            .init("ungranted", .count(piece.ungrantedCount)), .init("assignment", .count(piece.assignment)),
            .init("workers", .array(piece.holders.map { text($0) })), .init("deadline", seconds(piece.deadline)),
            .init("speed", speed(piece.rate)), .init("here", .count(piece.hereCount)),
        ])
    }
}
