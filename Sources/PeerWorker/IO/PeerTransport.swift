import Glibc

/// A connection's way to its peer: `PeerSocket`, or in tests and simulations the peer itself.
protocol PeerTransport: AnyObject {
    /// Takes all of `bytes`, sends what it can, and keeps the rest until the peer reads. Behind a body that waits.
    func send(_ bytes: inout [UInt8]) -> SendOutcome
    /// Nothing waits for the kernel: a block may be sent. When that becomes so again, `Connection.drained` is called.
    var isIdle: Bool { get }
    /// Sends the head of an answer, its bytes, and after them what is sent later. Only while no other body waits.
    func send(_ head: inout [UInt8], _ body: UploadBody) -> SendOutcome
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
