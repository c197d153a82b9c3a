import BitTorrent
import PoolProtocol

/// How events look to people: lines of the log, the weightier ones on the terminal too.
enum EventText {
    struct Line: Equatable {
        let level: LogLevel
        let text: String

        init(_ level: LogLevel, _ text: String) {
            self.level = level
            self.text = text
        }
    }

    /// - Parameter level: lines of lesser levels may be left out; pieces and peers are many, and nobody may want to read
    ///   of them.
    static func lines(_ event: Event, atLeast level: LogLevel = .trace) -> [Line] {
        switch event {
        case .start(let report): return start(report).map { Line(.notice, $0) }
        case .progress: return []
        case .piece(let torrent, let piece, let state):
            guard level < .notice else { return [] }
            let text = "\(Tags(torrent: torrent.ordinal, piece: piece)): \(state)"
            return [Line(state == "failed" ? .info : .trace, text)]
        case .worker(let report): return [worker(report)]
        case .peer(let torrent, let peer): return level > .debug ? [] : [Line(.debug, text(peer, torrent))]
        case .tracker(let torrent, let tracker): return [self.tracker(tracker, torrent)]
        case .warning(let text): return [Line(.warning, text)]
        case .error(let text): return [Line(.error, text)]
        case .complete(_, let name): return [Line(.notice, "\(name): complete")]
        case .exit(let code, let reason):
            return [Line(.notice, "exit code \(code.rawValue)\(reason.isEmpty ? "" : " (\(reason))")")]
        }
    }

    /// One line for each torrent, and one for the pool.
    static func start(_ report: StartReport) -> [String] {
        let torrents = report.torrents.map { torrent in
            let there =
                torrent.completedByteCount == 0
                ? "" : ", \(Amounts.percent(torrent.completedByteCount, of: torrent.totalByteCount)) already there"
            return "\(torrent.name): \(Amounts.bytes(torrent.totalByteCount)) in "
                + "\(Amounts.counted(torrent.pieceCount, "piece"))\(there), into \(torrent.directory)"
        }
        let port = report.listenPort == 0 ? "no listening port" : "listening on port \(report.listenPort)"
        let pool =
            "\(Amounts.counted(report.peerWorkerCount, "peer-worker")), "
            + "\(Amounts.counted(report.hashWorkerCount, "hash-worker")), "
            + "\(Amounts.bytes(UInt64(clamping: report.memoryByteCount))) of memory for pieces, \(port)"
        return torrents + [pool]
    }

    private static func worker(_ report: WorkerReport) -> Line {
        let who = "\(Incarnation(report.place, generation: report.generation)) (pid \(report.pid))"
        let why = report.reason.isEmpty ? "" : ": \(report.reason)"
        switch report.state {
        case .spawned: return Line(.info, "\(who) was started\(why)")
        case .ready:
            return Line(.info, "\(who) is ready\(report.sandbox.map(text) ?? "")\(why)")
        case .replaced: return Line(.notice, "\(who) is replaced\(why)")
        case .dead:
            if let signal = report.signal { return Line(.warning, "\(who) was killed by signal \(signal)\(why)") }
            let status = report.status ?? 0
            return status == 0
                ? Line(.info, "\(who) ended\(why)") : Line(.warning, "\(who) ended with exit code \(status)\(why)")
        }
    }

    private static func text(_ sandbox: SandboxState) -> String {
        let lack = sandbox.inForce.isEmpty || sandbox.missing.isEmpty ? [] : sandbox.missing.words
        return ", sandbox \(sandbox.name)\(lack.isEmpty ? "" : " (without \(lack.joined(separator: ", ")))")"
    }

    private static func text(_ peer: PeerEvent, _ torrent: TorrentName) -> String {
        "\(Tags(torrent: torrent.ordinal, peer: peer.name)) (\(peer.address)) at \(Place(.peerWorker, peer.worker))"
            + "\(peer.isIncoming ? ", incoming" : ""): \(peer.state.rawValue)\(peer.text.isEmpty ? "" : " (\(peer.text))")"
    }

    /// A tracker that is of no use is a warning, for it may be why nothing moves. It stays at a few lines: the time between
    /// two tries doubles.
    private static func tracker(_ tracker: TrackerEvent, _ torrent: TorrentName) -> Line {
        let name = "\(Tags(torrent: torrent.ordinal)) tracker \(tracker.url)"
        let told = tracker.event.isEmpty ? "" : " \(tracker.event)"
        let text = tracker.text.isEmpty ? "" : ": \(tracker.text)"
        switch tracker.state {
        case .announced:
            let peers = Amounts.counted(tracker.peerCount, "peer")
            return Line(.info, "\(name): announced\(told), \(peers)\(text)")
        case .failed: return Line(.warning, "\(name): failed\(told)\(text)")
        case .warning: return Line(.warning, "\(name): warns\(text)")
        case .scraped: return Line(.info, "\(name): knows\(text)")
        // Many trackers do not answer them, and nothing depends on it.
        case .scrapeFailed: return Line(.debug, "\(name): tells\(text)")
        }
    }
}
