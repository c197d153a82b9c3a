/// The `info` dictionary of BEP 3, field by field: everything here is needed, so what is wrong is refused by name.
struct InfoFields {
    /// A guess, well below all real torrents: shorter pieces cost more in hashes and messages than they carry.
    static let minimumPieceByteCount: Int64 = 256
    /// 256 TiB; far above every real torrent, far below where sums of lengths could overflow.
    static let maximumByteCount: Int64 = 1 << 48

    private static let keys = [
        "file tree", "files", "length", "meta version", "name", "name.utf-8", "piece length", "pieces", "private",
    ]

    let rawBytes: ArraySlice<UInt8>
    let name: SafePath
    let isMultiFile: Bool
    let isPrivate: Bool
    let isHybrid: Bool
    let layout: FileLayout
    let pieceHashes: ArraySlice<UInt8>

    init(_ info: BencodeView, log: inout WarningLog) throws(MetainfoError) {
        guard info.kind == .dictionary else {
            throw .wrongKind(field: "info", expected: .dictionary, found: info.kind)
        }
        rawBytes = info.rawBytes
        let info = info.values(of: Self.keys)
        let hasVersionTwo = info["meta version"]?.integer == 2 || info["file tree"] != nil
        if hasVersionTwo && info["pieces"] == nil { throw .versionTwoOnly }
        isHybrid = hasVersionTwo

        let pieceByteCount = try Self.pieceByteCount(info)
        name = try Self.name(info, log: &log)
        let files: [TorrentFile]
        if let list = info["files"] {
            guard info["length"] == nil else { throw .bothLengthAndFiles }
            isMultiFile = true
            files = try FileListParser.files(list, folder: name, log: &log)
        } else {
            guard let length = info["length"] else { throw .missing(field: "info.length") }
            isMultiFile = false
            files = [TorrentFile(path: name, length: try MetainfoField.byteCount(length, "info.length"))]
        }
        let total = files.reduce(0) { $0 + $1.length }
        guard total > 0 else { throw .noData }
        pieceHashes = try Self.pieceHashes(info, needed: (total - 1) / UInt64(pieceByteCount) + 1)
        layout = FileLayout(files: files, pieceByteCount: pieceByteCount)

        isPrivate = info["private"]?.integer == 1
        if let flag = info["private"], flag.kind != .integer { log.add(.fieldIgnored("info.private")) }
    }

    private static func pieceByteCount(_ info: [String: BencodeView]) throws(MetainfoError) -> UInt32 {
        guard let value = info["piece length"] else { throw .missing(field: "info.piece length") }
        let allowed = minimumPieceByteCount...Int64(TorrentGeometry.maximumPieceByteCount)
        return UInt32(try MetainfoField.integer(value, "info.piece length", allowed: allowed))
    }

    private static func name(_ info: [String: BencodeView], log: inout WarningLog) throws(MetainfoError) -> SafePath {
        // Creators for languages beyond ASCII put the readable name there and another encoding into `name`.
        let field = info["name.utf-8"]?.string?.isEmpty == false ? "name.utf-8" : "name"
        guard let value = info[field] else { throw .missing(field: "info.name") }
        let bytes = try MetainfoField.string(value, "info.\(field)")
        do throws(SafePath.Refusal) {
            let (path, isRepaired) = try SafePathBuilder.path(name: bytes)
            if isRepaired { log.add(.nameRepaired(field: "info.\(field)", path)) }
            return path
        } catch {
            throw .unsafePath(field: "info.\(field)", error)
        }
    }

    private static func pieceHashes(
        _ info: [String: BencodeView], needed: UInt64
    ) throws(MetainfoError) -> ArraySlice<UInt8> {
        guard let value = info["pieces"] else { throw .missing(field: "info.pieces") }
        let hashes = try MetainfoField.string(value, "info.pieces")
        guard hashes.count.isMultiple(of: Digest.byteCount) else {
            throw .piecesHoldNoWholeHashes(byteCount: hashes.count)
        }
        let holds = hashes.count / Digest.byteCount
        guard needed == UInt64(holds) else { throw .wrongHashCount(holds: holds, needed: needed) }
        guard holds <= TorrentGeometry.maximumPieceCount else {
            throw .tooManyPieces(count: needed, limit: TorrentGeometry.maximumPieceCount)
        }
        return hashes
    }
}

/// Reads a value of the kind that a field needs, or says which field is wrong.
enum MetainfoField {
    static func string(
        _ value: BencodeView, _ field: @autoclosure () -> String
    ) throws(MetainfoError) -> ArraySlice<UInt8> {
        guard let string = value.string else {
            throw .wrongKind(field: field(), expected: .string, found: value.kind)
        }
        return string
    }

    static func integer(
        _ value: BencodeView, _ field: @autoclosure () -> String, allowed: ClosedRange<Int64>
    ) throws(MetainfoError) -> Int64 {
        guard let number = value.integer else {
            throw .wrongKind(field: field(), expected: .integer, found: value.kind)
        }
        guard allowed.contains(number) else { throw .outOfRange(field: field(), value: number, allowed: allowed) }
        return number
    }

    /// A length of a file.
    static func byteCount(_ value: BencodeView, _ field: @autoclosure () -> String) throws(MetainfoError) -> UInt64 {
        UInt64(try integer(value, field(), allowed: 0...InfoFields.maximumByteCount))
    }
}
