import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// What a run has for those who look in: the control socket, the metrics, and what has to be remembered for both of the
/// processes. Asks no worker anything: what it knows came by itself, or lies on the status pages.
final class ControlDesk {
    /// Of the control socket; each is somebody at a terminal or a script.
    private static let mostClients = 8
    private static let mostScrapes = 4

    typealias Answers = (
        control: (ControlSession.Request) -> (bytes: [UInt8], isLast: Bool),
        metrics: (MetricsSession.Request) -> (bytes: [UInt8], isLast: Bool)
    )

    var stages: StageTotals
    /// The supervisor's own loop.
    let page: StatusPageReader
    private let ownPage: StatusPageWriter
    private var slowHandlers = SlowHandlerNews()
    private var journals: [Place: EventRing] = [:]
    private var rates: [Place: (worker: Incarnation, byteCount: UInt64, rate: RateEstimator)] = [:]
    private var control: StreamServer<ControlSession>?
    private var metrics: StreamServer<MetricsSession>?
    /// The socket's file, if it lies outside of the run directory, which is removed as a whole.
    private var socketPath: UserPath?

    /// - Parameter options: nil for neither socket nor metrics.
    init(
        _ options: ControlOptions, runDirectory: RunDirectory, poll: PollLoop, slowLimit: Duration, answers: Answers,
        now: MonotonicInstant
    ) throws {
        stages = StageTotals(now: now)
        (ownPage, page) = try StatusPageWriter.makeOwn(slowLimit: slowLimit)
        poll.turnBegan = { [ownPage] in ownPage.turnBegan(now: $0) }
        poll.handlerBegan = { [ownPage] in ownPage.handles($0, now: MonotonicClock.now) }
        if options.hasSocket {
            control = try StreamServer(
                try listen(options.socket, runDirectory), poll: poll,
                settings: .init(
                    mostClients: Self.mostClients, refusal: Array("error: too many clients\n".utf8),
                    makeSession: { ControlSession(now: $0) }), answer: answers.control)
        }
        if let address = options.metrics {
            metrics = try StreamServer(
                try Self.listen(address), poll: poll,
                settings: .init(
                    mostClients: Self.mostScrapes, refusal: MetricsSession.busy,
                    makeSession: { MetricsSession(mustNameUs: address.isLoopback, now: $0) }), answer: answers.metrics)
        }
    }

    deinit { socketPath?.withCString { _ = unlink($0) } }

    // MARK: Listeners

    private func listen(_ path: UserPath?, _ directory: RunDirectory) throws -> OwnedDescriptor {
        guard let path else { return try Self.listen("\(directory.path)/\(RunDirectory.controlName)") }
        let descriptor: OwnedDescriptor
        do throws(SystemCallError) {
            Self.removeIfDead(path)
            descriptor = OwnedDescriptor(try checked("bind", path.withCString { clinux_listen_private($0) }))
        } catch {
            throw UserError(
                .fileError, path.description, "the control socket cannot be made", because: error.errno.description)
        }
        socketPath = path
        // Whoever looks for running supervisors looks into the run directories.
        directory.link(RunDirectory.controlName, to: path)
        return descriptor
    }

    private static func listen(_ path: String) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(try checked("bind", subject: path, clinux_listen_private(path)))
    }

    /// A socket that nobody listens on was left by a run that was killed. Anything else at the path stays as it is.
    private static func removeIfDead(_ path: UserPath) {
        var information = stat()
        guard path.withCString({ lstat($0, &information) }) == 0, information.st_mode & S_IFMT == S_IFSOCK else {
            return
        }
        let descriptor = path.withCString { clinux_connect_unix($0, 100) }
        if descriptor >= 0 { close(descriptor) }
        if descriptor == -ECONNREFUSED { path.withCString { _ = unlink($0) } }
    }

    private static func listen(_ address: MetricsAddress) throws(UserError) -> OwnedDescriptor {
        let descriptor = clinux_bind_tcp(address.host, address.port, 0, 1)
        guard descriptor >= 0 else {
            throw UserError(
                .badOption, OptionName.metricsListen.flag, "cannot listen on \(address)",
                because: String(cString: strerror(-descriptor)))
        }
        return OwnedDescriptor(descriptor)
    }

    // MARK: The loop

    var nextDeadline: MonotonicInstant {
        min(control?.nextDeadline ?? .distantFuture, metrics?.nextDeadline ?? .distantFuture)
    }

    func timerFired(now: MonotonicInstant) {
        control?.timerFired(now: now)
        metrics?.timerFired(now: now)
    }

    /// - Parameter sentMessageCount: orders that left, in frames.
    func turnEnded(sentMessageCount: UInt64) {
        ownPage.sent(messageCount: sentMessageCount)
        ownPage.turnEnded(now: MonotonicClock.now)
    }

    /// Kinds of handlers of our own loop that were slow for the first time.
    func ownSlowHandlers() -> [SlowHandler] { slowHandlers.fresh(page.slowHandlers) }

    /// Follows the rates of all processes; to be called a few times a second.
    func measure(_ processes: some Sequence<WorkerProcess>, now: MonotonicInstant) {
        for process in processes {
            let place = process.incarnation.place
            let byteCount = process.status.progress
            if rates[place]?.worker != process.incarnation {
                rates[place] = (process.incarnation, 0, RateEstimator(now: now))
            }
            let before = rates[place]!.byteCount
            // What a worker writes there may be anything.
            let growth = byteCount > before ? Int(min(byteCount - before, 1 << 40)) : 0
            rates[place]!.byteCount = byteCount
            if growth > 0 { rates[place]!.rate.add(byteCount: growth, now: now) }
        }
    }

    func rate(of worker: Incarnation, now: MonotonicInstant) -> Double {
        guard let entry = rates[worker.place], entry.worker == worker else { return 0 }
        return entry.rate.bytesPerSecond(now: now)
    }

    // MARK: What happened to processes

    func events(at place: Place) -> [EventRing.Entry] { journals[place]?.all ?? [] }

    func note(_ place: Place, _ text: String, now: MonotonicInstant) {
        journals[place, default: EventRing()].add(text, now: now)
    }

    func changed(_ event: WorkerEvent, now: MonotonicInstant) {
        switch event {
        case .spawned(let worker, let pid):
            note(worker.place, "generation \(worker.generation) was started (pid \(pid))", now: now)
        case .ready(let worker, _, _): note(worker.place, "generation \(worker.generation) is ready", now: now)
        case .sandboxFailed(let worker, let reason): note(worker.place, reason, now: now)
        case .condemned(let worker, _, let reason): note(worker.place, "we kill it: \(reason)", now: now)
        case .notSpawned(let worker, let reason): note(worker.place, "cannot be started: \(reason)", now: now)
        case .died(let worker, let pid, let ending, let lastLines, _):
            let words = lastLines.last.map { ": \(TerminalText.escaped($0))" } ?? ""
            note(worker.place, "pid \(pid) ended with \(ending)\(words)", now: now)
        case .faulted(let worker, let signal, let stack):
            note(worker.place, "signal \(signal) came \(StackLine.summary(of: stack))", now: now)
        case .leftTrail: break
        case .handlerIsSlow(let place, let slow): note(place, slow.text, now: now)
        case .diskIsSlow(let worker, let call, let duration):
            note(worker.place, "its disk has not answered a \(call.name) for \(Cell.seconds(duration))", now: now)
        }
    }
}
