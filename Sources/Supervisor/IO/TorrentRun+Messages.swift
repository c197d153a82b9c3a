import BitTorrent
import PoolProtocol
import PoolRuntime

/// What workers say about this torrent, and their deaths.
extension TorrentRun {
    func received(_ message: PeerWorkerToSupervisor, from worker: Incarnation, now: MonotonicInstant) {
        let ordinal = Int(worker.place.ordinal)
        switch message {
        case .wantBlocks(_, let byteCount):
            route { $0.wantReceived(Int(byteCount), from: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .sourceCounts(_, let counts):
            route { $0.sourceCountsReceived(counts, from: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .seedCount(_, let count):
            route { $0.seedCountReceived(Int(count), from: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .grantReturned(let assignment, let ranges, let reason):
            route { $0.grantReturned(assignment, ranges, reason, by: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .peerConnected(let peer): connected(peer, at: ordinal, now: now)
        case .peerClosed(let peer): closed(peer, at: ordinal, now: now)
        case .peerIntroduced(let peer): peers { $0.introduced(peer, at: ordinal, into: &$1) }
        case .peersHeard(_, let peer, let contacts):
            guard isActive else { return }
            peers { $0.heard(contacts, from: peer, at: ordinal, now: now, into: &$1) }
        case .report(_, let report, let peers):
            let before = (totals.downloadedByteCount, totals.uploadedByteCount)
            totals.reported(report, by: ordinal)
            reported(peers, at: ordinal, now: now)
            let received = Int(totals.downloadedByteCount - before.0)
            downloadRate.add(byteCount: received, now: now)
            let sent = Int(totals.uploadedByteCount - before.1)
            uploadRate.add(byteCount: sent, now: now)
            context.limits.moved(ordinal, downloaded: received, uploaded: sent, now: now)
            if received > 0 {
                lastProgress = now
                context.shell.workDone(by: worker)
            }
        case .grantsReported(_, let grants): grantReports.received(grants, from: ordinal)
        case .wantFiles(_, let files): open(files, for: worker)
        case .interestChanged(let peers): interestChanged(peers, at: ordinal, now: now)
        case .hello, .joined, .ready, .replacementSeen, .descriptorReceived, .drained: break
        }
    }

    func received(_ message: HashWorkerToSupervisor, from worker: Incarnation, now: MonotonicInstant) {
        switch message {
        case .piecesOpened(let assignments):
            route { $0.opened(assignments, budget: &$1, pool: $2, into: &$3) }
        case .piecesRefused(let assignments):
            route { $0.refused(assignments, budget: &$1, pool: $2, into: &$3) }
        case .piecesVerified(let assignments):
            route { coordinator, _, _, actions in
                coordinator.verified(assignments, into: &actions)
            }
        case .blockDigests(let assignment, let digests): coordinator.digestsReceived(assignment, digests)
        case .pieceFailed(let assignment):
            route { $0.failed(assignment, budget: &$1, pool: $2, into: &$3) }
        case .blocksPresent(let assignment, let bits):
            route { $0.presenceReceived(assignment, bits: bits, isWhole: false, budget: &$1, pool: $2, into: &$3) }
        case .pieceProgress(let assignment, let bits):
            route { $0.presenceReceived(assignment, bits: bits, isWhole: true, budget: &$1, pool: $2, into: &$3) }
        case .blocksDropped(let assignment, let bits):
            route { $0.blocksDropped(assignment, bits: bits, budget: &$1, pool: $2, into: &$3) }
        case .adopted:
            route { coordinator, _, _, actions in
                coordinator.adopted(by: Int(worker.place.ordinal), into: &actions)
            }
        case .report(let report):
            route {
                $0.framesReported(
                    Int(report.freeFrameCount), by: Int(worker.place.ordinal), budget: &$1, pool: $2, into: &$3)
            }
        case .rechecked(_, let verdicts):
            context.shell.workDone(by: worker)
            rechecked(verdicts, by: worker)
        case .hello, .joined, .ready, .replacementSeen, .descriptorReceived, .regionMapped, .partialsHanded,
            .neighbourBroke, .piecesHashed:
            break
        }
    }

    func received(_ message: WriterToSupervisor, from worker: Incarnation, now: MonotonicInstant) {
        switch message {
        case .torrentReady: writerReady(now: now)
        case .piecesWritten(let pieces):
            context.shell.workDone(by: worker)
            let ours = pieces.filter { $0.torrent == ordinal }
            route { $0.written(ours, budget: &$1, pool: $2, into: &$3) }
        case .piecesSynced(_, let pieces):
            route { coordinator, _, _, actions in
                coordinator.synced(pieces, into: &actions)
            }
        case .diskTrouble(let trouble):
            if diskTrouble == nil { diskTrouble = (trouble, now) }
            if trouble.isSync { route { $0.syncFailed(budget: &$1, pool: $2, into: &$3) } }
        case .diskRecovered:
            diskTrouble = nil
            lastProgress = now
        case .waitingForLock:
            context.output.emit(.warning("\(name): another run's writer still holds the files; waiting for it"))
        case .hello, .joined, .ready, .replacementSeen, .descriptorReceived, .regionMapped, .partialWritten, .syncedAll,
            .finished,
            .report, .neighbourBroke:
            break
        }
    }

    // MARK: Deaths

    /// A process of the pool was reaped.
    /// - Parameter wasLiar: it was a peer-worker that spoiled what its peers sent.
    func lost(_ worker: Incarnation, wasLiar: Bool, now: MonotonicInstant) {
        let ordinal = Int(worker.place.ordinal)
        switch worker.place.role {
        case .peerWorker:
            coordinator.peerWorkerLost(ordinal)
            totals.workerLost(ordinal)
            grantReports.workerLost(ordinal)
            choke { $0.left(where: { $0.worker == ordinal }, now: now, into: &$1) }
            journal.workerLost(ordinal, now: now)
            if wasLiar { coordinator.blame.workerWasLiar(worker.place.ordinal) }
            peers { $0.workerLost(ordinal, wasLiar: wasLiar, now: now, into: &$1) }
        case .hashWorker:
            files.workerLost(worker)
            recheck?.workerLost(ordinal)
            route { coordinator, budget, _, _ in coordinator.hashWorkerLost(ordinal, budget: &budget) }
            // What the dead one had in hand goes to the others at once.
            for other in context.shell.keeper.workingOrdinals(of: .hashWorker) {
                if let process = context.shell.processes[Place(.hashWorker, other)] { check(with: process.incarnation) }
            }
        case .writer:
            isWriterReady = false
            // It may not have written what it was told.
            recordedUploads.count = storage.uploadedBefore
        case .supervisor: break
        }
    }

    /// Everyone who dealt with the dead process has seen that it is gone.
    func lossSeen(at place: Place) {
        guard place.role == .peerWorker else { return }
        route { $0.peerWorkerLossSeen(Int(place.ordinal), budget: &$1, pool: $2, into: &$3) }
    }

    /// Nobody takes over what the dead hash-worker held.
    func regionLost(at place: Place) {
        route { $0.regionLost(Int(place.ordinal), budget: &$1, pool: $2, into: &$3) }
    }

    func gaveUp(_ place: Place, now: MonotonicInstant) {
        switch place.role {
        case .hashWorker:
            regionLost(at: place)
        case .peerWorker: lossSeen(at: place)
        case .writer, .supervisor: break
        }
    }

    /// A process may be given work.
    func working(_ worker: Incarnation, now: MonotonicInstant) {
        switch worker.place.role {
        case .peerWorker: join(worker, now: now)
        case .hashWorker:
            check(with: worker)
            route { $0.serveAll(budget: &$1, pool: $2, into: &$3) }
        case .writer: beginWriting()
        case .supervisor: break
        }
    }
}
