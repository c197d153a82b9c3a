import BitTorrent
import PoolProtocol

/// Owns the order in which one torrent's work goes to the disk: lock, preparation, then writes and syncs in turn, and
/// what happens after a failure. Performs nothing itself.
struct TorrentWriting {
    enum Action: Equatable {
        case tell(WriterToSupervisor)
        case answer(Place, AssignmentID)
    }

    private enum Phase: Equatable {
        /// Another run's writer may still be at work; `since` is the first vain try. Next: `preparing`, `finished`.
        case locking(since: MonotonicInstant?)
        /// Next: `ready`, `finished`.
        case preparing
        /// Next: `finished`.
        case ready
        /// The clean-stop record was written, or cannot be.
        case finished
    }

    /// How long another writer may take to end (protocol: a supervisor's workers are gone 2 s after it).
    static let lockPatience: Duration = .seconds(5)
    static let lockRetry: Duration = .milliseconds(100)
    /// The journal's modification time follows those of the files at this distance while there are writes.
    static let beatAfter: Duration = .seconds(1)

    let torrent: UInt16
    let map: FileMap
    private var phase = Phase.locking(since: nil)
    private var queue = WriteQueue()
    private var policy: SyncPolicy
    /// Of what brings bytes into files.
    private var writing = Stumble()
    /// Of what brings records into the journal.
    private var recording = Stumble()
    /// Lost with a failed sync and still to be recorded as such.
    private var piecesToForget: [PieceIndex] = []
    /// The supervisor's count that is still to be recorded; nil when there is none.
    private var uploadedToRecord: UInt64?
    private var isDraining = false
    private var isFinishing = false
    /// The first write that is younger than the journal.
    private var unrecordedWrite: MonotonicInstant?

    init(torrent: UInt16, map: FileMap, sync: SyncMode) {
        self.torrent = torrent
        self.map = map
        policy = SyncPolicy(mode: sync)
    }

    /// Assignments without an answer.
    var heldCount: Int { queue.count }
    /// All that was handed over is on the disk and in the journal, or lost for good.
    var isDrained: Bool { queue.isIdle && policy.isClean && piecesToForget.isEmpty }
    var isFinished: Bool { phase == .finished }
    /// A failure was told that no success has followed.
    var isInTrouble: Bool { writing.trouble != nil || recording.trouble != nil }

    // MARK: events

    /// Whether an assignment names the same piece as before.
    func isConsistent(_ batch: FrameBatch, content: PieceWrite.Content) -> Bool {
        queue.isConsistent(batch, content: content)
    }

    mutating func received(
        _ batch: FrameBatch, content: PieceWrite.Content, from sender: Incarnation, now: MonotonicInstant,
        into actions: inout [Action]
    ) {
        if let answer = queue.received(batch, content: content, from: sender) {
            take(answer, isRepeated: content == .whole, now: now, into: &actions)
        }
    }

    /// Pieces that are in the files, and whose files have to be synced before they are recorded.
    mutating func piecesInherited(_ pieces: [PieceIndex], now: MonotonicInstant) throws(PoolCodecError) {
        var files: Set<Int> = []
        for piece in pieces { files.formUnion(try map.files(of: piece)) }
        policy.piecesInherited(pieces, files: files, now: now)
    }

    /// What was given to others in all runs.
    mutating func uploadedReceived(_ byteCount: UInt64) { uploadedToRecord = byteCount }

    /// Syncs as soon as nothing waits to be written, until `drained`.
    mutating func drain() { isDraining = true }
    mutating func drained() { isDraining = false }

    /// From now on nothing waits for a disk that may recover.
    mutating func finish(now: MonotonicInstant) {
        isFinishing = true
        writing.retry(at: now)
        recording.retry(at: now)
    }

    mutating func ownerDied(_ place: Place, before generation: UInt32) -> [AssignmentID] {
        queue.ownerDied(place, before: generation)
    }

    // MARK: orders

    /// What the disk thread shall do next for this torrent; the caller has it done.
    mutating func nextOrder(
        now: MonotonicInstant, regions: [Place: AssemblyGeometry]
    ) throws(PoolCodecError) -> DiskOrder? {
        switch phase {
        case .locking: return now >= writing.retryAt ? .lock(torrent: torrent) : nil
        case .preparing: return now >= writing.retryAt ? .prepare(torrent: torrent) : nil
        case .finished: return nil
        case .ready: break
        }
        if now >= recording.retryAt {
            if !piecesToForget.isEmpty { return .record(torrent: torrent, [.piecesLost(piecesToForget)]) }
            if now >= policy.dueAt || mustSyncNow { return .sync(torrent: torrent, policy.begin()) }
            if let uploadedToRecord { return .record(torrent: torrent, [.uploaded(uploadedToRecord)]) }
        }
        if queue.hasWaiting, now >= writing.retryAt {
            let sources = queue.take(geometry: map.geometry, regions: regions)
            return .write(torrent: torrent, try WritePlan(sources, map: map))
        }
        if now >= recording.retryAt {
            if isFinishing && isDrained { return .finish(torrent: torrent) }
            if now >= beatDue { return .record(torrent: torrent, [.beat]) }
        }
        return nil
    }

    /// When `nextOrder` may have something that it has not now.
    var nextDeadline: MonotonicInstant {
        switch phase {
        case .locking, .preparing: return writing.retryAt
        case .finished: return .distantFuture
        case .ready: break
        }
        let hasRecords =
            !piecesToForget.isEmpty || uploadedToRecord != nil || mustSyncNow || (isFinishing && isDrained)
        let record = max(recording.retryAt, hasRecords ? .distantPast : min(policy.dueAt, beatDue))
        return queue.hasWaiting ? min(record, writing.retryAt) : record
    }

    private var mustSyncNow: Bool { (isDraining || isFinishing) && queue.isIdle && !policy.isClean }
    private var beatDue: MonotonicInstant { unrecordedWrite.map { $0 + Self.beatAfter } ?? .distantFuture }

    // MARK: outcomes

    mutating func orderEnded(
        _ order: DiskOrder, _ outcome: DiskOutcome, now: MonotonicInstant, into actions: inout [Action]
    ) {
        switch outcome {
        case .done: succeeded(order, now: now, into: &actions)
        case .lockIsHeld(let failure): lockIsHeld(failure, now: now, into: &actions)
        case .failed(let failure): failed(order, failure, now: now, into: &actions)
        }
    }

    private mutating func succeeded(_ order: DiskOrder, now: MonotonicInstant, into actions: inout [Action]) {
        switch order {
        case .lock:
            phase = .preparing
            writing.succeeded()
        case .prepare:
            phase = .ready
            writing.succeeded()
            actions.append(.tell(.torrentReady(torrent: torrent)))
        case .write:
            writing.succeeded()
            unrecordedWrite = unrecordedWrite ?? now
            for answer in queue.batchWritten() { take(answer, isRepeated: false, now: now, into: &actions) }
        case .sync:
            recorded()
            claim(policy.succeeded(), into: &actions)
        case .record(_, let records):
            recorded()
            switch records.first {
            case .piecesLost(let pieces)?: piecesToForget.removeFirst(pieces.count)
            case .uploaded(let byteCount)?: if uploadedToRecord == byteCount { uploadedToRecord = nil }
            default: break
            }
        case .finish:
            recorded()
            phase = .finished
        }
    }

    private mutating func recorded() {
        recording.succeeded()
        unrecordedWrite = nil
    }

    private func claim(_ batch: SyncPolicy.Batch, into actions: inout [Action]) {
        for start in stride(from: 0, to: batch.pieces.count, by: Topology.maximumListCount) {
            let part = batch.pieces[start..<min(start + Topology.maximumListCount, batch.pieces.count)]
            actions.append(.tell(.piecesSynced(torrent: torrent, Array(part))))
        }
        for partial in batch.partials { actions.append(.tell(.partialWritten(partial.assignment))) }
    }

    private mutating func lockIsHeld(_ failure: DiskFailure, now: MonotonicInstant, into actions: inout [Action]) {
        guard case .locking(let since) = phase else { preconditionFailure("the lock is tried while it is not held") }
        guard !isFinishing else { return phase = .finished }
        if since == nil {
            phase = .locking(since: now)
            actions.append(.tell(.waitingForLock(torrent: torrent)))
        }
        if now - (since ?? now) < Self.lockPatience {
            writing.retry(at: now + Self.lockRetry)
        } else if let trouble = writing.failed(failure, now: now) {
            actions.append(.tell(.diskTrouble(trouble)))
        }
    }

    private mutating func failed(
        _ order: DiskOrder, _ failure: DiskFailure, now: MonotonicInstant, into actions: inout [Action]
    ) {
        if case .sync = order, failure.stage == .syncing {
            piecesToForget += policy.failed()
            return actions.append(.tell(.diskTrouble(failure.trouble)))
        }
        let news: DiskTrouble?
        switch order {
        case .lock, .prepare:
            news = writing.failed(failure, now: now)
            if isFinishing { phase = .finished }
        case .write:
            news = writing.failed(failure, now: now)
            unrecordedWrite = unrecordedWrite ?? now
            for answer in queue.batchFailed() { take(answer, isRepeated: false, now: now, into: &actions) }
            if isFinishing { queue.dropWaiting() }
        case .sync:
            news = recording.failed(failure, now: now)
            policy.notRecorded(now: now)
            if isFinishing { _ = policy.failed() }
        case .record:
            news = recording.failed(failure, now: now)
            if isFinishing { (piecesToForget, uploadedToRecord) = ([], nil) }
        case .finish:
            news = recording.failed(failure, now: now)
            phase = .finished
        }
        if isFinishing {
            writing.retry(at: now)
            recording.retry(at: now)
        }
        if let news { actions.append(.tell(.diskTrouble(news))) }
    }

    private mutating func take(
        _ answer: WriteQueue.Answer, isRepeated: Bool, now: MonotonicInstant, into actions: inout [Action]
    ) {
        switch answer.content {
        case .whole?:
            if !isRepeated { policy.pieceWritten(answer.piece, now: now) }
            let piece = WrittenPiece(assignment: answer.assignment, torrent: torrent, piece: answer.piece)
            actions.append(.tell(.piecesWritten([piece])))
        case .blocks(let blocks)?:
            policy.partialWritten(
                SyncPolicy.Partial(assignment: answer.assignment, piece: answer.piece, blocks: blocks), now: now)
        case nil: break
        }
        actions.append(.answer(answer.place, answer.assignment))
    }

    func checkInvariants() {
        queue.checkInvariants()
        precondition(!isFinished || isFinishing)
    }
}
