import BitTorrent
import NIOCore
import PoolProtocol

/// One connection's place in NIO: feeds what is received to the decoder and the session, copies blocks into their slots,
/// and writes what the session wants sent, gathered. Decides nothing about blocks, grants or peers: `PeerWorkerProcess`
/// does. Belongs to the connections' loop.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Unsent bytes at which a peer counts as one that does not read.
    static let unsentLimit = 1 << 20
    /// Received bytes that are kept while no slot is free. More come only when the peer has closed while we waited.
    static let pendingLimit = 512 << 10

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
    private(set) var context: ChannelHandlerContext?

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
    /// Reading has stopped until a slot is free.
    private(set) var isWaiting = false
    /// What was received and not used when reading stopped.
    private var pending = ByteBuffer()

    /// Totals of payload.
    var downloadedByteCount: UInt64 = 0
    var bytesPerSecond = 0.0
    /// The supervisor knows that the peer is connected.
    var isAnnounced = false
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
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        process.connected(self)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        guard phase == .running else { return }
        if isWaiting { return keep(&buffer) }
        let now = process.readBegan()
        feed(&buffer, isResumed: false, now: now)
        process.receiveBuffers.giveBack(buffer)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard phase == .running else { return }
        if wantsBlocks { process.supply(self) }
        flush()
    }

    /// The peer has closed, half or whole: from a peer that says nothing more nothing is to be had.
    func channelInactive(context: ChannelHandlerContext) {
        guard phase == .running else { return }
        session.streamEnded(decoder.streamEnd, into: &actions)
        process.perform(self)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase == .running else { return }
        if ChannelTrouble.isLocal(error) { ending = PeerEnding(.localTrouble, ChannelTrouble.text(error)) }
        session.connectionLost(decoder.streamEnd, into: &actions)
        process.perform(self)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard phase == .running, !context.channel.isWritable else { return }
        ending = PeerEnding(.lost, "it does not read what we send")
        process.close(self)
    }

    // MARK: Writing

    /// Writes what has gathered, in one call.
    func flush() {
        guard !outgoing.isEmpty, let context else { return }
        let buffer = context.channel.allocator.buffer(bytes: outgoing)
        outgoing.removeAll(keepingCapacity: true)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    /// Flushes, then closes; nothing that follows from it comes back.
    func shut() {
        phase = .ended
        flush()
        pending.clear()
        ownBuffer = []
        context?.close(promise: nil)
    }

    // MARK: Reading

    /// Feeds what was received until it is used up, the peer is at fault, or no slot is free.
    private func feed(_ buffer: inout ByteBuffer, isResumed: Bool, now: MonotonicInstant) {
        session.bytesReceived(now: now)
        let used = buffer.withUnsafeReadableBytes { bytes in
            do throws(PeerWireError) {
                return try feed(bytes, isResumed: isResumed, now: now)
            } catch {
                session.streamBroke(error, into: &actions)
                return bytes.count
            }
        }
        process.perform(self)
        guard phase == .running else { return }
        buffer.moveReaderIndex(forwardBy: used)
        if isWaiting {
            // A copy of its own size, since the buffer belongs to all connections.
            pending = ByteBuffer(bytes: buffer.readableBytesView)
            setReading(false)
        }
    }

    /// - Returns: the number of bytes that were used.
    private func feed(
        _ bytes: UnsafeRawBufferPointer, isResumed: Bool, now: MonotonicInstant
    ) throws(PeerWireError) -> Int {
        var offset = 0
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
            if isWaiting { process.waits(self) }
            if !actions.isEmpty { process.perform(self) }
        }
        return offset
    }

    /// NIO hands over all that the kernel holds when the peer has closed, whether we read or not.
    private func keep(_ buffer: inout ByteBuffer) {
        guard pending.readableBytes + buffer.readableBytes <= Self.pendingLimit else {
            session.streamEnded(decoder.streamEnd, into: &actions)
            return process.perform(self)
        }
        pending.writeBuffer(&buffer)
    }

    /// A slot is free: goes on where it stopped, and reads again unless it has to stop again.
    func resume(now: MonotonicInstant) {
        isWaiting = false
        isWaiting = !slotIsFree(now: now)
        if isWaiting { process.waits(self) }
        process.perform(self)
        guard phase == .running, !isWaiting else { return }
        var rest = pending
        pending = ByteBuffer()
        feed(&rest, isResumed: true, now: now)
        guard phase == .running, !isWaiting else { return }
        setReading(true)
        process.supply(self)
    }

    private func setReading(_ isOn: Bool) {
        // It fails on a closed channel only, and then `channelInactive` follows.
        try? context?.channel.syncOptions?.setOption(.autoRead, value: isOn)
    }
}
