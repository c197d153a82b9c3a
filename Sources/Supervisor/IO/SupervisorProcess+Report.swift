import BitTorrent
import PoolProtocol
import PoolRuntime

/// What the user sees of the run.
extension SupervisorProcess {
    /// - Parameter listsWorkers: nil: when the output is going to show them.
    func statusReport(now: MonotonicInstant, listsWorkers: Bool? = nil) -> StatusReport {
        let workers = context.shell.processes.values.sorted { $0.incarnation.place < $1.incarnation.place }
        let mapsPieces = output.wantsPieceMaps(torrentCount: torrents.count)
        return StatusReport(
            torrents: torrents.map { $0.report(now: now, mapsPieces: mapsPieces) },
            workers: listsWorkers ?? output.wantsWorkerFigures
                ? workers.map { process in
                    let isWorking = context.shell.keeper.isWorking(process.incarnation.place)
                    var report = WorkerReport(
                        process.incarnation, pid: process.child.processID, state: isWorking ? .ready : .spawned)
                    let figures = ProcessFigures(pid: process.child.processID)
                    report.residentByteCount = figures.residentByteCount
                    report.cpuSeconds = figures.cpuSeconds
                    report.room = room(at: process.incarnation.place, heldCount: process.status.heldCount)
                    report.sandbox = process.sandbox
                    return report
                } : [],
            secondsSinceStart: (now - started).inSeconds, restartCount: context.shell.keeper.restartCount)
    }

    func room(at place: Place, heldCount: Int) -> WorkerReport.Room {
        let reserved = place.role == .hashWorker ? context.budget.reservedCount(at: Int(place.ordinal)) : nil
        return WorkerReport.Room(
            heldCount: heldCount, totalCount: context.shell.roomCount(of: place.role), reservedCount: reserved)
    }
}

extension WorkerReport {
    init(_ worker: Incarnation, pid: Int32, state: State) {
        self.init(place: worker.place, generation: worker.generation, pid: pid, state: state)
    }
}
