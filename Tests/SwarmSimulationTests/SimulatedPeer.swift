import BitTorrent
import TestSupport

/// Where a peer's bytes go.
protocol PeerWire: AnyObject {
    func send(_ bytes: [UInt8])
    func hangUp()
}

/// A peer of the swarm, good or bad, somewhere behind a line with a delay.
final class SimulatedPeer {
    enum Kind: CaseIterable {
        /// Has everything and gives it.
        case seed
        /// The same, at a trickle.
        case slow
        /// Has some pieces and gets others in time.
        case partial
        /// Chokes for seconds, again and again.
        case choking
        /// Sends wrong bytes now and then.
        case lying
        /// Unchokes, and never answers a request.
        case silent
        /// Hangs up after some seconds.
        case flaky
        /// Is not there every other time.
        case refusing
    }

    let kind: Kind
    let address: PeerAddress
    let latency: Duration
    /// A test may take some away, or change the rate, before the swarm runs.
    var pieces: PieceSet
    var bytesPerSecond: Int
    private let id: PeerID
    /// BEP 6.
    private let knowsFast: Bool
    private unowned let swarm: Swarm

    init(_ kind: Kind, number: Int, _ swarm: Swarm) {
        self.kind = kind
        self.swarm = swarm
        address = PeerAddress(v4: 0x0A00_0001 + UInt32(number) << 8, port: 6881)
        id = PeerID(Array("-SIM000-".utf8) + repeatElement(UInt8(number), count: 12))
        latency = .microseconds(Int.random(in: 100...60_000, using: &swarm.dice))
        bytesPerSecond =
            kind == .slow
            ? Int.random(in: 6000...30_000, using: &swarm.dice)
            : Int.random(in: 30_000...600_000, using: &swarm.dice)
        knowsFast = swarm.dice.oneIn(2)
        pieces = .full(pieceCount: swarm.metainfo.geometry.pieceCount)
        if kind == .partial {
            for piece in 0..<pieces.pieceCount where swarm.dice.oneIn(2) { pieces.remove(PieceIndex(piece)) }
        }
    }

    func accepts() -> Bool { kind != .refusing || swarm.dice.oneIn(2) }
    func talk(over wire: any PeerWire) -> PeerTalk { PeerTalk(self, wire) }

    fileprivate var greeting: [UInt8] {
        var bytes: [UInt8] = []
        Handshake(extensions: knowsFast ? [.fast] : [], infoHash: swarm.metainfo.infoHash, peerID: id)
            .encode(into: &bytes)
        let has: PeerMessage = knowsFast && pieces.isFull ? .haveAll : .bitfield(pieces.wireBytes)
        PeerMessageEncoder.append(has, to: &bytes)
        return bytes
    }

    fileprivate func wait(_ milliseconds: ClosedRange<Int>, _ body: @escaping () -> Void) {
        swarm.queue.plan(after: .milliseconds(Int.random(in: milliseconds, using: &swarm.dice)), body)
    }

    fileprivate func gainPiece() -> PieceIndex? {
        let missing = (0..<pieces.pieceCount).map { PieceIndex($0) }.filter { !pieces.contains($0) }
        guard let piece = missing.randomElement(using: &swarm.dice) else { return nil }
        pieces.insert(piece)
        return piece
    }

    fileprivate func serviceTime(of span: BlockSpan, _ body: @escaping () -> Void) {
        swarm.queue.plan(after: .microseconds(Int(span.byteCount) * 1_000_000 / bytesPerSecond), body)
    }

    /// The `piece` message; nil for bytes that do not exist.
    fileprivate func answer(_ span: BlockSpan) -> [UInt8]? {
        let geometry = swarm.metainfo.geometry
        guard let block = geometry.block(index: span.index, begin: span.begin, length: span.byteCount) else {
            swarm.complain("a request for bytes that do not exist: \(span)")
            return nil
        }
        var bytes: [UInt8] = []
        PeerMessageEncoder.appendPieceHeader(span, to: &bytes)
        let start = Int(geometry.offset(of: block.piece)) + Int(span.begin)
        bytes += swarm.payload[start..<start + Int(span.byteCount)]
        if kind == .lying, swarm.dice.oneIn(3) { bytes[bytes.count - 1] ^= 1 }
        return bytes
    }

    fileprivate func rejects(_ span: BlockSpan) -> PeerMessage? { knowsFast ? .rejectRequest(span) : nil }
}

/// One connection, as the peer sees it.
final class PeerTalk {
    private let peer: SimulatedPeer
    private weak var wire: (any PeerWire)?
    private var isChoking = true
    private var requests: [BlockSpan] = []
    private var isServing = false

    init(_ peer: SimulatedPeer, _ wire: any PeerWire) {
        self.peer = peer
        self.wire = wire
    }

    func ended() { wire = nil }

    private func send(_ message: PeerMessage?) {
        guard let message else { return }
        var bytes: [UInt8] = []
        PeerMessageEncoder.append(message, to: &bytes)
        wire?.send(bytes)
    }

    func handshakeReceived() {
        wire?.send(peer.greeting)
        switch peer.kind {
        case .flaky: peer.wait(300...6000) { [self] in wire?.hangUp() }
        case .partial: gainPieces()
        case .seed, .slow, .choking, .lying, .silent, .refusing: break
        }
    }

    private func gainPieces() {
        peer.wait(500...3000) { [weak self] in
            guard let self, wire != nil, let piece = peer.gainPiece() else { return }
            send(.have(piece.rawValue))
            gainPieces()
        }
    }

    func received(_ message: PeerMessage) {
        switch message {
        case .interested: if isChoking { peer.wait(1...60) { [weak self] in self?.unchoke() } }
        case .request(let span):
            if isChoking { return send(peer.rejects(span)) }
            requests.append(span)
            serve()
        case .cancel(let span):
            guard let index = requests.firstIndex(of: span) else { return }
            requests.remove(at: index)
            send(peer.rejects(span))
        case .keepAlive, .choke, .unchoke, .notInterested, .have, .bitfield, .port, .suggestPiece, .haveAll, .haveNone,
            .rejectRequest, .allowedFast, .extended, .unknown:
            break
        }
    }

    private func unchoke() {
        guard isChoking, wire != nil else { return }
        isChoking = false
        send(.unchoke)
        if peer.kind == .choking { peer.wait(500...4000) { [weak self] in self?.choke() } }
    }

    private func choke() {
        guard wire != nil else { return }
        isChoking = true
        send(.choke)
        let dropped = requests
        requests = []
        for span in dropped { send(peer.rejects(span)) }
        peer.wait(500...15_000) { [weak self] in self?.unchoke() }
    }

    private func serve() {
        guard !isServing, let span = requests.first, peer.kind != .silent else { return }
        isServing = true
        peer.serviceTime(of: span) { [weak self] in
            guard let self else { return }
            isServing = false
            if requests.first == span {
                requests.removeFirst()
                if let bytes = peer.answer(span) { wire?.send(bytes) }
            }
            serve()
        }
    }
}
