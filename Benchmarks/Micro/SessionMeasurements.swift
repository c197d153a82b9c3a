import BitTorrent
import TestSupport

extension Measurement {
    /// What is decided for every block that a peer sends.
    static let session: [Measurement] = [
        Measurement(name: "session-blocks", unit: "64 blocks that come and 64 requests for others", repetitions: 200) {
            var peer = FastPeer()
            return { _ in peer.exchange(blockCount: 64) }
        }
    ]
}

/// A session with a peer that has everything and answers in order, with as many requests outstanding as it takes.
private struct FastPeer {
    /// So that no piece is asked for twice: 65,536 pieces of 1 MiB.
    static let geometry = TorrentGeometry(totalByteCount: 1 << 36, pieceByteCount: 1 << 20)
    private static let infoHash = InfoHash(Digest([UInt8](repeating: 7, count: 20)))

    var clock = FakeClock()
    let torrent: TorrentView
    var session: PeerSession
    var actions: [SessionAction] = []
    var asked = 0
    var answered = 0

    init() {
        let pieceCount = Self.geometry.pieceCount
        torrent = TorrentView(
            infoHash: Self.infoHash, geometry: Self.geometry, ours: PieceSet(pieceCount: pieceCount),
            needed: .full(pieceCount: pieceCount))
        session = PeerSession(
            role: .outgoing(Self.infoHash),
            identity: SessionIdentity(peerID: PeerID((0..<20).map { UInt8($0) }), client: "Micro", listenPort: nil),
            remote: PeerAddress(v4: 0x7F00_0001, port: 5000), now: clock.now)
        session.connected(now: clock.now, into: &actions)
        session.handshakeReceived(
            Handshake(extensions: .ours, infoHash: Self.infoHash, peerID: PeerID((1..<21).map { UInt8($0) })), into: &actions)
        session.torrentIdentified(in: torrent, now: clock.now, into: &actions)
        session.messageReceived(.haveAll, in: torrent, now: clock.now, into: &actions)
        session.messageReceived(.unchoke, in: torrent, now: clock.now, into: &actions)
        ask()
    }

    private func block(_ number: Int) -> BlockAddress {
        BlockAddress(piece: PieceIndex(number >> 6), block: number & 63)
    }

    private mutating func ask() {
        while session.requestCapacity(now: clock.now) > 0 {
            session.request(block(asked), in: torrent, now: clock.now, into: &actions)
            asked += 1
        }
    }

    mutating func exchange(blockCount: Int) {
        clock.advance(by: .milliseconds(1))
        session.bytesReceived(now: clock.now)
        for _ in 0..<blockCount {
            let span = BlockSpan(block(answered), in: Self.geometry)
            guard case .take = session.blockBegan(span, in: torrent, now: clock.now, into: &actions) else {
                fatalError("it was asked for")
            }
            session.blockBytesReceived(Int(span.byteCount), now: clock.now)
            session.blockEnded(wasDropped: false, now: clock.now, into: &actions)
            answered += 1
            ask()
        }
        actions.removeAll(keepingCapacity: true)
    }
}
