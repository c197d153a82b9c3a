import BitTorrent
import PoolProtocol

/// Owns how many usable peers of this worker have each piece of one torrent, and which numbers the supervisor has not
/// heard yet. Complete peers are only counted as such. Who is usable, the caller decides.
struct SourceTally {
    /// Changes are gathered for so long (docs/architecture.md, "Availability"); the first after a quiet time is told at
    /// once, since grants wait for it.
    static let interval: Duration = .milliseconds(100)
    /// Counts of pieces told in a second, in the long run: 1 MiB. All counts of the largest torrent, two million, are told
    /// every twelve seconds at most. A guess: at four times that, the supervisor of eight workers with a thousand peers fell
    /// behind on a busy machine of two cores; without any limit, `Flood` would take it for one.
    static let countsPerSecond = (1 << 20) / SourceCount.byteCount

    /// Usable peers by piece, complete ones not counted.
    private var counts: [UInt16]
    /// Pieces whose count was told otherwise.
    private var changed: PieceSet
    private var seedCount: UInt16 = 0
    private var toldSeedCount: UInt16 = 0
    private var lastReport = MonotonicInstant.distantPast
    private var nextCounts = MonotonicInstant.distantPast

    init(pieceCount: Int) {
        counts = Array(repeating: 0, count: pieceCount)
        changed = PieceSet(pieceCount: pieceCount)
    }

    /// A peer with these pieces became usable.
    mutating func added(_ pieces: PieceSet) {
        if pieces.isFull { seedCount += 1 } else { change(pieces, by: 1) }
    }

    /// It is not usable any more, or is gone.
    mutating func removed(_ pieces: PieceSet) {
        if pieces.isFull { seedCount -= 1 } else { change(pieces, by: -1) }
    }

    /// A usable peer got a piece.
    /// - Parameter pieces: what it has now.
    mutating func gained(_ piece: PieceIndex, pieces: PieceSet) {
        change(piece, by: 1)
        guard pieces.isFull else { return }
        change(pieces, by: -1)
        seedCount += 1
    }

    private mutating func change(_ pieces: PieceSet, by step: Int) {
        pieces.forEach { change($0, by: step) }
    }

    private mutating func change(_ piece: PieceIndex, by step: Int) {
        counts[piece.value] = UInt16(Int(counts[piece.value]) + step)
        changed.insert(piece)
    }

    /// Appends what the supervisor should hear now, in absolute numbers.
    mutating func report(torrent: UInt16, now: MonotonicInstant, into news: inout [PeerWorkerToSupervisor]) {
        let tellsCounts = !changed.isEmpty && now >= nextCounts
        guard tellsCounts || seedCount != toldSeedCount, now - lastReport >= Self.interval else { return }
        lastReport = now
        if seedCount != toldSeedCount {
            news.append(.seedCount(torrent: torrent, seedCount))
            toldSeedCount = seedCount
        }
        guard tellsCounts else { return }
        var list: [SourceCount] = []
        changed.forEach { list.append(SourceCount(piece: $0, count: counts[$0.value])) }
        for part in list.parts(ofAtMost: Topology.maximumListCount) {
            news.append(.sourceCounts(torrent: torrent, part))
        }
        nextCounts = now + .nanoseconds(list.count * 1_000_000_000 / Self.countsPerSecond)
        changed = PieceSet(pieceCount: counts.count)
    }
}
