import BitTorrent

extension JournalRecord {
    /// Reads what `JournalWriter` wrote into a record's body.
    /// - Returns: nil when a field lies outside the torrent or bytes are missing or left over.
    init?(body: UnsafeRawBufferPointer, subject: JournalSubject) {
        guard let first = body.first, let kind = Kind(rawValue: first) else { return nil }
        let fields = UnsafeRawBufferPointer(rebasing: body.dropFirst())
        var reader = FrameReader(fields)
        switch kind {
        case .piecesSynced:
            guard let pieces = Self.pieces(fields, subject) else { return nil }
            self = .piecesSynced(pieces)
        case .piecesLost:
            guard let pieces = Self.pieces(fields, subject) else { return nil }
            self = .piecesLost(pieces)
        case .syncedMap:
            guard let set = PieceSet(wireBytes: fields, pieceCount: subject.geometry.pieceCount) else { return nil }
            self = .syncedMap(set)
        case .partial:
            guard let number = try? reader.get(UInt32.self), let piece = subject.geometry.piece(number),
                let blocks = BlockSet(
                    bits: fields.dropFirst(4), blockCount: subject.geometry.blockCount(of: piece))
            else { return nil }
            self = .partial(piece, blocks)
        case .beat:
            guard fields.isEmpty else { return nil }
            self = .beat
        case .cleanStop:
            guard let facts = Self.entries(28, fields, read: { Self.fact(&$0, subject) }) else { return nil }
            self = .cleanStop(facts)
        case .filesKnown:
            guard let identities = Self.entries(12, fields, read: { Self.identity(&$0, subject) }) else { return nil }
            self = .filesKnown(identities)
        case .wantedFiles:
            guard fields.count == (subject.fileCount + 7) / 8 else { return nil }
            self = .wantedFiles((0..<subject.fileCount).map { fields[$0 / 8] >> ($0 % 8) & 1 == 1 })
        case .uploaded:
            guard let byteCount = try? reader.get(UInt64.self), reader.isAtEnd else { return nil }
            self = .uploaded(byteCount)
        }
    }

    private static func entries<Entry>(
        _ byteCount: Int, _ fields: UnsafeRawBufferPointer, read: (inout FrameReader) -> Entry?
    ) -> [Entry]? {
        guard fields.count % byteCount == 0 else { return nil }
        var reader = FrameReader(fields)
        var entries: [Entry] = []
        entries.reserveCapacity(fields.count / byteCount)
        while !reader.isAtEnd {
            guard let entry = read(&reader) else { return nil }
            entries.append(entry)
        }
        return entries
    }

    private static func pieces(_ fields: UnsafeRawBufferPointer, _ subject: JournalSubject) -> [PieceIndex]? {
        entries(4, fields) { reader in (try? reader.get(UInt32.self)).flatMap { subject.geometry.piece($0) } }
    }

    private static func fact(_ reader: inout FrameReader, _ subject: JournalSubject) -> FileFact? {
        guard let file = try? reader.get(UInt32.self), file <= subject.partsFile,
            let byteCount = try? reader.get(UInt64.self), let modified = try? reader.get(Int64.self),
            let inode = try? reader.get(UInt64.self)
        else { return nil }
        return FileFact(file: file, byteCount: byteCount, modified: modified, inode: inode)
    }

    private static func identity(_ reader: inout FrameReader, _ subject: JournalSubject) -> FileIdentity? {
        guard let file = try? reader.get(UInt32.self), file <= subject.partsFile,
            let inode = try? reader.get(UInt64.self)
        else { return nil }
        return FileIdentity(file: file, inode: inode)
    }
}
