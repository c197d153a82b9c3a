/// Owns which pieces a peer says it has (BEP 3, BEP 6), and holds it to the order in which it may say so.
struct PeerPieces {
    private(set) var set: PieceSet
    /// The peer has said something about what it has; a bitfield is too late from then on.
    private var hasSpoken = false

    /// A peer that says nothing has nothing.
    init(in torrent: TorrentView) { set = torrent.nothing }

    mutating func bitfieldReceived(_ bits: [UInt8], in torrent: TorrentView) throws(PeerWireError) {
        try speakFirst(.bitfield)
        let pieceCount = torrent.geometry.pieceCount
        guard bits.count == WireLimits.bitfieldByteCount(pieceCount: pieceCount) else {
            throw .bitfieldLengthWrong(byteCount: bits.count)
        }
        guard let received = PieceSet(wireBytes: bits, pieceCount: pieceCount) else { throw .bitfieldSpareBitsSet }
        set = received.isFull ? torrent.everything : received
    }

    mutating func haveAllReceived(in torrent: TorrentView) throws(PeerWireError) {
        try speakFirst(.haveAll)
        set = torrent.everything
    }

    mutating func haveNoneReceived() throws(PeerWireError) { try speakFirst(.haveNone) }

    /// - Returns: the piece, if it is new.
    mutating func haveReceived(_ index: UInt32, in torrent: TorrentView) throws(PeerWireError) -> PieceIndex? {
        guard let piece = torrent.geometry.piece(index) else { throw .pieceOutOfRange(.have, index: index) }
        hasSpoken = true
        guard set.insert(piece) else { return nil }
        if set.isFull { set = torrent.everything }
        return piece
    }

    private mutating func speakFirst(_ identifier: PeerMessage.Identifier) throws(PeerWireError) {
        guard !hasSpoken else { throw .availabilityRepeated(identifier) }
        hasSpoken = true
    }
}
