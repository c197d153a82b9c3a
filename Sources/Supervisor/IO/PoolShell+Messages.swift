import BitTorrent
import PoolProtocol
import PoolRuntime

/// What comes in over the control socket: the pool's own business goes to the keeper, the work to the handlers. A
/// process that sends what cannot be read, too much or what makes no sense is replaced.
extension PoolShell {
    func receive() {
        let now = MonotonicClock.now
        poll.handlerBegan(.neighbours)
        let mayHaveMore = control.receive(limit: 256) { sender, frame in
            guard let worker = Incarnation(routingID: sender), let process = process(worker), !process.isMuted else {
                return
            }
            process.frameReceived(byteCount: frame.count, now: now)
            do throws(PoolCodecError) {
                switch worker.place.role {
                case .peerWorker:
                    try take(PeerWorkerToSupervisor.self, frame, process) { received($0, from: process, now: now) }
                case .hashWorker: try take(HashWorkerToSupervisor.self, frame, process) { received($0, from: process) }
                case .writer: try take(WriterToSupervisor.self, frame, process) { received($0, from: process) }
                case .supervisor: break
                }
            } catch { distrust(process, "it sent what cannot be read (\(error))") }
        }
        if mayHaveMore { poll.mustNotWait = true }
    }

    private func take<News: WorkerNews>(
        _ kind: News.Type, _ frame: UnsafeRawBufferPointer, _ process: WorkerProcess, _ handle: (News) -> Void
    ) throws(PoolCodecError) {
        try News.decodeAll(frame) { news in
            guard !process.isMuted else { return }
            if process.isFlooded() { return distrust(process, "it floods us with messages") }
            handle(news)
        }
    }

    /// The process goes, and what it has said besides counts no more.
    private func distrust(_ process: WorkerProcess, _ reason: String) {
        process.isMuted = true
        condemn(process.incarnation, reason: reason)
    }

    private func becameReady(_ process: WorkerProcess) {
        process.sandbox = process.status.sandbox
        decide { $0.readyReceived(from: process.incarnation, into: &$1) }
    }

    private func received(_ message: PeerWorkerToSupervisor, from process: WorkerProcess, now: MonotonicInstant) {
        if let nonsense = plausibility.nonsense(in: message, from: process.incarnation, now: now) {
            return distrust(process, "it said what makes no sense (\(nonsense))")
        }
        switch message {
        case .hello(let hello): greeted(hello, process)
        case .joined: break
        case .ready: becameReady(process)
        case .replacementSeen(let seen): seenReplacement(seen, process)
        case .descriptorReceived(let name): process.descriptorReceived(name)
        case .wantBlocks, .grantReturned, .sourceCounts, .seedCount, .peerConnected, .peerClosed, .report, .drained,
            .wantFiles, .interestChanged, .peersHeard, .peerIntroduced, .grantsReported:
            handlers?.peerWorkerSpoke(process.incarnation, message)
        }
    }

    private func received(_ message: HashWorkerToSupervisor, from process: WorkerProcess) {
        switch message {
        case .hello(let hello): greeted(hello, process)
        case .joined: break
        case .ready: becameReady(process)
        case .replacementSeen(let seen): seenReplacement(seen, process)
        case .descriptorReceived(let name): process.descriptorReceived(name)
        case .regionMapped(let owner): mapped(owner, process)
        case .adopted:
            handlers?.hashWorkerSpoke(process.incarnation, message)
            decide { $0.adopted(by: process.incarnation, into: &$1) }
        case .piecesVerified, .pieceFailed:
            keeper.verdictGiven(by: process.incarnation)
            handlers?.hashWorkerSpoke(process.incarnation, message)
        case .neighbourBroke(let who, let text):
            accused(who, by: process, ofRole: .peerWorker, text)
        case .piecesOpened, .piecesRefused, .blockDigests, .blocksPresent, .blocksDropped, .pieceProgress,
            .rechecked, .piecesHashed, .partialsHanded, .report:
            handlers?.hashWorkerSpoke(process.incarnation, message)
        }
    }

    private func received(_ message: WriterToSupervisor, from process: WorkerProcess) {
        switch message {
        case .hello(let hello): greeted(hello, process)
        case .joined: break
        case .ready: becameReady(process)
        case .replacementSeen(let seen): seenReplacement(seen, process)
        case .descriptorReceived(let name): process.descriptorReceived(name)
        case .regionMapped(let owner): mapped(owner, process)
        case .neighbourBroke(let who, let text): accused(who, by: process, ofRole: .hashWorker, text)
        case .torrentReady, .piecesWritten, .piecesSynced, .partialWritten, .syncedAll, .finished, .diskTrouble,
            .diskRecovered, .waitingForLock, .report:
            handlers?.writerSpoke(process.incarnation, message)
        }
    }

    private func greeted(_ hello: Hello, _ process: WorkerProcess) {
        guard hello.vocabulary == Vocabulary.hash, hello.who == process.incarnation else {
            return distrust(process, "it is of another build")
        }
        process.isConnected = true
        process.silence.helloReceived(now: MonotonicClock.now)
        decide { $0.helloReceived(from: process.incarnation, into: &$1) }
    }

    /// A worker is believed only of those that are trusted less.
    private func accused(_ who: Incarnation, by process: WorkerProcess, ofRole role: Role, _ text: String) {
        guard who.place.role == role else { return }
        condemn(who, reason: "\(process.incarnation.place) says: \(text)")
    }

    private func seenReplacement(_ seen: ReplacementSeen, _ process: WorkerProcess) {
        decide {
            $0.replacementSeen(
                by: process.incarnation, of: seen.newcomer, stillReading: seen.stillReading, into: &$1)
        }
    }

    private func mapped(_ owner: Incarnation, _ process: WorkerProcess) {
        decide { $0.regionMapped(RegionReader(reader: process.incarnation, owner: owner), into: &$1) }
    }
}
