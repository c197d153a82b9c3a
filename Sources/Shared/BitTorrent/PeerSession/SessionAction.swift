/// What a session asks its owner to do, in this order.
package enum SessionAction: Equatable, Sendable {
    case sendHandshake(Handshake)
    case send(PeerMessage)
    /// Is this torrent ours? Answer with `torrentIdentified` (and tell the decoder the piece count) or `torrentUnknown`
    /// before the next byte of this peer is decoded.
    case identifyTorrent(InfoHash)
    /// Both handshakes are done and the peer is who it says; nobody but the owner can see that it is connected twice.
    case reportOpened(PeerID)
    /// The peer has one more piece.
    case addSource(PieceIndex)
    /// The peer has every piece of `PeerSession.pieces`, of which none was reported before.
    case addSources
    /// Requests have become possible: see `requestCapacity` and `canRequest`. Later capacity comes with each answered block.
    case assignBlocks
    /// The request is given up; the block may be requested elsewhere.
    case returnBlock(BlockAddress, because: ReturnReason)
    /// The peer has begun or ceased to want something of us: see `isPeerInterested`.
    case reportInterest
    /// The peer has asked for something, and had not before: see `nextRequest`.
    case serveRequests
    /// The peer's extension handshake came, or changed: see `PeerSession.peerExtensions`.
    case recordExtensions
    /// A message of an extension that we announced, under our own id for it.
    case deliverExtended(id: UInt8, payload: [UInt8])
    /// Flush what was sent, then close. Always the last action of a session.
    case close(CloseReason)
}

/// Why a requested block is not awaited any longer.
package enum ReturnReason: Hashable, Sendable {
    /// The peer choked us and knows no fast extension: it has forgotten our requests (BEP 3).
    case choked
    /// The peer said no (BEP 6).
    case rejected
    /// The block's deadline passed. It may still come, and is then `.takeLate`.
    case late
    /// The connection is closing.
    case closed
}

package enum CloseReason: Hashable, Sendable {
    case peerBroke(PeerWireError)
    case peerClosed(StreamEnd)
    /// The connection broke (reset, unreachable); what had come until then.
    case connectionLost(StreamEnd)
    /// No complete handshake within `SilenceLimit.handshakeDeadline`.
    case handshakeTimedOut
    /// Not a byte within `SilenceLimit.openDeadline`.
    case silent
    /// The peer is this very client.
    case selfConnection
    /// An incoming peer wants a torrent that is not ours.
    case torrentUnknown
    /// The owner wants the place for something else.
    case ownerClosed
}

/// What to do with the block that begins.
package enum BlockVerdict: Hashable, Sendable {
    /// It answers a request.
    case take(BlockAddress)
    /// It answers a request that was already given back: take it only if the block is still wanted.
    case takeLate(BlockAddress)
    /// Nobody wants it; its bytes are to be skipped.
    case drop
}
