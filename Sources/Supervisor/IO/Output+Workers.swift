import BitTorrent
import Logging
import PoolProtocol
import PoolRuntime

/// What happens to the processes of a pool, whatever they were started for: nothing of it goes unsaid.
extension Output {
    /// - Parameter room: of a process that died, by its place and what it held; nil where nobody knows.
    func tell(_ event: WorkerEvent, room: (Place, _ heldCount: Int) -> WorkerReport.Room? = { _, _ in nil }) {
        switch event {
        case .spawned(let worker, let pid):
            emit(.worker(WorkerReport(worker, pid: pid, state: worker.generation > 1 ? .replaced : .spawned)))
        case .ready(let worker, let pid, let sandbox):
            var report = WorkerReport(worker, pid: pid, state: .ready)
            report.sandbox = sandbox
            emit(.worker(report))
        // Told by whoever ends the run because of it.
        case .sandboxFailed: break
        case .condemned(let worker, _, let reason): emit(.warning("\(worker.place) is replaced: \(reason)"))
        case .died(let worker, let pid, let ending, let lastLines, let heldCount):
            var report = WorkerReport(worker, pid: pid, state: .dead)
            report.room = room(worker.place, heldCount)
            switch ending {
            case .exited(let code): report.status = code
            case .killed(let signal): report.signal = signal
            }
            report.reason = lastLines.last ?? ""
            emit(.worker(report))
        case .faulted(let worker, let signal, let stack):
            emit(.warning("\(worker.place) died of signal \(signal) \(StackLine.summary(of: stack))"))
        case .leftTrail(let worker, let trail): tell(trail, of: worker)
        case .notSpawned(let worker, let reason): emit(.warning("\(worker.place) cannot be started: \(reason)"))
        case .handlerIsSlow(let place, let slow):
            logger().notice("\(place.role == .supervisor ? "" : "\(place): ")\(slow.text)")
        case .diskIsSlow(let worker, let call, let duration):
            emit(
                .warning(
                    "\(worker.place): the disk has not answered a \(call.name) for \(Int(duration.inSeconds)) s"))
        }
    }

    /// A place that stays empty.
    func gaveUp(_ place: Place) {
        emit(.warning("\(place) died \(RestartPolicy.limit) times in a row and is given up"))
    }

    /// For the log; on a terminal it would push everything else away.
    private func tell(_ trail: WorkerTrail, of worker: Incarnation) {
        note(from: worker.description, "its last \(Amounts.counted(trail.records.count, "event")):")
        for line in trail.lines { note(from: worker.description, line) }
    }
}
