package import BitTorrent
package import PoolProtocol

/// Owns what waits to be sent to one receiver: messages join the open batch, full batches queue in order. What cannot
/// be sent stays; what can never arrive is dropped with the receiver, since its owner keeps the thing itself.
package struct Outbox {
    private var open = FrameWriter()
    private var sealed: [[UInt8]] = []
    /// When the first of the messages that came since the last `flush` has to leave: at once, unless all of them may wait;
    /// a moment far away when there is none. What that could not send is not in it.
    package private(set) var due = MonotonicInstant.distantFuture
    /// Messages ever sent, for the reports.
    package private(set) var sentFrameCount: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { open.isEmpty && sealed.isEmpty }
    /// Batches that wait because the receiver's queue is full.
    package var waitingFrameCount: Int { sealed.count }

    /// Whether something may not, or need not, wait any longer.
    package func mustLeave(now: MonotonicInstant) -> Bool { due <= now || !sealed.isEmpty }

    /// - Parameter latest: until when it may wait for another message to leave with.
    package mutating func append(_ message: some PoolMessage, by latest: MonotonicInstant = .distantPast) {
        due = min(due, latest)
        if open.byteCount >= Topology.batchByteCount / 2 { seal() }
        message.encode(into: &open)
    }

    /// Frames that were sent or wait to be; an open batch is none yet.
    package var frameCount: UInt64 { sentFrameCount + UInt64(sealed.count) }

    /// A frame that says how many went before it.
    package mutating func appendProbe() {
        due = .distantPast
        seal()
        sealed.append(Greeting.probe(framesBefore: frameCount).encoded)
    }

    /// A frame that stands alone (a greeting).
    package mutating func append(frame: [UInt8]) {
        due = .distantPast
        seal()
        sealed.append(frame)
    }

    private mutating func seal() {
        if !open.isEmpty { sealed.append(open.take()) }
    }

    /// Sends as much as the socket takes.
    /// - Returns: false when the receiver is gone and everything for it was dropped.
    package mutating func flush(into socket: ZMQSocket, to routingID: [UInt8]?) -> Bool {
        seal()
        var sent = 0
        defer { sealed.removeFirst(sent) }
        due = .distantFuture
        for frame in sealed {
            switch socket.send(frame, to: routingID) {
            case .sent:
                sent += 1
                sentFrameCount += 1
            case .full: return true
            case .unreachable:
                sent = sealed.count
                return false
            }
        }
        return true
    }
}
