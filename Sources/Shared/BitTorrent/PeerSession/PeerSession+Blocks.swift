/// The download as the owner sees it: what the peer has, what may be requested, and the blocks that come. These calls
/// are made for every block, so they allocate nothing and answer directly where an action would only be handed back.
extension PeerSession {
    // MARK: What changed on our side

    /// The piece is written: from now on we have it. Not for the pieces of `torrent.ours` at the time of the handshake.
    package mutating func pieceBecameOurs(
        _ piece: PieceIndex, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .open else { return }
        actions.append(.send(.have(piece.rawValue)))
        keepAlive.messageSent(now: now)
    }

    /// `torrent.needed` is not what it was at the last event.
    package mutating func neededChanged(
        in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .open else { return }
        let before = actions.count
        download?.neededChanged(in: torrent, into: &actions)
        updateUploadOnly(in: torrent, into: &actions)
        noteSends(since: before, in: actions, now: now)
    }

    // MARK: Requests

    /// Requests that may be added now; 0 while the peer chokes us and offers nothing (see `canRequest`), and while it is
    /// snubbed (see `probe`).
    package func requestCapacity(now: MonotonicInstant) -> Int {
        state == .open ? download?.capacity(now: now) ?? 0 : 0
    }

    /// Whether the peer would answer a request for a block of this piece.
    package func canRequest(_ piece: PieceIndex) -> Bool { state == .open && download?.canRequest(piece) ?? false }

    /// - Returns: false, and nothing has happened, when the peer would not answer, the block is already awaited from
    ///   it, or `requestCapacity` is 0.
    @discardableResult package mutating func request(
        _ block: BlockAddress, in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) -> Bool {
        guard state == .open, download?.request(block, in: torrent, now: now, into: &actions) == true else {
            return false
        }
        keepAlive.messageSent(now: now)
        return true
    }

    /// To be called whenever blocks would be chosen for the peer. Asks one that is snubbed for a block that nobody has
    /// given it, one at a time, so that it is of use again when it is back. Its `.returnBlock` may follow.
    package mutating func probe(
        in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .open, isSnubbed else { return }
        let before = actions.count
        download?.probe(in: torrent, now: now, into: &actions)
        noteSends(since: before, in: actions, now: now)
    }

    /// The block has come from elsewhere, or nobody wants it any more. If this peer's copy is already arriving it is
    /// let finish. Does nothing for a block that is not awaited; no `.returnBlock` follows.
    package mutating func cancel(
        _ block: BlockAddress, in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .open else { return }
        let before = actions.count
        download?.cancel(block, in: torrent, into: &actions)
        noteSends(since: before, in: actions, now: now)
    }

    // MARK: Blocks

    package mutating func blockBegan(
        _ span: BlockSpan, in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) -> BlockVerdict {
        guard state == .open else { return .drop }
        do throws(PeerWireError) {
            return try download?.blockBegan(span, in: torrent, now: now) ?? .drop
        } catch {
            close(.peerBroke(error), into: &actions)
            return .drop
        }
    }

    /// Some of the payload, whatever the verdict was.
    package mutating func blockBytesReceived(_ byteCount: Int, now: MonotonicInstant) {
        download?.blockBytesReceived(byteCount, now: now)
    }

    /// The block is whole. `requestCapacity` may have grown.
    /// - Parameter wasDropped: its bytes were skipped, by our verdict or by the owner's.
    package mutating func blockEnded(
        wasDropped: Bool, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .open else { return }
        download?.blockEnded(wasDropped: wasDropped, now: now, into: &actions)
    }

    // MARK: For the owner's eyes

    /// What the peer has; nil before the torrent is known.
    package var pieces: PieceSet? { download?.pieces.set }
    /// The peer wants nothing of anybody: it has everything, or all that it was told to fetch (BEP 21).
    package var isUploadOnly: Bool { (pieces?.isFull ?? false) || peerExtensions.isUploadOnly == true }
    /// Requests that are awaited.
    package var awaitedCount: Int { download?.requests.count ?? 0 }
    /// When the block that was requested first, of those that are awaited, counts as late.
    package var oldestDeadline: MonotonicInstant? { download?.requests.oldest?.deadline }
    /// Each piece of which blocks are awaited, with the earliest of their deadlines; a piece may be named more than once.
    package func forEachDeadline(_ body: (PieceIndex, MonotonicInstant) -> Void) {
        var last: PieceIndex?
        download?.requests.forEachAwaited { entry in
            // Deadlines rise, and blocks of a piece follow one another.
            guard entry.block.piece != last else { return }
            last = entry.block.piece
            body(entry.block.piece, entry.deadline)
        }
    }
    /// Whether the block is awaited from this peer.
    package func isAwaiting(_ block: BlockAddress) -> Bool { download?.requests[block]?.standing == .awaited }
    package var isInterested: Bool { download?.interest.isInterested ?? false }
    /// Since when the peer refuses requests, or nil while it takes them; for giving its grants back.
    package var chokedSince: MonotonicInstant? { download?.chokedSince }
    /// Whether requests are welcome and may be expected to be answered.
    package var isServing: Bool { isOpen && chokedSince == nil && !isSnubbed }
    /// The peer let a deadline pass in silence and has sent no block since.
    package var isSnubbed: Bool { download?.isSnubbed ?? false }
    /// Payload, over the last seconds.
    package func bytesPerSecond(now: MonotonicInstant) -> Double { download?.rate.bytesPerSecond(now: now) ?? 0 }
    /// When the peer last brought payload, or the connection opened: the longest ago makes room for another peer first.
    package var lastUseful: MonotonicInstant? { download?.lastProgress }
    /// Blocks that answered no request.
    package var unrequestedBlocks: Int { download?.unrequestedBlocks ?? 0 }
    /// Pieces that the peer gives although it chokes us (BEP 6).
    package var allowedFast: [PieceIndex] { download?.fast.allowed ?? [] }
}
