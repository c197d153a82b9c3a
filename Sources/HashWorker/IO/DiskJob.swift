import BitTorrent
import PoolProtocol

/// What the disk thread is to do.
// Sendable although descriptors are classes: they are immutable, and closing them with the last owner is thread-safe.
struct DiskJob: @unchecked Sendable {
    enum Purpose {
        /// Hash the whole piece.
        case hash(PieceToHash)
        /// Read these blocks of the piece.
        case restore(AssignmentID, blocks: Range<UInt32>)
    }
    let purpose: Purpose
    /// The whole piece.
    let spans: [OpenSpan]
}

/// A piece on disk that somebody asks about.
enum PieceToHash: Hashable, Sendable {
    /// Is it what the torrent says?
    case recheck(torrent: UInt16, PieceIndex, expected: Digest)
    /// What is its digest? The torrent is just being made.
    case create(PieceIndex)

    func answer(_ outcome: HashedPiece.Outcome) -> DiskAnswer {
        switch self {
        case .create(let piece): .hashed(HashedPiece(piece: piece, outcome: outcome))
        case .recheck(let torrent, let piece, let expected):
            .rechecked(torrent: torrent, Self.verdict(on: piece, expected, outcome))
        }
    }

    private static func verdict(
        on piece: PieceIndex, _ expected: Digest, _ outcome: HashedPiece.Outcome
    ) -> RecheckVerdict {
        switch outcome {
        case .digest(let digest): RecheckVerdict(piece: piece, outcome: digest == expected ? .right : .wrong)
        case .short: RecheckVerdict(piece: piece, outcome: .short)
        case .unreadable(let errno): RecheckVerdict(piece: piece, outcome: .unreadable, errno: errno)
        }
    }
}

/// What came of a job.
enum DiskAnswer: Sendable {
    case rechecked(torrent: UInt16, RecheckVerdict)
    case hashed(HashedPiece)
    /// The bytes of the blocks, or nil when they cannot be read.
    case restored(AssignmentID, blocks: Range<UInt32>, bytes: [UInt8]?)
}
