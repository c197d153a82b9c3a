import BitTorrent

/// One client of a server on the supervisor's loop, without its socket: bytes in, requests out; answers in, bytes out.
/// Everything it holds is bounded, since a client may send without end or never read.
protocol StreamSession {
    associatedtype Request

    /// More bytes are welcome: false while an answer waits to be read, so that the socket holds the client back.
    var wantsInput: Bool { get }
    /// Some bytes came; never more than `StreamSessions.mostBytesAtOnce`.
    mutating func received(_ bytes: some Collection<UInt8>, now: MonotonicInstant)
    /// The client sends no more, but may still read.
    mutating func inputEnded(now: MonotonicInstant)
    /// Whether `nextRequest` has one.
    var hasRequest: Bool { get }
    /// The next request, once the answer before it has left.
    mutating func nextRequest() -> Request?
    /// - Parameter isLast: nothing follows it.
    mutating func answer(_ bytes: [UInt8], isLast: Bool, now: MonotonicInstant)
    /// What waits to be sent.
    var output: ArraySlice<UInt8> { get }
    mutating func sent(_ byteCount: Int, now: MonotonicInstant)
    /// Nothing will follow: the connection can be closed.
    var isOver: Bool { get }
    /// When the client has been too slow and is dropped.
    var deadline: MonotonicInstant { get }
    /// When bytes last moved.
    var lastActivity: MonotonicInstant { get }
}

/// What all sessions have in common.
enum StreamSessions {
    /// Of one read, and so the bound of what a session may have to keep besides its longest request.
    static let mostBytesAtOnce = 4096
}

/// The bytes of one answer on their way out, and since when nothing of them has been taken.
struct PendingOutput {
    /// A client that takes nothing for so long is dropped (a guess: longer than a stopped terminal's user hesitates costs
    /// nothing but this memory).
    static let patience: Duration = .seconds(10)

    private var bytes: [UInt8] = []
    private var sentCount = 0
    private(set) var lastActivity: MonotonicInstant

    init(now: MonotonicInstant) { lastActivity = now }

    var isEmpty: Bool { sentCount == bytes.count }
    var rest: ArraySlice<UInt8> { bytes[sentCount...] }
    var deadline: MonotonicInstant { isEmpty ? .distantFuture : lastActivity + Self.patience }

    mutating func add(_ more: [UInt8], now: MonotonicInstant) {
        if isEmpty { (bytes, sentCount) = (more, 0) } else { bytes += more }
        lastActivity = now
    }

    mutating func sent(_ byteCount: Int, now: MonotonicInstant) {
        guard byteCount > 0 else { return }
        sentCount += byteCount
        lastActivity = now
        if isEmpty { (bytes, sentCount) = ([], 0) }
    }

    /// Bytes came in: the client lives.
    mutating func touched(now: MonotonicInstant) { if isEmpty { lastActivity = now } }
}
