import BitTorrent

/// Owns whom one torrent lets request, over the peers of all workers (BEP 3, "choking algorithm"): as a leecher those
/// that give us most, as a seeder everybody in turn, those first that take most; and always one or a few untried ones.
/// Sends nothing itself.
struct Choker<Key: Hashable & Comparable & Sendable> {
    struct Change: Equatable {
        let peer: Key
        let isChoked: Bool
    }

    /// BEP 3: often enough to follow rates, seldom enough that TCP comes up to speed in between.
    static var interval: Duration { .seconds(10) }
    /// BEP 3: long enough that a peer can begin to reciprocate.
    static var optimisticInterval: Duration { .seconds(30) }
    /// BEP 3: a peer this new is three times as likely to be tried, for it has little to give yet.
    static var newness: Duration { .seconds(60) }
    static var newPeerWeight: Int { 3 }
    /// Of the slots, one in so many is for the untried, and at least one.
    static var slotsPerOptimistic: Int { 5 }
    /// A seeder's peer gives way to those that wait when it had its slot for `turn` and got `turnByteCount`, or had it
    /// for `longestTurn`: a slow one must not keep it for ever. libtorrent's round robin, with its 60 s; the others are
    /// guesses.
    static var turn: Duration { .seconds(60) }
    static var turnByteCount: UInt64 { 16 << 20 }
    static var longestTurn: Duration { .seconds(180) }
    /// An unchoked peer keeps its slot unless another is so much better: equal peers would change places at
    /// every look.
    static var loyalty: (numerator: UInt64, denominator: UInt64) { (9, 8) }

    private var peers: [Key: ChokerPeer] = [:]
    /// nil: as the rate demands.
    private let wantedSlotCount: Int?
    /// Interested peers that hold a slot.
    private var takenCount = 0
    private(set) var slotCount: Int
    private var isSeeding = false
    private var nextRound = MonotonicInstant.distantFuture
    private var nextOptimistic = MonotonicInstant.distantPast
    private var generator: any RandomNumberGenerator & Sendable

    /// - Parameter slots: peers that may be unchoked at a time; nil: as many as the upload rate can serve well.
    init(slots: Int?, generator: any RandomNumberGenerator & Sendable) {
        wantedSlotCount = slots
        slotCount = slots ?? Self.fewestSlots
        self.generator = generator
    }

    /// With less, a torrent's pieces spread slowly (the default of Transmission, and of libtorrent for all torrents).
    static var fewestSlots: Int { 8 }
    /// Beyond it the slots' shares are too small to be of use on any line.
    static var mostSlots: Int { 256 }

    /// What the first client computed: a slot's share grows with the rate, since a fast line's peers are fast too.
    static func automaticSlotCount(bytesPerSecond: Double) -> Int {
        min(mostSlots, max(fewestSlots, Int((bytesPerSecond / 1024 * 0.6).squareRoot())))
    }

    /// When `timerFired` is due: never while nobody wants anything of us.
    var nextDeadline: MonotonicInstant { nextRound }
    var unchokedCount: Int { takenCount }

    // MARK: Events

    mutating func connected(_ peer: Key, now: MonotonicInstant) {
        if peers[peer] == nil { peers[peer] = ChokerPeer(connectedAt: now) }
    }

    mutating func left(_ peer: Key, now: MonotonicInstant, into changes: inout [Change]) {
        guard let gone = peers.removeValue(forKey: peer), gone.isUnchoked else { return }
        takenCount -= 1
        fill(now: now, into: &changes)
    }

    /// All peers of a worker that died: their slots are for the others.
    mutating func left(where isGone: (Key) -> Bool, now: MonotonicInstant, into changes: inout [Change]) {
        for peer in peers.keys.filter(isGone) { left(peer, now: now, into: &changes) }
    }

    /// What the peer's worker reports of it; see `interestChanged` for its interest.
    mutating func reported(_ peer: Key, _ figures: ChokerPeer.Figures) { peers[peer]?.figures = figures }

    /// A slot that is free is given at once; one that is not needed any more is free at once.
    mutating func interestChanged(
        _ peer: Key, isInterested: Bool, now: MonotonicInstant, into changes: inout [Change]
    ) {
        guard let known = peers[peer], known.isInterested != isInterested else { return }
        peers[peer]!.isInterested = isInterested
        if !isInterested, known.isUnchoked {
            choke(peer, now: now, into: &changes)
        }
        fill(now: now, into: &changes)
        if isInterested, nextRound == .distantFuture { nextRound = now + Self.interval }
    }

    /// There is nothing more to be had from others.
    mutating func seedingBegan() { isSeeding = true }

    mutating func timerFired(bytesPerSecond: Double, now: MonotonicInstant, into changes: inout [Change]) {
        guard now >= nextRound else { return }
        nextRound = peers.values.contains { $0.mayHaveSlot } ? now + Self.interval : .distantFuture
        if wantedSlotCount == nil { slotCount = Self.automaticSlotCount(bytesPerSecond: bytesPerSecond) }
        rotate(now: now, into: &changes)
    }

    // MARK: Decisions

    /// Gives free slots to those that wait, the longest waiting first.
    private mutating func fill(now: MonotonicInstant, into changes: inout [Change]) {
        guard takenCount < slotCount else { return }
        let waiting = peers.filter { $0.value.mayHaveSlot && !$0.value.isUnchoked }
            .sorted { ($0.value.waitingSince, $0.key) < ($1.value.waitingSince, $1.key) }
        for (peer, _) in waiting.prefix(slotCount - takenCount) { unchoke(peer, now: now, into: &changes) }
    }

    private mutating func rotate(now: MonotonicInstant, into changes: inout [Change]) {
        let candidates = peers.filter { $0.value.mayHaveSlot }
        let optimisticCount = candidates.count > slotCount ? max(1, slotCount / Self.slotsPerOptimistic) : 0
        let ranked = candidates.sorted { isBetter($0, $1, now: now) }.map(\.key)
        var chosen = Set(ranked.prefix(slotCount - optimisticCount))
        chosen.formUnion(optimistic(optimisticCount, besides: chosen, of: ranked, now: now))
        for peer in peers.keys.sorted() where peers[peer]!.isUnchoked && !chosen.contains(peer) {
            choke(peer, now: now, into: &changes)
        }
        for peer in ranked where chosen.contains(peer) && !peers[peer]!.isUnchoked {
            unchoke(peer, now: now, into: &changes)
        }
    }

    private func isBetter(
        _ left: (key: Key, value: ChokerPeer), _ right: (key: Key, value: ChokerPeer), now: MonotonicInstant
    ) -> Bool {
        let ranks = (rank(left.value, now: now), rank(right.value, now: now))
        if ranks.0.order != ranks.1.order { return ranks.0.order < ranks.1.order }
        if ranks.0.merit != ranks.1.merit { return ranks.0.merit > ranks.1.merit }
        return (left.value.waitingSince, left.key) < (right.value.waitingSince, right.key)
    }

    /// Lower orders come first; within one, more merit does.
    private func rank(_ peer: ChokerPeer, now: MonotonicInstant) -> (order: Int, merit: UInt64) {
        if isSeeding {
            // Those in their turn, then those that wait (the longest first), then those that had their turn.
            if !peer.isUnchoked { return (1, 0) }
            return (hadItsTurn(peer, now: now) ? 2 : 0, UInt64(peer.figures.uploadRate))
        }
        // BEP 3, "anti-snubbing": who gives nothing although we ask gets no regular slot.
        let rate = UInt64(peer.figures.downloadRate)
        let merit = peer.isUnchoked ? rate * Self.loyalty.numerator / Self.loyalty.denominator : rate
        return (peer.figures.isSnubbed ? 1 : 0, merit)
    }

    private func hadItsTurn(_ peer: ChokerPeer, now: MonotonicInstant) -> Bool {
        let held = now - peer.changedAt
        return held >= Self.longestTurn
            || held >= Self.turn && peer.figures.uploadedByteCount - peer.uploadedBefore >= Self.turnByteCount
    }

    /// Untried peers, the new ones more likely; they keep their slot until the next draw.
    private mutating func optimistic(
        _ count: Int, besides chosen: Set<Key>, of ranked: [Key], now: MonotonicInstant
    ) -> [Key] {
        guard count > 0 else { return [] }
        let others = ranked.filter { !chosen.contains($0) }
        guard now >= nextOptimistic else {
            // Whoever was drawn stays, as far as its slot was not earned meanwhile; the rest by their rank.
            let holding = others.filter { peers[$0]!.isUnchoked }
            return Array((holding + others.filter { !peers[$0]!.isUnchoked }).prefix(count))
        }
        nextOptimistic = now + Self.optimisticInterval
        var drawn: [Key] = []
        var left = others.filter { !peers[$0]!.isUnchoked }
        while drawn.count < count, !left.isEmpty {
            let weights = left.map { now - peers[$0]!.connectedAt < Self.newness ? Self.newPeerWeight : 1 }
            var lot = Int.random(in: 0..<weights.reduce(0, +), using: &generator)
            let index = weights.firstIndex { weight in
                lot -= weight
                return lot < 0
            }!
            drawn.append(left.remove(at: index))
        }
        return drawn + others.filter { peers[$0]!.isUnchoked }.prefix(count - drawn.count)
    }

    private mutating func choke(_ peer: Key, now: MonotonicInstant, into changes: inout [Change]) {
        peers[peer]!.isUnchoked = false
        peers[peer]!.changedAt = now
        takenCount -= 1
        changes.append(Change(peer: peer, isChoked: true))
    }

    private mutating func unchoke(_ peer: Key, now: MonotonicInstant, into changes: inout [Change]) {
        peers[peer]!.isUnchoked = true
        peers[peer]!.changedAt = now
        peers[peer]!.uploadedBefore = peers[peer]!.figures.uploadedByteCount
        takenCount += 1
        changes.append(Change(peer: peer, isChoked: false))
    }
}

/// One connection as the choker knows it.
struct ChokerPeer {
    struct Figures: Equatable {
        /// Payload bytes a second that the peer gives us.
        var downloadRate: UInt32 = 0
        /// Payload bytes a second that it takes.
        var uploadRate: UInt32 = 0
        var uploadedByteCount: UInt64 = 0
        /// It has everything, so it will not want anything.
        var isSeed = false
        /// It lets us ask and does not answer.
        var isSnubbed = false
    }

    let connectedAt: MonotonicInstant
    var figures = Figures()
    var isInterested = false
    fileprivate(set) var isUnchoked = false
    /// When it was last choked or unchoked; before that, when it came.
    fileprivate var changedAt: MonotonicInstant
    /// Bytes that it had got when it was unchoked.
    fileprivate var uploadedBefore: UInt64 = 0

    init(connectedAt: MonotonicInstant) {
        self.connectedAt = connectedAt
        changedAt = connectedAt
    }

    var mayHaveSlot: Bool { isInterested && !figures.isSeed }
    fileprivate var waitingSince: MonotonicInstant { changedAt }
}
