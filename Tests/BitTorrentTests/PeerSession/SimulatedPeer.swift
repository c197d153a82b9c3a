import BitTorrent
import TestSupport

/// A seeder at the end of a line with a delay and a rate, played against one session on a fake clock. It answers in
/// order, forgets what exceeds its queue, and may lose requests.
struct SimulatedPeer {
    /// One way.
    var delay: Duration = .milliseconds(50)
    var bytesPerSecond = 10_000_000.0
    /// Requests that it queues; more are forgotten in silence.
    var queueLimit = 2000
    /// Of the requests, lost in silence.
    var lossShare = 0.0

    private(set) var talk: SessionConversation
    /// The most requests that were outstanding at one time.
    private(set) var mostAwaited = 0
    /// Blocks that came, and blocks that came again.
    private(set) var received: Set<BlockAddress> = []
    private(set) var duplicates = 0

    private var random: SeededGenerator
    /// What the peer will send and when its last byte leaves.
    private var line: [(block: BlockAddress, arrival: MonotonicInstant)] = []
    private var lineFreeAt: MonotonicInstant
    private var missing: [BlockAddress]
    /// What a silent peer was last asked for to learn whether it is back; it may have come before.
    private var probed: BlockAddress?

    init(geometry: TorrentGeometry, seed: UInt64, reqq: Int? = nil) {
        talk = .unchoked(geometry: geometry)
        if let reqq { _ = talk.hear(.extended(id: 0, payload: Array("d4:reqqi\(reqq)ee".utf8))) }
        random = SeededGenerator(seed: seed)
        lineFreeAt = talk.clock.now
        missing = (0..<geometry.pieceCount).reversed().flatMap { piece in
            (0..<geometry.blockCount(of: PieceIndex(piece))).reversed().map { BlockAddress.at(piece, $0) }
        }
    }

    var isComplete: Bool { missing.isEmpty && talk.session.awaitedCount == 0 }

    /// Lets the time pass; the owner requests all that it may, whenever it may.
    mutating func run(for duration: Duration) {
        let end = talk.clock.now + duration
        while talk.clock.now < end, !isComplete {
            fill()
            let next = min(talk.session.nextDeadline, line.first?.arrival ?? .distantFuture, end)
            give(back: talk.pass(max(.zero, next - talk.clock.now)))
            while let first = line.first, first.arrival <= talk.clock.now {
                line.removeFirst()
                deliver(first.block)
            }
        }
    }

    private mutating func deliver(_ block: BlockAddress) {
        if block == probed, received.contains(block) {
            _ = talk.deliver(block)
            return
        }
        switch talk.deliver(block).verdict {
        case .take: if !received.insert(block).inserted { duplicates += 1 }
        case .takeLate:
            if !received.insert(block).inserted { duplicates += 1 }
            missing.removeAll { $0 == block }
        case .drop: duplicates += 1
        }
    }

    private mutating func give(back actions: [SessionAction]) {
        missing.append(contentsOf: actions.returned.filter { !received.contains($0) })
    }

    private mutating func fill() {
        if case .send(.request(let span)) = talk.probe().first,
            let block = talk.torrent.geometry.block(index: span.index, begin: span.begin, length: span.byteCount)
        {
            probed = block
            queue(block)
        }
        while let block = missing.last {
            let sent = talk.request(block)
            if sent.isEmpty { break }
            missing.removeLast()
            mostAwaited = max(mostAwaited, talk.session.awaitedCount)
            queue(block)
        }
    }

    /// The peer has got a request, unless it is lost.
    private mutating func queue(_ block: BlockAddress) {
        if Double.random(in: 0..<1, using: &random) < lossShare || line.count >= queueLimit { return }
        let byteCount = talk.torrent.geometry.length(of: block)
        let start = max(lineFreeAt, talk.clock.now + delay)
        lineFreeAt = start + .nanoseconds(Int64(Double(byteCount) / bytesPerSecond * 1e9))
        line.append((block, lineFreeAt + delay))
    }
}
