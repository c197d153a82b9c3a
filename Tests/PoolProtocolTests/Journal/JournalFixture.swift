import BitTorrent
@testable import PoolProtocol

/// A torrent of ten pieces of 40,000 bytes (three blocks each) in three files, and a journal that uses every record.
enum JournalFixture {
    static let subject = JournalSubject(
        infoHash: InfoHash(Digest(1...20)), geometry: TorrentGeometry(totalByteCount: 399_999, pieceByteCount: 40_000),
        fileCount: 3)

    static let blocks = BlockSet(blockCount: 3, [0..<1, 2..<3])

    static let records: [JournalRecord] = [
        .wantedFiles([true, false, true]),
        .filesKnown([FileIdentity(file: 0, inode: 77), FileIdentity(file: 3, inode: 79)]),
        .piecesSynced([PieceIndex(1), PieceIndex(4)]),
        .beat,
        .uploaded(1 << 40),
        .partial(PieceIndex(5), blocks),
        .piecesLost([PieceIndex(4)]),
        .piecesSynced([PieceIndex(9)]),
        .cleanStop([FileFact(file: 0, byteCount: 120_000, modified: 1_700_000_000_123_456_789, inode: 77)]),
    ]

    static func journal(_ records: [JournalRecord] = records) -> [UInt8] {
        var writer = JournalWriter()
        writer.appendHeader(subject)
        for record in records { writer.append(record) }
        return writer.bytes
    }

    /// Offsets at which a record ends, the header's end first.
    static var ends: [Int] { (0...records.count).map { journal(Array(records.prefix($0))).count } }

    static func state(after count: Int) -> JournalState {
        var state = JournalState(subject: subject)
        for record in records.prefix(count) { state.apply(record) }
        return state
    }
}
