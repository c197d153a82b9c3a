import BitTorrent
import PoolProtocol

/// The resume journal, which anybody with the user's rights may change: as bytes, and as a script of bodies around which
/// sound checksums are put, since no random change gets past those.
enum JournalTarget: FuzzTarget {
    static let name = "journal"

    /// Ten pieces of three blocks in three files.
    private static let subject = JournalSubject(
        infoHash: InfoHash(Digest(1...20)), geometry: TorrentGeometry(totalByteCount: 399_999, pieceByteCount: 40_000),
        fileCount: 3)

    private static let records: [JournalRecord] = [
        .wantedFiles([true, false, true]),
        .filesKnown([FileIdentity(file: 0, inode: 77), FileIdentity(file: 3, inode: 79)]),
        .piecesSynced([PieceIndex(1), PieceIndex(4)]), .beat, .uploaded(1 << 40),
        .partial(PieceIndex(5), BlockSet(blockCount: 3, [0..<1, 2..<3])), .piecesLost([PieceIndex(4)]),
        .syncedMap(PieceSet.full(pieceCount: 10)),
        .cleanStop([FileFact(file: 0, byteCount: 120_000, modified: 1_700_000_000_123_456_789, inode: 77)]),
    ]

    private static let header: [UInt8] = {
        var writer = JournalWriter()
        writer.appendHeader(subject)
        return writer.bytes
    }()

    static var seeds: [[UInt8]] {
        let bodies = records.map { Array(JournalWriter.encode([$0]).dropFirst(8)) }
        let whole = [0] + header + JournalWriter.encode(records)
        return [whole, Array(whole.dropLast(5)), [1] + bodies.flatMap { Script.run($0) }]
            + bodies.map { [1] + Script.run($0) + Script.run(bodies[2]) }
    }

    static func run(_ input: [UInt8]) throws {
        var script = Script(input)
        guard !input.isEmpty else { return }
        var journal = Array(input.dropFirst())
        if script.byte() != 0 {
            journal = header
            while !script.isAtEnd { journal += record(script.run()) }
        }
        guard let reading = try? JournalReader.read(journal, subject: subject) else { return }
        try promise(reading.validByteCount <= journal.count, "more is valid than there is")
        try promise((reading.damage == nil) == (reading.validByteCount == journal.count), "damage that is not told")
        let valid = try JournalReader.read(Array(journal.prefix(reading.validByteCount)), subject: subject)
        try promise(valid.state == reading.state && valid.damage == nil, "the valid part reads otherwise alone")
        try check(reading.state)
        let again = try JournalReader.read(JournalWriter.compacted(reading.state), subject: subject)
        try promise(again.damage == nil, "the compacted journal is damaged")
        try promise(again.state == reading.state, "the compacted journal says something else")
    }

    private static func check(_ state: JournalState) throws {
        var both = state.synced
        both.formIntersection(state.lost)
        try promise(both.isEmpty, "a piece is claimed and lost")
        for (piece, blocks) in state.partials {
            try promise(!state.synced.contains(piece) && !state.lost.contains(piece), "a partial piece is more")
            try promise(blocks.blockCount == subject.geometry.blockCount(of: piece), "blocks that the piece has not")
        }
        try promise(state.inodes.keys.allSatisfy { $0 <= subject.partsFile }, "a file that is not there")
        try promise(state.wantedFiles.map { $0.count == subject.fileCount } ?? true, "wanted files")
    }

    private static func record(_ body: [UInt8]) -> [UInt8] {
        var head = FrameWriter()
        head.put(UInt32(body.count))
        let checksum = CRC32C.of(head.bytes + body)
        head.put(checksum)
        return head.bytes + body
    }
}
