/// Orders idle addresses: those that wait by their moment, those that are due by origin, failures,
/// canonical priority and age. An entry is
/// never taken out when its address changes; it goes stale, because the address then carries another stamp, and is
/// dropped when it comes up.
struct RetryQueue {
    struct Entry {
        let address: PeerAddress
        /// The `KnownPeer.stamp` for which the entry was made.
        let stamp: UInt64
    }

    private struct Waiting: Comparable {
        let until: MonotonicInstant
        let entry: Entry
        // The stamp decides among equals, so that the order never depends on the heap's history.
        static func < (left: Self, right: Self) -> Bool {
            (left.until, left.entry.stamp) < (right.until, right.entry.stamp)
        }
        static func == (left: Self, right: Self) -> Bool { left.entry.stamp == right.entry.stamp }
    }

    private struct Due: Comparable {
        let failureCount: Int
        let priority: UInt32
        let sequence: UInt64
        let entry: Entry
        static func < (left: Self, right: Self) -> Bool {
            (left.failureCount, right.priority, left.sequence) < (right.failureCount, left.priority, right.sequence)
        }
        static func == (left: Self, right: Self) -> Bool { left.sequence == right.sequence }
    }

    private var waiting = MinimumHeap<Waiting>()
    /// By origin.
    private var due = [MinimumHeap<Due>](repeating: MinimumHeap(), count: KnownPeers.Origin.allCases.count)

    var count: Int { due.reduce(waiting.count) { $0 + $1.count } }

    mutating func wait(_ entry: Entry, until: MonotonicInstant) {
        waiting.insert(Waiting(until: until, entry: entry))
    }

    mutating func addDue(_ entry: Entry, _ peer: KnownPeer) {
        due[Int(peer.origin.rawValue)]
            .insert(
                Due(
                    failureCount: peer.failureCount, priority: peer.priority, sequence: peer.sequence, entry: entry))
    }

    /// Makes due whose moment has come.
    /// - Parameter peer: the address's peer; nil when the entry is stale.
    mutating func advance(to now: MonotonicInstant, peer: (Entry) -> KnownPeer?) {
        while let first = waiting.first, first.until <= now {
            waiting.removeFirst()
            if let peer = peer(first.entry) { addDue(first.entry, peer) }
        }
    }

    /// Takes out the best due entry of an origin.
    mutating func next(of origin: KnownPeers.Origin, peer: (Entry) -> KnownPeer?) -> Entry? {
        while let first = due[Int(origin.rawValue)].removeFirst() {
            if peer(first.entry) != nil { return first.entry }
        }
        return nil
    }

    /// The moment of the first that waits.
    mutating func earliest(peer: (Entry) -> KnownPeer?) -> MonotonicInstant? {
        while let first = waiting.first {
            if peer(first.entry) != nil { return first.until }
            waiting.removeFirst()
        }
        return nil
    }

    /// Drops every stale entry.
    mutating func sweep(peer: (Entry) -> KnownPeer?) {
        waiting.removeAll { peer($0.entry) == nil }
        for index in due.indices { due[index].removeAll { peer($0.entry) == nil } }
    }
}
