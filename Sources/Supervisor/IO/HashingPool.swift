import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// A pool of hash-workers and nothing else, which reads pieces of files that are there, for `verify` and `create`. Owns
/// who reads what, what a dead one leaves to others, the progress meanwhile and the end by a signal. Writes nothing.
final class HashingPool {
    struct Handlers {
        /// What asks a hash-worker about a piece, or a part of it.
        var order: (PieceIndex, [DataSpan], _ isLast: Bool) -> SupervisorToHashWorker
        /// A file of the piece cannot be opened. The piece is done.
        var unreadable: (PieceIndex, SystemCallError) -> Void
        /// An answer of a hash-worker. `isWanted` has to be asked about each of its pieces: it says whether anybody
        /// waits for the answer still, and takes the piece for done.
        var answered: (HashWorkerToSupervisor, _ isWanted: (PieceIndex, _ isRight: Bool) -> Bool) -> Void
        var report: (Recheck.Progress, _ secondsSinceStart: Double) -> StatusReport
        /// Every piece is done: the one that ends the loop.
        var finished: () -> Void
    }

    typealias Verdict = (code: ExitCode, reason: String)

    private let output: Output
    private let poll: PollLoop
    private let shell: PoolShell
    private let files: PieceFiles
    private let signals: StopSignals
    private let handlers: Handlers
    private let started = MonotonicClock.now
    private var recheck: Recheck
    private var verdict: Verdict?
    private var nextTick = MonotonicInstant.distantPast
    private var retryAt = MonotonicInstant.distantFuture

    init(
        _ files: PieceFiles, _ recheck: Recheck, plan: PoolPlan, settings: PoolShell.Settings,
        runDirectory: RunDirectory, signals: StopSignals, output: Output, handlers: Handlers
    ) throws(SystemCallError) {
        self.files = files
        self.recheck = recheck
        self.signals = signals
        self.output = output
        self.handlers = handlers
        poll = try PollLoop()
        shell = try PoolShell(
            plan: plan, settings: settings, poll: poll, runDirectory: runDirectory, tcpListeners: nil, pieceCounts: [])
        shell.handlers = PoolShell.Handlers(
            peerWorkerSpoke: { _, _ in }, hashWorkerSpoke: { [unowned self] in heard($1, from: $0) },
            writerSpoke: { _, _ in }, decided: { [unowned self] in decided($0) },
            changed: { [unowned self] in changed($0) },
            complained: { output.complained($0, $1) })
        try poll.watch(descriptor: signals.descriptor) { [unowned self] _ in takeSignals() }
        poll.nextDeadline = { [unowned self] in min(nextTick, retryAt, shell.nextDeadline) }
        poll.timerFired = { [unowned self] in tick(now: $0) }
        poll.turnEnded = { [unowned self] in
            retryAt = shell.flush(now: MonotonicClock.now) ? MonotonicClock.now + .milliseconds(1) : .distantFuture
        }
    }

    /// Runs until `finish`; no process is left afterwards.
    func run() throws(SystemCallError) -> Verdict {
        defer { shell.killAll() }
        try poll.run()
        return verdict ?? (.internalError, "the loop ended by itself")
    }

    /// The first reason counts.
    func finish(_ code: ExitCode, _ reason: String) {
        if verdict == nil { verdict = (code, reason) }
        shell.stopping()
        poll.stop()
    }

    private func tick(now: MonotonicInstant) {
        shell.timerFired(now: now)
        guard now >= nextTick else { return }
        nextTick = now + SupervisorProcess.tick
        output.show(handlers.report(recheck.progress, (now - started).inSeconds))
    }

    private func changed(_ event: WorkerEvent) {
        output.tell(event)
        if case .sandboxFailed(let worker, let reason) = event { finish(.sandboxFailed, "\(worker.place): \(reason)") }
    }

    private func decided(_ action: PoolKeeper.Action) {
        switch action {
        case .working(let worker): handOut(to: worker)
        case .adopt(let worker, _): shell.tell(worker.place, SupervisorToHashWorker.adopt([], isLast: true))
        case .lost(let worker):
            files.workerLost(worker)
            recheck.workerLost(Int(worker.place.ordinal))
            for ordinal in shell.keeper.workingOrdinals(of: .hashWorker) {
                if let process = shell.processes[Place(.hashWorker, ordinal)] { handOut(to: process.incarnation) }
            }
        case .failed(let role):
            finish(.workersCrash, shell.failure(of: role))
        case .gaveUp(let place): output.gaveUp(place)
        case .regionDropped, .replacementSeen, .spawn, .kill, .join, .tellReplaced, .tellGivenUp, .passRegion:
            break
        }
    }

    private func handOut(to worker: Incarnation) {
        guard verdict == nil, let process = shell.process(worker) else { return }
        let share = files.handOut(
            &recheck, to: process, unreadable: handlers.unreadable, order: handlers.order)
        shell.handedOut(share, to: process) { [unowned self] in handOut(to: worker) }
        if recheck.isFinished && verdict == nil { handlers.finished() }
    }

    private func heard(_ message: HashWorkerToSupervisor, from worker: Incarnation) {
        switch message {
        case .rechecked, .piecesHashed:
            shell.workDone(by: worker)
            handlers.answered(message) { piece, isRight in
                recheck.verdict(on: piece, isRight: isRight, from: Int(worker.place.ordinal))
            }
            handOut(to: worker)
        case .hello, .joined, .ready, .replacementSeen, .descriptorReceived, .regionMapped, .piecesOpened,
            .blocksDropped,
            .piecesRefused, .piecesVerified, .blockDigests, .pieceFailed, .blocksPresent, .pieceProgress, .adopted,
            .partialsHanded, .report, .neighbourBroke:
            break
        }
    }

    private func takeSignals() {
        while let signal = signals.next() {
            if StopSignals.isStop(signal) { finish(.interrupted, "interrupted") }
            if signal == SIGWINCH { output.terminalResized() }
        }
    }
}

/// The signals of the process as a queue. From the start on they interrupt nothing; whoever works for long has to look.
final class StopSignals {
    private let signals: OwnedDescriptor

    init() throws(SystemCallError) {
        _ = clinux_ignore_signal(SIGPIPE)
        signals = OwnedDescriptor(try checked("signalfd", clinux_signal_descriptor()))
    }

    /// Readable when there is one.
    var descriptor: CInt { signals.rawValue }

    func next() -> CInt? {
        let signal = clinux_next_signal(signals.rawValue)
        return signal > 0 ? signal : nil
    }

    /// Whether the user wants an end; takes all that came.
    func wantStop() -> Bool {
        var isStop = false
        while let signal = next() { isStop = isStop || Self.isStop(signal) }
        return isStop
    }

    static func isStop(_ signal: CInt) -> Bool { signal == SIGINT || signal == SIGTERM }
}
