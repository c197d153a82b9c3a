import BitTorrent
import PoolProtocol

/// What the disk thread is to do.
// Sendable although descriptors are classes: they are immutable, and closing them with the last owner is thread-safe.
struct DiskJob: @unchecked Sendable {
    enum Purpose {
        /// Hash the whole piece and compare.
        case recheck(torrent: UInt16, piece: PieceIndex, digest: Digest)
        /// Read these blocks of the piece.
        case restore(AssignmentID, blocks: Range<UInt32>)
    }
    let purpose: Purpose
    /// The whole piece.
    let spans: [OpenSpan]
}

/// What came of a job.
enum DiskAnswer: Sendable {
    case rechecked(torrent: UInt16, RecheckVerdict)
    /// The bytes of the blocks, or nil when they cannot be read.
    case restored(AssignmentID, blocks: Range<UInt32>, bytes: [UInt8]?)
}
