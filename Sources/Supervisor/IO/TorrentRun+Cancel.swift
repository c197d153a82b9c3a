import BitTorrent
import PoolProtocol
import PoolRuntime

/// What a user has taken back.
extension TorrentRun {
    /// The torrent is given up, or seeded no longer: its peers are closed, its trackers hear `stopped`, what is verified is
    /// written, and its files stay. Blocks of unfinished pieces are lost; the next start fetches them again.
    /// - Returns: false when nothing happens for it any more.
    func cancel(now: MonotonicInstant) -> Bool {
        switch phase {
        case .cancelled, .stopping: return false
        case .complete:
            guard isSeeding else { return false }
            isGoalMet = true
        case .checking, .preparing, .downloading: phase = .cancelled
        }
        recheck = nil
        files.closeAll { context.shell.tell($0, $1) }
        let workers = coordinator.members
        route { coordinator, budget, _, actions in coordinator.cancelledAll(budget: &budget, into: &actions) }
        coordinator.members = []
        for worker in workers {
            choke { $0.left(where: { $0.worker == worker }, now: now, into: &$1) }
            journal.workerLost(worker, because: "the torrent was given up", now: now)
            // Without workers the book tries nobody.
            peers { $0.workerLost(worker, now: now, into: &$1) }
        }
        announce { schedule, counters, actions in
            schedule.stopRequested(now: now, counters: counters, into: &actions)
        }
        context.shell.tell(Place(.writer, 0), SupervisorToWriter.syncAll)
        context.output.emit(.warning("\(name): given up by a user; its files stay"))
        return true
    }

    /// - Returns: false when nobody fetches the piece.
    func cancel(_ piece: PieceIndex, now: MonotonicInstant) -> Bool {
        var isDone = false
        route { isDone = $0.cancelled(piece, budget: &$1, pool: $2, into: &$3) }
        if isDone { journal.note(piece, "cancelled by a user", now: now) }
        return isDone
    }

    /// - Returns: false when there is no such connection any more.
    func cancel(_ peer: PeerBook.Key, now: MonotonicInstant) -> Bool {
        var isDone = false
        peers { isDone = $0.cancelled(peer, into: &$1) }
        return isDone
    }
}
