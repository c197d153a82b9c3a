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
    /// Order of learning; earlier ones go first.
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
    /// While connected.
    var remoteID: PeerID?
    /// We told the worker to close the connection that it is reported with.
    var wasVetoed = false

    /// Worth keeping: lower is better. Failures count most, then who told us.
    var badness: Int { (givenUpAt == nil ? 0 : 1000) + failureCount * 10 + Int(origin.rawValue) }
}
