import BitTorrent
import TestSupport

/// A session and the peer that a test plays, on a clock that the test moves. Each step returns what the session asks for.
struct SessionConversation {
    static let ourID = PeerID(Array("-SK0100-000000000000".utf8))
    static let theirID = PeerID(Array("-XX0001-abcdefghijkl".utf8))
    static let infoHash = InfoHash(Digest(Array(100..<120)))
    /// 20 pieces of two blocks; the last piece has one block and a bit.
    static let geometry = TorrentGeometry(totalByteCount: 19 * 32768 + 16384 + 100, pieceByteCount: 32768)
    static let allBits: [UInt8] = [0xFF, 0xFF, 0xF0]

    var clock = FakeClock()
    let torrent: TorrentView
    var session: PeerSession

    /// - Parameter ours: pieces that we have; all others are needed.
    init(
        role: PeerSession.Role = .outgoing(infoHash), ours: [Int] = [], extensions: [String: UInt8] = [:],
        geometry: TorrentGeometry = geometry
    ) {
        var have = PieceSet(pieceCount: geometry.pieceCount)
        var needed = PieceSet.full(pieceCount: geometry.pieceCount)
        for piece in ours {
            have.insert(PieceIndex(piece))
            needed.remove(PieceIndex(piece))
        }
        torrent = TorrentView(
            infoHash: Self.infoHash, geometry: geometry, ours: have, needed: needed, extensions: extensions)
        session = PeerSession(
            role: role,
            identity: SessionIdentity(peerID: Self.ourID, client: "Test", listenPort: 6881),
            remote: PeerAddress(v4: 0x7F00_0001, port: 5000), now: clock.now)
    }

    /// Past the handshake, with the peer's bits as given; the actions until then are thrown away.
    static func opened(
        _ extensions: Handshake.Extensions = .ours, ours: [Int] = [], ourExtensions: [String: UInt8] = [:],
        geometry: TorrentGeometry = geometry
    ) -> SessionConversation {
        var talk = SessionConversation(ours: ours, extensions: ourExtensions, geometry: geometry)
        _ = talk.connect()
        _ = talk.shake(extensions)
        return talk
    }

    /// Past the handshake and unchoked by a peer that has everything.
    static func unchoked(
        _ extensions: Handshake.Extensions = .ours, geometry: TorrentGeometry = geometry
    ) -> SessionConversation {
        var talk = opened(extensions, geometry: geometry)
        _ = talk.hear(.bitfield(PieceSet.full(pieceCount: geometry.pieceCount).wireBytes))
        _ = talk.hear(.unchoke)
        return talk
    }

    /// A peer that has everything, takes requests, and has let the first one pass in silence.
    static func snubbed() -> SessionConversation {
        var talk = unchoked()
        _ = talk.request(BlockAddress(piece: PieceIndex(19), block: 1))
        _ = talk.pass(.seconds(10))
        return talk
    }

    mutating func connect() -> [SessionAction] { perform { $0.connected(now: $2, into: &$3) } }

    /// The peer's handshake, and the owner's answer that the torrent is known.
    mutating func shake(
        _ extensions: Handshake.Extensions = .ours, infoHash: InfoHash = infoHash, peerID: PeerID = theirID
    ) -> [SessionAction] {
        let theirs = Handshake(extensions: extensions, infoHash: infoHash, peerID: peerID)
        var actions = perform { session, _, _, actions in session.handshakeReceived(theirs, into: &actions) }
        if actions == [.identifyTorrent(infoHash)] {
            actions += perform { $0.torrentIdentified(in: $1, now: $2, into: &$3) }
        }
        return actions
    }

    mutating func hear(_ message: PeerMessage) -> [SessionAction] {
        perform { session, torrent, now, actions in
            session.bytesReceived(now: now)
            session.messageReceived(message, in: torrent, now: now, into: &actions)
        }
    }

    mutating func request(_ block: BlockAddress) -> [SessionAction] {
        perform { session, torrent, now, actions in
            session.request(block, in: torrent, now: now, into: &actions)
        }
    }

    mutating func probe() -> [SessionAction] { perform { $0.probe(in: $1, now: $2, into: &$3) } }

    mutating func cancel(_ block: BlockAddress) -> [SessionAction] {
        perform { $0.cancel(block, in: $1, now: $2, into: &$3) }
    }

    mutating func choke(_ isChoking: Bool) -> [SessionAction] {
        perform { $0.setChoking(isChoking, now: $2, into: &$3) }
    }

    mutating func nextRequest() -> (BlockSpan?, [SessionAction]) {
        var span: BlockSpan?
        let actions = perform { span = $0.nextRequest(in: $1, now: $2, into: &$3) }
        return (span, actions)
    }

    /// The head of a `piece` message.
    mutating func begin(_ span: BlockSpan) -> (verdict: BlockVerdict, actions: [SessionAction]) {
        var verdict = BlockVerdict.drop
        let actions = perform { session, torrent, now, actions in
            session.bytesReceived(now: now)
            verdict = session.blockBegan(span, in: torrent, now: now, into: &actions)
        }
        return (verdict, actions)
    }

    mutating func payload(_ byteCount: Int) {
        session.bytesReceived(now: clock.now)
        session.blockBytesReceived(byteCount, now: clock.now)
    }

    /// A whole `piece` message at one moment.
    mutating func deliver(_ block: BlockAddress) -> (verdict: BlockVerdict, actions: [SessionAction]) {
        let span = BlockSpan(block, in: torrent.geometry)
        var (verdict, actions) = begin(span)
        payload(Int(span.byteCount))
        actions += end(wasDropped: verdict == .drop)
        return (verdict, actions)
    }

    /// The last byte of a `piece` message has come.
    mutating func end(wasDropped: Bool = false) -> [SessionAction] {
        perform { session, _, now, actions in
            session.blockEnded(wasDropped: wasDropped, now: now, into: &actions)
        }
    }

    mutating func pass(_ duration: Duration) -> [SessionAction] {
        clock.advance(by: duration)
        return perform { session, _, now, actions in session.timerFired(now: now, into: &actions) }
    }

    mutating func end(_ end: StreamEnd) -> [SessionAction] {
        perform { session, _, _, actions in session.streamEnded(end, into: &actions) }
    }

    mutating func perform(
        _ event: (inout PeerSession, TorrentView, MonotonicInstant, inout [SessionAction]) -> Void
    ) -> [SessionAction] {
        var actions: [SessionAction] = []
        event(&session, torrent, clock.now, &actions)
        return actions
    }

    func span(_ block: BlockAddress) -> BlockSpan { BlockSpan(block, in: torrent.geometry) }
}

extension BlockAddress {
    /// Block `block` of piece `piece`.
    static func at(_ piece: Int, _ block: Int) -> BlockAddress { BlockAddress(piece: PieceIndex(piece), block: block) }
}

extension [SessionAction] {
    var closeReason: CloseReason? {
        if case .close(let reason) = last { reason } else { nil }
    }

    func contains(send message: PeerMessage) -> Bool { contains(.send(message)) }

    /// Blocks given back, in order.
    var returned: [BlockAddress] {
        compactMap { if case .returnBlock(let block, _) = $0 { block } else { nil } }
    }
}
