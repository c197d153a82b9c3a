import BitTorrent
import PoolProtocol

/// Owns what a peer-worker may say at all. It talks to strangers and may have been taken over by one: what no sound one
/// says is a reason to replace it, and reaches none of the rooms where numbers are added up and looked up. Judges nothing
/// that a sound worker may be late with: what it says of pieces, grants and peers that are no more is true and harmless.
struct Plausibility {
    /// Why a message is refused.
    enum Nonsense: Equatable, CustomStringConvertible {
        case unknownTorrent(UInt16)
        case unknownPiece
        case impossibleBlocks
        /// More bytes than can have been moved since the worker began.
        case impossibleAmount
        /// A total of its own that has become less.
        case shrinkingTotal
        /// A name for a peer that came to it, which is not one that it may give or is in use.
        case impossibleName
        /// More peers that came to it than it may have.
        case tooManyPeers
        /// It speaks of memory or processes that it has nothing to do with.
        case notItsBusiness

        var description: String {
            switch self {
            case .unknownTorrent(let ordinal): "there is no torrent \(ordinal)"
            case .unknownPiece: "there is no such piece"
            case .impossibleBlocks: "no piece has such blocks"
            case .impossibleAmount: "nobody can have moved so much"
            case .shrinkingTotal: "a total became less"
            case .impossibleName: "no new peer can have this number"
            case .tooManyPeers: "it cannot have so many peers"
            case .notItsBusiness: "that is none of its business"
            }
        }
    }

    /// What has to be remembered of one process.
    private struct Record {
        let firstSpoke: MonotonicInstant
        /// By torrent.
        var totals: [UInt16: TransferReport] = [:]
        /// Peers that came to it, and have not left.
        var incoming: Set<UInt32> = []
    }

    /// Of the longest piece that a torrent may have.
    static let mostBlocks = UInt32(TorrentGeometry.blockCount(pieceByteCount: TorrentGeometry.maximumPieceByteCount))
    /// Bytes a second that no worker moves, as they pass through memory several times; the first second counts as begun.
    static let mostBytesPerSecond: UInt64 = 64 << 30

    private let pieceCounts: [Int]
    /// Connections of one worker, those included that it is about to refuse.
    private let mostPeers: Int
    private var records: [Incarnation: Record] = [:]

    /// - Parameters:
    ///   - pieceCounts: of all torrents of the run, by ordinal.
    ///   - peerCapacity: connections that one worker is told to have at most.
    init(pieceCounts: [Int], peerCapacity: Int) {
        self.pieceCounts = pieceCounts
        mostPeers = 2 * peerCapacity + 64
    }

    /// The process is no more.
    mutating func forget(_ worker: Incarnation) { records[worker] = nil }

    /// - Returns: nil when a sound worker may say so.
    mutating func nonsense(
        in message: PeerWorkerToSupervisor, from worker: Incarnation, now: MonotonicInstant
    ) -> Nonsense? {
        switch message {
        case .hello:
            if records[worker] == nil { records[worker] = Record(firstSpoke: now) }
            return nil
        case .joined, .ready, .descriptorReceived, .drained, .interestChanged: return nil
        case .wantFiles(let torrent, _), .peersHeard(let torrent, _, _), .grantsReported(let torrent, _):
            return unknown(torrent)
        case .peerIntroduced(let peer): return unknown(peer.torrent)
        case .replacementSeen(let seen):
            // Of hash-workers alone it is told, and only a writer reads from their memory.
            return seen.newcomer.place.role == .hashWorker && seen.stillReading.isEmpty ? nil : .notItsBusiness
        case .wantBlocks(let torrent, _), .seedCount(let torrent, _): return unknown(torrent)
        case .sourceCounts(let torrent, let counts):
            if let unknown = unknown(torrent) { return unknown }
            let pieceCount = pieceCounts[Int(torrent)]
            return counts.allSatisfy { $0.piece.value < pieceCount } ? nil : .unknownPiece
        case .grantReturned(_, let ranges, _):
            let arePossible = ranges.allSatisfy {
                $0.firstBlock < Self.mostBlocks && $0.blockCount <= Self.mostBlocks - $0.firstBlock
            }
            return arePossible ? nil : .impossibleBlocks
        case .peerConnected(let peer): return unknown(peer.torrent) ?? check(peer, of: worker)
        case .peerClosed(let peer):
            records[worker]?.incoming.remove(peer.peer)
            return peer.downloadedByteCount <= mostBytes(of: worker, now: now) ? nil : .impossibleAmount
        case .report(let torrent, let totals, let peers):
            return unknown(torrent) ?? check(totals, peers, of: worker, torrent: torrent, now: now)
        }
    }

    private func unknown(_ torrent: UInt16) -> Nonsense? {
        Int(torrent) < pieceCounts.count ? nil : .unknownTorrent(torrent)
    }

    private func mostBytes(of worker: Incarnation, now: MonotonicInstant) -> UInt64 {
        guard let record = records[worker] else { return 0 }
        // Two years, so that no product passes 64 bits.
        let seconds = min(max(0, (now - record.firstSpoke).wholeNanoseconds / 1_000_000_000), 1 << 26)
        return UInt64(seconds + 1) * Self.mostBytesPerSecond
    }

    private mutating func check(_ peer: PeerConnected, of worker: Incarnation) -> Nonsense? {
        guard (peer.peer >= PeerName.firstIncoming) == peer.isIncoming else { return .impossibleName }
        guard peer.isIncoming else { return nil }
        guard records[worker]?.incoming.insert(peer.peer).inserted == true else { return .impossibleName }
        return records[worker]!.incoming.count <= mostPeers ? nil : .tooManyPeers
    }

    private mutating func check(
        _ totals: TransferReport, _ peers: [PeerReport], of worker: Incarnation, torrent: UInt16, now: MonotonicInstant
    ) -> Nonsense? {
        let limit = mostBytes(of: worker, now: now)
        let fields: [KeyPath<TransferReport, UInt64>] = [
            \.downloadedByteCount, \.wastedByteCount, \.uploadedByteCount,
        ]
        guard fields.allSatisfy({ totals[keyPath: $0] <= limit }),
            peers.allSatisfy({ $0.downloadedByteCount <= limit })
        else { return .impossibleAmount }
        if let before = records[worker]?.totals[torrent] {
            guard fields.allSatisfy({ totals[keyPath: $0] >= before[keyPath: $0] }) else { return .shrinkingTotal }
        }
        records[worker]?.totals[torrent] = totals
        return nil
    }
}
