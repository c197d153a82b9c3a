import BitTorrent
import PoolProtocol

@testable import Supervisor

/// The supervisor's decisions over a pool of simulated processes; does what `PoolShell`, `SupervisorProcess` and
/// `TorrentRun` do, without sockets, files and trackers.
final class SimulatedSupervisor {
    unowned let swarm: Swarm
    var keeper: PoolKeeper
    var coordinator: TorrentCoordinator
    private(set) var budget: FrameBudget
    var book: PeerBook
    private var plannedTurn = MonotonicInstant.distantFuture
    /// The files are ready.
    private var isDownloading = false
    private(set) var isComplete = false
    private(set) var failedRoles: [Role] = []
    /// Pieces that were verified or written and not lost since: they must never be opened again.
    var settled: Set<PieceIndex> = []
    private let plan: PoolPlan

    init(_ swarm: Swarm, plan: PoolPlan, metainfo: Metainfo, order: PiecePicker.Order) {
        self.swarm = swarm
        self.plan = plan
        let now = swarm.queue.now
        keeper = PoolKeeper(plan: plan, now: now)
        coordinator = TorrentCoordinator(
            torrent: 0, metainfo: metainfo, wanted: .full(pieceCount: metainfo.geometry.pieceCount), order: order,
            generator: swarm.dice)
        budget = FrameBudget(frameCountEach: plan.frameCount, hashWorkers: 0..<plan.hashWorkerCount)
        book = PeerBook(
            torrent: 0, ownID: Swarm.ourID, ownAddresses: [], mostPeers: 50, now: now, generator: swarm.dice)
    }

    func start(_ addresses: [PeerAddress]) {
        peers { $0.learned(addresses, from: .tracker, now: $1, into: &$2) }
        turn()
    }

    // MARK: Time

    private func turn() {
        decide { $0.timerFired(now: $1, into: &$2) }
        if isDownloading { peers { $0.connectMore(now: $1, into: &$2) } }
        planTurn()
    }

    func planTurn() {
        let now = swarm.queue.now
        let due = min(keeper.nextDeadline, isDownloading ? book.nextDeadline(now: now) : .distantFuture)
        guard due != .distantFuture, due < plannedTurn else { return }
        plannedTurn = max(due, now + .microseconds(1))
        let planned = plannedTurn
        swarm.queue.plan(at: planned) { [unowned self] in
            guard plannedTurn == planned else { return }
            plannedTurn = .distantFuture
            turn()
        }
    }

    // MARK: The pool

    func decide(_ event: (inout PoolKeeper, MonotonicInstant, inout [PoolKeeper.Action]) -> Void) {
        var actions: [PoolKeeper.Action] = []
        event(&keeper, swarm.queue.now, &actions)
        for action in actions { perform(action) }
        planTurn()
    }

    private func perform(_ action: PoolKeeper.Action) {
        switch action {
        case .spawn(let worker, let adoptsRegion): swarm.spawn(worker, adoptsRegion: adoptsRegion)
        case .kill(let worker, _): swarm.kill(worker.place)
        case .join(let worker, let incumbents):
            let order = JoinOrder(incumbents: incumbents)
            tell(worker.place, peer: .join(order), hash: .join(order), writer: .join(order))
        case .tellReplaced(let place, let newcomer):
            tell(
                place, peer: .workerReplaced(newcomer), hash: .workerReplaced(newcomer),
                writer: .workerReplaced(newcomer))
        case .tellGivenUp(let place, let gone):
            tell(place, peer: .workerGivenUp(gone), hash: .workerGivenUp(gone), writer: .workerGivenUp(gone))
        case .passRegion(let pair): passRegion(pair)
        case .adopt(let worker, let stillReading):
            if !stillReading.isEmpty { swarm.tell(worker.place, .hash(.stillReading(stillReading))) }
            let orders = coordinator.adoptionOrders(for: Int(worker.place.ordinal))
            swarm.tell(worker.place, .hash(.adopt(orders, isLast: true)))
        case .lost(let worker): lost(worker)
        case .replacementSeen(let place): lossSeen(at: place)
        case .working(let worker): working(worker)
        case .gaveUp(let place):
            if place.role == .hashWorker { budget.gaveUp(Int(place.ordinal)) }
            if place.role == .hashWorker { regionLost(Int(place.ordinal)) } else { lossSeen(at: place) }
        case .regionDropped(let place): regionLost(Int(place.ordinal))
        case .failed(let role): failedRoles.append(role)
        }
    }

    private func tell(
        _ place: Place, peer: SupervisorToPeerWorker, hash: SupervisorToHashWorker, writer: SupervisorToWriter
    ) {
        switch place.role {
        case .peerWorker: swarm.tell(place, .peer(peer))
        case .hashWorker: swarm.tell(place, .hash(hash))
        case .writer: swarm.tell(place, .writer(writer))
        case .supervisor: break
        }
    }

    /// Over the lifeline; when the descriptor has arrived it is named.
    private func passRegion(_ pair: RegionReader) {
        guard let memory = swarm.regions[pair.owner.place] else { return }
        let order = MapRegion(
            owner: pair.owner, descriptor: swarm.describe(memory), byteCount: UInt64(memory.byteCount))
        whenArrived(at: pair.reader) { [unowned self] in
            tell(pair.reader.place, peer: .drain, hash: .mapRegion(order), writer: .mapRegion(order))
        }
    }

    private func whenArrived(at worker: Incarnation, _ body: @escaping () -> Void) {
        swarm.process(worker)?.lifeline.send(body)
    }

    func reaped(_ worker: Incarnation, _ ending: RestartPolicy.Ending) {
        decide { $0.died(worker, ending: ending, now: $1, into: &$2) }
    }

    // MARK: Deaths

    /// Whether the place would be filled again if its process died now: five deaths in a row before `ready` end a run, which
    /// is no fault of what is simulated.
    func wouldReplace(_ place: Place) -> Bool {
        guard var state = keeper.state(of: place) else { return false }
        return state.policy.died(.killedFromOutside, wasReady: state.wasReady, didWork: state.didWork) != .giveUp
    }

    private func lost(_ worker: Incarnation) {
        let ordinal = Int(worker.place.ordinal)
        switch worker.place.role {
        case .peerWorker:
            coordinator.peerWorkerLost(ordinal)
            peers { $0.workerLost(ordinal, now: $1, into: &$2) }
        case .hashWorker: route { coordinator, budget, _, _ in coordinator.hashWorkerLost(ordinal, budget: &budget) }
        case .writer, .supervisor: break
        }
    }

    func lossSeen(at place: Place) {
        guard place.role == .peerWorker else { return }
        route { $0.peerWorkerLossSeen(Int(place.ordinal), budget: &$1, pool: $2, into: &$3) }
    }

    func regionLost(_ ordinal: Int) {
        for assignment in coordinator.assemblers.filter({ $0.value == ordinal }).keys {
            if let piece = coordinator.pieces.piece(of: assignment) { settled.remove(piece) }
        }
        route { $0.regionLost(ordinal, budget: &$1, pool: $2, into: &$3) }
    }

    // MARK: Births

    private func working(_ worker: Incarnation) {
        switch worker.place.role {
        case .peerWorker: if isDownloading { introduce(worker) }
        case .hashWorker: route { $0.serveAll(budget: &$1, pool: $2, into: &$3) }
        case .writer:
            let unsynced = coordinator.pieces.piecesToSync
            whenArrived(at: worker) { [unowned self] in
                swarm.tell(worker.place, .writer(.addTorrent(swarm.writerSetup)))
                if !unsynced.isEmpty {
                    swarm.tell(worker.place, .writer(.syncPending(torrent: 0, unsynced)))
                }
            }
        case .supervisor: break
        }
    }

    /// Tells a peer-worker of the torrent.
    private func introduce(_ worker: Incarnation) {
        let ordinal = Int(worker.place.ordinal)
        let told = coordinator.pieces.have
        var needed = PieceSet.full(pieceCount: told.pieceCount)
        needed.subtract(told)
        let setup = swarm.peerSetup(state: told.wireBytes + needed.wireBytes)
        coordinator.joined(ordinal)
        whenArrived(at: worker) { [unowned self] in
            swarm.tell(worker.place, .peer(.addTorrent(setup)))
            var fresh = coordinator.pieces.have
            fresh.subtract(told)
            var list: [PieceIndex] = []
            fresh.forEach { list.append($0) }
            if !list.isEmpty { swarm.tell(worker.place, .peer(.piecesOurs(torrent: 0, list))) }
            peers { $0.workerReady(ordinal, capacity: 20, now: $1, into: &$2) }
        }
    }

    func writerReady() {
        guard !isDownloading else { return }
        isDownloading = true
        route { $0.startGranting(budget: &$1, pool: $2, into: &$3) }
        for ordinal in keeper.workingOrdinals(of: .peerWorker) {
            let place = Place(.peerWorker, ordinal)
            introduce(keeper.state(of: place)!.incarnation(at: place))
        }
        planTurn()
    }

    // MARK: Carrying out

    func route(
        _ event: (inout TorrentCoordinator, inout FrameBudget, PoolView, inout [TorrentCoordinator.Action]) -> Void
    ) {
        var actions: [TorrentCoordinator.Action] = []
        let working = Set(keeper.workingOrdinals(of: .hashWorker))
        event(&coordinator, &budget, PoolView { working.contains($0) }, &actions)
        for action in actions { perform(action) }
    }

    private func perform(_ action: TorrentCoordinator.Action) {
        switch action {
        case .tellPeerWorker(let worker, let order): swarm.tell(Place(.peerWorker, worker), .peer(order))
        case .tellPeerWorkers(let order):
            if case .piecesOurs(_, let pieces) = order { checkAnnounced(pieces) }
            for worker in coordinator.members.sorted() { swarm.tell(Place(.peerWorker, worker), .peer(order)) }
        case .tellHashWorker(let worker, let order):
            if case .openPieces(let pieces) = order { checkOpened(pieces) }
            swarm.tell(Place(.hashWorker, worker), .hash(order))
        case .restore: swarm.complain("there is nothing to restore")
        case .pieceChanged(let piece, let news):
            if news == .verified || news == .written { settled.insert(piece) }
        case .banPeer(let contributor, let piece):
            for worker in keeper.workingOrdinals(of: .hashWorker) {
                swarm.tell(Place(.hashWorker, worker), .hash(.disown(contributor)))
            }
            peers { book, _, actions in book.ban(contributor, reason: "piece \(piece)", into: &actions) }
        case .allWritten: break
        case .allSynced: isComplete = true
        }
    }

    private func checkAnnounced(_ pieces: [PieceIndex]) {
        for piece in pieces where !swarm.isRightOnDisk(piece) { swarm.complain("piece \(piece) is announced wrongly") }
    }

    private func checkOpened(_ pieces: [PieceToOpen]) {
        for piece in pieces where settled.contains(piece.piece) {
            swarm.complain("piece \(piece.piece) is fetched again")
        }
    }

    func peers(_ event: (inout PeerBook, MonotonicInstant, inout [PeerBook.Action]) -> Void) {
        var actions: [PeerBook.Action] = []
        event(&book, swarm.queue.now, &actions)
        for action in actions {
            switch action {
            case .connect(let worker, let peer):
                swarm.tell(Place(.peerWorker, worker), .peer(.connectPeers([peer])))
            case .close(let worker, let peer, let cause):
                swarm.tell(Place(.peerWorker, worker), .peer(.closePeer(peer: peer, cause)))
            case .report(let address, _, _, .banned): swarm.banned(address)
            case .tellMembers(let worker, let added, let dropped):
                swarm.tell(
                    Place(.peerWorker, worker), .peer(.swarmMembers(torrent: 0, added: added, dropped: dropped)))
            case .report: break
            }
        }
    }

    // MARK: At the end

    /// Everybody works, and nothing is reserved, doubted or assigned.
    var isAtRest: Bool {
        keeper.allPlaces.allSatisfy { keeper.isWorking($0) } && coordinator.assemblers.isEmpty
            && coordinator.blocks.openCount == 0 && budget.freeCount == plan.frameCount * plan.hashWorkerCount
    }
    var restlessness: String {
        let idle = keeper.allPlaces.filter { !keeper.isWorking($0) }
            .map { "\($0) \(keeper.state(of: $0)!.phase)" }
        let states = (0..<coordinator.geometry.pieceCount).map { coordinator.pieces.state(of: PieceIndex($0)) }
            .filter { $0 != .synced }
        return
            "\(idle) do not work; \(coordinator.assemblers.count) assignments, \(coordinator.blocks.openCount) open, "
            + "\(budget.freeCount) frames free; not synced: \(states); demand \(coordinator.demand), "
            + "\(book.connectedCount) peers connected"
    }
}
