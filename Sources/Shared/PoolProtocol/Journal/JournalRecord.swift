package import BitTorrent

/// One entry of the resume journal.
package enum JournalRecord: Equatable, Sendable {
    /// On disk, synced: claimed from now on.
    case piecesSynced([PieceIndex])
    /// The same as one bit a piece; what compaction writes.
    case syncedMap(PieceSet)
    /// Blocks of an unfinished piece are in place and synced, and nobody has verified them.
    case partial(PieceIndex, BlockSet)
    /// The writer is alive: moves the journal's own modification time along with those of the files.
    case beat
    /// An orderly end: the facts of every file that exists, true as long as nobody touches the files. Counts only as
    /// the last record.
    case cleanStop([FileFact])
    /// A sync failed after these were written. They are not claimed, and reading them back proves nothing: the page
    /// cache may hold bytes that the disk never got. They have to be written again.
    case piecesLost([PieceIndex])
    /// The writer opened these files: bytes that it wrote are in these inodes.
    case filesKnown([FileIdentity])
    /// Which files have their bytes in a place of their own; those of the others are in the parts file.
    case wantedFiles([Bool])
    /// Payload bytes given to others in all runs; the last one counts.
    case uploaded(UInt64)

    enum Kind: UInt8 {
        case piecesSynced = 1
        case syncedMap
        case partial
        case beat
        case cleanStop
        case piecesLost
        case filesKnown
        case wantedFiles
        case uploaded
    }

    var kind: Kind {
        switch self {
        case .piecesSynced: .piecesSynced
        case .syncedMap: .syncedMap
        case .partial: .partial
        case .beat: .beat
        case .cleanStop: .cleanStop
        case .piecesLost: .piecesLost
        case .filesKnown: .filesKnown
        case .wantedFiles: .wantedFiles
        case .uploaded: .uploaded
        }
    }
}

/// What the file system said of a file, by which a change behind our back is seen.
package struct FileFact: Hashable, Sendable {
    /// Number in the torrent's list of files, or `JournalSubject.partsFile`.
    package var file: UInt32
    package var byteCount: UInt64
    /// Nanoseconds since 1970 of the last change of its content.
    package var modified: Int64
    package var inode: UInt64

    package init(file: UInt32, byteCount: UInt64, modified: Int64, inode: UInt64) {
        self.file = file
        self.byteCount = byteCount
        self.modified = modified
        self.inode = inode
    }
}

package struct FileIdentity: Hashable, Sendable {
    /// Number in the torrent's list of files, or `JournalSubject.partsFile`.
    package var file: UInt32
    package var inode: UInt64

    package init(file: UInt32, inode: UInt64) {
        self.file = file
        self.inode = inode
    }
}
