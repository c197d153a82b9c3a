import BitTorrent
import PoolProtocol

/// One torrent as this worker sees it: what its peers are told, what is granted, who has what. A class, since every
/// connection of the torrent points at the same one; it belongs to the connections' loop.
final class PeerTorrent {
    let ordinal: UInt16
    let identity: SessionIdentity
    let view: TorrentView
    var book: GrantBook
    var tally: SourceTally
    var demand = Demand()
    var totals = TransferTotals()
    var reports = ReportSchedule()
    /// The last list of grants that was told had entries.
    var hasToldGrants = false
    /// Where the bytes of our pieces are.
    let files: FileMap
    let exchangesPeers: Bool
    /// Whom peers are told of.
    var members = SwarmMembers()

    /// Blocks that were requested and may be requested now, over all peers that take requests.
    var windowBlockCount = 0
    /// Those of them for which there was no grant that the peer could serve.
    var idleBlockCount = 0
    /// Payload bytes per second of all peers, and of the fastest one; a tick old.
    var bytesPerSecond = 0.0
    var fastestRate = 0.0
    /// Peers that could be asked for more than they were.
    var hungry: Set<UInt32> = []
    /// Blocks have become free to be asked for since the hungry peers were last looked at.
    var hasNewBlocks = false
    var nextSweep = MonotonicInstant.distantPast

    /// - Parameters:
    ///   - state: our pieces, then those still needed, each as BEP 3's bitfield.
    ///   - files: of the same torrent.
    /// - Returns: nil when the state does not fit the geometry.
    init?(_ setup: PeerTorrentSetup, state: [UInt8], files: FileMap, client: String) {
        let pieceCount = setup.geometry.pieceCount
        let byteCount = WireLimits.bitfieldByteCount(pieceCount: pieceCount)
        guard state.count == 2 * byteCount,
            let ours = PieceSet(wireBytes: state.prefix(byteCount), pieceCount: pieceCount),
            let needed = PieceSet(wireBytes: state.suffix(byteCount), pieceCount: pieceCount)
        else { return nil }
        self.files = files
        ordinal = setup.torrent
        identity = SessionIdentity(
            peerID: setup.ourID, client: client, listenPort: setup.listenPort == 0 ? nil : setup.listenPort)
        exchangesPeers = setup.exchangesPeers && !setup.isPrivate
        view = TorrentView(
            infoHash: setup.infoHash, geometry: setup.geometry, ours: ours, needed: needed,
            extensions: exchangesPeers ? [PeerExchangeMessage.name: PeerExchangeMessage.ourID] : [:])
        book = GrantBook(geometry: setup.geometry)
        tally = SourceTally(pieceCount: pieceCount)
    }

    /// Whether a peer of this rate is slow among the torrent's peers. One that has sent nothing yet is, once others have.
    func isSlow(bytesPerSecond: Double) -> Bool { bytesPerSecond * Self.slowFactor < fastestRate }

    /// A peer this many times slower than the fastest does not share a piece with it (a guess: it would hold the piece
    /// up for as many blocks as the fast one has requested).
    private static let slowFactor = 8.0

    /// What `Demand` is to know.
    var supply: Demand.Supply {
        let blockByteCount = Int(TorrentGeometry.blockByteCount)
        return Demand.Supply(
            windowByteCount: windowBlockCount * blockByteCount, bytesPerSecond: bytesPerSecond,
            heldByteCount: book.outstandingCount * blockByteCount,
            unassignedByteCount: book.unassignedCount * blockByteCount,
            idleByteCount: idleBlockCount * blockByteCount)
    }
}
