package import BitTorrent

/// What a journal is about: it says nothing of another torrent, nor of the same bytes cut into other pieces.
package struct JournalSubject: Hashable, Sendable {
    package var infoHash: InfoHash
    package var geometry: TorrentGeometry
    /// Entries of the torrent's list of files, pads included. The number `fileCount` itself names the parts file.
    package var fileCount: Int

    package init(infoHash: InfoHash, geometry: TorrentGeometry, fileCount: Int) {
        self.infoHash = infoHash
        self.geometry = geometry
        self.fileCount = fileCount
    }

    /// The number under which the hidden parts file is recorded.
    package var partsFile: UInt32 { UInt32(fileCount) }
}

extension FileTable {
    package var journalSubject: JournalSubject {
        JournalSubject(infoHash: infoHash, geometry: geometry, fileCount: files.count)
    }
}
