import BitTorrent

/// Owns which connections of one torrent are worth least when there is no room for others: those over which no payload has
/// come or gone for longest. Closes nothing itself, and knows nothing of the room there is.
///
/// Sources: libtorrent drops a connection over which neither side has wanted anything for ten minutes, once the list is
/// full (`inactivity_timeout`); a peer that may ask a seed and does not for a minute (`timed_out_no_request`); and, where
/// the list is nearly full, one peer in 25 every five minutes (`peer_turnover`). Transmission drops one over which nothing
/// went for one to five minutes, by how full it is (`shouldPeerBeClosed`).
struct UselessPeers {
    typealias Key = PeerBook.Key

    /// Nothing keeps payload from going, and none goes: neither side can want it (as Transmission, when it is half full).
    static let quietLimit: Duration = .seconds(180)
    /// One side may be waiting for the other's unchoke; a choker with many peers takes long to get round (libtorrent).
    static let waitingLimit: Duration = .seconds(600)
    /// Between two evictions: what comes instead is not sure to be better, and shall have time to show it.
    static let interval: Duration = .seconds(60)
    /// After a look that found none: such connections do not come up from one moment to the next.
    static let pause: Duration = .seconds(5)
    /// Of all connections one in so many yields at a time, at least one and at most `mostAtATime` (guesses after
    /// libtorrent's 4 %).
    static let turnover = 25
    static let mostAtATime = 4

    private struct Entry {
        /// Payload both ways, at the last report.
        var movedByteCount: UInt64 = 0
        var mayWait = true
        /// Since when nothing has moved.
        var quietSince: MonotonicInstant
    }
    private var entries: [Key: Entry] = [:]
    /// No further connection yields before.
    private(set) var nextLook = MonotonicInstant.distantPast

    /// A connection that is new has as long to become useful as others may stand still.
    mutating func connected(_ key: Key, now: MonotonicInstant) { entries[key] = Entry(quietSince: now) }

    /// What the worker says of a connection; nothing, of one that is not known here.
    /// - Parameters:
    ///   - movedByteCount: payload both ways since it was made.
    ///   - mayWait: one side may want something and is choked by the other.
    mutating func reported(_ key: Key, movedByteCount: UInt64, mayWait: Bool, now: MonotonicInstant) {
        guard let entry = entries[key] else { return }
        let isQuiet = movedByteCount == entry.movedByteCount
        entries[key] = Entry(
            movedByteCount: movedByteCount, mayWait: mayWait, quietSince: isQuiet ? entry.quietSince : now)
    }

    mutating func closed(_ key: Key) { entries[key] = nil }

    /// The connections that yield now because others wait for their places, those that cannot wait for anything first, then
    /// the longest quiet. They are forgotten here; none when the last ones went a moment ago.
    mutating func evict(atMost count: Int, now: MonotonicInstant) -> [Key] {
        guard now >= nextLook, count > 0 else { return [] }
        let useless = entries.filter { _, entry in
            now - entry.quietSince >= (entry.mayWait ? Self.waitingLimit : Self.quietLimit)
        }
        nextLook = now + (useless.isEmpty ? Self.pause : Self.interval)
        let ordered = useless.sorted {
            ($0.value.mayWait ? 1 : 0, $0.value.quietSince, $0.key) < (
                $1.value.mayWait ? 1 : 0, $1.value.quietSince, $1.key
            )
        }
        let evicted = ordered.prefix(min(count, Self.mostAtATime, max(1, entries.count / Self.turnover))).map(\.key)
        for key in evicted { entries[key] = nil }
        return evicted
    }

    /// - Returns: the connections over which nothing has moved for longest, as Transmission's `enforceSwarmPeerLimit` closes
    ///   the least active. They are not forgotten.
    func quietest(_ count: Int) -> [Key] {
        entries.sorted { ($0.value.quietSince, $0.key) < ($1.value.quietSince, $1.key) }.prefix(count).map(\.key)
    }
}
