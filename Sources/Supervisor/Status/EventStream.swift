import BitTorrent
import PoolProtocol

/// How events look to scripts: one JSON object on a line (docs/events.md). Names are a contract: add, never rename.
enum EventStream {
    /// Grows when a member changes its meaning or goes away.
    static let version: Int64 = 1

    /// The lines of an event, without newlines; a `progress` event has one line for each torrent.
    /// - Parameter time: seconds since 1970.
    static func lines(_ event: Event, time: Double) -> [String] {
        switch event {
        case .progress(let report):
            let workers = JSONValue.array(report.workers.map { .object(worker($0)) })
            return report.torrents.map {
                line("progress", time, progress($0) + averages($0, of: report) + [.init("workers", workers)])
            }
        case .start(let report): return [line("start", time, start(report))]
        case .piece(let torrent, let piece, let state):
            return [
                line(
                    "piece", time,
                    [hash(torrent.infoHash), .init("index", .count(piece.value)), .init("state", .string(state))])
            ]
        case .worker(let report): return [line("worker", time, worker(report) + reason(report.reason))]
        case .peer(let torrent, let peer): return [line("peer", time, [hash(torrent.infoHash)] + Self.peer(peer))]
        case .tracker(let torrent, let tracker):
            return [line("tracker", time, [hash(torrent.infoHash)] + Self.tracker(tracker))]
        case .warning(let text): return [line("warning", time, [.init("message", .string(text))])]
        case .error(let text): return [line("error", time, [.init("message", .string(text))])]
        case .complete(let torrent, let name):
            return [line("complete", time, [hash(torrent.infoHash), .init("name", .string(name))])]
        case .exit(let code, let reason):
            return [
                line(
                    "exit", time, [.init("code", .count(code.rawValue)), .init("reason", .string(reason))])
            ]
        }
    }

    private static func line(_ event: String, _ time: Double, _ members: [JSONValue.Member]) -> String {
        let head: [JSONValue.Member] = [
            .init("v", .integer(version)), .init("ts", .number(time)), .init("event", .string(event)),
        ]
        return JSONValue.object(head + members).text
    }

    private static func hash(_ infoHash: InfoHash) -> JSONValue.Member {
        .init("info_hash", .string(infoHash.description))
    }

    private static func reason(_ text: String) -> [JSONValue.Member] {
        text.isEmpty ? [] : [.init("reason", .string(text))]
    }

    private static func start(_ report: StartReport) -> [JSONValue.Member] {
        let torrents = report.torrents.map { torrent -> JSONValue in
            [
                "info_hash": .string(torrent.infoHash.description), "name": .string(torrent.name),
                "total_length": .count(torrent.totalByteCount), "completed_length": .count(torrent.completedByteCount),
                "num_pieces": .count(torrent.pieceCount), "piece_length": .count(torrent.pieceByteCount),
                "dir": .string(torrent.directory.text),
            ]
        }
        return [
            .init("torrents", .array(torrents)), .init("workers", .count(report.peerWorkerCount)),
            .init("hash_workers", .count(report.hashWorkerCount)), .init("listen_port", .count(report.listenPort)),
            .init("memory", .count(report.memoryByteCount)),
        ]
    }

    private static func progress(_ torrent: StatusReport.Torrent) -> [JSONValue.Member] {
        [
            hash(torrent.infoHash), .init("name", .string(torrent.name)),
            .init("phase", .string(torrent.phase.rawValue)),
            .init("total_length", .count(torrent.totalByteCount)),
            .init("completed_length", .count(torrent.completedByteCount)),
            .init("wasted_length", .count(torrent.wastedByteCount)),
            .init("download_length", .count(torrent.downloadedByteCount)),
            .init("download_speed", speed(torrent.downloadRate)), .init("upload_speed", speed(torrent.uploadRate)),
            .init("upload_length", .count(torrent.uploadedByteCount)),
            .init("checked_length", .count(torrent.checkedByteCount)),
            .init("check_length", .count(torrent.checkTotalByteCount)),
            .init("num_peers", .count(torrent.peerCount)), .init("num_seeders", .count(torrent.seedCount)),
            .init("num_pieces", .count(torrent.pieceCount)), .init("pieces_done", .count(torrent.completedPieceCount)),
            .init("eta_seconds", .optional(torrent.secondsLeft)), .init("trouble", .optional(torrent.trouble)),
        ]
    }

    private static func averages(_ torrent: StatusReport.Torrent, of report: StatusReport) -> [JSONValue.Member] {
        [
            .init("average_download_speed", speed(report.average(torrent.downloadedByteCount))),
            .init("average_upload_speed", speed(report.average(torrent.uploadedByteCount))),
            .init("total_upload_length", .count(torrent.uploadedInAllByteCount)),
            .init("ratio", torrent.ratio.map { .number($0) } ?? .null),
        ]
    }

    private static func worker(_ report: WorkerReport) -> [JSONValue.Member] {
        [
            .init("role", .string(report.place.role.name)), .init("ordinal", .count(report.place.ordinal)),
            .init("generation", .count(report.generation)), .init("pid", .count(report.pid)),
            .init("state", .string(report.state.rawValue)), .init("signal", .optional(report.signal)),
            .init("status", .optional(report.status)), .init("rss", .count(report.residentByteCount)),
            .init("cpu", .number(report.cpuSeconds)), .init("held", .optional(report.room?.heldCount)),
            .init("total", .optional(report.room?.totalCount)),
            .init("reserved", .optional(report.room?.reservedCount)), .init("sandbox", .optional(report.sandbox?.name)),
        ] + (report.sandbox.map { [.init("sandbox_missing", .array($0.missing.words.map { .string($0) }))] } ?? [])
    }

    private static func peer(_ peer: PeerEvent) -> [JSONValue.Member] {
        [
            .init("address", .string(peer.address)), .init("state", .string(peer.state.rawValue)),
            .init("worker", .count(peer.worker)), .init("incoming", .bool(peer.isIncoming)),
            .init("text", .string(peer.text)),
        ]
    }

    /// `announce` is what the tracker was told; the member `event` is taken.
    private static func tracker(_ tracker: TrackerEvent) -> [JSONValue.Member] {
        [
            .init("url", .string(tracker.url)), .init("state", .string(tracker.state.rawValue)),
            .init("announce", .string(tracker.event)), .init("num_peers", .count(tracker.peerCount)),
            .init("seeders", .optional(tracker.counts.seeders)), .init("leechers", .optional(tracker.counts.leechers)),
            .init("downloads", .optional(tracker.counts.downloads)), .init("text", .string(tracker.text)),
        ]
    }

    /// Whole bytes a second.
    private static func speed(_ bytesPerSecond: Double) -> JSONValue {
        .integer(bytesPerSecond >= 1 ? Int64(exactly: bytesPerSecond.rounded(.down)) ?? 0 : 0)
    }
}
