/// What a session must know of its torrent. The owner keeps one per torrent and lends it for the length of a call, so
/// that 500 sessions do not hold 500 copies. A class, since it is lent several times for every block, and a value would be
/// copied each time, and all arrays in it counted up and down.
package final class TorrentView {
    package let infoHash: InfoHash
    package let geometry: TorrentGeometry
    /// Pieces that we have verified and written: what we tell peers.
    package var ours: PieceSet
    /// Pieces that we would still request from somebody.
    package var needed: PieceSet
    /// Our extended message ids by name (BEP 10, `m`) for peers of this torrent; ids are > 0 and distinct.
    package let extensions: [String: UInt8]
    /// Shared by the sessions of all peers that have everything.
    let everything: PieceSet
    /// Shared by the sessions of all peers that have nothing yet.
    let nothing: PieceSet

    package init(
        infoHash: InfoHash, geometry: TorrentGeometry, ours: PieceSet, needed: PieceSet,
        extensions: [String: UInt8] = [:]
    ) {
        precondition(ours.pieceCount == geometry.pieceCount && needed.pieceCount == geometry.pieceCount)
        self.infoHash = infoHash
        self.geometry = geometry
        self.ours = ours
        self.needed = needed
        self.extensions = extensions
        everything = .full(pieceCount: geometry.pieceCount)
        nothing = PieceSet(pieceCount: geometry.pieceCount)
    }
}

/// How this client names itself to peers; the same in all its sessions.
package struct SessionIdentity: Sendable {
    package let peerID: PeerID
    /// Sent as `v` (BEP 10).
    package let client: String
    /// Where we accept connections; sent as `p` (BEP 10).
    package let listenPort: UInt16?
    /// Requests of a peer that we queue; sent as `reqq` (BEP 10).
    package static let requestQueue = 500

    package init(peerID: PeerID, client: String, listenPort: UInt16?) {
        self.peerID = peerID
        self.client = client
        self.listenPort = listenPort
    }
}
