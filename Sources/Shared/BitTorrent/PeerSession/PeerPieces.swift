/// Owns which pieces a peer says it has (BEP 3, BEP 6), and holds it to the order in which it may say so.
struct PeerPieces {
    private(set) var set: PieceSet
    /// The peer has said something about what it has.
    private var hasSpoken = false

    /// A peer that says nothing has nothing.
    init(in torrent: TorrentView) { set = torrent.nothing }

    /// BEP 3 has bitfields as first message only, but aria2 sends one in place of many HAVEs (decision 0009). What it
    /// lacks that the peer has named before is still there.
    /// - Returns: what is new if this is not the first word about the peer's pieces, else nil: all of it is.
    mutating func bitfieldReceived(_ bits: [UInt8], in torrent: TorrentView) throws(PeerWireError) -> PieceSet? {
        let pieceCount = torrent.geometry.pieceCount
        guard bits.count == WireLimits.bitfieldByteCount(pieceCount: pieceCount) else {
            throw .bitfieldLengthWrong(byteCount: bits.count)
        }
        guard let received = PieceSet(wireBytes: bits, pieceCount: pieceCount) else { throw .bitfieldSpareBitsSet }
        guard hasSpoken else {
            hasSpoken = true
            set = received.isFull ? torrent.everything : received
            return nil
        }
        var gained = received
        gained.subtract(set)
        set.formUnion(gained)
        if set.isFull { set = torrent.everything }
        return gained
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
