/// What a .torrent file says (BEP 3), checked: every length, count and path in here is safe to use.
package struct Metainfo: Sendable {
    package let infoHash: InfoHash
    /// The `info` dictionary exactly as it came: what the info-hash is made of, and what BEP 9 hands to peers.
    package let infoBytes: ArraySlice<UInt8>
    /// Name of the only file, or of the folder around all files.
    package let name: SafePath
    /// There is a folder: `info.files` was given, even with one entry.
    package let isMultiFile: Bool
    /// Peers come from the torrent's own trackers only (BEP 27).
    package let isPrivate: Bool
    /// Also has BitTorrent v2 metadata (BEP 52), which is not used.
    package let isHybrid: Bool
    package let layout: FileLayout
    /// 20 bytes for each piece; shares memory with `infoBytes`.
    private let pieceHashes: ArraySlice<UInt8>

    /// Tiers of trackers in their order (BEP 12); none when nothing usable was named.
    package let trackerTiers: [[TrackerURL]]
    /// BEP 19.
    package let webSeeds: [WebSeedURL]
    /// Written by strangers: escape before showing.
    package let comment: String?
    package let creator: String?
    /// Seconds since 1970, as the file claims.
    package let creationDate: Int64?
    package let warnings: [MetainfoWarning]

    init(infoHash: InfoHash, info: InfoFields, outer: OuterFields, warnings: [MetainfoWarning]) {
        self.infoHash = infoHash
        infoBytes = info.rawBytes
        name = info.name
        isMultiFile = info.isMultiFile
        isPrivate = info.isPrivate
        isHybrid = info.isHybrid
        layout = info.layout
        pieceHashes = info.pieceHashes
        trackerTiers = outer.trackerTiers
        webSeeds = outer.webSeeds
        comment = outer.comment
        creator = outer.creator
        creationDate = outer.creationDate
        self.warnings = warnings
    }

    package var geometry: TorrentGeometry { layout.geometry }
    package var files: [TorrentFile] { layout.files }

    /// The SHA-1 that the bytes of the piece must have.
    package func hash(of piece: PieceIndex) -> PieceHash {
        let start = pieceHashes.startIndex + piece.value * Digest.byteCount
        return PieceHash(Digest(pieceHashes[start..<start + Digest.byteCount]))
    }
}
