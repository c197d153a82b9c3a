import BitTorrent
import PoolProtocol

@testable import Writer

/// Small torrents for the writer's tests.
enum WriterFixture {
    static let infoHash = InfoHash(Digest(1...20))

    /// A file table from lengths; unselected files get a slot of the parts file for every byte of theirs.
    static func table(
        _ files: [(kind: FileTable.Entry.Kind, byteCount: UInt64)], pieceByteCount: UInt32
    ) -> FileTable {
        var entries: [FileTable.Entry] = []
        var runs: [FileTable.PartsRun] = []
        var offset: UInt64 = 0, partsOffset: UInt64 = 0
        for (index, file) in files.enumerated() {
            let path = file.kind == .pad ? "" : index % 2 == 0 ? "file\(index)" : "folder/deep\(index)/file\(index)"
            entries.append(FileTable.Entry(kind: file.kind, path: path, offset: offset, byteCount: file.byteCount))
            if file.kind == .unselected && file.byteCount > 0 {
                // A gap between the runs shows that offsets are not just counted up.
                runs.append(
                    FileTable.PartsRun(offset: offset, byteCount: file.byteCount, partsOffset: partsOffset + 7))
                partsOffset += file.byteCount + 7
            }
            offset += file.byteCount
        }
        return FileTable(
            infoHash: infoHash, geometry: TorrentGeometry(totalByteCount: offset, pieceByteCount: pieceByteCount),
            files: entries, partsPath: runs.isEmpty ? "" : ".parts", partsRuns: runs)
    }

    /// One file of ten pieces of 100,000 bytes: two frames, seven blocks each.
    static var oneFile: FileTable { table([(.wanted, 1_000_000)], pieceByteCount: 100_000) }

    static func hashWorker(_ ordinal: Int = 0, generation: UInt32 = 1) -> Incarnation {
        Incarnation(Place(.hashWorker, ordinal), generation: generation)
    }

    static func batch(
        _ assignment: AssignmentID, piece: Int, byteCount: UInt32 = 100_000, firstFrame: UInt32 = 0,
        frames: [UInt32] = [0, 1]
    ) -> FrameBatch {
        FrameBatch(
            assignment: assignment, torrent: 7, piece: PieceIndex(piece), byteCount: byteCount,
            firstFrame: firstFrame, frames: frames)
    }

    static func failure(_ stage: DiskFailure.Stage, errno: Int32 = 28, call: String = "pwritev") -> DiskFailure {
        DiskFailure(torrent: 7, stage: stage, call: call, errno: errno, path: "file0")
    }
}
