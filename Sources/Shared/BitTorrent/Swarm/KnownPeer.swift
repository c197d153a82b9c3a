/// What we remember of one address.
struct KnownPeer {
    enum Contact: Equatable {
        /// → connecting
        case idle
        /// Assigned to a worker, which tries it. → connected, idle
        case connecting(worker: Int)
        /// The handshake is complete. → idle, or forgotten if it came to us
        case connected(worker: Int)

        var worker: Int? {
            switch self {
            case .idle: nil
            case .connecting(let worker), .connected(let worker): worker
            }
        }
    }

    var origin: KnownPeers.Origin
    /// The machine that named it first, where its word is worth no more than that (`Origin.isHearsay`).
    var source: PeerAddress?
    /// Canonical (BEP 40), higher first; 0 while our own address is unknown, and for addresses of one network only.
    var priority: UInt32 = 0
    /// Order of learning; of equal priority earlier ones go first.
    let sequence: UInt64
    var contact: Contact = .idle
    /// Failures in a row.
    var failureCount = 0
    /// Not tried earlier.
    var retryAt: MonotonicInstant
    /// Failed too often at this moment; nil while it is worth a try.
    var givenUpAt: MonotonicInstant?
    /// Its entry in the retry queue; another with each change.
    var stamp: UInt64 = 0
    /// While connected, unless another connection to it takes over.
    var remoteID: PeerID?
    /// While connected.
    var connectedSince: MonotonicInstant?
    /// We told the worker to close the connection that it is reported with.
    var wasVetoed = false

    /// Worth keeping: lower is better. Failures count most, then who told us.
    var badness: Int { (givenUpAt == nil ? 0 : 1000) + failureCount * 10 + Int(origin.rawValue) }
}
