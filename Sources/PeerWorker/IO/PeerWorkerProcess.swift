import BitTorrent
import Logging
import NIOCore
import PoolProtocol

/// A peer-worker as its connections' loop sees it: carries out what sessions, grant books and the intake decide, and
/// passes on what the supervisor and the hash-workers should hear. Everything here belongs to that one loop; the message
/// thread is reached through the mailbox only.
final class PeerWorkerProcess {
    /// What the launch order says of connections.
    struct Settings: Sendable {
        var maximumPeerCount: Int
        var connectTimeout: Duration
        /// Numeric; empty: any.
        var bindAddress: String
        /// Sockets that listen already.
        var listeners: [CInt]
    }

    /// `v` of our extension handshake (BEP 10).
    static let client = "Swarmkeeper/0.1.0"

    let settings: Settings
    let eventLoop: any EventLoop
    let mailbox: Mailbox
    let region: IntakeRegion
    let logger: Logger
    let clock: () -> MonotonicInstant
    let receiveBuffers = ReceiveBuffers()
    private let connector: Connector

    var intake: BlockIntake
    var batches: ReferenceBatches
    var table: ConnectionTable
    var torrents: [UInt16: PeerTorrent] = [:]
    var byInfoHash: [InfoHash: PeerTorrent] = [:]
    /// Leaves at the end of the turn.
    var parcel = Mailbox.Parcel()
    /// Connections with something to write or to ask for.
    private var dirty: [Connection] = []
    /// The parcel leaves with this turn: a peer has nothing to do until then, or it has waited for a tick.
    var isUrgent = false
    private var events: [Mailbox.Event] = []
    private var isTurnScheduled = false
    private var isHoldScheduled = false
    private var isTickScheduled = false
    private var draining = Draining.no
    private var isStopped = false
    var totals = TransferTotals()
    var reports = ReportSchedule()
    /// Room for the blocks of one `supply`.
    var chosen: [BlockAddress] = []

    private enum Draining {
        case no
        /// Grants are back; references are still unanswered. Not for longer than until then.
        case until(MonotonicInstant)
        case told
    }

    /// How often sessions' deadlines are looked at.
    static let tick: TimeAmount = .milliseconds(100)
    /// A hash-worker that answers for the last blocks within this time saves them from being fetched again (a guess).
    private static let drainLimit: Duration = .seconds(1)

    /// - Throws: when the bind address is none.
    init(
        _ settings: Settings, eventLoop: any EventLoop, mailbox: Mailbox, region: IntakeRegion, logger: Logger,
        clock: @escaping () -> MonotonicInstant
    ) throws {
        self.settings = settings
        self.eventLoop = eventLoop
        self.mailbox = mailbox
        self.region = region
        self.logger = logger
        self.clock = clock
        intake = BlockIntake(slotCount: region.geometry.slotCount)
        batches = ReferenceBatches(slotCount: region.geometry.slotCount)
        table = ConnectionTable(capacity: settings.maximumPeerCount)
        connector = try Connector(
            eventLoop: eventLoop, timeout: .nanoseconds(settings.connectTimeout.wholeNanoseconds),
            bindAddress: settings.bindAddress)
    }

    // MARK: Turns

    /// The message thread has posted something that cannot wait.
    func postArrived() { turnGoesOn() }

    private func takePost(now: MonotonicInstant) {
        mailbox.take(into: &events)
        for event in events { handle(event, now: now) }
        events.removeAll(keepingCapacity: true)
        resumeWaiting(now: now)
    }

    /// A socket has brought something.
    func readBegan() -> MonotonicInstant {
        turnGoesOn()
        return clock()
    }

    /// Sees to it that `endTurn` follows: NIO runs it after the handlers of all sockets that were ready.
    func turnGoesOn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        eventLoop.assumeIsolated().execute { self.endTurn() }
    }

    /// The connection has something to write, or could be asked for blocks.
    func mark(_ connection: Connection) {
        turnGoesOn()
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    private func endTurn() {
        isTurnScheduled = false
        let now = clock()
        takePost(now: now)
        for torrent in torrents.values where torrent.hasNewBlocks { supplyHungry(torrent, now: now) }
        // What one connection does may mark another (a cancel), so the list is read by index.
        var index = 0
        while index < dirty.count {
            let connection = dirty[index]
            index += 1
            connection.isDirty = false
            if connection.wantsBlocks { supply(connection) }
            connection.flush()
        }
        dirty.removeAll(keepingCapacity: true)
        for torrent in torrents.values {
            torrent.tally.report(torrent: torrent.ordinal, now: now, into: &parcel.news)
            if case .no = draining { tellDemand(torrent) }
        }
        batches.departures(isShort: intake.isShort, isOut: intake.isOut, now: now, into: &parcel.batches)
        receiveBuffers.isShort = intake.isShort
        checkDrained(now: now)
        // A wake of the message thread costs as much as a batch: what can wait leaves with the references that wait for
        // company, and a mere count of bytes with the next tick.
        if isUrgent || batches.deadline == nil && parcel.isWorthAWake { mailbox.post(&parcel) }
        isUrgent = false
        scheduleHold(now: now)
        scheduleTick()
        if mailbox.loopWaits(needsSlots: intake.isShort || intake.waitingCount > 0 || isDraining) { turnGoesOn() }
    }

    private func scheduleHold(now: MonotonicInstant) {
        guard !isHoldScheduled, let deadline = batches.deadline else { return }
        isHoldScheduled = true
        eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(max(0, (deadline - now).wholeNanoseconds))) {
            self.isHoldScheduled = false
            self.turnGoesOn()
        }
    }

    private func scheduleTick() {
        guard !isTickScheduled, !table.isEmpty || reports.isDue || isDraining, !isStopped else { return }
        isTickScheduled = true
        eventLoop.assumeIsolated().scheduleTask(in: Self.tick) {
            self.isTickScheduled = false
            self.tick(now: self.clock())
            self.isUrgent = true
            self.turnGoesOn()
        }
    }

    /// Lets connections go on that wait for a slot, first come, first served.
    private func resumeWaiting(now: MonotonicInstant) {
        var isFirst = true
        while let peer = intake.nextToResume(isFirst: isFirst) {
            isFirst = false
            table[peer]?.resume(now: now)
        }
    }

    // MARK: Connections

    /// - Returns: nil when there is no room or no torrent for it; the supervisor was told.
    func outgoing(_ order: PeerToConnect) -> Connection? {
        guard let torrent = torrents[order.torrent], !table.isFull, table[order.peer] == nil else {
            let text = table.isFull ? "this worker has all the connections it may have" : "nothing to connect for"
            tellClosed(order.peer, PeerEnding(.closedByUs, text), downloadedByteCount: 0)
            return nil
        }
        let connection = Connection(
            peer: order.peer, role: .outgoing(torrent.view.infoHash), address: order.address, torrent: torrent,
            process: self)
        table.insert(connection)
        return connection
    }

    func connect(_ order: PeerToConnect) {
        guard let connection = outgoing(order) else { return }
        connector.connect(connection, buffers: receiveBuffers) { self.connectFailed(connection, $0) }
    }

    func listen() {
        Listeners.start(
            settings.listeners, on: eventLoop, buffers: receiveBuffers,
            accept: { channel in self.accepted(from: PeerAddress(channel.remoteAddress)) },
            failed: { self.logger.error("cannot accept connections", metadata: ["error": "\($0)"]) })
    }

    /// - Returns: nil when the peer is refused.
    func accepted(from address: PeerAddress?) -> Connection? {
        guard let address, !table.isFull, !torrents.isEmpty, !isStopped else { return nil }
        let connection = Connection(
            peer: table.nameIncoming(), role: .incoming, address: address, torrent: nil, process: self)
        table.insert(connection)
        return connection
    }

    // MARK: The end

    var isDraining: Bool {
        if case .until = draining { true } else { false }
    }

    func drain(now: MonotonicInstant) {
        guard case .no = draining else { return }
        draining = .until(now + Self.drainLimit)
        for torrent in torrents.values {
            change(torrent, now: now) { $0.drained(into: &$1) }
        }
    }

    private func checkDrained(now: MonotonicInstant) {
        guard case .until(let limit) = draining else { return }
        guard intake.slots.freeCount == intake.slots.slotCount || now >= limit else { return }
        // The last totals: what came since the last report counts for the tracker and for the user's last line.
        tellReport()
        parcel.news.append(.drained)
        draining = .told
    }

    /// Closes every connection; the process ends when the last words are sent.
    func stop() {
        isStopped = true
        for connection in Array(table.all) { close(connection) }
        parcel.isLast = true
        isUrgent = true
        turnGoesOn()
    }
}
