import BitTorrent
import CLinux
import Glibc
import Logging
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Carries out what `PoolKeeper` decides: spawns, reaps, sends and passes memory. The only owner of the control socket
/// and of every region's descriptor; maps none of them.
final class PoolShell {
    enum Pinning {
        case off
        /// A core for each peer-worker; the others run where there is room.
        case peerWorkers
        case everyone
    }

    struct Settings {
        var programDirectory: String
        var environment: [String]
        /// A prefix command for one role, for `strace` and its like.
        var wrappers: [Role: [String]]
        /// What the first process of a role's first place does wrong, for tests.
        var attacks: [Role: Attack]
        var heartbeat: Duration
        /// A handler of a loop that takes this long is told and counted.
        var slowLimit: Duration
        var logLevel: Logger.Level
        var pins: Pinning
        var bindAddress: String
        var connectTimeout: Duration
        /// Connections of one peer-worker, incoming ones included.
        var maximumPeersEach: Int
        var sandbox: SandboxOrder
    }

    /// What the pool tells the rest of the supervisor. Messages of processes that are no more never get here.
    struct Handlers {
        var peerWorkerSpoke: (Incarnation, PeerWorkerToSupervisor) -> Void
        var hashWorkerSpoke: (Incarnation, HashWorkerToSupervisor) -> Void
        var writerSpoke: (Incarnation, WriterToSupervisor) -> Void
        /// A decision of the keeper that concerns the work.
        var decided: (PoolKeeper.Action) -> Void
        /// For the event stream.
        var changed: (WorkerEvent) -> Void
        /// A line that a worker wrote to stderr.
        var complained: (Place, String) -> Void
    }

    var keeper: PoolKeeper
    var plausibility: Plausibility
    private(set) var processes: [Place: WorkerProcess] = [:]
    var handlers: Handlers?

    private let plan: PoolPlan
    let settings: Settings
    let poll: PollLoop
    private let runDirectory: RunDirectory
    private let context: ZMQContext
    let control: ZMQSocket
    private let tcpListeners: TCPListeners?
    /// Below which the writer may write.
    private let writerDirectories: [OwnedDescriptor]
    private var unixListeners: [Place: OwnedDescriptor] = [:]
    private var regions: [Place: OwnedDescriptor] = [:]
    private var cores: [UInt32] = []
    /// How the last process of a role ended, or why it could not begin.
    private var latestTrouble: [Role: String] = [:]
    private var nextLook = MonotonicInstant.distantPast
    private var leftForNextTurn: [() -> Void] = []

    /// - Parameter pieceCounts: of all torrents that peer-workers may speak of, by ordinal.
    init(
        plan: PoolPlan, settings: Settings, poll: PollLoop, runDirectory: RunDirectory, tcpListeners: TCPListeners?,
        pieceCounts: [Int], writerDirectories: [OwnedDescriptor] = []
    ) throws(SystemCallError) {
        self.plan = plan
        self.settings = settings
        self.poll = poll
        self.runDirectory = runDirectory
        self.tcpListeners = tcpListeners
        self.writerDirectories = writerDirectories
        plausibility = Plausibility(pieceCounts: pieceCounts, peerCapacity: settings.maximumPeersEach)
        keeper = PoolKeeper(plan: plan, now: MonotonicClock.now)
        context = try ZMQContext()
        control = try ZMQSocket(
            context, .router, routingID: Array("supervisor".utf8),
            maximumMessageByteCount: Topology.maximumMessageByteCount, highWaterMark: Topology.highWaterMark,
            receiveHighWaterMark: Topology.newsHighWaterMark)
        try control.bind(path: "\(runDirectory.path)/\(Endpoints.control)")
        for place in plan.places {
            let path = "\(runDirectory.path)/\(Endpoints.listener(of: place))"
            unixListeners[place] = OwnedDescriptor(
                try checked("bind", subject: path, clinux_listen_unix(path)))
            if place.role == .hashWorker { regions[place] = try makeRegion(of: place) }
        }
        let usable = Self.usableCores()
        if settings.pins != .off { cores = usable }
        try poll.watch(control) { [unowned self] in receive() }
        if plan.waitsForTurns(coreCount: usable.count) { clinux_wait_for_turns() }
    }

    /// Batches of orders that left, over all workers that there have been.
    var sentMessageCount: UInt64 { control.sentMessageCount }

    // MARK: The loop

    var nextDeadline: MonotonicInstant {
        guard leftForNextTurn.isEmpty else { return .distantPast }
        return processes.values.reduce(min(keeper.nextDeadline, nextLook)) {
            $1.isConnected ? min($0, $1.outbox.due) : $0
        }
    }

    /// For what would make this turn too long.
    func inNextTurn(_ work: @escaping () -> Void) { leftForNextTurn.append(work) }

    func timerFired(now: MonotonicInstant) {
        let left = leftForNextTurn
        leftForNextTurn = []
        for work in left { work() }
        decide { $0.timerFired(now: now, into: &$1) }
        guard now >= nextLook else { return }
        nextLook = now + settings.heartbeat
        for process in processes.values { lookAt(process, now: now) }
    }

    /// Sends what the turn has produced.
    /// - Returns: whether something could not be sent and must be tried again soon.
    func flush(now: MonotonicInstant) -> Bool {
        var mustRetry = false
        for process in processes.values where process.isConnected && process.outbox.mustLeave(now: now) {
            if !process.outbox.flush(into: control, to: process.incarnation.routingID) {
                process.brokenSince = process.brokenSince ?? MonotonicClock.now
            } else if !process.outbox.isEmpty {
                mustRetry = true
            }
        }
        return mustRetry
    }

    /// - Parameter latest: until when it may wait for another message to leave with.
    func tell(_ place: Place, _ message: some PoolMessage, by latest: MonotonicInstant = .distantPast) {
        processes[place]?.outbox.append(message, by: latest)
    }

    /// Slots of each peer-worker, frames of each hash-worker.
    func roomCount(of role: Role) -> Int? {
        switch role {
        case .peerWorker: plan.slotCount
        case .hashWorker: plan.frameCount
        case .writer, .supervisor: nil
        }
    }

    func process(_ incarnation: Incarnation) -> WorkerProcess? {
        guard let process = processes[incarnation.place], process.incarnation == incarnation else { return nil }
        return process
    }

    // MARK: The end

    /// Nobody is started any more; what dies stays dead.
    func stopping() { keeper.stopping() }

    /// Ends every process at once.
    func killAll() { for process in processes.values { process.child.kill() } }

    /// Replaces one living worker on purpose.
    func restart(_ place: Place, reason: String) {
        guard let process = processes[place] else { return }
        process.isSentAway = true
        decide { $0.mustGo(process.incarnation, ending: .orderly, reason: reason, into: &$1) }
    }

    /// A worker broke the pool's protocol: it goes, and its blame counts.
    func condemn(_ incarnation: Incarnation, reason: String) {
        decide { $0.mustGo(incarnation, ending: .ownDoing, reason: reason, into: &$1) }
    }

    /// What was to go over a process's lifeline did not.
    func descriptorsRefused(by process: WorkerProcess, _ error: SystemCallError) {
        // It has just ended, perhaps because it was told to, and its pidfd tells so; or else it is replaced soon.
        if error.errno == .brokenPipe || error.errno == .connectionReset {
            process.brokenSince = process.brokenSince ?? MonotonicClock.now
        } else {
            condemn(process.incarnation, reason: "\(error)")
        }
    }

    /// Why the pool cannot go on without the role, for the user.
    func failure(of role: Role) -> String {
        let why = latestTrouble[role].map { " (the last one: \($0))" } ?? ""
        return "\(role.programName): no process of this role can be kept alive\(why)"
    }

    // MARK: Decisions

    /// Lets the keeper decide, then does it.
    func decide(_ event: (inout PoolKeeper, inout [PoolKeeper.Action]) -> Void) {
        var actions: [PoolKeeper.Action] = []
        event(&keeper, &actions)
        for action in actions { perform(action) }
    }

    private func perform(_ action: PoolKeeper.Action) {
        switch action {
        case .spawn(let worker, let adoptsRegion): spawn(worker, adoptsRegion: adoptsRegion)
        case .kill(let worker, let reason):
            guard let process = process(worker) else { return }
            handlers?.changed(.condemned(worker, pid: process.child.processID, reason: reason))
            process.child.kill()
        case .join(let worker, let incumbents): tellJoin(worker, JoinOrder(incumbents: incumbents))
        case .tellReplaced(let place, let newcomer):
            switch place.role {
            case .peerWorker: tell(place, SupervisorToPeerWorker.workerReplaced(newcomer))
            case .hashWorker: tell(place, SupervisorToHashWorker.workerReplaced(newcomer))
            case .writer: tell(place, SupervisorToWriter.workerReplaced(newcomer))
            case .supervisor: break
            }
        case .tellGivenUp(let place, let gone):
            switch place.role {
            case .peerWorker: tell(place, SupervisorToPeerWorker.workerGivenUp(gone))
            case .hashWorker: tell(place, SupervisorToHashWorker.workerGivenUp(gone))
            case .writer: tell(place, SupervisorToWriter.workerGivenUp(gone))
            case .supervisor: break
            }
        case .passRegion(let pair): passRegion(pair)
        case .working(let worker):
            if let process = process(worker) {
                handlers?.changed(.ready(worker, pid: process.child.processID, sandbox: process.sandbox))
            }
            handlers?.decided(action)
        case .lost, .replacementSeen, .adopt, .gaveUp, .regionDropped, .failed: handlers?.decided(action)
        }
    }

    private func tellJoin(_ worker: Incarnation, _ order: JoinOrder) {
        switch worker.place.role {
        case .peerWorker: tell(worker.place, SupervisorToPeerWorker.join(order))
        case .hashWorker: tell(worker.place, SupervisorToHashWorker.join(order))
        case .writer: tell(worker.place, SupervisorToWriter.join(order))
        case .supervisor: break
        }
    }

    private func passRegion(_ pair: RegionReader) {
        guard let reader = process(pair.reader), let region = regions[pair.owner.place] else { return }
        let byteCount = UInt64(plan.regionByteCount(of: pair.owner.place.role))
        do throws(SystemCallError) {
            let readOnly = try RegionMapping.readOnly(region.rawValue)
            let name = try withExtendedLifetime(readOnly) { () throws(SystemCallError) in
                try reader.pass([readOnly.rawValue])[0]
            }
            let order = MapRegion(owner: pair.owner, descriptor: name, byteCount: byteCount)
            reader.whenAllArrived { [unowned self] in
                if pair.reader.place.role == .hashWorker {
                    tell(pair.reader.place, SupervisorToHashWorker.mapRegion(order))
                } else {
                    tell(pair.reader.place, SupervisorToWriter.mapRegion(order))
                }
            }
        } catch {
            descriptorsRefused(by: reader, error)
        }
    }

    // MARK: Processes

    private func spawn(_ worker: Incarnation, adoptsRegion: Bool) {
        let place = worker.place
        do throws(SystemCallError) {
            let (lifeline, theirs) = try Lifeline.makePair()
            let (complaints, standardError) = try WorkerComplaints.make()
            let page = try RegionMapping.makeRegion(name: "status \(worker)", byteCount: StatusPage.byteCount)
            let status = StatusPageReader(
                try RegionMapping(descriptor: page.rawValue, byteCount: StatusPage.byteCount, access: .readOnly))
            // A peer-worker's region is new in every generation: what a dead one left in it is worth nothing.
            if place.role == .peerWorker { regions[place] = try makeRegion(of: place) }
            let child = try ChildProcess(
                program: program(of: place.role),
                arguments: [worker.description] + attack(of: worker), wrapper: settings.wrappers[place.role] ?? [],
                environment: settings.environment, lifeline: theirs, standardError: standardError.rawValue)
            let process = WorkerProcess(
                worker, child: child, lifeline: lifeline, status: status,
                peerCapacity: settings.maximumPeersEach,
                heartbeat: settings.heartbeat, complaints: complaints)
            processes[place] = process
            try watch(process)
            handlers?.changed(.spawned(worker, pid: child.processID))
            var descriptors = [unixListeners[place]!.rawValue, page.rawValue]
            if let region = regions[place] { descriptors.append(region.rawValue) }
            let listening = place.role == .peerWorker ? tcpListeners?.descriptors(of: Int(place.ordinal)) ?? [] : []
            let directories = place.role == .writer ? writerDirectories.map(\.rawValue) : []
            try lifeline.send(
                launchOrder(
                    worker, adoptsRegion: adoptsRegion, listenerCount: listening.count,
                    directoryCount: directories.count),
                descriptors: descriptors + listening + directories)
        } catch {
            latestTrouble[place.role] = "\(error)"
            handlers?.changed(.notSpawned(worker, reason: "\(error)"))
            if let process = processes[place] {
                process.child.kill()
            } else {
                decide { $0.spawnFailed(worker, now: MonotonicClock.now, into: &$1) }
            }
        }
    }

    private func attack(of worker: Incarnation) -> [String] {
        guard worker.place.ordinal == 0, worker.generation == 1, let attack = settings.attacks[worker.place.role] else {
            return []
        }
        return [Attack.flag, attack.rawValue]
    }

    /// Connections beyond its share that a peer-worker takes in, so that a newcomer can be weighed against those that are
    /// there (BEP 40).
    private static let roomForNewcomers = 4

    private func launchOrder(
        _ worker: Incarnation, adoptsRegion: Bool, listenerCount: Int, directoryCount: Int
    ) -> LaunchOrder {
        return LaunchOrder(
            who: worker, runDirectory: runDirectory.path,
            regionByteCount: regions[worker.place] == nil
                ? 0 : UInt64(plan.regionByteCount(of: worker.place.role)),
            tcpListenerCount: UInt16(listenerCount),
            heartbeatMilliseconds: UInt32(settings.heartbeat.wholeNanoseconds / 1_000_000),
            pinnedCore: core(of: worker.place),
            logLevel: UInt8(Logger.Level.allCases.firstIndex(of: settings.logLevel)!), adoptsRegion: adoptsRegion,
            bindAddress: settings.bindAddress,
            connectTimeoutMilliseconds: UInt32(settings.connectTimeout.wholeNanoseconds / 1_000_000),
            maximumPeerCount: UInt16(min(65_535, settings.maximumPeersEach + Self.roomForNewcomers)),
            slowMilliseconds: UInt32(settings.slowLimit.wholeNanoseconds / 1_000_000),
            directoryCount: UInt16(directoryCount), sandbox: settings.sandbox)
    }

    /// Peer-workers first, so that each has a core of its own as long as there are enough.
    private func core(of place: Place) -> UInt16? {
        guard !cores.isEmpty, settings.pins == .everyone || place.role == .peerWorker else { return nil }
        let seats = plan.places.filter { $0.role == .peerWorker } + plan.places.filter { $0.role != .peerWorker }
        return UInt16(cores[seats.firstIndex(of: place)! % cores.count])
    }

    private func makeRegion(of place: Place) throws(SystemCallError) -> OwnedDescriptor {
        try RegionMapping.makeRegion(
            name: "region \(place)", byteCount: plan.regionByteCount(of: place.role))
    }

    private func watch(_ process: WorkerProcess) throws(SystemCallError) {
        process.watches.append(
            try poll.watch(descriptor: process.child.pidfd.rawValue) { [unowned self, unowned process] _ in
                reap(process)
            })
        process.watches.append(
            try poll.watch(descriptor: process.complaints.descriptor.rawValue) { [unowned self, unowned process] in
                let place = process.incarnation.place
                process.complaints.read { handlers?.complained(place, $0) }
                // The pipe's other end is closed: nothing comes any more, and the pidfd tells the rest.
                if !$0.contains(.readable), process.watches.count == 2 { poll.unwatch(process.watches.removeLast()) }
            })
    }

    private func reap(_ process: WorkerProcess) {
        let ending: ChildProcess.Ending
        do throws(SystemCallError) {
            guard let ended = try process.child.reap() else { return }
            ending = ended
        } catch { ending = .exited(-1) }
        let worker = process.incarnation
        process.complaints.finish { handlers?.complained(worker.place, $0) }
        for watch in process.watches { poll.unwatch(watch) }
        // The rest of the group (a wrapper's other children) dies with the worker.
        Glibc.kill(-process.child.processID, SIGKILL)
        receive()
        process.ended()
        plausibility.forget(worker)
        processes[worker.place] = nil
        latestTrouble[worker.place.role] =
            (["\(ending)"] + (process.complaints.lastLines.last.map { [$0] } ?? [])).joined(separator: ": ")
        tellFault(of: process, ending)
        if ending == .exited(WorkerExit.sandboxFailed.rawValue) {
            let reason = process.complaints.lastLines.last ?? "the sandbox cannot be set up"
            handlers?.changed(.sandboxFailed(worker, reason: reason))
        }
        tellSlowHandlers(of: process)
        handlers?.changed(
            .died(
                worker, pid: process.child.processID, ending: ending, lastLines: process.complaints.lastLines,
                heldCount: process.status.heldCount))
        if ending != .exited(0), !process.isSentAway {
            let trail = WorkerTrail(process.status.trail(of: worker.place), now: MonotonicClock.now)
            handlers?.changed(.leftTrail(worker, trail))
        }
        decide { $0.died(worker, ending: Self.blame(ending), now: MonotonicClock.now, into: &$1) }
    }

    private func tellFault(of process: WorkerProcess, _ ending: ChildProcess.Ending) {
        guard case .killed(let signal) = ending else { return }
        let stack = WorkerStack.atDeath(of: process, by: signal, program: program(of: process.incarnation.place.role))
        if !stack.isEmpty { handlers?.changed(.faulted(process.incarnation, signal: signal, stack: stack)) }
    }

    private func program(of role: Role) -> String { "\(settings.programDirectory)/\(role.programName)" }

    private static func blame(_ ending: ChildProcess.Ending) -> RestartPolicy.Ending {
        switch ending {
        case .exited: .ownDoing
        case .killed(let signal):
            [SIGSEGV, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSYS].contains(signal)
                ? .ownDoing : .killedFromOutside
        }
    }

    private static func usableCores() -> [UInt32] {
        var cores = [UInt32](repeating: 0, count: 1024)
        let count = Int(clinux_usable_cores(&cores, UInt32(cores.count)))
        return Array(cores.prefix(count))
    }

    /// The work that a worker did: an excuse for the deaths before it.
    func workDone(by worker: Incarnation) { keeper.workDone(by: worker) }
}
