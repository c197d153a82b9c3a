/// Owns what we want of one peer and what we have asked it for: its pieces, its choke, our requests with their deadlines,
/// and which request an incoming block answers. Chooses no block; the owner does, within `requestCapacity`.
struct DownloadSide {
    /// Blocks that answer no request of ours before the peer is sent away, and one more for each hundred that do. A few
    /// are explained by chokes and cancels that crossed on the line (BEP 3, "piece"); the figures are guesses.
    static let unrequestedBlockLimit = 50
    static let answeredBlocksPerForgiven = 100
    /// Rejects in a row from a peer that does not choke us: a whole queue of the usual length.
    static let rejectLimit = RequestWindow.untoldPeerLimit
    /// Payload that counts as progress: a peer that sends a byte every five seconds makes none.
    static let progressByteCount = 1024

    private(set) var pieces: PeerPieces
    private(set) var interest = Interest()
    private(set) var fast: FastMessages
    /// BEP 3: connections start choked. Since when, or nil while the peer lets us request.
    private(set) var chokedSince: MonotonicInstant?
    private(set) var rate: RateEstimator
    /// Invariant: at most `RequestWindow.maximum` awaited.
    private(set) var requests = RequestLedger()
    private(set) var unrequestedBlocks = 0
    /// When `progressByteCount` of payload had last come together; before that, when the connection opened.
    private(set) var lastProgress: MonotonicInstant

    private var window = RequestWindow()
    private var timeout = RequestTimeout()
    /// The block whose payload is arriving; nil between blocks and while one is dropped.
    private var arriving: BlockAddress?
    /// The request that was its last when its payload began.
    private var arrivingSequence: UInt64 = 0
    private var bytesSinceProgress = 0
    private var rejectsInARow = 0
    private var answeredBlocks = 0

    init(in torrent: TorrentView, isFast: Bool, now: MonotonicInstant) {
        pieces = PeerPieces(in: torrent)
        fast = FastMessages(isNegotiated: isFast)
        chokedSince = now
        rate = RateEstimator(now: now)
        lastProgress = now
    }

    var isChoked: Bool { chokedSince != nil }
    /// The peer let a deadline pass in silence and has sent no block since.
    var isSnubbed: Bool { window.isPeerSilent }

    // MARK: What the peer has

    mutating func bitfieldReceived(
        _ bits: [UInt8], in torrent: TorrentView, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        guard let gained = try pieces.bitfieldReceived(bits, in: torrent) else {
            return sourcesChanged(in: torrent, into: &actions)
        }
        gained.forEach { actions.append(.addSource($0)) }
        neededChanged(in: torrent, into: &actions)
    }

    mutating func haveAllReceived(
        in torrent: TorrentView, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        try fast.check(.haveAll)
        try pieces.haveAllReceived(in: torrent)
        sourcesChanged(in: torrent, into: &actions)
    }

    mutating func haveNoneReceived() throws(PeerWireError) {
        try fast.check(.haveNone)
        try pieces.haveNoneReceived()
    }

    mutating func haveReceived(
        _ index: UInt32, in torrent: TorrentView, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        guard let piece = try pieces.haveReceived(index, in: torrent) else { return }
        actions.append(.addSource(piece))
        let wasInterested = interest.isInterested
        interest.pieceGained(piece, needed: torrent.needed, into: &actions)
        if !wasInterested { interestAwoke(into: &actions) }
    }

    private mutating func sourcesChanged(in torrent: TorrentView, into actions: inout [SessionAction]) {
        if !pieces.set.isEmpty { actions.append(.addSources) }
        neededChanged(in: torrent, into: &actions)
    }

    /// `torrent.needed` is not what it was.
    mutating func neededChanged(in torrent: TorrentView, into actions: inout [SessionAction]) {
        let wasInterested = interest.isInterested
        interest.reconsider(theirs: pieces.set, needed: torrent.needed, into: &actions)
        if !wasInterested { interestAwoke(into: &actions) }
    }

    /// A peer that lets us request need not say so again when it becomes of use, so no unchoke follows.
    private func interestAwoke(into actions: inout [SessionAction]) {
        if interest.isInterested, !isChoked || !fast.allowed.isEmpty { actions.append(.assignBlocks) }
    }

    // MARK: Choke

    mutating func chokeReceived(now: MonotonicInstant, into actions: inout [SessionAction]) {
        if chokedSince == nil { chokedSince = now }
        if !fast.isNegotiated { returnAll(because: .choked, into: &actions) }
    }

    mutating func unchokeReceived(into actions: inout [SessionAction]) {
        guard chokedSince != nil else { return }
        chokedSince = nil
        rejectsInARow = 0
        actions.append(.assignBlocks)
    }

    mutating func allowedFastReceived(
        _ index: UInt32, in torrent: TorrentView, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        try fast.check(.allowedFast)
        guard let piece = torrent.geometry.piece(index) else { throw .pieceOutOfRange(.allowedFast, index: index) }
        let isNew = fast.allowedFastReceived(piece)
        if isNew, isChoked, canRequest(piece), torrent.needed.contains(piece) { actions.append(.assignBlocks) }
    }

    /// Advice only (BEP 6): what is rare is decided over all peers, not by one.
    func suggestPieceReceived(_ index: UInt32, in torrent: TorrentView) throws(PeerWireError) {
        try fast.check(.suggestPiece)
        guard torrent.geometry.piece(index) != nil else { throw .pieceOutOfRange(.suggestPiece, index: index) }
    }

    // MARK: Requests

    /// Whether the peer would answer a request for a block of this piece.
    func canRequest(_ piece: PieceIndex) -> Bool {
        pieces.set.contains(piece) && (!isChoked || fast.allowed.contains(piece))
    }

    /// Requests that may be added now; none of a silent peer, which is only probed.
    func capacity(now: MonotonicInstant) -> Int {
        if isChoked && fast.allowed.isEmpty { return 0 }
        let limit = window.limit(bytesPerSecond: rate.bytesPerSecond(now: now))
        return max(0, min(limit - requests.queuedCount, window.hardLimit - requests.count))
    }

    /// - Returns: false, and nothing has happened, when the peer would not answer, the block is awaited, or there is no
    ///   capacity.
    mutating func request(
        _ block: BlockAddress, in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) -> Bool {
        guard canRequest(block.piece), capacity(now: now) > 0 else { return false }
        if requests.isEmpty { window.pipelineRefilled(bytesPerSecond: rate.bytesPerSecond(now: now)) }
        guard requests.requested(block, deadline: timeout.after(now), now: now) else { return false }
        actions.append(.send(.request(BlockSpan(block, in: torrent.geometry))))
        return true
    }

    /// Asks a silent peer for one block, to learn whether it is back: each time it is waited for longer. The block is
    /// nobody's grant, so no piece waits for it; should it be wanted when it comes, it is as good as any.
    mutating func probe(in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]) {
        guard isSnubbed, !isChoked, requests.isEmpty, let piece = interest.piece else { return }
        let block = BlockAddress(piece: piece, block: 0)
        guard requests.requested(block, deadline: timeout.after(now), now: now) else { return }
        actions.append(.send(.request(BlockSpan(block, in: torrent.geometry))))
    }

    /// The owner has no more use for the block. Does nothing for a block that is not awaited.
    mutating func cancel(_ block: BlockAddress, in torrent: TorrentView, into actions: inout [SessionAction]) {
        guard let entry = requests[block] else { return }
        requests.release(block, as: .unwanted)
        if entry.standing == .awaited, arriving != block {
            if fast.isNegotiated { window.requestCancelled(deadline: entry.deadline) }
            actions.append(.send(.cancel(BlockSpan(block, in: torrent.geometry))))
        }
    }

    mutating func peerLimitReceived(_ count: Int) { window.peerLimitReceived(count) }

    // MARK: Answers

    mutating func blockBegan(
        _ span: BlockSpan, in torrent: TorrentView, now: MonotonicInstant
    ) throws(PeerWireError) -> BlockVerdict {
        let geometry = torrent.geometry
        guard let piece = geometry.piece(span.index) else { throw .pieceOutOfRange(.piece, index: span.index) }
        guard span.begin % TorrentGeometry.blockByteCount == 0 else { throw .blockUnaligned(span) }
        guard span.isInside(pieceByteCount: geometry.length(of: piece)) else { throw .spanOutOfRange(.piece, span) }
        guard let block = geometry.block(index: span.index, begin: span.begin, length: span.byteCount),
            let entry = requests[block]
        else {
            unrequestedBlocks += 1
            let limit = Self.unrequestedBlockLimit + answeredBlocks / Self.answeredBlocksPerForgiven
            guard unrequestedBlocks <= limit else { throw .tooManyUnrequestedBlocks }
            return .drop
        }
        (arriving, arrivingSequence) = (block, entry.sequence)
        switch entry.standing {
        case .awaited:
            if entry.answersDue == 1 { window.firstByteReceived(sentAt: entry.sentAt, now: now) }
            return .take(block)
        case .late: return .takeLate(block)
        case .unwanted: return .drop
        }
    }

    /// Some of the payload that `blockBegan` announced, dropped or not.
    mutating func blockBytesReceived(_ byteCount: Int, now: MonotonicInstant) {
        rate.add(byteCount: byteCount, now: now)
        guard arriving != nil else { return }
        bytesSinceProgress += byteCount
        if bytesSinceProgress >= Self.progressByteCount {
            bytesSinceProgress = 0
            lastProgress = now
        }
    }

    /// - Parameter wasDropped: nobody kept the payload. Then a request that was made while it came still waits for its own.
    mutating func blockEnded(wasDropped: Bool, now: MonotonicInstant, into actions: inout [SessionAction]) {
        guard let block = arriving else { return }
        arriving = nil
        let isAskedAnew = requests[block].map { $0.sequence != arrivingSequence } ?? false
        guard let entry = requests.answered(block, leaving: wasDropped && isAskedAnew ? nil : .unwanted) else { return }
        let wasSnubbed = isSnubbed
        lastProgress = now
        bytesSinceProgress = 0
        rejectsInARow = 0
        answeredBlocks += 1
        // Of two requests for one block nobody knows which is answered, so nothing is learned (Karn's rule, as in TCP).
        if entry.answersDue == 1 { timeout.blockAnswered(sentAt: entry.sentAt, now: now) }
        window.blockAnswered(now: now)
        noteLosses(now: now)
        if wasSnubbed, !isChoked { actions.append(.assignBlocks) }
    }

    /// A peer that answers out of order passes over a few requests; one that passes over most does not queue them.
    private mutating func noteLosses(now: MonotonicInstant) {
        let passedOver = requests.count - requests.queuedCount
        guard passedOver > max(requests.queuedCount, RequestWindow.initial), let lost = requests.newestPassedOver else {
            return
        }
        window.requestLost(sentAt: lost.sentAt, queued: requests.queuedCount, now: now)
    }

    /// BEP 6 lets a reject cross with our cancel, so one for a block that we gave up is right too.
    mutating func rejectReceived(
        _ span: BlockSpan, in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        try fast.check(.rejectRequest)
        guard let piece = torrent.geometry.piece(span.index) else {
            throw .pieceOutOfRange(.rejectRequest, index: span.index)
        }
        if !isChoked {
            rejectsInARow += 1
            guard rejectsInARow <= Self.rejectLimit else { throw .tooManyRejects }
        }
        fast.rejected(piece)
        guard let block = torrent.geometry.block(index: span.index, begin: span.begin, length: span.byteCount),
            let entry = requests.answered(block, leaving: .late)
        else { return }
        guard entry.standing == .awaited else {
            if entry.standing == .unwanted { window.cancelAnswered() }
            return
        }
        if !isChoked { window.requestLost(sentAt: entry.sentAt, queued: requests.queuedCount, now: now) }
        actions.append(.returnBlock(block, because: .rejected))
    }

    // MARK: Deadlines

    /// When `timerFired` has something to do; nil while nothing is awaited or counted as such.
    var nextDeadline: MonotonicInstant? {
        guard let deadline = requests.oldest.map(effectiveDeadline) else { return window.nextDeadline }
        return min(deadline, window.nextDeadline ?? deadline)
    }

    /// A request's own deadline, moved on while the peer is at work on it: it answers in order and has not passed this
    /// one over. Never beyond `RequestTimeout.longest`. Invariant: of all awaited ones the oldest has the earliest.
    private func effectiveDeadline(_ entry: RequestLedger.Entry) -> MonotonicInstant {
        if requests.isPassedOver(entry) { return entry.deadline }
        return max(entry.deadline, min(timeout.after(lastProgress), RequestTimeout.latest(for: entry.sentAt)))
    }

    mutating func timerFired(now: MonotonicInstant, into actions: inout [SessionAction]) {
        if window.timerFired(now: now), !isChoked { actions.append(.assignBlocks) }
        guard let newest = returnLate(now: now, into: &actions), !isChoked else { return }
        if timeout.after(lastProgress) <= now {
            window.peerFellSilent()
            timeout.deadlineMissed()
        } else {
            window.requestLost(sentAt: newest.sentAt, queued: requests.queuedCount, now: now)
        }
    }

    /// - Returns: of the requests that were given up, the newest.
    private mutating func returnLate(
        now: MonotonicInstant, into actions: inout [SessionAction]
    ) -> RequestLedger.Entry? {
        var newest: RequestLedger.Entry?
        while let entry = requests.oldest, effectiveDeadline(entry) <= now {
            newest = entry
            requests.release(entry.block, as: .late)
            actions.append(.returnBlock(entry.block, because: .late))
        }
        return newest
    }

    /// The connection ends: the owner gets every awaited block back, oldest first.
    mutating func returnAll(because reason: ReturnReason, into actions: inout [SessionAction]) {
        while let entry = requests.oldest {
            requests.release(entry.block, as: .late)
            actions.append(.returnBlock(entry.block, because: reason))
        }
    }
}

extension BlockSpan {
    /// At least a byte, at most a block, all of them in a piece of this length.
    func isInside(pieceByteCount: UInt32) -> Bool {
        byteCount > 0 && byteCount <= TorrentGeometry.blockByteCount && begin < pieceByteCount
            && byteCount <= pieceByteCount - begin
    }
}
