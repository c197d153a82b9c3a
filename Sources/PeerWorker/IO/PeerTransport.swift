import Glibc

/// A connection's way to its peer: `PeerSocket`, or in tests and simulations the peer itself.
protocol PeerTransport: AnyObject {
    /// Takes all of `bytes`, sends what it can, and keeps the rest until the peer reads.
    func send(_ bytes: inout [UInt8]) -> SendOutcome
    /// Off: what the peer sends stays where it is.
    func setReading(_ isOn: Bool)
    /// The kernel is out of memory: neither reads nor sends until `retry`, so that waiting for it is no spin.
    func rest()
    /// To be called now and then.
    func retry()
    /// For good; nothing comes back.
    func close()
}

/// How a send ended.
enum SendOutcome: Equatable {
    case sent
    /// More than `PeerSocket.unsentLimit` waits: the peer does not read.
    case unread
    /// An errno.
    case failed(CInt)
}
