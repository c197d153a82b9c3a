import BitTorrent
import PoolProtocol

@testable import Supervisor

/// What the workers say.
extension SimulatedSupervisor {
    func received(_ news: PoolNews, from worker: Incarnation) {
        guard keeper.isCurrent(worker) else { return }
        switch news {
        case .peer(let message): received(message, from: worker)
        case .hash(let message): received(message, from: worker)
        case .writer(let message): received(message, from: worker)
        }
        if swarm.checksEverything { coordinator.blocks.checkInvariants() }
        planTurn()
    }

    private func seen(_ seen: ReplacementSeen, _ worker: Incarnation) {
        decide { keeper, _, actions in
            keeper.replacementSeen(
                by: worker, of: seen.newcomer, stillReading: seen.stillReading, into: &actions)
        }
    }

    private func mapped(_ owner: Incarnation, _ worker: Incarnation) {
        decide { keeper, _, actions in
            keeper.regionMapped(RegionReader(reader: worker, owner: owner), into: &actions)
        }
    }

    private func received(_ message: PeerWorkerToSupervisor, from worker: Incarnation) {
        let ordinal = Int(worker.place.ordinal)
        switch message {
        case .hello: decide { keeper, _, actions in keeper.helloReceived(from: worker, into: &actions) }
        case .ready: decide { keeper, _, actions in keeper.readyReceived(from: worker, into: &actions) }
        case .replacementSeen(let answer): seen(answer, worker)
        case .wantBlocks(_, let byteCount):
            route { $0.wantReceived(Int(byteCount), from: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .sourceCounts(_, let counts):
            route { $0.sourceCountsReceived(counts, from: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .seedCount(_, let count):
            route { $0.seedCountReceived(Int(count), from: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .grantReturned(let assignment, let ranges, let reason):
            route { $0.grantReturned(assignment, ranges, reason, by: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .peerConnected(let peer): peers { $0.connected(peer, at: ordinal, now: $1, into: &$2) }
        case .peerClosed(let peer): peers { $0.closed(peer, at: ordinal, now: $1, into: &$2) }
        case .report(_, let report, let peers):
            book.reported(peers, at: ordinal, isComplete: coordinator.pieces.isComplete, now: swarm.queue.now)
            if report.downloadedByteCount > 0 { keeper.workDone(by: worker) }
        case .peerIntroduced(let peer): peers { book, _, actions in book.introduced(peer, at: ordinal, into: &actions) }
        case .peersHeard(_, let peer, let contacts):
            peers { $0.heard(contacts, from: peer, at: ordinal, now: $1, into: &$2) }
        case .joined, .descriptorReceived, .drained, .wantFiles, .interestChanged, .grantsReported: break
        }
    }

    private func received(_ message: HashWorkerToSupervisor, from worker: Incarnation) {
        let ordinal = Int(worker.place.ordinal)
        switch message {
        case .hello: decide { keeper, _, actions in keeper.helloReceived(from: worker, into: &actions) }
        case .ready: decide { keeper, _, actions in keeper.readyReceived(from: worker, into: &actions) }
        case .replacementSeen(let answer): seen(answer, worker)
        case .regionMapped(let owner): mapped(owner, worker)
        case .adopted:
            route { coordinator, _, _, actions in coordinator.adopted(by: ordinal, into: &actions) }
            decide { keeper, _, actions in keeper.adopted(by: worker, into: &actions) }
        case .piecesOpened(let assignments): route { $0.opened(assignments, budget: &$1, pool: $2, into: &$3) }
        case .piecesRefused(let assignments):
            for assignment in assignments {
                if let piece = coordinator.pieces.piece(of: assignment) { settled.remove(piece) }
            }
            route { $0.refused(assignments, budget: &$1, pool: $2, into: &$3) }
        case .piecesVerified(let assignments):
            keeper.verdictGiven(by: worker)
            route { coordinator, _, _, actions in coordinator.verified(assignments, into: &actions) }
        case .blockDigests(let assignment, let digests): coordinator.digestsReceived(assignment, digests)
        case .pieceFailed(let assignment):
            keeper.verdictGiven(by: worker)
            route { $0.failed(assignment, budget: &$1, pool: $2, into: &$3) }
        case .blocksPresent(let assignment, let bits):
            route { $0.presenceReceived(assignment, bits: bits, isWhole: false, budget: &$1, pool: $2, into: &$3) }
        case .pieceProgress(let assignment, let bits):
            route { $0.presenceReceived(assignment, bits: bits, isWhole: true, budget: &$1, pool: $2, into: &$3) }
        case .blocksDropped(let assignment, let bits):
            route { $0.blocksDropped(assignment, bits: bits, budget: &$1, pool: $2, into: &$3) }
        case .report(let report):
            route { $0.framesReported(Int(report.freeFrameCount), by: ordinal, budget: &$1, pool: $2, into: &$3) }
        case .joined, .descriptorReceived, .rechecked, .piecesHashed, .partialsHanded, .neighbourBroke: break
        }
    }

    private func received(_ message: WriterToSupervisor, from worker: Incarnation) {
        switch message {
        case .hello: decide { keeper, _, actions in keeper.helloReceived(from: worker, into: &actions) }
        case .ready: decide { keeper, _, actions in keeper.readyReceived(from: worker, into: &actions) }
        case .replacementSeen(let answer): seen(answer, worker)
        case .regionMapped(let owner): mapped(owner, worker)
        case .torrentReady: writerReady()
        case .piecesWritten(let pieces):
            keeper.workDone(by: worker)
            route { $0.written(pieces, budget: &$1, pool: $2, into: &$3) }
        case .piecesSynced(_, let pieces):
            route { coordinator, _, _, actions in coordinator.synced(pieces, into: &actions) }
        case .diskTrouble(let trouble):
            guard trouble.isSync else { return }
            settled.subtract(coordinator.pieces.piecesToSync)
            route { $0.syncFailed(budget: &$1, pool: $2, into: &$3) }
        case .joined, .descriptorReceived, .partialWritten, .syncedAll, .finished, .diskRecovered, .waitingForLock,
            .neighbourBroke,
            .report:
            break
        }
    }
}
