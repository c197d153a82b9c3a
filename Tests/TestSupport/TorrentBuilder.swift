package import BitTorrent

/// Makes the bytes of .torrent files for tests, and the payload that belongs to them: sound ones by default, and any
/// hostile one by changing keys afterwards.
package struct TorrentBuilder: Sendable {
    package struct File: Sendable {
        /// Names below the torrent's; bytes, since a hostile torrent's are no text.
        package var path: [[UInt8]]
        package var bytes: [UInt8]
        /// BEP 47, e.g. `p` for a pad file.
        package var attributes: String?

        package init(_ path: String..., bytes: [UInt8], attributes: String? = nil) {
            self.init(path: path.map { Array($0.utf8) }, bytes: bytes, attributes: attributes)
        }

        package init(path: [[UInt8]], bytes: [UInt8], attributes: String? = nil) {
            self.path = path
            self.bytes = bytes
            self.attributes = attributes
        }

        /// A pad file as BEP 47 recommends it.
        package static func padding(_ byteCount: Int) -> File {
            File(".pad", String(byteCount), bytes: [UInt8](repeating: 0, count: byteCount), attributes: "p")
        }
    }

    package enum Content: Sendable {
        case single([UInt8])
        case multiple([File])
    }

    package var name: String
    package var pieceByteCount: Int
    package var content: Content
    /// `announce-list`, and `announce` with the first of it.
    package var trackerTiers: [[String]] = []
    package var isPrivate = false
    /// Done to the finished `info` before it is encoded.
    package var changeInfo: @Sendable (inout BencodeValue) -> Void = { _ in }
    /// Done to the finished outer dictionary before it is encoded.
    package var changeOuter: @Sendable (inout BencodeValue) -> Void = { _ in }
    package var keyOrder: BencodeEncoder.KeyOrder = .sorted

    package init(name: String = "sample", pieceByteCount: Int = 16384, _ content: Content) {
        self.name = name
        self.pieceByteCount = pieceByteCount
        self.content = content
    }

    package static func single(
        name: String = "sample.bin", byteCount: Int, pieceByteCount: Int = 16384
    ) -> TorrentBuilder {
        TorrentBuilder(name: name, pieceByteCount: pieceByteCount, .single(pattern(byteCount: byteCount)))
    }

    /// Files of these lengths, called `file0`, `file1`, …; every two have different bytes.
    package static func multiple(
        name: String = "sample", byteCounts: [Int], pieceByteCount: Int = 16384
    ) -> TorrentBuilder {
        let files = byteCounts.enumerated().map { index, byteCount in
            File("file\(index)", bytes: pattern(byteCount: byteCount, seed: UInt64(index) + 1))
        }
        return TorrentBuilder(name: name, pieceByteCount: pieceByteCount, .multiple(files))
    }

    /// All bytes of the torrent in its order, pad files included.
    package var payload: [UInt8] {
        switch content {
        case .single(let bytes): bytes
        case .multiple(let files): files.flatMap(\.bytes)
        }
    }

    /// The .torrent file.
    package var bytes: [UInt8] {
        var outer: BencodeValue = ["info": info]
        if let first = trackerTiers.first?.first { outer["announce"] = .text(first) }
        if !trackerTiers.isEmpty { outer["announce-list"] = .list(trackerTiers.map { .list($0.map { .text($0) }) }) }
        changeOuter(&outer)
        return BencodeEncoder(keyOrder: keyOrder).encode(outer)
    }

    package func metainfo() throws(MetainfoError) -> Metainfo { try MetainfoParser.parse(bytes) }

    /// SHA-1 of `info` as `bytes` holds it.
    package var infoHash: InfoHash {
        InfoHash(SHA1.hash(of: BencodeEncoder(keyOrder: keyOrder).encode(info)))
    }

    /// The `info` dictionary after its changes.
    package var info: BencodeValue {
        var info: BencodeValue = ["name": .text(name), "piece length": .integer(Int64(pieceByteCount))]
        switch content {
        case .single(let bytes): info["length"] = .integer(Int64(bytes.count))
        case .multiple(let files): info["files"] = .list(files.map(Self.entry))
        }
        info["pieces"] = .string(pieceHashes)
        if isPrivate { info["private"] = 1 }
        changeInfo(&info)
        return info
    }

    private static func entry(_ file: File) -> BencodeValue {
        var entry: BencodeValue = [
            "length": .integer(Int64(file.bytes.count)), "path": .list(file.path.map { .string($0) }),
        ]
        if let attributes = file.attributes { entry["attr"] = .text(attributes) }
        return entry
    }

    /// SHA-1 of every piece, one behind the other.
    private var pieceHashes: [UInt8] {
        let payload = payload
        return stride(from: 0, to: payload.count, by: pieceByteCount).flatMap { start in
            SHA1.hash(of: Array(payload[start..<min(start + pieceByteCount, payload.count)])).bytes
        }
    }

    /// Bytes without a period that a piece or block length could share, the same for the same seed.
    package static func pattern(byteCount: Int, seed: UInt64 = 0) -> [UInt8] {
        var state = seed &+ 0x9E37_79B9_7F4A_7C15
        return (0..<byteCount).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }
}
