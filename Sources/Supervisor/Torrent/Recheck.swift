import BitTorrent
import PoolProtocol

/// Owns which pieces on disk are still to be looked at, and by whom. Every hash-worker keeps a bounded number in hand;
/// what a dead one held is handed out again. Opens no file.
struct Recheck {
    struct Progress: Equatable {
        var checkedByteCount: UInt64 = 0
        var totalByteCount: UInt64 = 0
        var rightPieceCount = 0
        var wrongPieceCount = 0
    }

    /// Pieces in one hash-worker's hands: enough for full lanes three times over, few enough to spread evenly.
    private static let mostInHand = 48
    /// Files that those pieces may keep open together.
    private static let mostFilesInHand = 2000

    /// What became of asking a hash-worker about a piece.
    enum Handover {
        case asked
        /// A file of the piece cannot be opened.
        case unreadable
        /// The hash-worker takes no more now.
        case refused
    }

    /// Pieces that may turn out unreadable in one go: a torrent of which nothing is there must delay no signal (a guess;
    /// failing to open so many files takes some 10 ms).
    static let mostUnreadableAtOnce = 4096

    /// Fewer where a piece touches many files.
    private let piecesInHand: Int

    private let geometry: TorrentGeometry
    private var waiting: [PieceIndex]
    private var inHand: [Int: Set<PieceIndex>] = [:]
    private(set) var progress = Progress()

    /// - Parameter fileCount: of the whole torrent.
    init(geometry: TorrentGeometry, pieces: [PieceIndex], fileCount: Int) {
        self.geometry = geometry
        let filesAPiece = fileCount / geometry.pieceCount + 1
        piecesInHand = max(4, min(Self.mostInHand, Self.mostFilesInHand / filesAPiece))
        // Taken from the end: the files are read from their beginning.
        waiting = pieces.sorted().reversed()
        progress.totalByteCount = pieces.reduce(0) { $0 + UInt64(geometry.length(of: $1)) }
    }

    var isFinished: Bool { waiting.isEmpty && inHand.values.allSatisfy(\.isEmpty) }

    /// Hands the hash-worker its share. A piece that cannot be read counts as wrong and another takes its place: no verdict
    /// would come that asks for one.
    /// - Returns: whether the share is not complete and it should go on soon.
    mutating func handOut(to worker: Int, _ ask: (PieceIndex) -> Handover) -> Bool {
        let wrongBefore = progress.wrongPieceCount
        while progress.wrongPieceCount - wrongBefore < Self.mostUnreadableAtOnce {
            let pieces = next(for: worker)
            if pieces.isEmpty { return false }
            for (index, piece) in pieces.enumerated() {
                switch ask(piece) {
                case .asked: break
                case .unreadable: _ = verdict(on: piece, isRight: false, from: worker)
                case .refused:
                    inHand[worker]?.subtract(pieces[index...])
                    waiting += pieces[index...].reversed()
                    return false
                }
            }
        }
        return true
    }

    /// The pieces that the hash-worker should be asked about now.
    mutating func next(for worker: Int) -> [PieceIndex] {
        let room = piecesInHand - inHand[worker, default: []].count
        // A refill of one piece would leave the lanes empty.
        guard room >= piecesInHand / 3 || inHand[worker, default: []].isEmpty else { return [] }
        var pieces: [PieceIndex] = []
        while pieces.count < room, let piece = waiting.popLast() { pieces.append(piece) }
        inHand[worker, default: []].formUnion(pieces)
        return pieces
    }

    /// - Returns: false for a verdict that nobody waits for.
    mutating func verdict(on piece: PieceIndex, isRight: Bool, from worker: Int) -> Bool {
        guard inHand[worker]?.remove(piece) != nil else { return false }
        progress.checkedByteCount += UInt64(geometry.length(of: piece))
        if isRight { progress.rightPieceCount += 1 } else { progress.wrongPieceCount += 1 }
        return true
    }

    mutating func workerLost(_ worker: Int) {
        waiting += (inHand.removeValue(forKey: worker) ?? []).sorted().reversed()
    }
}
