package import BitTorrent

/// What a line of a log is about, in the names that all processes, `ps` and the control socket share: a thing has one
/// name, always written alike and in this order, so that one search finds all that happened to it.
///
/// `t0 piece:42 block:7 peer:3 as:26`. Who speaks is in front of the line: `p0.1`, an `Incarnation`.
package struct Tags: Hashable, CustomStringConvertible, Sendable {
    package var torrent: UInt16?
    package var piece: PieceIndex?
    package var block: UInt32?
    package var peer: PeerName?
    /// One attempt at a piece.
    package var assignment: AssignmentID?

    package init(
        torrent: UInt16? = nil, piece: PieceIndex? = nil, block: UInt32? = nil, peer: PeerName? = nil,
        assignment: AssignmentID? = nil
    ) {
        self.torrent = torrent
        self.piece = piece
        self.block = block
        self.peer = peer
        self.assignment = assignment
    }

    package var description: String {
        var words: [String] = []
        if let torrent { words.append("t\(torrent)") }
        if let piece { words.append("piece:\(piece.value)") }
        if let block { words.append("block:\(block)") }
        if let peer { words.append("peer:\(peer)") }
        if let assignment { words.append("as:\(assignment)") }
        return words.joined(separator: " ")
    }
}
