import BitTorrent
import PoolProtocol

@testable import Supervisor

/// Three files of 40, 24 and 36 bytes in pieces of 16: `a` has pieces 0-2, `b` 2-3, `c` 4-6.
enum ResumeFixture {
    static let infoHash = InfoHash(Digest(1...20))

    static func layout(_ lengths: [UInt64] = [40, 24, 36], pieceByteCount: UInt32 = 16) throws -> FileLayout {
        var files: [TorrentFile] = []
        for (index, length) in lengths.enumerated() {
            let name = Array("file\(index)".utf8)
            files.append(TorrentFile(path: try SafePathBuilder.path(name: name[...]).path, length: length))
        }
        return FileLayout(files: files, pieceByteCount: pieceByteCount)
    }

    static func selected(_ indices: [Int]? = nil, layout: FileLayout? = nil) throws -> SelectedFiles {
        let layout = try layout ?? self.layout()
        let count = layout.files.count
        return SelectedFiles(
            layout: layout,
            selection: indices.map { FileSelection(indices: $0, fileCount: count) } ?? .all(fileCount: count))
    }

    static func subject(_ selected: SelectedFiles) -> JournalSubject {
        JournalSubject(
            infoHash: infoHash, geometry: selected.layout.geometry, fileCount: selected.layout.files.count)
    }

    /// A file as the last run left it: complete, of inode 100 + its number, changed at 1,000 s.
    static func fact(_ file: UInt32, byteCount: UInt64) -> FileFact {
        FileFact(file: file, byteCount: byteCount, modified: 1_000_000_000_000, inode: 100 + UInt64(file))
    }

    /// Everything is there, claimed, and the journal was changed when the files were.
    static func evidence(_ selected: SelectedFiles, clean: Bool = true) -> ResumeRecord.Evidence {
        var journal = JournalState(subject: subject(selected))
        var files: [UInt32: FileFact] = [:]
        for (index, file) in selected.layout.files.enumerated() where selected.isCreated(index) {
            files[UInt32(index)] = fact(UInt32(index), byteCount: file.length)
        }
        let parts = UInt32(selected.layout.files.count)
        if !selected.selection.isEverything { files[parts] = fact(parts, byteCount: 1000) }
        journal.apply(.wantedFiles(selected.layout.files.indices.map { selected.selection.contains($0) }))
        journal.apply(.filesKnown(files.values.map { FileIdentity(file: $0.file, inode: $0.inode) }))
        journal.apply(.syncedMap(selected.wantedPieces))
        if clean { journal.apply(.cleanStop(Array(files.values))) }
        return ResumeRecord.Evidence(journal: journal, journalModified: 1_000_000_000_000, files: files)
    }

    static func numbers(_ pieces: PieceSet) -> [Int] {
        var numbers: [Int] = []
        pieces.forEach { numbers.append($0.value) }
        return numbers
    }
}
