import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// What clients of the control socket and of the metrics get to hear, and what they may change.
extension SupervisorProcess {
    func makeDesk(runDirectory: RunDirectory) throws -> ControlDesk {
        try ControlDesk(
            options.control, runDirectory: runDirectory, poll: poll, slowLimit: options.diagnosis.slowLimit,
            answers: (
                control: { [unowned self] in answer($0) }, metrics: { [unowned self] in answer($0) }
            ), now: started)
    }

    private func answer(_ request: MetricsSession.Request) -> (bytes: [UInt8], isLast: Bool) {
        switch request {
        case .metrics:
            let body = MetricsText.text(inspection(now: MonotonicClock.now))
            return (MetricsSession.response(200, "OK", type: MetricsText.contentType, body: body), true)
        case .refused(let status, let reason):
            return (MetricsSession.response(status, reason, body: reason + "\n"), true)
        }
    }

    private func answer(_ request: ControlSession.Request) -> (bytes: [UInt8], isLast: Bool) {
        guard case .line(let line) = request else {
            return (ControlAnswer.bytes(.lineTooLong, isJSON: false), false)
        }
        var isJSON = false
        do throws(ControlFault) {
            guard let request = try ControlRequest.parse(line, torrentCount: torrents.count) else { return ([], false) }
            isJSON = request.isJSON
            let answer = try carryOut(request.command, now: MonotonicClock.now)
            return (answer.bytes(isJSON: isJSON), answer.isLast)
        } catch {
            return (ControlAnswer.bytes(error, isJSON: isJSON || ControlRequest.wantsJSON(line)), false)
        }
    }

    private func carryOut(
        _ command: ControlRequest.Command, now: MonotonicInstant
    ) throws(ControlFault) -> ControlAnswer {
        switch command {
        case .ps:
            let inspection = inspection(now: now)
            return ControlAnswer(
                lines: InspectionText(inspection: inspection).ps, json: InspectionJSON(inspection: inspection).ps)
        case .stats:
            let inspection = inspection(now: now)
            return ControlAnswer(
                lines: InspectionText(inspection: inspection).stats, json: InspectionJSON(inspection: inspection).stats)
        case .whereIs(let name): return try account(of: name, now: now).answer(now: now)
        case .cancel(let name): return done(try cancel(name, now: now))
        case .signal(let signal, let name): return done(try send(signal, to: name, now: now))
        case .about: return about
        case .help: return done(ControlRequest.help)
        case .quit: return ControlAnswer(lines: [], json: Self.object([]), isLast: true)
        }
    }

    private static func object(_ members: [JSONValue.Member]) -> JSONValue {
        .object([.init("v", .integer(ControlAnswer.version))] + members)
    }

    private func done(_ lines: [String]) -> ControlAnswer {
        ControlAnswer(lines: lines, json: Self.object([.init("done", .array(lines.map { .string($0) }))]))
    }

    private var about: ControlAnswer {
        let names = torrents.map(\.name)
        let shown = names.count == 1 ? names[0] : Amounts.counted(names.count, "torrent")
        return ControlAnswer(
            lines: ["pid \(getpid()), \(shown)"],
            json: Self.object([
                .init("pid", .count(getpid())), .init("version", .string(ProgramVersion.text)),
                .init("torrents", .array(names.map { .string($0) })),
            ]))
    }

    // MARK: Things

    private func text(_ name: ThingName) -> String { name.text(torrentCount: torrents.count) }

    private func torrentRun(_ ordinal: Int, _ name: ThingName) throws(ControlFault) -> TorrentRun {
        guard ordinal < torrents.count else { throw .unknown(text(name)) }
        return torrents[ordinal]
    }

    private func account(of name: ThingName, now: MonotonicInstant) throws(ControlFault) -> Account {
        let account: Account?
        let id = text(name)
        switch name {
        case .supervisor: account = ownAccount(now: now)
        case .process(let place): account = self.account(of: place, now: now)
        case .torrent(let ordinal): account = try torrentRun(ordinal, name).account(id, now: now)
        case .peer(let torrent, let peer):
            account = try torrentRun(torrent, name).account(
                ofPeer: peer, id, connectTimeout: options.connectTimeout, now: now)
        case .tracker(let torrent, let number):
            account = try torrentRun(torrent, name).account(ofTracker: number, id, now: now)
        case .piece(let torrent, let index):
            account = try torrentRun(torrent, name).account(ofPiece: index, id, now: now)
        }
        guard let account else { throw .unknown(id) }
        return account
    }

    private func cancel(_ name: ThingName, now: MonotonicInstant) throws(ControlFault) -> [String] {
        let id = text(name)
        guard stop == nil else { throw .notPossible("the run is ending") }
        switch name {
        case .supervisor: throw .notPossible("\(id): cancel its torrents, or interrupt it")
        case .process(let place):
            guard context.shell.processes[place] != nil else { throw .unknown(id) }
            context.shell.restart(place, reason: "asked for over the control socket")
            return ["\(id) is being replaced"]
        case .torrent(let ordinal):
            guard try torrentRun(ordinal, name).cancel(now: now) else {
                throw .notPossible("\(id): nothing is done for it any more")
            }
            return ["\(id) is given up; its files stay"]
        case .peer(let torrent, let peerName):
            let run = try torrentRun(torrent, name)
            guard let peer = run.journal.peer(peerName) else { throw .unknown(id) }
            guard run.cancel(peer.key, now: now) else { throw .notPossible("\(id): it is closed already") }
            return ["\(id) is being closed"]
        case .tracker(let torrent, let number):
            let run = try torrentRun(torrent, name)
            guard let tracker = run.journal.tracker(number) else { throw .unknown(id) }
            guard run.cancelAnnounce(at: tracker) else { throw .notPossible("\(id): no announce is under way") }
            return ["the announce at \(id) is given up"]
        case .piece(let torrent, let index):
            let run = try torrentRun(torrent, name)
            guard index < run.metainfo.geometry.pieceCount else { throw .unknown(id) }
            guard run.cancel(PieceIndex(index), now: now) else {
                throw .notPossible("\(id): nobody fetches it (it is \(run.stateName(of: PieceIndex(index))))")
            }
            return ["\(id) is fetched anew"]
        }
    }

    // MARK: Signals

    private static let signals: [String: CInt] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "ABRT": SIGABRT, "KILL": SIGKILL, "SEGV": SIGSEGV,
        "TERM": SIGTERM, "CONT": SIGCONT, "STOP": SIGSTOP, "USR1": SIGUSR1, "USR2": SIGUSR2,
    ]

    /// By the descriptor of the process, so that no other one can get it; our own children only.
    private func send(
        _ signal: String, to name: ThingName, now: MonotonicInstant
    ) throws(ControlFault) -> [String] {
        let id = text(name)
        guard case .process(let place) = name else { throw .notPossible("\(id): signals are for workers") }
        guard let number = Self.signals[signal] else {
            throw .notPossible(
                "\"\(signal)\": no signal that can be sent (\(Self.signals.keys.sorted().joined(separator: ", ")))")
        }
        guard let process = context.shell.processes[place] else { throw .unknown(id) }
        process.child.send(signal: number)
        desk.note(place, "SIG\(signal) was sent over the control socket", now: now)
        return ["SIG\(signal) was sent to \(id), pid \(process.child.processID)"]
    }
}
