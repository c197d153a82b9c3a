/// Owns how long a connection may bring no byte before it is taken for dead. Closes nothing itself.
struct SilenceLimit {
    /// For the whole handshake, however its bytes trickle (libtorrent's figure).
    static let handshakeDeadline: Duration = .seconds(10)
    /// Between two reads of an open connection. Two minutes are what BEP 3 lets a healthy peer be quiet between
    /// keep-alives; the rest is for a slow line, since a limit equal to the interval would cut live peers.
    static let openDeadline: Duration = .seconds(150)

    private var deadline: MonotonicInstant
    private var isOpen = false

    /// The connection has just come to be.
    init(now: MonotonicInstant) { deadline = now + Self.handshakeDeadline }

    var nextDeadline: MonotonicInstant { deadline }

    mutating func handshakeCompleted(now: MonotonicInstant) {
        isOpen = true
        deadline = now + Self.openDeadline
    }

    mutating func bytesReceived(now: MonotonicInstant) {
        if isOpen { deadline = now + Self.openDeadline }
    }

    /// - Returns: why the connection has to end, if it has.
    func timerFired(now: MonotonicInstant) -> CloseReason? {
        guard now >= deadline else { return nil }
        return isOpen ? .silent : .handshakeTimedOut
    }
}
