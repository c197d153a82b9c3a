import BitTorrent
import PoolProtocol

/// Owns who is to blame for a bad piece. A single contributor is guilty at once. Of several, the guilty one is found when
/// the piece comes right: whoever sent a block whose SHA-1 differed then (libtorrent's smart_ban does the same).
struct SmartBan {
    private struct Evidence {
        var block: UInt32
        var contributor: Contributor
        var digest: Digest
    }

    /// Failed pieces whose evidence is kept; the oldest go first, so that a flood of lies costs no memory.
    static let maximumPieceCount = 64

    /// Blocks of failed attempts, until the piece comes right.
    private var suspects: [PieceIndex: [Evidence]] = [:]
    private var order: [PieceIndex] = []
    /// Digests of the attempt that has no verdict yet.
    private var current: [PieceIndex: (assignment: AssignmentID, digests: [Evidence])] = [:]

    mutating func digestsReceived(_ piece: PieceIndex, _ assignment: AssignmentID, _ digests: [BlockDigest]) {
        if current[piece]?.assignment != assignment { current[piece] = (assignment, []) }
        current[piece]!.digests += digests.map {
            Evidence(block: $0.block, contributor: $0.contributor, digest: $0.digest)
        }
    }

    /// - Returns: who is guilty beyond doubt.
    mutating func failed(_ piece: PieceIndex, _ assignment: AssignmentID) -> [Contributor] {
        guard let attempt = current.removeValue(forKey: piece), attempt.assignment == assignment else { return [] }
        let contributors = Set(attempt.digests.map(\.contributor))
        if contributors.count == 1, let only = contributors.first { return only == .disk ? [] : [only] }
        if suspects[piece] == nil { order.append(piece) }
        suspects[piece, default: []] += attempt.digests.filter { $0.contributor != .disk }
        if order.count > Self.maximumPieceCount { suspects[order.removeFirst()] = nil }
        return []
    }

    /// Pieces that failed and have not come right since, oldest first: the sooner they are tried again, the sooner the
    /// liar is found.
    var suspiciousPieces: [PieceIndex] { order }

    /// Whether the next attempt's digests are needed even if it succeeds.
    func isSuspicious(_ piece: PieceIndex) -> Bool { suspects[piece] != nil }

    /// The worker spoiled what its peers sent: what is held against them proves nothing.
    mutating func workerWasLiar(_ worker: UInt16) {
        for piece in order { suspects[piece]?.removeAll { $0.contributor.worker == worker } }
    }

    /// - Returns: those whose block differed from the one that proved right.
    mutating func verified(_ piece: PieceIndex) -> [Contributor] {
        let attempt = current.removeValue(forKey: piece)
        guard let evidence = suspects.removeValue(forKey: piece) else { return [] }
        order.removeAll { $0 == piece }
        let right = Dictionary(
            (attempt?.digests ?? []).map { ($0.block, $0.digest) }, uniquingKeysWith: { first, _ in first })
        var guilty: [Contributor] = []
        for entry in evidence {
            guard let digest = right[entry.block], digest != entry.digest else { continue }
            if !guilty.contains(entry.contributor) { guilty.append(entry.contributor) }
        }
        return guilty
    }
}
