import BitTorrent
import PoolProtocol
import PoolRuntime

/// The orderly end, step by step; `StopSequence` owns the order and the limits.
extension SupervisorProcess {
    /// Those that the user gave up are not waited for.
    var isComplete: Bool {
        torrents.contains { $0.phase == .complete }
            && torrents.allSatisfy { $0.phase == .complete || $0.phase == .cancelled }
    }

    /// Every torrent is complete, and none is to be seeded any longer.
    func beginIfComplete() {
        guard stop == nil, !torrents.isEmpty, !torrents.contains(where: \.isSeeding) else { return }
        let givenUp = torrents.count { $0.phase == .cancelled }
        if givenUp == torrents.count || givenUp > 0 && isComplete {
            let reason = "\(Amounts.counted(givenUp, "torrent")) given up; start again to go on"
            end(.interrupted, reason: reason, now: MonotonicClock.now)
        } else if isComplete {
            end(.complete, reason: "complete", now: MonotonicClock.now)
        }
    }

    /// Starts the orderly end; the first reason counts.
    func end(_ code: ExitCode, reason: String, now: MonotonicInstant) {
        guard stop == nil else { return }
        verdict = (code, reason)
        stop = StopSequence(now: now)
        context.scrapes.stop()
        for torrent in torrents {
            if torrent.phase != .complete && torrent.phase != .cancelled { torrent.phase = .stopping }
            torrent.coordinator.stopGranting()
        }
        begin(.draining, now: now)
    }

    func begin(_ step: StopSequence.Step, now: MonotonicInstant) {
        let keeper = context.shell.keeper
        switch step {
        case .draining:
            awaited = Set(keeper.workingOrdinals(of: .peerWorker).map { Place(.peerWorker, $0) })
            for place in awaited { context.shell.tell(place, SupervisorToPeerWorker.drain) }
            if awaited.isEmpty { stepDone(.draining, now: now) }
        case .savingPartials: savePartials(now: now)
        case .finishing:
            // The workers have told their last totals: now the journal and the trackers hear true numbers.
            for torrent in torrents {
                torrent.recordUploads(isLast: true, now: now)
                torrent.announce { schedule, counters, actions in
                    schedule.stopRequested(now: now, counters: counters, into: &actions)
                }
            }
            if keeper.isWorking(Place(.writer, 0)) {
                context.shell.tell(Place(.writer, 0), SupervisorToWriter.finish)
            } else {
                stepDone(.finishing, now: now)
            }
        case .sayingGoodbye: checkStop(now: now)
        case .endingWorkers:
            context.shell.stopping()
            for place in keeper.allPlaces {
                switch place.role {
                case .peerWorker: context.shell.tell(place, SupervisorToPeerWorker.stop)
                case .hashWorker: context.shell.tell(place, SupervisorToHashWorker.stop)
                case .writer: context.shell.tell(place, SupervisorToWriter.stop)
                case .supervisor: break
                }
            }
            checkStop(now: now)
        case .done:
            context.shell.killAll()
            poll.stop()
        }
    }

    func stepDone(_ step: StopSequence.Step, now: MonotonicInstant) {
        if let next = stop?.completed(step, now: now) { begin(next, now: now) }
    }

    /// Steps that end when something has come about.
    func checkStop(now: MonotonicInstant) {
        switch stop?.step {
        case .savingPartials:
            if awaited.isEmpty && partialsUnderWay.isEmpty {
                stepDone(.savingPartials, now: now)
            }
        case .sayingGoodbye: if torrents.allSatisfy(\.saidGoodbye) { stepDone(.sayingGoodbye, now: now) }
        case .endingWorkers: if context.shell.processes.isEmpty { stepDone(.endingWorkers, now: now) }
        case nil, .draining, .finishing, .done: break
        }
    }

    func drained(_ worker: Incarnation, now: MonotonicInstant) {
        guard stop?.step == .draining else { return }
        awaited.remove(worker.place)
        if awaited.isEmpty { stepDone(.draining, now: now) }
    }

    func partialsHanded(_ assignments: [AssignmentID], by worker: Incarnation, now: MonotonicInstant) {
        guard stop?.step == .savingPartials else { return }
        partialAnswersDue[worker.place, default: 0] -= 1
        if partialAnswersDue[worker.place]! <= 0 { awaited.remove(worker.place) }
        partialsUnderWay.formUnion(assignments)
        checkStop(now: now)
    }

    func partialWritten(_ assignment: AssignmentID, now: MonotonicInstant) {
        partialsUnderWay.remove(assignment)
        checkStop(now: now)
    }

    /// A process died during the stop: nothing more comes from it.
    func stopLost(_ worker: Incarnation, now: MonotonicInstant) {
        guard let step = stop?.step else { return }
        awaited.remove(worker.place)
        switch step {
        case .draining: if awaited.isEmpty { stepDone(.draining, now: now) }
        case .finishing: if worker.place.role == .writer { stepDone(.finishing, now: now) }
        case .savingPartials, .sayingGoodbye, .endingWorkers, .done: checkStop(now: now)
        }
    }

    /// Ctrl-C on a slow line must not lose what came of unfinished pieces.
    private func savePartials(now: MonotonicInstant) {
        awaited = []
        guard context.shell.keeper.isWorking(Place(.writer, 0)) else { return stepDone(.savingPartials, now: now) }
        for torrent in torrents {
            for (assembler, assignments) in torrent.coordinator.unfinishedByAssembler {
                let place = Place(.hashWorker, assembler)
                guard context.shell.keeper.isWorking(place) else { continue }
                awaited.insert(place)
                for part in assignments.parts(of: Topology.maximumListCount) {
                    partialAnswersDue[place, default: 0] += 1
                    context.shell.tell(place, SupervisorToHashWorker.writePartials(part))
                }
            }
        }
        checkStop(now: now)
    }
}
