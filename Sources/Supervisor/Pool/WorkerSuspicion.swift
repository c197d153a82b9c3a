import PoolProtocol

/// Owns when the many liars behind one peer-worker are more likely one: the worker itself. A taken-over worker that spoils
/// what its peers send gets them banned one by one; so it goes when it has cost many, and far more than all others.
struct WorkerSuspicion {
    /// Peers banned for what came through one process until it goes (a guess: a swarm that somebody poisons has as many, but
    /// spreads them over all workers).
    static let mostBannedPeers = 5
    /// So many times more than through all others together.
    static let excess = 2

    /// By ordinal, since the process began.
    private var banned: [UInt16: Set<UInt32>] = [:]
    /// Workers that are to be replaced.
    private var condemned: Set<UInt16> = []

    /// A peer was found guilty.
    /// - Returns: whether the worker through which its bytes came is to be replaced.
    mutating func peerBanned(_ contributor: Contributor) -> Bool {
        banned[contributor.worker, default: []].insert(contributor.peer)
        let ofOthers = banned.reduce(0) { $1.key == contributor.worker ? $0 : $0 + $1.value.count }
        let own = banned[contributor.worker]!.count
        guard own >= Self.mostBannedPeers, own > Self.excess * ofOthers else { return false }
        condemned.insert(contributor.worker)
        return true
    }

    /// Another process takes the place: it is not to blame for what the one before did.
    /// - Returns: whether that was the liar its peers seemed to be.
    mutating func replaced(_ worker: UInt16) -> Bool {
        banned[worker] = nil
        return condemned.remove(worker) != nil
    }
}
