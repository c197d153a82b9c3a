import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// `supervisor verify`: hashes the files of a torrent with a pool of hash-workers and nothing else. Writes nothing.
final class VerifyProcess {
    private let metainfo: Metainfo
    private let output: Output
    private let poll: PollLoop
    private let shell: PoolShell
    private let files: PieceFiles
    private let signals: OwnedDescriptor
    private let started = MonotonicClock.now
    private var recheck: Recheck
    private var report: VerifyReport
    private var verdict: (code: ExitCode, reason: String)?
    private var nextTick = MonotonicInstant.distantPast
    private var retryAt = MonotonicInstant.distantFuture

    static func run(_ options: VerifyOptions, _ metainfo: Metainfo, output: Output) -> ExitCode {
        do {
            let process = try VerifyProcess(options, metainfo, output)
            try process.poll.run()
            process.shell.killAll()
            let (code, reason) = process.verdict ?? (.internalError, "the loop ended by itself")
            if code == .complete || code == .verifyFailed { output.verified(process.report, asJSON: options.isJSON) }
            return output.finish(code, reason: reason, summary: nil)
        } catch let error as UserError {
            return output.finish(error.code, reason: error.description, summary: nil)
        } catch {
            return output.finish(.fileError, reason: "\(error)", summary: nil)
        }
    }

    private init(_ options: VerifyOptions, _ metainfo: Metainfo, _ output: Output) throws {
        self.metainfo = metainfo
        self.output = output
        poll = try PollLoop()
        _ = clinux_ignore_signal(SIGPIPE)
        signals = OwnedDescriptor(try checked("signalfd", clinux_signal_descriptor()))
        let payload = try PayloadFiles(existing: options.directory)
        let selected = SelectedFiles(
            layout: metainfo.layout, selection: FileSelection.all(fileCount: metainfo.files.count))
        files = PieceFiles(selected) { (file) throws(SystemCallError) in
            guard case .payload(let index) = file else { throw SystemCallError("open", ENOENT, subject: "parts file") }
            return try payload.openForReading(metainfo.files[index].path.relative)
        }
        let wanted = selected.wantedPieces
        var pieces: [PieceIndex] = []
        wanted.forEach { pieces.append($0) }
        recheck = Recheck(geometry: metainfo.geometry, pieces: pieces, fileCount: metainfo.files.count)
        report = VerifyReport(metainfo: metainfo)
        let plan = PoolPlan(checkingWith: options.hashWorkers)
        shell = try PoolShell(
            plan: plan, settings: options.poolSettings(plan), poll: poll,
            runDirectory: try RunDirectory(environment: options.environment), tcpListeners: nil, pieceCounts: [])
        shell.handlers = PoolShell.Handlers(
            peerWorkerSpoke: { _, _ in }, hashWorkerSpoke: { [unowned self] in heard($1, from: $0) },
            writerSpoke: { _, _ in }, decided: { [unowned self] in decided($0) }, changed: { _ in },
            complained: { output.complained($0, $1) })
        try poll.watch(descriptor: signals.rawValue) { [unowned self] _ in takeSignals() }
        poll.nextDeadline = { [unowned self] in min(nextTick, retryAt, shell.nextDeadline) }
        poll.timerFired = { [unowned self] now in
            shell.timerFired(now: now)
            guard now >= nextTick else { return }
            nextTick = now + SupervisorProcess.tick
            output.show(
                StatusReport(
                    checking: metainfo, recheck.progress, secondsSinceStart: (now - started).inSeconds))
        }
        poll.turnEnded = { [unowned self] in
            retryAt = shell.flush() ? MonotonicClock.now + .milliseconds(1) : .distantFuture
        }
    }

    private func decided(_ action: PoolKeeper.Action) {
        switch action {
        case .working(let worker): check(with: worker)
        case .adopt(let worker, _): shell.tell(worker.place, SupervisorToHashWorker.adopt([], isLast: true))
        case .lost(let worker):
            files.workerLost(worker)
            recheck.workerLost(Int(worker.place.ordinal))
            for ordinal in shell.keeper.workingOrdinals(of: .hashWorker) {
                if let process = shell.processes[Place(.hashWorker, ordinal)] { check(with: process.incarnation) }
            }
        case .failed(let role):
            finish(.workersCrash, shell.failure(of: role))
        case .gaveUp, .regionDropped, .replacementSeen, .spawn, .kill, .join, .tellReplaced, .tellGivenUp, .passRegion:
            break
        }
    }

    private func check(with worker: Incarnation) {
        guard let process = shell.process(worker) else { return }
        let share = files.handOut(&recheck, of: metainfo, torrent: 0, to: process) { piece, error in
            report.missing(piece, because: "\(error)")
        }
        shell.handedOut(share, to: process) { [unowned self] in check(with: worker) }
        finishIfDone()
    }

    private func heard(_ message: HashWorkerToSupervisor, from worker: Incarnation) {
        guard case .rechecked(_, let verdicts) = message else { return }
        shell.workDone(by: worker)
        for entry in verdicts where entry.piece.value < metainfo.geometry.pieceCount {
            let isRight = entry.outcome == .right
            guard recheck.verdict(on: entry.piece, isRight: isRight, from: Int(worker.place.ordinal)) else { continue }
            switch entry.outcome {
            case .right: report.right(entry.piece)
            case .wrong: report.wrong(entry.piece)
            case .short: report.missing(entry.piece, because: "the files end before it")
            case .unreadable:
                report.missing(
                    entry.piece, because: "\(SystemCallError("pread", CInt(truncatingIfNeeded: entry.errno)))")
            }
        }
        check(with: worker)
    }

    private func finishIfDone() {
        guard recheck.isFinished, verdict == nil else { return }
        if report.isRight {
            finish(.complete, "every piece is right")
        } else {
            finish(.verifyFailed, report.summary)
        }
    }

    private func finish(_ code: ExitCode, _ reason: String) {
        if verdict == nil { verdict = (code, reason) }
        shell.stopping()
        poll.stop()
    }

    private func takeSignals() {
        while true {
            let signal = clinux_next_signal(signals.rawValue)
            guard signal > 0 else { return }
            if signal == SIGINT || signal == SIGTERM { finish(.interrupted, "interrupted") }
            if signal == SIGWINCH { output.terminalResized() }
        }
    }
}
