import BitTorrent
import PoolProtocol
import PoolRuntime
import SystemPackage

/// A peer-worker but for its place in the pool (`PeerWorkerLoop`): carries out what sessions, grant books and the intake
/// decide, and gathers what the supervisor and the hash-workers should hear.
final class PeerWorkerProcess {
    /// What the launch order says of connections.
    struct Settings: Sendable {
        var ordinal: UInt16 = 0
        var generation: UInt32
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
    let region: IntakeRegion
    let chronicle: Chronicle
    let clock: () -> MonotonicInstant
    let receiveArea = ReceiveArea()
    let coldReader: ColdReader
    private let poll: PollLoop
    private let connector: Connector
    private var listeners: Listeners!
    /// Sends a parcel and empties it.
    var post: (inout Parcel) -> Void = { _ in }

    var intake: BlockIntake
    var batches: ReferenceBatches
    var table: ConnectionTable
    var torrents: [UInt16: PeerTorrent] = [:]
    var byInfoHash: [InfoHash: PeerTorrent] = [:]
    var torrentWaits = TorrentWaits()
    /// Peers whose requests can be answered.
    var uploads = UploadTurns()
    /// The user's limits, as far as they are this worker's share.
    var uploadLimit = RateBucket()
    var downloadLimit = RateBucket()
    /// When more may be sent; when more may be read, and who waits for that, first come, first served.
    var nextUpload = MonotonicInstant.distantFuture
    var nextRead = MonotonicInstant.distantFuture
    var throttled: [UInt32] = []
    var heldFiles = HeldFiles<OwnedDescriptor>()
    /// Peers that wait for a file.
    var fileWaiters: [HeldFile: [UInt32]] = [:]
    var pace = ReadPace()
    /// Leaves at the end of a turn.
    var parcel = Parcel()
    /// Connections with something to write or to ask for.
    private var dirty: [Connection] = []
    /// The parcel leaves with this turn: a peer has nothing to do until then, or it has waited for a tick.
    var isUrgent = false
    /// What was done in this turn may have left more to do at its end.
    private var hasMoreToDo = false
    private var nextTick = MonotonicInstant.distantFuture
    private var draining = Draining.no
    private var isStopped = false
    /// Connections may be taken in.
    private var isReady = false
    private var isListening = false
    /// By slot: whose block was last lent in it, since a reference names no torrent.
    var torrentOfSlot: [UInt16]
    /// By slot, what the log calls the block in it; empty unless single blocks are followed.
    var tagsOfSlot: [UInt32: Tags] = [:]
    /// Blocks that were handed to the successors of hash-workers.
    var resentBlockCount: UInt64 = 0
    /// A connection read something, wrote, began or ended since `takeWork`.
    private var hasWorked = false
    /// Room for the blocks of one `supply`.
    var chosen: [BlockAddress] = []

    private enum Draining {
        case no
        /// Grants are back; references are still unanswered. Not for longer than until then.
        case until(MonotonicInstant)
        case told
    }

    /// How often sessions' deadlines are looked at.
    static let tick: Duration = .milliseconds(100)
    /// A hash-worker that answers for the last blocks within this time saves them from being fetched again (a guess).
    private static let drainLimit: Duration = .seconds(1)

    /// - Throws: when the bind address is none.
    init(
        _ settings: Settings, poll: PollLoop, region: IntakeRegion, chronicle: Chronicle,
        clock: @escaping () -> MonotonicInstant
    ) throws(SystemCallError) {
        self.settings = settings
        self.region = region
        self.chronicle = chronicle
        self.clock = clock
        intake = BlockIntake(slotCount: region.geometry.slotCount)
        batches = ReferenceBatches(slotCount: region.geometry.slotCount)
        torrentOfSlot = Array(repeating: 0, count: region.geometry.slotCount)
        table = ConnectionTable(capacity: settings.maximumPeerCount, generation: settings.generation)
        self.poll = poll
        coldReader = try ColdReader()
        connector = try Connector(poll: poll, timeout: settings.connectTimeout, bindAddress: settings.bindAddress)
        listeners = Listeners(
            poll: poll, clock: clock, accept: { [unowned self] in accepted(from: $0) },
            failed: {
                chronicle.complain(.acceptFailed, number: UInt32(bitPattern: $0.errno.rawValue), detail: "\($0)")
            })
        try poll.watch(descriptor: coldReader.descriptor) { [unowned self] _ in coldBytesRead() }
    }

    // MARK: Turns

    /// A socket has brought something.
    func readBegan() -> MonotonicInstant {
        worked()
        turnGoesOn()
        return clock()
    }

    /// A connection did something: who watches over this process may know that it does not merely spin.
    func worked() { hasWorked = true }

    /// - Returns: whether a connection did something since the last call.
    func takeWork() -> Bool {
        defer { hasWorked = false }
        return hasWorked
    }

    /// Sees to it that the turn does not end before everything that follows from this is done.
    func turnGoesOn() { hasMoreToDo = true }

    /// The connection has something to write, or could be asked for blocks.
    func mark(_ connection: Connection) {
        turnGoesOn()
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    /// The earliest moment at which time alone brings something about.
    var nextDeadline: MonotonicInstant {
        min(nextTick, batches.deadline ?? .distantFuture, listeners.nextDeadline, nextUpload, nextRead)
    }

    func timerFired(now: MonotonicInstant) {
        listeners.timerFired(now: now)
        // Uploads go on at the end of the turn.
        if now >= nextRead { resumeThrottled(now: now) }
        guard now >= nextTick else { return }
        nextTick = .distantFuture
        tick(now: now)
        isUrgent = true
        turnGoesOn()
    }

    /// The end of each turn of the loop, whatever has happened in it.
    func endTurn() {
        let now = clock()
        repeat {
            hasMoreToDo = false
            resumeWaiting(now: now)
            for torrent in torrents.values where torrent.hasNewBlocks { supplyHungry(torrent, now: now) }
            writeDirty()
        } while hasMoreToDo
        if serveUploads(now: now) { poll.mustNotWait = true }
        // Serving may have left rejects to send.
        if hasMoreToDo { writeDirty() }
        for torrent in torrents.values {
            torrent.tally.report(torrent: torrent.ordinal, now: now, into: &parcel.news)
            if case .no = draining { tellDemand(torrent) }
        }
        batches.departures(isShort: intake.isShort, isOut: intake.isOut, now: now, into: &parcel.batches)
        checkDrained(now: now)
        // What can wait leaves with the references that wait for company, and a mere count of bytes with the next tick.
        if isUrgent || batches.deadline == nil && parcel.isWorthSending { post(&parcel) }
        isUrgent = false
        if nextTick == .distantFuture, !table.isEmpty || isReportDue || isDraining, !isStopped {
            nextTick = now + Self.tick
        }
    }

    var isReportDue: Bool { torrents.values.contains { $0.reports.isDue } }

    private func writeDirty() {
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
            tellClosed(order.peer, PeerEnding(.closedByUs, text))
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
        chronicle.note(.connecting, tags(of: connection), detail: "\(order.address)")
        connector.connect(connection, now: clock())
    }

    /// All neighbours have welcomed us: work may begin.
    func ready() {
        isReady = true
        listen()
    }

    /// Peers that connect before there is a torrent wait in the kernel's queue: accepted, they would have to be sent away.
    func listen() {
        guard isReady, !torrents.isEmpty, !isListening else { return }
        isListening = true
        torrentWaits.began(now: clock())
        listeners.start(settings.listeners)
    }

    /// - Returns: nil when the peer is refused.
    func accepted(from address: PeerAddress) -> Connection? {
        guard !table.isFull, !torrents.isEmpty, !isStopped else { return nil }
        let connection = Connection(
            peer: table.nameIncoming(), role: .incoming, address: address, torrent: nil, process: self)
        table.insert(connection)
        return connection
    }

    // MARK: Names

    func tags(of connection: Connection) -> Tags {
        Tags(
            torrent: connection.torrent?.ordinal,
            peer: PeerName(worker: settings.ordinal, number: connection.peer))
    }

    func tags(of block: BlockAddress, from connection: Connection) -> Tags {
        var tags = tags(of: connection)
        (tags.piece, tags.block) = (block.piece, block.block)
        return tags
    }

    // MARK: The end

    var isDraining: Bool {
        if case .until = draining { true } else { false }
    }

    func drain(now: MonotonicInstant) {
        guard case .no = draining else { return }
        chronicle.note(.draining)
        draining = .until(now + Self.drainLimit)
        for torrent in torrents.values {
            change(torrent, now: now) { $0.drained(into: &$1) }
        }
    }

    private func checkDrained(now: MonotonicInstant) {
        guard case .until(let limit) = draining else { return }
        guard intake.slots.freeCount == intake.slots.slotCount || now >= limit else { return }
        // The last totals: what came since the last report counts for the tracker and for the user's last line.
        tellReports(of: Array(torrents.values))
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
