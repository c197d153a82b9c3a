/// Owns what a peer may want of us: its interest, our choke, its requests. We choke everybody, so every request is
/// refused; the choke is what a rotation of unchokes would change.
struct UploadSide {
    /// Requests in a row that a choked peer may send before it is flooding (libtorrent's `max_rejects`).
    static let refusedRequestLimit = 50

    /// BEP 3: connections start choked and not interested.
    let isChokingPeer = true
    private(set) var isPeerInterested = false
    private var refusedRequests = 0

    mutating func interestedReceived() { isPeerInterested = true }
    mutating func notInterestedReceived() { isPeerInterested = false }

    /// Any range of bytes inside a piece may be requested, aligned or not (BEP 3), up to a block.
    mutating func requestReceived(
        _ span: BlockSpan, in torrent: TorrentView, isFast: Bool, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        try Self.check(span, .request, in: torrent.geometry)
        refusedRequests += 1
        guard refusedRequests <= Self.refusedRequestLimit else { throw .requestFlood }
        if isFast { actions.append(.send(.rejectRequest(span))) }
    }

    /// What is cancelled was refused already; BEP 6 wants one answer, not two.
    func cancelReceived(_ span: BlockSpan, in torrent: TorrentView) throws(PeerWireError) {
        try Self.check(span, .cancel, in: torrent.geometry)
    }

    private static func check(
        _ span: BlockSpan, _ identifier: PeerMessage.Identifier, in geometry: TorrentGeometry
    ) throws(PeerWireError) {
        guard let piece = geometry.piece(span.index) else { throw .pieceOutOfRange(identifier, index: span.index) }
        guard span.isInside(pieceByteCount: geometry.length(of: piece)) else { throw .spanOutOfRange(identifier, span) }
    }
}
