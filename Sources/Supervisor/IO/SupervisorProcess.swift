import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// The supervisor at work: one loop that owns the pool, the torrents, signals and time. Every decision is made
/// elsewhere; here things happen.
final class SupervisorProcess {
    /// How often the user's line is refreshed at most; also the pace of slow checks.
    static let tick: Duration = .milliseconds(250)

    let options: DownloadOptions
    let output: Output
    let poll: PollLoop
    let started = MonotonicClock.now
    var context: RunContext!
    var torrents: [TorrentRun] = []
    /// nil: neighbours are not looked for.
    var discovery: LocalDiscovery?
    var networks: LocalNetworks?
    var stop: StopSequence?
    /// Who has not done its part of the present step of the stop.
    var awaited: Set<Place> = []
    var verdict: (code: ExitCode, reason: String) = (.internalError, "the loop ended by itself")
    /// `partialsHanded` that are still to come.
    var partialAnswersDue: [Place: Int] = [:]
    /// Assignments whose blocks are being written unverified.
    var partialsUnderWay: Set<AssignmentID> = []
    private var nextTick = MonotonicInstant.distantPast
    private var retryAt = MonotonicInstant.distantFuture
    /// Places that SIGHUP has still to restart, the next one last, and the one whose successor is awaited.
    var toRestart: [Place] = []
    var restarting: Place?
    let signals: OwnedDescriptor
    private var resolver: NameResolver?
    /// For those who look in.
    var desk: ControlDesk!

    /// Runs a download to its end.
    static func run(_ options: DownloadOptions, _ inputs: [Metainfo], output: Output) -> ExitCode {
        do {
            let process = try SupervisorProcess(options, inputs, output)
            try process.poll.run()
            process.context.http.shutDown()
            return process.output.finish(
                process.verdict.code, reason: process.verdict.reason,
                summary: process.statusReport(now: MonotonicClock.now))
        } catch let error as UserError {
            return output.finish(error.code, reason: error.description, summary: nil)
        } catch {
            return output.finish(.fileError, reason: "\(error)", summary: nil)
        }
    }

    private init(_ options: DownloadOptions, _ inputs: [Metainfo], _ output: Output) throws {
        self.options = options
        self.output = output
        // What may be refused is tried before anything is started: options, limits, locks, files, the port.
        let plan = try Self.plan(options, inputs)
        let sandbox = try options.sandboxOrder(output)
        poll = try PollLoop()
        _ = clinux_ignore_signal(SIGPIPE)
        signals = OwnedDescriptor(try checked("signalfd", clinux_signal_descriptor()))
        var stores: [TorrentStorage] = []
        for metainfo in inputs {
            stores.append(try TorrentStorage(metainfo, options, owner: sandbox.identity, output: output))
        }
        let listeners = try Self.listen(options, plan, output)
        let directory = try RunDirectory(environment: options.environment)
        let shell = try PoolShell(
            plan: plan, settings: options.poolSettings(plan, sandbox), poll: poll, runDirectory: directory,
            tcpListeners: listeners, pieceCounts: inputs.map(\.geometry.pieceCount),
            writerDirectories: stores.prefix(1).map(\.directory))
        let http = try HTTPClient(options: options.httpOptions)
        context = RunContext(
            shell: shell, output: output, http: http,
            udp: UDPTrackerClient(poll: poll, bindAddress: options.bindAddress),
            budget: FrameBudget(frameCountEach: plan.frameCount, hashWorkers: 0..<plan.hashWorkerCount),
            limits: BandwidthLimits(download: options.seeding.downloadLimit, upload: options.seeding.uploadLimit),
            commands: options.seeding.onComplete.map { [poll] command in
                CompletionCommands(command, environment: options.environment, poll: poll) { output.emit(.warning($0)) }
            }, listenPort: listeners?.port ?? 0)
        var generator = SystemRandomNumberGenerator()
        let ourID = PeerID.random(using: &generator)
        for (index, metainfo) in inputs.enumerated() {
            torrents.append(
                TorrentRun(
                    ordinal: UInt16(index), metainfo: metainfo, storage: stores[index], ourID: ourID,
                    settings: options.torrentSettings, context: context, generator: generator, now: started))
        }
        shell.handlers = handlers()
        context.framesFreed = { [unowned self] waiting in
            for ordinal in waiting { torrent(ordinal)?.route { $0.serveAll(budget: &$1, pool: $2, into: &$3) } }
        }
        desk = try makeDesk(runDirectory: directory)
        try watch(http: http)
        connectTrackers()
        resolver = try resolve(options.peers)
        discoverLocally()
        let regionBytes =
            plan.peerWorkerCount * plan.intakeByteCount + plan.hashWorkerCount * plan.assemblyByteCount
        output.emit(
            .start(
                StartReport(
                    torrents: torrents.map(\.startReport), peerWorkerCount: plan.peerWorkerCount,
                    hashWorkerCount: plan.hashWorkerCount, listenPort: context.listenPort,
                    memoryByteCount: regionBytes)))
        beginIfComplete()
    }

    // MARK: The start

    private static func plan(_ options: DownloadOptions, _ inputs: [Metainfo]) throws(UserError) -> PoolPlan {
        let longest = inputs.map(\.geometry.longestPieceByteCount).max()!
        // Regions are reserved for good at the start; more than there is would have the kernel kill somebody.
        let physical = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        if let memory = options.memory, memory > physical / 4 * 3 {
            throw UserError(
                .badOption, "--memory", "\(memory >> 20)M is more than this machine can spare",
                because: "three quarters of its \(physical >> 20)M")
        }
        let plan: PoolPlan
        do throws(PoolPlan.Impossible) {
            plan = try PoolPlan(
                peerWorkers: options.workers, hashWorkers: options.hashWorkers, memory: options.memory,
                longestPieceByteCount: longest)
        } catch {
            switch error {
            case .pieceTooLong(let byteCount, let needed):
                throw UserError(
                    .badOption, "--memory", "a piece of \(byteCount) bytes does not fit",
                    because: "at least \(needed >> 20)M are needed")
            case .tooManyPeerWorkers(let count, let needed):
                throw UserError(
                    .badOption, "--memory", "\(count) peer-workers do not fit",
                    because: "at least \(needed >> 20)M are needed, or fewer --workers")
            }
        }
        let descriptors = plan.descriptorCount(torrents: inputs.count) + DescriptorLimit.reserve
        guard descriptors <= DescriptorLimit.current else {
            throw UserError(
                .badOption, "--workers", "\(plan.places.count) processes need \(descriptors) descriptors",
                because: "\(DescriptorLimit.current) are allowed, see ulimit -n")
        }
        return plan
    }

    private static func listen(
        _ options: DownloadOptions, _ plan: PoolPlan, _ output: Output
    ) throws -> TCPListeners? {
        guard let ports = options.listenPorts else { return nil }
        do throws(SystemCallError) {
            return try TCPListeners(ports: ports, address: options.bindAddress, workers: plan.peerWorkerCount)
        } catch {
            // A port that the user named is a promise; a default that is taken is a pity.
            if options.isListenPortChosen {
                throw UserError(
                    .badOption, "--listen-port", "cannot listen on \(options.listenPortText)", because: "\(error)")
            }
            output.emit(.warning("peers cannot connect to us: \(error)"))
            return nil
        }
    }

    private func handlers() -> PoolShell.Handlers {
        PoolShell.Handlers(
            peerWorkerSpoke: { [unowned self] worker, message in heard(message, from: worker) },
            hashWorkerSpoke: { [unowned self] worker, message in heard(message, from: worker) },
            writerSpoke: { [unowned self] worker, message in heard(message, from: worker) },
            decided: { [unowned self] action in decided(action) },
            changed: { [unowned self] event in changed(event) },
            complained: { [unowned self] place, line in output.complained(place, line) })
    }

    private func watch(http: HTTPClient) throws {
        try poll.watch(descriptor: signals.rawValue) { [unowned self] _ in takeSignals() }
        try poll.watch(descriptor: http.resultDescriptor) { [unowned self] _ in
            for result in context.http.takeResults() {
                if result.id >> 48 == SwarmScrapes.ordinal {
                    context.scrapes.httpEnded(result)
                } else {
                    torrent(UInt16(result.id >> 48))?.httpEnded(result)
                }
            }
        }
        poll.nextDeadline = { [unowned self] in nextDeadline }
        poll.timerFired = { [unowned self] now in timerFired(now: now) }
        poll.turnEnded = { [unowned self] in
            retryAt =
                context.shell.flush(now: MonotonicClock.now) ? MonotonicClock.now + .milliseconds(1) : .distantFuture
            desk.turnEnded(sentMessageCount: context.shell.sentMessageCount)
        }
    }

    private func connectTrackers() {
        context.udp.ended = { [unowned self] id, outcome in
            if id >> 48 == SwarmScrapes.ordinal {
                context.scrapes.udpEnded(id, outcome)
            } else {
                torrent(UInt16(id >> 48))?.udpEnded(id, outcome)
            }
        }
        context.udp.peersFound = { [unowned self] id, peers in torrent(UInt16(id >> 48))?.trackerNamed(peers) }
        context.scrapes.counted = { [unowned self] infoHash, tracker, counts in
            for torrent in torrents where torrent.metainfo.infoHash == infoHash {
                torrent.report(tracker, .scraped(counts))
            }
        }
        context.scrapes.failed = { [unowned self] infoHash, tracker, reason in
            for torrent in torrents where torrent.metainfo.infoHash == infoHash {
                torrent.report(tracker, .scrapeFailed(reason: reason))
            }
        }
        context.ownAddressLearned = { [unowned self] address in
            for torrent in torrents { torrent.book.ownAddressLearned(address) }
        }
    }

    private func resolve(_ peers: [HostAndPort]) throws -> NameResolver {
        let resolver = try NameResolver(peers)
        try poll.watch(descriptor: resolver.resultDescriptor.rawValue) { [unowned self] _ in
            for outcome in resolver.takeOutcomes() {
                switch outcome {
                case .addresses(let addresses):
                    for torrent in torrents {
                        torrent.peers { $0.learned(addresses, from: .commandLine, now: MonotonicClock.now, into: &$1) }
                    }
                case .failed(let name, let reason):
                    output.emit(.warning("--peer \(name): cannot be resolved (\(reason))"))
                }
            }
        }
        return resolver
    }

    // MARK: Time

    private var nextDeadline: MonotonicInstant {
        let now = MonotonicClock.now
        var deadline = min(
            nextTick, retryAt, context.shell.nextDeadline, stop?.nextDeadline ?? .distantFuture,
            context.limits.nextDeadline)
        deadline = min(deadline, context.udp.nextDeadline, context.scrapes.nextDeadline, desk.nextDeadline)
        for torrent in torrents { deadline = min(deadline, torrent.nextDeadline(now: now)) }
        return deadline
    }

    private func timerFired(now: MonotonicInstant) {
        context.shell.timerFired(now: now)
        context.udp.timerFired(now: now)
        context.scrapes.timerFired(now: now)
        desk.timerFired(now: now)
        for torrent in torrents { torrent.timerFired(now: now) }
        tell(context.limits.timerFired(now: now))
        if let step = stop?.timerFired(now: now) { begin(step, now: now) }
        guard now >= nextTick else { return }
        nextTick = now + Self.tick
        output.show(statusReport(now: now), now: now)
        desk.measure(context.shell.processes.values, now: now)
        for slow in desk.ownSlowHandlers() { changed(.handlerIsSlow(Place(.supervisor, 0), slow)) }
        announceLocally(now: now)
        checkStop(now: now)
        shareConnections()
        for torrent in torrents {
            torrent.checkGoal(now: now)
            torrent.recordUploads(now: now)
        }
        beginIfComplete()
        if stop == nil { checkHopes(now: now) }
    }

    /// Ends a run that cannot get anywhere.
    private func checkHopes(now: MonotonicInstant) {
        for torrent in torrents {
            if let (trouble, since) = torrent.diskTrouble, let text = torrent.diskTroubleText {
                let isFull = [ENOSPC, EDQUOT].contains(CInt(truncatingIfNeeded: trouble.errno))
                if !isFull { return end(.fileError, reason: text, now: now) }
                if now - since >= options.stopTimeout ?? .seconds(60) {
                    return end(.diskFull, reason: text, now: now)
                }
            }
        }
        let unfinished = torrents.filter { $0.phase == .downloading }
        guard !unfinished.isEmpty,
            unfinished.count == torrents.count(where: { $0.phase != .complete && $0.phase != .cancelled })
        else { return }
        if unfinished.allSatisfy({ $0.nobodyLeft(now: now) }) {
            end(.nobodyLeft, reason: "no peer is left, and no tracker knows another", now: now)
        } else if let limit = options.stopTimeout,
            // A disk in trouble takes no byte, so that none is asked for: that has a limit and an exit code of its own.
            unfinished.allSatisfy({ $0.diskTrouble == nil && now - $0.lastProgress >= limit })
        {
            end(.stalled, reason: "no byte has come for \(Int(limit.inSeconds)) s", now: now)
        }
    }

    // MARK: The pool speaks

    private func heard(_ message: PeerWorkerToSupervisor, from worker: Incarnation) {
        let now = MonotonicClock.now
        switch message {
        case .wantBlocks(let torrent, _), .sourceCounts(let torrent, _), .seedCount(let torrent, _),
            .report(let torrent, _, _), .wantFiles(let torrent, _), .peersHeard(let torrent, _, _),
            .grantsReported(let torrent, _):
            self.torrent(torrent)?.received(message, from: worker, now: now)
        case .peerConnected(let peer):
            torrent(peer.torrent)?.received(message, from: worker, now: now)
            turnAwayIfFull(peer, at: worker)
        case .peerIntroduced(let peer): torrent(peer.torrent)?.received(message, from: worker, now: now)
        case .drained: drained(worker, now: now)
        case .grantReturned, .peerClosed, .interestChanged, .hello, .joined, .ready, .replacementSeen,
            .descriptorReceived:
            for torrent in torrents { torrent.received(message, from: worker, now: now) }
        }
    }

    private func heard(_ message: HashWorkerToSupervisor, from worker: Incarnation) {
        let now = MonotonicClock.now
        if case .rechecked(let torrent, _) = message {
            self.torrent(torrent)?.received(message, from: worker, now: now)
        } else {
            if case .report(let report) = message { desk.stages.reported(report, by: worker, now: now) }
            if case .partialsHanded(let assignments) = message { partialsHanded(assignments, by: worker, now: now) }
            for torrent in torrents { torrent.received(message, from: worker, now: now) }
        }
    }

    private func heard(_ message: WriterToSupervisor, from worker: Incarnation) {
        let now = MonotonicClock.now
        switch message {
        case .torrentReady(let torrent), .piecesSynced(let torrent, _), .waitingForLock(let torrent):
            self.torrent(torrent)?.received(message, from: worker, now: now)
        case .diskTrouble(let trouble): torrent(trouble.torrent)?.received(message, from: worker, now: now)
        case .partialWritten(let assignment): partialWritten(assignment, now: now)
        case .report(let report): desk.stages.reported(report, by: worker, now: now)
        case .finished:
            // A file that another program changed in the meantime is not what "complete" says.
            if verdict.code == .complete, let text = torrents.lazy.compactMap(\.foreignChange).first {
                verdict = (.fileError, text)
            }
            stepDone(.finishing, now: now)
        default: for torrent in torrents { torrent.received(message, from: worker, now: now) }
        }
        beginIfComplete()
    }

    /// A torrent minds that it has no more peers than the user wants; of several, all together may.
    private func turnAwayIfFull(_ peer: PeerConnected, at worker: Incarnation) {
        guard peer.isIncoming, torrents.count > 1,
            torrents.reduce(0, { $0 + $1.book.connectedCount }) > options.maximumPeers
        else { return }
        context.shell.tell(worker.place, SupervisorToPeerWorker.closePeer(peer: peer.peer, .tooMany))
    }

    private func torrent(_ ordinal: UInt16) -> TorrentRun? {
        Int(ordinal) < torrents.count ? torrents[Int(ordinal)] : nil
    }

    private func decided(_ action: PoolKeeper.Action) {
        let now = MonotonicClock.now
        switch action {
        case .lost(let worker):
            var wasLiar = false
            if worker.place.role == .peerWorker {
                context.limits.workerLost(Int(worker.place.ordinal))
                wasLiar = context.suspicion.replaced(worker.place.ordinal)
            }
            for torrent in torrents { torrent.lost(worker, wasLiar: wasLiar, now: now) }
            stopLost(worker, now: now)
        case .replacementSeen(let place): for torrent in torrents { torrent.lossSeen(at: place) }
        case .adopt(let worker, let stillReading): adopt(worker, stillReading)
        case .regionDropped(let place): for torrent in torrents { torrent.regionLost(at: place) }
        case .working(let worker):
            if worker.place.role == .peerWorker {
                tell(context.limits.workerReady(Int(worker.place.ordinal), now: now))
            }
            for torrent in torrents { torrent.working(worker, now: now) }
            if restarting == worker.place { restartNext() }
        case .gaveUp(let place):
            if place.role == .hashWorker { context.budget.gaveUp(Int(place.ordinal)) }
            output.gaveUp(place)
            for torrent in torrents { torrent.gaveUp(place, now: now) }
        case .failed(let role):
            end(.workersCrash, reason: context.shell.failure(of: role), now: now)
        case .spawn, .kill, .join, .tellReplaced, .tellGivenUp, .passRegion: break
        }
    }

    private func adopt(_ worker: Incarnation, _ stillReading: [AssignmentID]) {
        var orders: [PieceToOpen] = []
        for torrent in torrents { orders += torrent.coordinator.adoptionOrders(for: Int(worker.place.ordinal)) }
        for part in stillReading.parts(of: Topology.maximumListCount) {
            context.shell.tell(worker.place, SupervisorToHashWorker.stillReading(part))
        }
        let parts = orders.isEmpty ? [[]] : orders.parts(of: Topology.maximumListCount)
        for (index, part) in parts.enumerated() {
            context.shell.tell(worker.place, SupervisorToHashWorker.adopt(part, isLast: index == parts.count - 1))
        }
    }

    private func changed(_ event: WorkerEvent) {
        desk.changed(event, now: MonotonicClock.now)
        if case .sandboxFailed(let worker, let reason) = event {
            end(.sandboxFailed, reason: "\(worker.place): \(reason)", now: MonotonicClock.now)
        }
        output.tell(event) { room(at: $0, heldCount: $1) }
    }
}
