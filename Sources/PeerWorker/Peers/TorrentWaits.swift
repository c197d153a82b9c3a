import BitTorrent

/// Owns which peers that came to us wait for a torrent that is not known here yet. The supervisor names its torrents one after
/// another, at the start and to a successor, and who comes for the second meanwhile would not come back for minutes.
struct TorrentWaits {
    /// For so long after the first torrent others may follow: enough for a supervisor that is busy with its start (a
    /// guess). Later, who wants an unknown torrent is wrong here.
    static let settling: Duration = .seconds(3)
    /// Peers that may wait; a stranger costs a socket and what it sent behind its handshake.
    static let limit = 64

    private var settlesAt = MonotonicInstant.distantPast
    private var waiting: [UInt32: InfoHash] = [:]

    /// The first peers may come.
    mutating func began(now: MonotonicInstant) { settlesAt = now + Self.settling }

    /// - Returns: false when the peer is to be sent away.
    mutating func waits(_ peer: UInt32, for infoHash: InfoHash, now: MonotonicInstant) -> Bool {
        guard now < settlesAt, waiting.count < Self.limit else { return false }
        waiting[peer] = infoHash
        return true
    }

    /// - Returns: who waited for this torrent, and does not any more.
    mutating func came(_ infoHash: InfoHash) -> [UInt32] { remove { $0.value == infoHash } }

    mutating func left(_ peer: UInt32) { waiting[peer] = nil }

    /// - Returns: who has waited in vain.
    mutating func timerFired(now: MonotonicInstant) -> [UInt32] {
        now < settlesAt || waiting.isEmpty ? [] : remove { _ in true }
    }

    private mutating func remove(where isMeant: ((key: UInt32, value: InfoHash)) -> Bool) -> [UInt32] {
        let peers = waiting.filter { isMeant(($0.key, $0.value)) }.keys.sorted()
        for peer in peers { waiting[peer] = nil }
        return peers
    }
}
