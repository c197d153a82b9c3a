import BitTorrent

/// Turns records into the journal's bytes. A journal is a header and then records, each: length of its body u32 ·
/// CRC-32C of length and body u32 · body, which is a kind u8 and its fields. All integers are little-endian.
package struct JournalWriter {
    /// "SKJ" and the version of the layout.
    static let magic: [UInt8] = Array("SKJ".utf8) + [1]
    /// magic 4 · info-hash 20 · total length u64 · piece length u32 · number of files u32 · CRC-32C of all that u32.
    package static let headerByteCount = 44
    static let recordHeadByteCount = 8

    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// The bytes of one append.
    package static func encode(_ records: [JournalRecord]) -> [UInt8] {
        var writer = JournalWriter()
        for record in records { writer.append(record) }
        return writer.bytes
    }

    /// A whole journal that says what `state` says and nothing more.
    package static func compacted(_ state: JournalState) -> [UInt8] {
        var writer = JournalWriter()
        writer.appendHeader(state.subject)
        for record in state.records { writer.append(record) }
        return writer.bytes
    }

    package mutating func appendHeader(_ subject: JournalSubject) {
        var header = FrameWriter()
        header.put(raw: Self.magic)
        subject.infoHash.digest.encode(into: &header)
        header.put(subject.geometry.totalByteCount)
        header.put(subject.geometry.pieceByteCount)
        header.put(UInt32(subject.fileCount))
        header.put(JournalChecksum.of(header.bytes))
        bytes += header.bytes
    }

    package mutating func append(_ record: JournalRecord) {
        var body = FrameWriter()
        body.put(record.kind.rawValue)
        switch record {
        case .piecesSynced(let pieces), .piecesLost(let pieces):
            for piece in pieces { piece.encode(into: &body) }
        case .syncedMap(let pieces): body.put(raw: pieces.wireBytes)
        case .partial(let piece, let blocks):
            piece.encode(into: &body)
            body.put(raw: blocks.bits)
        case .beat: break
        case .cleanStop(let facts):
            for fact in facts {
                body.put(fact.file)
                body.put(fact.byteCount)
                body.put(fact.modified)
                body.put(fact.inode)
            }
        case .filesKnown(let identities):
            for identity in identities {
                body.put(identity.file)
                body.put(identity.inode)
            }
        case .wantedFiles(let flags):
            for start in stride(from: 0, to: flags.count, by: 8) {
                var byte: UInt8 = 0
                for index in start..<min(start + 8, flags.count) where flags[index] { byte |= 1 << (index - start) }
                body.put(byte)
            }
        case .uploaded(let byteCount): body.put(byteCount)
        }
        var head = FrameWriter()
        head.put(UInt32(body.byteCount))
        let checksum = head.bytes.withUnsafeBytes { length in
            body.bytes.withUnsafeBytes { JournalChecksum.of(length, $0) }
        }
        head.put(checksum)
        bytes += head.bytes
        bytes += body.bytes
    }
}
