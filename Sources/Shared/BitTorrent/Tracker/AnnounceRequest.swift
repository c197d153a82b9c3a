/// What changes between `started`, `completed` and `stopped` (BEP 3, "trackers"); nil in a request is a regular
/// announce.
package enum AnnounceEvent: String, Hashable, Sendable {
    case started, completed, stopped
}

/// What a tracker is told about our transfer. Bytes of payload, as BEP 3 counts them.
package struct TransferCounters: Hashable, Sendable {
    /// Sent to peers since `started`.
    package var uploaded: UInt64
    /// Received from peers since `started`, wasted bytes included.
    package var downloaded: UInt64
    /// Still to fetch. It cannot be computed from `downloaded`: the run may be a resume, and bad pieces are fetched
    /// twice (BEP 3).
    package var left: UInt64

    package init(uploaded: UInt64, downloaded: UInt64, left: UInt64) {
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.left = left
    }
}

/// Who announces: the same for all trackers of a torrent as long as the run lasts.
package struct AnnounceIdentity: Hashable, Sendable {
    package let infoHash: InfoHash
    package let peerID: PeerID
    /// Lets a tracker know us again when our address changes (BEP 7 asks for 32 bits of entropy).
    package let key: UInt32
    /// Where we accept peers.
    package let port: UInt16

    package init(infoHash: InfoHash, peerID: PeerID, key: UInt32, port: UInt16) {
        self.infoHash = infoHash
        self.peerID = peerID
        self.key = key
        self.port = port
    }
}

/// One announce, before it takes the form of a URL or of a datagram. It carries no address of ours: trackers take the
/// one they see, and BEP 7 discourages to send another.
package struct AnnounceRequest: Hashable, Sendable {
    package let identity: AnnounceIdentity
    package let counters: TransferCounters
    package let event: AnnounceEvent?
    /// How many addresses we would like; a wish.
    package let peersWanted: Int
    /// What this tracker called us in its last answer (`tracker id`), to be returned to it.
    package let trackerID: [UInt8]?

    package init(
        identity: AnnounceIdentity, counters: TransferCounters, event: AnnounceEvent?, peersWanted: Int,
        trackerID: [UInt8]? = nil
    ) {
        self.identity = identity
        self.counters = counters
        self.event = event
        self.peersWanted = peersWanted
        self.trackerID = trackerID
    }
}
