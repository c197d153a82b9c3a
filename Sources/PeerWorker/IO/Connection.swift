import BitTorrent
import Glibc
import PoolProtocol

/// One connection: feeds what is received to the decoder and the session, sees to it that blocks get into their slots,
/// and sends what the session wants sent, gathered. Decides nothing about blocks, grants or peers: `PeerWorkerProcess`
/// does.
final class Connection {
    enum Phase: Equatable {
        /// On the way to the peer; goes to `running`, `ended`.
        case connecting
        /// Goes to `ended`.
        case running
        /// For good: every event is ignored.
        case ended
    }

    /// The supervisor's name for the connection, or ours for an incoming one.
    let peer: UInt32
    let isIncoming: Bool
    /// A cycle while the connection is in the process's table, which is as long as it lives.
    let process: PeerWorkerProcess
    var address: PeerAddress
    /// nil until an incoming peer has said which.
    var torrent: PeerTorrent?
    var phase = Phase.connecting
    var decoder = PeerStreamDecoder()
    var session: PeerSession
    /// nil while connecting, and at the end.
    private var transport: (any PeerTransport)?
    /// While connecting.
    var attempt: ConnectAttempt?

    /// What the session asks for; performed in order.
    var actions: [SessionAction] = []
    var isPerforming = false
    /// Messages that wait for the end of the read or of the turn.
    var outgoing: [UInt8] = []
    var isDirty = false

    /// Where the bytes of the arriving block go.
    var arriving = ArrivingBlock.none
    /// A block that began while slots were short.
    var ownBuffer: [UInt8] = []
    /// Reading has stopped until a slot is free, or the torrent that the peer wants has come.
    private(set) var isWaiting = false
    private var awaitsTorrent = false
    /// Reading has stopped until the download limit lets it go on.
    private(set) var isThrottled = false
    /// What was received and not used when reading stopped; less than one read.
    private var pending: [UInt8] = []
    /// Blocks that the next read is aimed for: as many as the last could have brought, and one more.
    private var aimedBlockCount = 1

    /// Totals of payload.
    var downloadedByteCount: UInt64 = 0
    var uploadedByteCount: UInt64 = 0
    /// Payload that we receive.
    var bytesPerSecond = 0.0
    /// Payload that we send.
    var uploadRate: RateEstimator
    /// What the next answer waits for.
    var uploadWait = UploadWait.nothing
    /// Files that come from the supervisor.
    var waitsForFiles = 0
    /// How often the present request had to wait for the disk.
    var coldWaits = 0
    /// Bytes of the file that is being sent that are in the page cache.
    var warmRange: WarmRange?
    /// The supervisor knows that the peer is connected.
    var isAnnounced = false
    /// What the supervisor was told of the peer last, and how often it may be told anew: as often as a client has reason to.
    var introduction: PeerIntroduction?
    var introductionsLeft = 4
    /// What the peer tells of others, and what it is told: nil until it has said that it wants to be.
    var exchanged = PeerExchangeReceiving()
    var exchange: PeerExchangeSending?
    /// The peer's pieces are in the torrent's tally.
    var isCounted = false
    /// It may be asked for blocks now.
    var wantsBlocks = false
    /// Its part of the torrent's `windowBlockCount` and `idleBlockCount`.
    var windowBlockCount = 0
    var idleBlockCount = 0
    /// Why it ends, if the session does not know.
    var ending: PeerEnding?

    init(peer: UInt32, role: PeerSession.Role, address: PeerAddress, torrent: PeerTorrent?, process: PeerWorkerProcess)
    {
        self.peer = peer
        self.address = address
        self.torrent = torrent
        self.process = process
        isIncoming = role == .incoming
        session = process.makeSession(role, torrent: torrent, address: address)
        uploadRate = RateEstimator(now: process.clock())
    }

    // MARK: Events of the transport

    /// The way to the peer is open.
    func opened(_ transport: any PeerTransport) {
        self.transport = transport
        attempt = nil
        process.connected(self)
    }

    /// The socket has bytes, or its end.
    func readable(_ descriptor: CInt) {
        guard phase == .running, !isWaiting else { return }
        guard process.mayRead(self) else { return setThrottled(true) }
        aim()
        let count = process.receiveArea.read(descriptor)
        switch count {
        case 1...:
            process.pace.read(byteCount: count, isFull: count == process.receiveArea.aimedByteCount)
            readBrought(count)
        case 0:
            process.turnGoesOn()
            ended()
        default:
            if PeerSocket.isShortage(errno) {
                transport?.rest()
            } else if errno != EAGAIN && errno != EINTR {
                broke(errno)
            }
        }
    }

    /// The peer has closed, half or whole: from a peer that says nothing more nothing is to be had.
    func ended() {
        guard phase == .running else { return }
        session.streamEnded(decoder.streamEnd, into: &actions)
        process.perform(self)
    }

    /// - Parameter error: an errno.
    func broke(_ error: CInt) {
        guard phase == .running else { return }
        if SocketTrouble.isLocal(error) { ending = PeerEnding(.localTrouble, SocketTrouble.text(error)) }
        session.connectionLost(decoder.streamEnd, into: &actions)
        process.perform(self)
        process.turnGoesOn()
    }

    // MARK: Writing

    /// Sends what has gathered, in one call.
    func flush() {
        guard !outgoing.isEmpty, let transport else { return }
        process.worked()
        switch transport.send(&outgoing) {
        case .sent: break
        case .unread:
            ending = PeerEnding(.lost, "it does not read what we send")
            process.close(self)
        case .failed(let error): broke(error)
        }
    }

    /// The kernel takes a block now.
    var canSendBlock: Bool { phase == .running && transport?.isIdle == true }

    /// Sends the messages that have gathered and a block behind them, of which `outgoing` holds the head.
    func send(_ body: UploadBody) {
        guard let transport else { return }
        switch transport.send(&outgoing, body) {
        case .sent, .unread: break
        case .failed(let error): broke(error)
        }
    }

    /// Everything that waited for the kernel has gone.
    func drained() {
        guard phase == .running, uploadWait == .kernel else { return }
        process.mayServe(self)
    }

    /// What failed for want of memory is tried again.
    func retry() { transport?.retry() }

    /// Sends the last words, then closes; nothing that follows from it comes back.
    func shut() {
        phase = .ended
        flush()
        pending = []
        ownBuffer = []
        attempt = nil
        transport?.close()
        transport = nil
    }

    // MARK: Reading

    /// Aims the next read at the slots of the blocks that it may bring.
    private func aim() {
        let area = process.receiveArea
        var rest: UnsafeMutableRawBufferPointer?
        var missingHeadByteCount = 13
        switch (decoder.prospect, arriving) {
        case (.blockHead(let missing), _) where session.awaitedCount > 0: missingHeadByteCount = missing
        case (.payload(let missing), .inSlot(let lease, _)):
            let slot = process.region.slot(lease.slot)
            let begin = decoder.blockByteCount - missing
            rest = UnsafeMutableRawBufferPointer(rebasing: slot[begin..<begin + missing])
        default: return aimPlain()
        }
        let slots = process.intake.upcoming(aimedBlockCount)
        if rest == nil, slots.isEmpty { return aimPlain() }
        area.aim(rest: rest, missingHeadByteCount: missingHeadByteCount, slots: slots, of: process.region)
    }

    private func aimPlain() {
        process.receiveArea.aimPlain(
            byteCount: process.intake.isShort ? ReceiveArea.shortByteCount : ReceiveArea.plainByteCount)
    }

    private func readBrought(_ byteCount: Int) {
        let now = process.readBegan()
        session.bytesReceived(now: now)
        aimedBlockCount = min(byteCount / IntakeGeometry.slotByteCount + 2, process.mostBlocksPerRead)
        let gathered = process.receiveArea.forEachSegment(of: byteCount) { segment in
            feed(segment.bytes, isResumed: false, now: now)
            // Behind a head whose block is of full length the rest lies as it should; so it does in no other case.
            return !isWaiting && (!segment.isHead || decoder.prospect == Self.wholeBlock)
        }
        if !gathered.isEmpty {
            if isWaiting { pending += gathered } else { feed(gathered, isResumed: false, now: now) }
        }
        readEnded()
    }

    func setThrottled(_ isOn: Bool) {
        isThrottled = isOn
        if phase == .running { setReading() }
    }

    private func setReading() { transport?.setReading(!isWaiting && !isThrottled) }

    private static let wholeBlock = PeerStreamDecoder.Prospect.payload(missingByteCount: IntakeGeometry.slotByteCount)

    private func readEnded() {
        if isWaiting, phase == .running { setReading() }
        guard phase == .running else { return }
        if wantsBlocks { process.supply(self) }
        flush()
    }

    /// Bytes that came by another way than a read of ours.
    func received(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .running else { return }
        if isWaiting { return pending += bytes }
        let now = process.readBegan()
        session.bytesReceived(now: now)
        feed(bytes, isResumed: false, now: now)
        readEnded()
    }

    /// Feeds bytes until they are used up, the peer is at fault, or no slot is free; then keeps the rest.
    private func feed(_ bytes: UnsafeRawBufferPointer, isResumed: Bool, now: MonotonicInstant) {
        guard phase == .running else { return }
        var offset = 0
        do throws(PeerWireError) {
            try feed(bytes, at: &offset, isResumed: isResumed, now: now)
        } catch {
            session.streamBroke(error, into: &actions)
        }
        process.perform(self)
        if isWaiting, phase == .running { pending += bytes[offset...] }
    }

    private func feed(
        _ bytes: UnsafeRawBufferPointer, at offset: inout Int, isResumed: Bool, now: MonotonicInstant
    ) throws(PeerWireError) {
        // Lent for the whole read: what it holds does not change before the end of the turn.
        var view = torrent?.view
        while phase == .running, !isWaiting, let event = try decoder.next(in: bytes.bytes, at: &offset) {
            switch event {
            case .blockBytes(let range, let position):
                blockBytes(UnsafeRawBufferPointer(rebasing: bytes[range]), at: position, now: now)
            case .blockBegins(let span):
                let isWhole = bytes.count - offset >= Int(span.byteCount)
                if let view {
                    isWaiting = !blockBegins(span, in: view, isWhole: isWhole, isResumed: isResumed, now: now)
                }
            case .blockEnds: isWaiting = !blockEnds(isResumed: isResumed, now: now)
            case .message(let message):
                if let view { session.messageReceived(message, in: view, now: now, into: &actions) }
            case .handshake(let handshake):
                session.handshakeReceived(handshake, into: &actions)
                process.perform(self)
                view = torrent?.view
            }
            if isWaiting, !awaitsTorrent { process.waits(self) }
            if !actions.isEmpty { process.perform(self) }
        }
    }

    /// A slot is free: goes on where it stopped, and reads again unless it has to stop again.
    func resume(now: MonotonicInstant) {
        isWaiting = false
        isWaiting = !slotIsFree(now: now)
        if isWaiting { process.waits(self) }
        process.perform(self)
        goOn(now: now)
    }

    private func goOn(now: MonotonicInstant) {
        guard phase == .running, !isWaiting else { return }
        let rest = pending
        pending = []
        rest.withUnsafeBytes { feed($0, isResumed: true, now: now) }
        guard phase == .running, !isWaiting else { return }
        setReading()
        process.supply(self)
    }

    /// What the peer sends behind its handshake cannot be understood before its torrent is known.
    func awaitTorrent() { (isWaiting, awaitsTorrent) = (true, true) }

    /// The session has been told of the torrent.
    func torrentCame() {
        (isWaiting, awaitsTorrent) = (false, false)
        process.perform(self)
        goOn(now: process.readBegan())
        process.mark(self)
    }
}
