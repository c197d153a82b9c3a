/// Owns what a peer may want of us: its interest, our choke, and its requests, oldest first. Chooses neither whom to
/// unchoke (the supervisor does, over all workers) nor when a request is answered (the owner does, as the line takes it).
struct UploadSide {
    /// Requests that wait for an answer: what our extension handshake promises (`reqq`, BEP 10).
    static let queueLimit = SessionIdentity.requestQueue
    /// Requests in a row that cannot be answered before a peer is flooding (libtorrent's `max_rejects`).
    static let refusedRequestLimit = 50
    /// For so long after a choke a peer's requests may have crossed it on the line (libtorrent's figure).
    static let chokeGrace: Duration = .seconds(2)

    /// BEP 3: connections start choked and not interested.
    private(set) var isChokingPeer = true
    private(set) var isPeerInterested = false
    private var queue = RequestQueue()
    private var refusedRequests = 0
    /// Requests that crossed our last choke.
    private var crossedRequests = 0
    private var chokedAt: MonotonicInstant?

    var requestCount: Int { queue.count }

    mutating func interestedReceived(into actions: inout [SessionAction]) { setInterest(true, into: &actions) }
    mutating func notInterestedReceived(into actions: inout [SessionAction]) { setInterest(false, into: &actions) }

    private mutating func setInterest(_ isInterested: Bool, into actions: inout [SessionAction]) {
        guard isPeerInterested != isInterested else { return }
        isPeerInterested = isInterested
        actions.append(.reportInterest)
    }

    // MARK: Choke

    /// A choke voids what the peer has asked for; BEP 6 has each request answered all the same.
    mutating func setChoking(
        _ isChoking: Bool, isFast: Bool, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard isChokingPeer != isChoking else { return }
        isChokingPeer = isChoking
        actions.append(.send(isChoking ? .choke : .unchoke))
        (refusedRequests, crossedRequests) = (0, 0)
        guard isChoking else { return }
        chokedAt = now
        while queue.first != nil { refuseNext(isFast: isFast, into: &actions) }
    }

    // MARK: Requests

    /// Any range of bytes inside a piece may be requested, aligned or not (BEP 3), up to a block.
    mutating func requestReceived(
        _ span: BlockSpan, in torrent: TorrentView, isFast: Bool, now: MonotonicInstant,
        into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        let piece = try Self.check(span, .request, in: torrent.geometry)
        guard !isChokingPeer, torrent.ours.contains(piece), queue.count < Self.queueLimit else {
            try countRefusal(now: now)
            return refuse(span, isFast: isFast, into: &actions)
        }
        refusedRequests = 0
        queue.append(span)
        if queue.count == 1 { actions.append(.serveRequests) }
    }

    private mutating func countRefusal(now: MonotonicInstant) throws(PeerWireError) {
        if isChokingPeer, let chokedAt, now - chokedAt < Self.chokeGrace, crossedRequests < Self.queueLimit {
            crossedRequests += 1
            return
        }
        refusedRequests += 1
        guard refusedRequests <= Self.refusedRequestLimit else { throw .requestFlood }
    }

    private func refuse(_ span: BlockSpan, isFast: Bool, into actions: inout [SessionAction]) {
        if isFast { actions.append(.send(.rejectRequest(span))) }
    }

    /// BEP 6 wants every request answered once: what is still in the queue is rejected, what is not was answered.
    mutating func cancelReceived(
        _ span: BlockSpan, in torrent: TorrentView, isFast: Bool, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        _ = try Self.check(span, .cancel, in: torrent.geometry)
        if queue.remove(span) { refuse(span, isFast: isFast, into: &actions) }
    }

    /// - Returns: the request that is to be answered next; those for pieces that we have lost since are refused on the
    ///   way.
    mutating func nextRequest(
        in torrent: TorrentView, isFast: Bool, into actions: inout [SessionAction]
    ) -> BlockSpan? {
        while let span = queue.first {
            if let piece = torrent.geometry.piece(span.index), torrent.ours.contains(piece) { return span }
            queue.removeFirst()
            refuse(span, isFast: isFast, into: &actions)
        }
        return nil
    }

    mutating func requestAnswered() { queue.removeFirst() }

    mutating func refuseNext(isFast: Bool, into actions: inout [SessionAction]) {
        guard let span = queue.first else { return }
        queue.removeFirst()
        refuse(span, isFast: isFast, into: &actions)
    }

    private static func check(
        _ span: BlockSpan, _ identifier: PeerMessage.Identifier, in geometry: TorrentGeometry
    ) throws(PeerWireError) -> PieceIndex {
        guard let piece = geometry.piece(span.index) else { throw .pieceOutOfRange(identifier, index: span.index) }
        guard span.isInside(pieceByteCount: geometry.length(of: piece)) else { throw .spanOutOfRange(identifier, span) }
        return piece
    }
}

/// Requests in the order in which they came. Adding and taking cost the same however many there are; room is reused.
struct RequestQueue {
    /// Those before `head` are gone.
    private var spans: [BlockSpan] = []
    private var head = 0

    var count: Int { spans.count - head }
    var first: BlockSpan? { head < spans.count ? spans[head] : nil }

    mutating func append(_ span: BlockSpan) { spans.append(span) }

    /// - Precondition: there is one.
    mutating func removeFirst() {
        head += 1
        if head == spans.count {
            spans.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 256 {
            spans.removeFirst(head)
            head = 0
        }
    }

    /// - Returns: false when it is not there.
    mutating func remove(_ span: BlockSpan) -> Bool {
        guard let index = spans[head...].firstIndex(of: span) else { return false }
        if index == head { removeFirst() } else { spans.remove(at: index) }
        return true
    }
}
