import BitTorrent
import PoolProtocol
import PoolRuntime

/// One living process of the pool, and all that ends with it. Its places and its fate are the keeper's business.
final class WorkerProcess {
    let incarnation: Incarnation
    let child: ChildProcess
    let lifeline: Lifeline
    let status: StatusPageReader
    /// Connections that it may have, if it is a peer-worker.
    let peerCapacity: Int
    var silence: Silence
    var spinning: Spinning
    var slowHandlers = SlowHandlerNews()
    /// Orders that wait to be sent over the control socket.
    var outbox = Outbox()
    /// Set by `hello`: before it, nothing can be sent.
    var isConnected = false
    /// What it had given up when it said `ready`.
    var sandbox: SandboxState?
    /// Frames that came from it.
    private var receivedFrameCount: UInt64 = 0
    private var edge = ControlEdge()
    private var flood = Flood(now: MonotonicClock.now)
    /// It said what no sound process says: nothing of it is read any more, and its end is near.
    var isMuted = false
    /// Since when nothing can be sent any more, although it lives.
    var brokenSince: MonotonicInstant?
    var complaints: WorkerComplaints
    /// What to say when the worker has named a descriptor as received.
    private var waiting: [UInt32: [() -> Void]] = [:]
    private var latestDescriptor: UInt32 = 0
    /// Watches of the poll loop, to be removed with the process.
    var watches: [PollLoop.WatchID] = []
    var hasToldSlowDisk = false
    /// It is replaced though nothing is wrong with it.
    var isSentAway = false
    /// It was found silent, and is to be killed for it.
    var hasToldSilence = false

    init(
        _ incarnation: Incarnation, child: ChildProcess, lifeline: Lifeline, status: StatusPageReader,
        peerCapacity: Int, heartbeat: Duration, complaints: WorkerComplaints
    ) {
        self.incarnation = incarnation
        self.child = child
        self.lifeline = lifeline
        self.status = status
        self.peerCapacity = peerCapacity
        silence = Silence(heartbeat: heartbeat, now: MonotonicClock.now)
        spinning = Spinning(heartbeat: heartbeat)
        self.complaints = complaints
    }

    /// Whether the control connection lost something; one look, every heartbeat.
    func isEdgeBroken() -> Bool {
        // First what came, then what was sent: news on their way count as such.
        let (receivedNews, receivedOrders) = (receivedFrameCount, status.receivedOrders)
        return edge.isBroken(
            sentOrders: outbox.frameCount, receivedOrders: receivedOrders, sentNews: status.sentNews,
            receivedNews: receivedNews)
    }

    /// Frames of orders that it has not taken out of its connection, as far as can be known: its word for it may be old, or
    /// wrong.
    var untakenOrderCount: UInt64 {
        let (queued, taken) = (outbox.frameCount, status.receivedOrders)
        return queued > taken ? queued - taken : 0
    }

    func frameReceived(byteCount: Int, now: MonotonicInstant) {
        receivedFrameCount += 1
        flood.frameReceived(byteCount: byteCount, now: now)
    }

    /// One of the messages in the frame.
    /// - Returns: whether it is one too many.
    func isFlooded() -> Bool {
        flood.messageReceived()
        return flood.isFlood
    }

    /// Passes descriptors over the lifeline. They may be named when `whenAllArrived` says so.
    /// - Returns: their names, in order.
    func pass(_ descriptors: [CInt]) throws(SystemCallError) -> [UInt32] {
        var names: [UInt32] = []
        for part in descriptors.parts(of: DescriptorsPassed.maximumCount) {
            let identifiers = part.indices.map { latestDescriptor + 1 + UInt32($0) }
            try lifeline.send(DescriptorsPassed(identifiers: identifiers), descriptors: part)
            latestDescriptor += UInt32(part.count)
            names += identifiers
        }
        if !names.isEmpty { waiting[latestDescriptor] = [] }
        return names
    }

    /// Some of what was passed has not been named as received.
    var awaitsDescriptors: Bool { !waiting.isEmpty }

    /// Runs `then` as soon as the worker has everything that was passed so far; at once if it has.
    func whenAllArrived(_ then: @escaping () -> Void) {
        // Datagrams arrive in order, so the last name stands for all before it.
        if let last = waiting.keys.max() { waiting[last]!.append(then) } else { then() }
    }

    /// The process was reaped: what waits for its answers never runs. Those waiting hold this object, and with it its
    /// descriptors.
    func ended() { waiting = [:] }

    func descriptorReceived(_ name: UInt32) {
        for then in waiting.removeValue(forKey: name) ?? [] { then() }
    }
}
