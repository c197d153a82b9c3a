import BitTorrent
import Glibc
import Logging
import PoolProtocol
import PoolRuntime

@testable import PeerWorker

/// A peer-worker's connections, sessions, grants and slots; does what `PeerWorkerLoop` does, without sockets.
final class SimulatedPeerWorker: SimulatedWorker {
    private let memory: SharedMemory
    private let process: PeerWorkerProcess
    private var links: [PeerLink] = []
    private var plannedRun = MonotonicInstant.distantFuture

    init(_ who: Incarnation, _ swarm: Swarm, memory: SharedMemory) throws {
        self.memory = memory
        process = try PeerWorkerProcess(
            .init(
                generation: who.generation, maximumPeerCount: 50, connectTimeout: .seconds(5), bindAddress: "",
                listeners: []),
            poll: try PollLoop(),
            region: IntakeRegion(base: memory.base, geometry: IntakeGeometry(byteCount: memory.byteCount)),
            chronicle: Chronicle(
                Logger(label: "peer") { _ in SwiftLogNoOpLogHandler() }, trail: nil,
                clock: { [unowned swarm] in swarm.queue.now }),
            clock: { [unowned swarm] in swarm.queue.now })
        super.init(who, swarm)
        process.post = { [unowned self] in post(&$0) }
    }

    override func sayHello(_ hello: Hello) { tell(.peer(.hello(hello))) }
    override func sayReady() {
        tell(.peer(.ready))
    }

    override func neighbourJoined(_ neighbour: Incarnation) {
        process.assemblerJoined(neighbour, now: now)
        run()
    }

    override func handle(_ order: PoolOrder) {
        guard case .peer(let order) = order else { return }
        switch order {
        case .join: break
        case .workerReplaced(let newcomer):
            replaced(by: newcomer)
            tell(.peer(.replacementSeen(ReplacementSeen(newcomer: newcomer))))
            pass(order)
        case .workerGivenUp(let place):
            gaveUp(place)
            pass(order)
        case .addTorrent(let setup):
            process.add(
                setup, state: swarm.states[setup.stateDescriptor]!,
                files: try! FileMap(swarm.fileTable.withoutPaths, hasPaths: false))
        case .connectPeers(let peers): for peer in peers { connect(peer) }
        default: pass(order)
        }
    }

    override func handle(_ frame: PoolFrame, from sender: Incarnation) {
        guard case .slots(let slots) = frame else { return }
        process.returned(slots, by: sender.place.ordinal)
        run()
    }

    private func pass(_ order: SupervisorToPeerWorker) {
        process.handle(order, now: now)
        run()
    }

    /// Lets the process do what is due, and sends what comes of it.
    fileprivate func run() {
        guard isRunning else { return }
        if now >= process.nextDeadline { process.timerFired(now: now) }
        process.endTurn()
        for link in links { link.takeOutbound() }
        links.removeAll { !$0.isOpen }
        planRun()
    }

    private func post(_ parcel: inout Parcel) {
        for news in parcel.news { tell(.peer(news)) }
        for batch in parcel.batches where neighbours.current(batch.receiver.place) == batch.receiver {
            for part in batch.references.parts(ofAtMost: Topology.maximumListCount) {
                send(.blocks(part), to: batch.receiver.place)
            }
        }
        parcel.removeAll()
    }

    private func planRun() {
        guard process.nextDeadline < .distantFuture else { return }
        let due = max(process.nextDeadline, now + .microseconds(10))
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
            if peer.accepts() {
                links.append(PeerLink(connection, self, peer))
            } else {
                process.connectFailed(connection, ECONNREFUSED)
            }
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
final class PeerLink: PeerWire, PeerTransport {
    private let connection: Connection
    private unowned let worker: SimulatedPeerWorker
    private let peer: SimulatedPeer
    /// What the worker has sent and the link has not taken up.
    private var outbound: [UInt8] = []
    private var decoder = PeerStreamDecoder()
    private var talk: PeerTalk!
    private(set) var isOpen = true
    private var lastOut = MonotonicInstant.distantPast
    private var lastIn = MonotonicInstant.distantPast

    init(_ connection: Connection, _ worker: SimulatedPeerWorker, _ peer: SimulatedPeer) {
        self.connection = connection
        self.worker = worker
        self.peer = peer
        decoder.torrentIdentified(pieceCount: peer.pieces.pieceCount)
        talk = peer.talk(over: self)
        connection.opened(self)
    }

    func send(_ bytes: inout [UInt8]) -> SendOutcome {
        outbound += bytes
        bytes.removeAll()
        return .sent
    }
    // Nobody is unchoked, so nobody requests.
    var isIdle: Bool { true }
    func send(_ head: inout [UInt8], _ body: UploadBody) -> SendOutcome { .failed(EOPNOTSUPP) }
    // Slots that are short make a reader stop; what comes meanwhile waits in the connection.
    func setReading(_ isOn: Bool) {}
    func rest() {}
    func retry() {}
    // `takeOutbound` sees it by the connection's phase.
    func close() {}

    /// What the worker has sent reaches the peer later.
    func takeOutbound() {
        guard isOpen else { return }
        var offset = 0
        while let event = try? decoder.next(in: outbound.span.bytes, at: &offset) {
            lastOut = max(lastOut, worker.now + peer.latency)
            switch event {
            case .handshake: worker.swarm.queue.plan(at: lastOut) { [talk] in talk!.handshakeReceived() }
            case .message(let message): worker.swarm.queue.plan(at: lastOut) { [talk] in talk!.received(message) }
            case .blockBegins, .blockBytes, .blockEnds: break
            }
        }
        outbound = []
        if connection.phase == .ended {
            isOpen = false
            talk.ended()
        }
    }

    func send(_ bytes: [UInt8]) {
        lastIn = max(lastIn, worker.now + peer.latency)
        worker.swarm.queue.plan(at: lastIn) { [weak self] in
            guard let self, isOpen, worker.isRunning else { return }
            bytes.withUnsafeBytes { connection.received($0) }
            worker.run()
        }
    }

    func hangUp() {
        lastIn = max(lastIn, worker.now + peer.latency)
        worker.swarm.queue.plan(at: lastIn) { [weak self] in
            guard let self, isOpen, worker.isRunning else { return }
            connection.ended()
            worker.run()
        }
    }

    func workerDied() {
        isOpen = false
        talk.ended()
    }
}
