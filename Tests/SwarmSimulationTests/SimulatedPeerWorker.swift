import BitTorrent
import CLinux
import Glibc
import Logging
import NIOCore
import NIOEmbedded
import PoolProtocol

@testable import PeerWorker

/// A peer-worker's connections, sessions, grants and slots on an embedded loop; does what `MessageThread` does, without
/// a thread and without sockets.
final class SimulatedPeerWorker: SimulatedWorker {
    fileprivate let loop = EmbeddedEventLoop()
    private let memory: SharedMemory
    private let wakeDescriptor: CInt
    private let mailbox: Mailbox
    private let process: PeerWorkerProcess
    private var parcel = Mailbox.Parcel()
    private var links: [PeerLink] = []
    private var loopTime: MonotonicInstant
    private var plannedRun = MonotonicInstant.distantFuture

    init(_ who: Incarnation, _ swarm: Swarm, memory: SharedMemory) throws {
        self.memory = memory
        wakeDescriptor = clinux_eventfd()
        mailbox = Mailbox(wakeDescriptor: wakeDescriptor)
        process = try PeerWorkerProcess(
            .init(maximumPeerCount: 50, connectTimeout: .seconds(5), bindAddress: "", listeners: []),
            eventLoop: loop, mailbox: mailbox,
            region: IntakeRegion(base: memory.base, geometry: IntakeGeometry(byteCount: memory.byteCount)),
            logger: Logger(label: "peer") { _ in SwiftLogNoOpLogHandler() },
            clock: { [unowned swarm] in swarm.queue.now })
        loopTime = swarm.queue.now
        super.init(who, swarm)
    }

    deinit { close(wakeDescriptor) }

    override func sayHello(_ hello: Hello) { tell(.peer(.hello(hello))) }
    override func sayReady() {
        tell(.peer(.ready))
        post(.ready)
    }

    override func neighbourJoined(_ neighbour: Incarnation) { post(.assemblerJoined(neighbour)) }

    override func handle(_ order: PoolOrder) {
        guard case .peer(let order) = order else { return }
        switch order {
        case .join: break
        case .workerReplaced(let newcomer):
            replaced(by: newcomer)
            tell(.peer(.replacementSeen(ReplacementSeen(newcomer: newcomer))))
            post(.assemblerReplaced(newcomer))
        case .workerGivenUp(let place):
            gaveUp(place)
            post(.order(order))
        case .addTorrent(let setup): post(.torrentAdded(setup, state: swarm.states[setup.stateDescriptor]!))
        case .connectPeers(let peers): for peer in peers { connect(peer) }
        default: post(.order(order))
        }
    }

    override func handle(_ frame: PoolFrame, from sender: Incarnation) {
        if case .slots(let slots) = frame { post(.slotsReturned(assembler: sender.place.ordinal, slots)) }
    }

    private func post(_ event: Mailbox.Event) {
        var events = [event]
        if mailbox.post(&events) { process.postArrived() }
        run()
    }

    /// Lets the loop do what is due, and sends what comes of it.
    fileprivate func run() {
        guard isRunning else { return }
        loop.advanceTime(by: .nanoseconds((now - loopTime).wholeNanoseconds))
        loopTime = now
        loop.run()
        mailbox.take(into: &parcel)
        for news in parcel.news { tell(.peer(news)) }
        for batch in parcel.batches where neighbours.current(batch.receiver.place) == batch.receiver {
            for part in batch.references.parts(ofAtMost: Topology.maximumListCount) {
                send(.blocks(part), to: batch.receiver.place)
            }
        }
        parcel.removeAll()
        for link in links { link.takeOutbound() }
        links.removeAll { !$0.isOpen }
        planRun()
    }

    private func planRun() {
        guard !process.table.isEmpty || process.batches.deadline != nil || process.reports.isDue else { return }
        let due = max(
            min(process.batches.deadline ?? .distantFuture, now + .milliseconds(100)), now + .microseconds(10))
        guard due < plannedRun else { return }
        plannedRun = due
        swarm.queue.plan(at: due) { [weak self] in
            guard let self, isRunning, plannedRun == due else { return }
            plannedRun = .distantFuture
            run()
        }
    }

    // MARK: Peers

    private func connect(_ order: PeerToConnect) {
        guard let connection = process.outgoing(order) else { return run() }
        let peer = swarm.peers[order.address]!
        swarm.queue.plan(after: peer.latency * 2) { [weak self] in
            guard let self, isRunning, connection.phase == .connecting else { return }
            do {
                guard peer.accepts() else { throw IOError(errnoCode: ECONNREFUSED, reason: "connect") }
                links.append(try PeerLink(connection, self, peer))
            } catch { process.connectFailed(connection, error) }
            run()
        }
    }

    override func died() {
        for link in links { link.workerDied() }
        links = []
    }

    /// Every slot is free, nothing is granted.
    var isAtRest: Bool {
        process.intake.slots.freeCount == process.intake.slots.slotCount && process.intake.waitingCount == 0
            && process.torrents.values.allSatisfy { $0.book.isEmpty }
    }
    var restlessness: String {
        "\(who): \(process.intake.slots.freeCount) of \(process.intake.slots.slotCount) slots free, "
            + "\(process.intake.waitingCount) sockets wait, "
            + "\(process.torrents.values.map { "\($0.book.outstandingCount) granted, \($0.book.unassignedCount) unasked" })"
    }
}

/// The wire between one connection of a peer-worker and a simulated peer: bytes one way, messages the other.
final class PeerLink: PeerWire {
    private let connection: Connection
    private unowned let worker: SimulatedPeerWorker
    private let peer: SimulatedPeer
    private let channel: EmbeddedChannel
    private var decoder = PeerStreamDecoder()
    private var talk: PeerTalk!
    private(set) var isOpen = true
    private var lastOut = MonotonicInstant.distantPast
    private var lastIn = MonotonicInstant.distantPast

    init(_ connection: Connection, _ worker: SimulatedPeerWorker, _ peer: SimulatedPeer) throws {
        self.connection = connection
        self.worker = worker
        self.peer = peer
        channel = EmbeddedChannel(handler: connection, loop: worker.loop)
        decoder.torrentIdentified(pieceCount: peer.pieces.pieceCount)
        talk = peer.talk(over: self)
        channel.connect(to: try SocketAddress(connection.address), promise: nil)
    }

    /// What the worker has sent reaches the peer later.
    func takeOutbound() {
        guard isOpen else { return }
        while let buffer = try? channel.readOutbound(as: ByteBuffer.self) {
            let bytes = Array(buffer.readableBytesView)
            var offset = 0
            while let event = try? decoder.next(in: bytes.span.bytes, at: &offset) {
                lastOut = max(lastOut, worker.now + peer.latency)
                switch event {
                case .handshake: worker.swarm.queue.plan(at: lastOut) { [talk] in talk!.handshakeReceived() }
                case .message(let message): worker.swarm.queue.plan(at: lastOut) { [talk] in talk!.received(message) }
                case .blockBegins, .blockBytes, .blockEnds: break
                }
            }
        }
        if connection.phase == .ended {
            isOpen = false
            talk.ended()
        }
    }

    func send(_ bytes: [UInt8]) {
        lastIn = max(lastIn, worker.now + peer.latency)
        worker.swarm.queue.plan(at: lastIn) { [weak self] in
            guard let self, isOpen, worker.isRunning else { return }
            channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes))
            channel.pipeline.fireChannelReadComplete()
            worker.run()
        }
    }

    func close() {
        lastIn = max(lastIn, worker.now + peer.latency)
        worker.swarm.queue.plan(at: lastIn) { [weak self] in
            guard let self, isOpen, worker.isRunning else { return }
            channel.close(promise: nil)
            worker.run()
        }
    }

    func workerDied() {
        isOpen = false
        talk.ended()
    }
}
