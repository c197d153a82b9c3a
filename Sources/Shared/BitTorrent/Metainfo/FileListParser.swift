/// The list `info.files` of BEP 3 with the attributes of BEP 47, to files with safe, distinct paths.
struct FileListParser {
    /// Keeps a hostile torrent from making 64 MiB of names into twice that; 100,000 files may have 335 bytes each.
    static let maximumPathByteCount = 32 << 20

    private let folder: SafePath
    private var files: [TorrentFile] = []
    /// Ascending by index.
    private var repaired: [PathClashes.RepairedPath] = []
    private var totalByteCount: UInt64 = 0
    private var pathByteCount = 0

    /// - Parameter folder: the torrent's name, in which all files lie.
    static func files(
        _ list: BencodeView, folder: SafePath, log: inout WarningLog
    ) throws(MetainfoError) -> [TorrentFile] {
        guard let elements = list.elements else {
            throw .wrongKind(field: "info.files", expected: .list, found: list.kind)
        }
        var parser = FileListParser(folder: folder)
        // One walk to count: growing by doubling would briefly need the list twice.
        parser.files.reserveCapacity(elements.reduce(0) { count, _ in count + 1 })
        for element in elements { try parser.append(element, log: &log) }
        try PathClashes.resolve(&parser.files, repaired: parser.repaired, log: &log)
        return parser.files
    }

    private init(folder: SafePath) { self.folder = folder }

    private mutating func append(_ entry: BencodeView, log: inout WarningLog) throws(MetainfoError) {
        let index = files.count
        guard let entries = entry.entries else {
            throw .wrongKind(field: "info.files[\(index)]", expected: .dictionary, found: entry.kind)
        }
        var length: BencodeView?
        var path: BencodeView?
        var readablePath: BencodeView?
        var attributes: ArraySlice<UInt8> = []
        for (key, value) in entries {
            if key.elementsEqual("length".utf8) { length = value }
            if key.elementsEqual("path".utf8) { path = value }
            if key.elementsEqual("path.utf-8".utf8) { readablePath = value }
            if key.elementsEqual("attr".utf8) { attributes = value.string ?? [] }
        }
        let isLink = attributes.contains(UInt8(ascii: "l"))
        let byteCount = try byteCount(length, isLink: isLink)
        if attributes.contains(UInt8(ascii: "p")) {
            // BEP 47 does not require a path there, and many pad files share one.
            files.append(TorrentFile(path: Self.paddingPath, length: byteCount, role: .padding))
            return
        }
        guard let names = readablePath ?? path else { throw .missing(field: "info.files[\(index)].path") }
        let safePath = try safePath(names, log: &log)
        if isLink { log.add(.linkIgnored(field: "info.files[\(index)]")) }
        // A link that claims bytes is none; its bytes are downloaded as any file's.
        files.append(TorrentFile(path: safePath, length: byteCount, role: isLink && byteCount == 0 ? .link : .payload))
    }

    private static let paddingPath = SafePath(checked: ".pad")

    /// BEP 47 lets links leave their length out.
    private mutating func byteCount(_ length: BencodeView?, isLink: Bool) throws(MetainfoError) -> UInt64 {
        guard let length else {
            if isLink { return 0 }
            throw .missing(field: "info.files[\(files.count)].length")
        }
        let byteCount = try MetainfoField.byteCount(length, "info.files[\(files.count)].length")
        totalByteCount += byteCount
        guard totalByteCount <= InfoFields.maximumByteCount else {
            throw .totalTooLarge(limit: InfoFields.maximumByteCount)
        }
        return byteCount
    }

    private mutating func safePath(_ list: BencodeView, log: inout WarningLog) throws(MetainfoError) -> SafePath {
        let index = files.count
        guard let elements = list.elements else {
            throw .wrongKind(field: "info.files[\(index)].path", expected: .list, found: list.kind)
        }
        var builder = SafePathBuilder(below: folder)
        for element in elements {
            let name = try MetainfoField.string(element, "info.files[\(index)].path")
            do throws(SafePath.Refusal) { try builder.append(name) } catch { throw unsafe(error) }
        }
        let path: SafePath
        do throws(SafePath.Refusal) { path = try builder.finished() } catch { throw unsafe(error) }
        pathByteCount += path.relative.utf8.count
        guard pathByteCount <= Self.maximumPathByteCount else {
            throw .pathsTooLong(limit: Self.maximumPathByteCount)
        }
        if builder.isRepaired {
            repaired.append(PathClashes.RepairedPath(fileIndex: index, fingerprint: builder.rawFingerprint))
            log.add(.nameRepaired(field: "info.files[\(index)].path", path))
        }
        return path
    }

    private func unsafe(_ refusal: SafePath.Refusal) -> MetainfoError {
        .unsafePath(field: "info.files[\(files.count)].path", refusal)
    }
}
