import BitTorrent
import TestSupport

/// One side of a connection as its owner plays it, and the book of what must be true all the while: each requested block
/// is settled once, what the peer has is reported once, nothing follows a close, and queues keep to their bounds.
struct PeerConversation {
    /// 20 pieces of two blocks; the second is so short that a fuzzer can write it. The upper half is ours.
    private static let geometry = TorrentGeometry(totalByteCount: 20 * (16384 + 100), pieceByteCount: 16384 + 100)
    private static let remote = PeerAddress(v4: 0x0A00_0001, port: 5000)
    /// More than any event of one peer can ask for: a rejection of everything that is queued, and some words.
    private static let mostActions = 600

    private var clock = FakeClock()
    private let torrent: TorrentView
    private var session: PeerSession
    private var decoder = PeerStreamDecoder()
    private var exchanged = PeerExchangeReceiving()
    private var awaited: Set<BlockAddress> = []
    private var sources: Set<PieceIndex> = []
    /// Payload of the block that is arriving, and what it is for.
    private var arriving: (verdict: BlockVerdict, missing: Int)?
    private(set) var isOver = false

    /// - Parameter flags: 1 for an incoming connection, 2 for one without `ut_pex`.
    init(flags: UInt8) throws {
        var ours = PieceSet(pieceCount: Self.geometry.pieceCount)
        var needed = PieceSet.full(pieceCount: Self.geometry.pieceCount)
        for piece in 10..<Self.geometry.pieceCount {
            ours.insert(PieceIndex(piece))
            needed.remove(PieceIndex(piece))
        }
        let infoHash = InfoHash(Digest(Array(100..<120)))
        torrent = TorrentView(
            infoHash: infoHash, geometry: Self.geometry, ours: ours, needed: needed,
            extensions: flags & 2 == 0 ? [PeerExchangeMessage.name: PeerExchangeMessage.ourID] : [:])
        session = PeerSession(
            role: flags & 1 == 0 ? .outgoing(infoHash) : .incoming,
            identity: SessionIdentity(
                peerID: PeerID(Array("-SK0100-000000000000".utf8)), client: "Fuzz", listenPort: 6881),
            remote: Self.remote, now: clock.now)
        try perform { $0.connected(now: $2, into: &$3) }
    }

    // MARK: What the peer does

    mutating func receive(_ bytes: [UInt8]) throws {
        var offset = 0
        session.bytesReceived(now: clock.now)
        while !isOver {
            let event: PeerStreamDecoder.Event?
            do throws(PeerWireError) {
                event = try decoder.next(in: bytes.span.bytes, at: &offset)
            } catch {
                try perform { session, _, _, actions in session.streamBroke(error, into: &actions) }
                return try promise(isOver, "a broken stream stays open")
            }
            guard let event else { return }
            try heard(event)
        }
    }

    private mutating func heard(_ event: PeerStreamDecoder.Event) throws {
        switch event {
        case .handshake(let theirs):
            try perform { session, _, _, actions in session.handshakeReceived(theirs, into: &actions) }
        case .message(let message):
            try perform { $0.messageReceived(message, in: $1, now: $2, into: &$3) }
        case .blockBegins(let span):
            var verdict = BlockVerdict.drop
            try perform { verdict = $0.blockBegan(span, in: $1, now: $2, into: &$3) }
            switch verdict {
            case .take(let block):
                try promise(awaited.contains(block), "a block that nobody awaits is taken")
                try check(block, span)
            case .takeLate(let block): try check(block, span)
            case .drop: break
            }
            arriving = (verdict, Int(span.byteCount))
        case .blockBytes(let range, _):
            session.blockBytesReceived(range.count, now: clock.now)
            arriving?.missing -= range.count
        case .blockEnds:
            try promise(arriving?.missing == 0, "a block ends before its end")
            var wasDropped = true
            if case .take(let block)? = arriving?.verdict { (_, wasDropped) = (awaited.remove(block), false) }
            if case .takeLate(let block)? = arriving?.verdict { (_, wasDropped) = (awaited.remove(block), false) }
            arriving = nil
            try perform { $0.blockEnded(wasDropped: wasDropped, now: $2, into: &$3) }
        }
    }

    /// What is taken fits where it will be put.
    private func check(_ block: BlockAddress, _ span: BlockSpan) throws {
        try promise(
            block.piece.value < Self.geometry.pieceCount && span.byteCount == Self.geometry.length(of: block),
            "a block of another length is taken")
    }

    // MARK: What our side wishes

    private func block(_ number: UInt8) -> BlockAddress {
        let number = Int(number) % (2 * Self.geometry.pieceCount)
        return BlockAddress(piece: PieceIndex(number / 2), block: number % 2)
    }

    mutating func request(_ number: UInt8) throws {
        let block = block(number)
        let mayAsk = session.requestCapacity(now: clock.now) > 0 && session.canRequest(block.piece)
        var isAsked = false
        try perform { isAsked = $0.request(block, in: $1, now: $2, into: &$3) }
        try promise(!isAsked || mayAsk, "a request that the peer would not answer")
    }

    mutating func cancel(_ number: UInt8) throws {
        let block = block(number)
        awaited.remove(block)
        try perform { $0.cancel(block, in: $1, now: $2, into: &$3) }
    }

    mutating func probe() throws { try perform { $0.probe(in: $1, now: $2, into: &$3) } }

    mutating func setChoking(_ isOn: Bool) throws { try perform { $0.setChoking(isOn, now: $2, into: &$3) } }

    mutating func answerNext(refusing: Bool) throws {
        var span: BlockSpan?
        try perform { span = $0.nextRequest(in: $1, now: $2, into: &$3) }
        guard let span else { return }
        let piece = PieceIndex(Int(span.index))
        try promise(
            piece.value < Self.geometry.pieceCount && torrent.ours.contains(piece)
                && (1...16384).contains(span.byteCount)
                && UInt64(span.begin) + UInt64(span.byteCount) <= UInt64(Self.geometry.length(of: piece)),
            "we would send what we do not have: \(span)")
        if refusing {
            try perform { $0.refuseNext(now: $2, into: &$3) }
        } else {
            session.requestAnswered(now: clock.now)
        }
    }

    mutating func pieceBecameOurs(_ number: UInt8) throws {
        let piece = PieceIndex(Int(number) % Self.geometry.pieceCount)
        guard torrent.ours.insert(piece) else { return }
        torrent.needed.remove(piece)
        try perform { $0.pieceBecameOurs(piece, now: $2, into: &$3) }
        try perform { $0.neededChanged(in: $1, now: $2, into: &$3) }
    }

    mutating func sendExtended() throws {
        try perform { $0.sendExtended(PeerExchangeMessage.name, payload: [], now: $2, into: &$3) }
    }

    mutating func pass(_ duration: Duration) throws {
        clock.advance(by: duration)
        guard session.nextDeadline <= clock.now else { return }
        try perform { $0.timerFired(now: $2, into: &$3) }
        try promise(session.nextDeadline > clock.now, "a timer that is due again at once")
    }

    /// The peer hangs up.
    mutating func end() throws {
        try perform { [decoder] session, _, _, actions in session.streamEnded(decoder.streamEnd, into: &actions) }
        try promise(isOver && awaited.isEmpty, "blocks are awaited of a peer that is gone")
        try perform { $0.messageReceived(.unchoke, in: $1, now: $2, into: &$3) }
        try promise(session.nextDeadline == .distantFuture, "a closed session wants to be woken")
    }

    // MARK: The book

    private mutating func perform(
        _ event: (inout PeerSession, TorrentView, MonotonicInstant, inout [SessionAction]) -> Void
    ) throws {
        var actions: [SessionAction] = []
        event(&session, torrent, clock.now, &actions)
        try promise(!isOver || actions.isEmpty, "something follows a close")
        try promise(actions.count <= Self.mostActions, "\(actions.count) actions of one event")
        for (index, action) in actions.enumerated() { try note(action, isLast: index == actions.count - 1) }
        guard !isOver else { return }
        try promise(session.requestCount <= SessionIdentity.requestQueue, "more requests than we queue")
        if session.isOpen {
            try promise(awaited.allSatisfy { session.isAwaiting($0) }, "a block was forgotten")
            try promise(session.awaitedCount == awaited.count, "a block is awaited that nobody asked for")
            var held: Set<PieceIndex> = []
            session.pieces?.forEach { held.insert($0) }
            try promise(held == sources, "what the peer has is not what was reported")
        }
    }

    private mutating func note(_ action: SessionAction, isLast: Bool) throws {
        switch action {
        case .identifyTorrent(let infoHash):
            guard infoHash == torrent.infoHash else {
                return try perform { session, _, _, actions in session.torrentUnknown(into: &actions) }
            }
            decoder.torrentIdentified(pieceCount: Self.geometry.pieceCount)
            try perform { $0.torrentIdentified(in: $1, now: $2, into: &$3) }
        case .addSource(let piece): try promise(sources.insert(piece).inserted, "a source is reported twice")
        case .addSources:
            try promise(sources.isEmpty, "sources are reported twice")
            session.pieces?.forEach { sources.insert($0) }
        case .send(.request(let span)):
            let block = Self.geometry.block(index: span.index, begin: span.begin, length: span.byteCount)
            guard let block else { throw BrokenPromise(description: "a request for what is no block") }
            try promise(awaited.insert(block).inserted, "a block is requested twice")
        case .returnBlock(let block, _):
            try promise(awaited.remove(block) != nil, "a block is given back that was settled")
        case .deliverExtended(let id, let payload):
            try promise(torrent.extensions.values.contains(id), "an extension that we did not name")
            let heard = try? exchanged.received(payload, from: Self.remote, now: clock.now)
            try promise(heard?.count ?? 0 <= PeerExchangeReceiving.acceptedFirst, "more contacts than are used")
        case .close:
            try promise(isLast, "a close that is not the last word")
            try promise(awaited.isEmpty, "a close leaves blocks unsettled")
            isOver = true
        case .sendHandshake, .send, .reportOpened, .assignBlocks, .reportInterest, .serveRequests, .recordExtensions:
            break
        }
    }
}
