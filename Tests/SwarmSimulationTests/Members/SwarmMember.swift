import BitTorrent
import Glibc
import PoolProtocol
import TestSupport

@testable import PeerWorker
@testable import Supervisor

/// One of us in a swarm: what a supervisor with one torrent and one peer-worker decides, does what `TorrentRun` and
/// `PeerWorkerLoop` do. Its hash-worker and writer are a count of blocks.
final class SwarmMember {
    let number: Int
    let address: PeerAddress
    let isSeed: Bool
    let uplink: Uplink
    let downBytesPerSecond: Int
    let latency: Duration
    unowned let swarm: MemberSwarm
    /// When the line is free for what comes next.
    var downFree = MonotonicInstant.distantPast
    private(set) var process: PeerWorkerProcess!
    private(set) var coordinator: TorrentCoordinator
    private(set) var book: PeerBook
    private(set) var choker: Choker<PeerBook.Key>
    private var budget: FrameBudget
    private var totals = Supervisor.TransferTotals()
    private var uploadRate: RateEstimator
    private var pieces: [AssignmentID: OpenedPiece] = [:]
    private var plannedRun = MonotonicInstant.distantFuture
    private var plannedTurn = MonotonicInstant.distantFuture
    private var isRunPlanned = false
    private var nextPort: UInt16 = 20_000

    private struct OpenedPiece {
        let order: PieceToOpen
        var present: Set<UInt32> = []
    }

    // MARK: What is measured

    private(set) var isThere = false
    private(set) var completedAt: MonotonicInstant?
    private var lastPayload: MonotonicInstant?
    /// The longest time without a byte of payload from the first one on until everything was there.
    private(set) var longestGap = Duration.zero
    private(set) var wastedByteCount = 0

    init(_ number: Int, _ line: MemberSwarmSettings.Line, isSeed: Bool, _ swarm: MemberSwarm) throws {
        self.number = number
        self.isSeed = isSeed
        self.swarm = swarm
        address = PeerAddress(v4: 0x5000_0001 + UInt32(number + 1) << 8, port: 6881)
        uplink = Uplink(bytesPerSecond: line.up, swarm.queue)
        downBytesPerSecond = line.down
        latency = .milliseconds(Int.random(in: 5...60, using: &swarm.dice))
        let now = swarm.now
        let geometry = swarm.metainfo.geometry
        coordinator = TorrentCoordinator(
            torrent: 0, metainfo: swarm.metainfo, wanted: .full(pieceCount: geometry.pieceCount), order: .rarestFirst,
            generator: SeededGenerator(seed: swarm.dice.next()))
        budget = FrameBudget(frameCountEach: swarm.settings.openPieceCount, hashWorkers: 0..<1)
        uploadRate = RateEstimator(now: now)
        choker = Choker(slots: nil, generator: SeededGenerator(seed: swarm.dice.next()))
        book = PeerBook(
            torrent: 0, ownID: Self.id(number), ownAddresses: [address], mostPeers: swarm.settings.mostPeers,
            listenPort: 6881, now: now, generator: SeededGenerator(seed: swarm.dice.next()))
        process = try PeerWorkerProcess(
            .init(
                generation: 1, maximumPeerCount: 100, connectTimeout: .seconds(5), bindAddress: "", listeners: []),
            poll: swarm.poll,
            region: IntakeRegion(
                base: swarm.memory.base, geometry: IntakeGeometry(byteCount: swarm.memory.byteCount)),
            chronicle: swarm.chronicle, clock: { [unowned swarm] in swarm.now })
        process.post = { [unowned self] in post(&$0) }
    }

    private static func id(_ number: Int) -> PeerID {
        PeerID(Array("-SK0100-".utf8) + [UInt8(number >> 8), UInt8(number & 0xFF)] + repeatElement(7, count: 10))
    }

    private var now: MonotonicInstant { swarm.now }
    private var isComplete: Bool { coordinator.pieces.isComplete }
    var state: String {
        "\(number) has \(coordinator.pieces.have.count) pieces, \(book.connectedCount) peers, "
            + "\(process.torrents[0]?.book.outstandingCount ?? 0) blocks granted, demand \(coordinator.demand)"
    }

    // MARK: Coming and going

    func arrive() {
        isThere = true
        if isSeed {
            for piece in 0..<coordinator.geometry.pieceCount { coordinator.restored(PieceIndex(piece)) }
            choker.seedingBegan()
        }
        var needed = PieceSet.full(pieceCount: coordinator.geometry.pieceCount)
        needed.subtract(coordinator.pieces.have)
        process.add(
            PeerTorrentSetup(
                torrent: 0, infoHash: swarm.metainfo.infoHash, ourID: Self.id(number), geometry: coordinator.geometry,
                listenPort: 6881, isPrivate: false, stateDescriptor: 0, fileTableDescriptor: 0),
            state: coordinator.pieces.have.wireBytes + needed.wireBytes, files: swarm.files)
        process.ready()
        process.assemblerJoined(Incarnation(Place(.hashWorker, 0), generation: 1), now: now)
        coordinator.joined(0)
        route { $0.startGranting(budget: &$1, pool: $2, into: &$3) }
        peers { $0.workerReady(0, capacity: 100, now: $1, into: &$2) }
        announce()
        run()
    }

    private func announce() {
        guard isThere else { return }
        if book.connectedCount < swarm.settings.mostPeers {
            let found = swarm.someAddresses(for: self)
            peers { $0.learned(found, from: .tracker, now: $1, into: &$2) }
        }
        swarm.queue.plan(after: .seconds(30)) { [self] in announce() }
    }

    func leave() {
        guard isThere else { return }
        isThere = false
        process.stop()
        process.endTurn()
    }

    // MARK: Time

    private func turn() {
        guard isThere else { return }
        choke { $0.timerFired(bytesPerSecond: uploadRate.bytesPerSecond(now: now), now: now, into: &$1) }
        peers { $0.connectMore(now: $1, into: &$2) }
        planTurn()
        run()
    }

    private func planTurn() {
        let due = max(min(book.nextDeadline(now: now), choker.nextDeadline), now + .milliseconds(10))
        guard due < plannedTurn, due < .distantFuture else { return }
        plannedTurn = due
        swarm.queue.plan(at: due) { [self] in
            guard plannedTurn == due else { return }
            plannedTurn = .distantFuture
            turn()
        }
    }

    /// Lets the peer-worker do what is due.
    func run() {
        guard isThere else { return }
        if now >= process.nextDeadline, now.nanoseconds % 500_000_000 == 0 { process.timerFired(now: now) }
        process.endTurn()
        let due = nextRun
        guard due < plannedRun else { return }
        plannedRun = due
        swarm.queue.plan(at: due) { [self] in
            guard plannedRun == due else { return }
            plannedRun = .distantFuture
            run()
        }
    }

    /// Once, after all that happens at this moment.
    func runSoon() {
        guard !isRunPlanned else { return }
        isRunPlanned = true
        swarm.queue.plan(at: now) { [self] in
            isRunPlanned = false
            run()
        }
    }

    /// As of a loop that is busy now and then: sessions are looked at twice a second, since there are thousands.
    private var nextRun: MonotonicInstant {
        var due = MonotonicInstant.distantFuture
        if process.nextDeadline < .distantFuture {
            due = now + .nanoseconds(500_000_000 - now.nanoseconds % 500_000_000)
        }
        return min(due, process.batches.deadline.map { max($0, now + .milliseconds(1)) } ?? .distantFuture)
    }

    // MARK: Between the processes

    private func post(_ parcel: inout Parcel) {
        let news = parcel.news
        let batches = parcel.batches
        parcel.removeAll()
        guard !news.isEmpty || !batches.isEmpty else { return }
        swarm.queue.plan(after: .milliseconds(1)) { [self] in
            guard isThere else { return }
            for batch in batches { assemble(batch.references) }
            for message in news { received(message) }
            planTurn()
            run()
        }
    }

    private func received(_ message: PeerWorkerToSupervisor) {
        switch message {
        case .wantBlocks(_, let byteCount):
            route { $0.wantReceived(Int(byteCount), from: 0, budget: &$1, pool: $2, into: &$3) }
        case .sourceCounts(_, let counts):
            route { $0.sourceCountsReceived(counts, from: 0, budget: &$1, pool: $2, into: &$3) }
        case .seedCount(_, let count):
            route { $0.seedCountReceived(Int(count), from: 0, budget: &$1, pool: $2, into: &$3) }
        case .grantReturned(let assignment, let ranges, let reason):
            route { $0.grantReturned(assignment, ranges, reason, by: 0, budget: &$1, pool: $2, into: &$3) }
        case .peerConnected(let peer):
            peers { $0.connected(peer, at: 0, now: $1, into: &$2) }
            let key = PeerBook.Key(worker: 0, peer: peer.peer)
            if book.connections[key]?.isConnected == true { choker.connected(key, now: now) }
        case .peerClosed(let peer):
            choke { $0.left(PeerBook.Key(worker: 0, peer: peer.peer), now: now, into: &$1) }
            peers { $0.closed(peer, at: 0, now: $1, into: &$2) }
        case .peerIntroduced(let peer): peers { book, _, actions in book.introduced(peer, at: 0, into: &actions) }
        case .interestChanged(let peers):
            choke { choker, changes in
                for peer in peers {
                    choker.interestChanged(
                        PeerBook.Key(worker: 0, peer: peer.peer), isInterested: peer.isInterested, now: now,
                        into: &changes)
                }
            }
        case .report(_, let report, let peers): reported(report, peers)
        case .hello, .joined, .ready, .replacementSeen, .descriptorReceived, .drained, .wantFiles, .peersHeard,
            .grantsReported:
            break
        }
    }

    private func reported(_ report: TransferReport, _ reports: [PeerReport]) {
        let before = totals.uploadedByteCount
        totals.reported(report, by: 0)
        wastedByteCount = Int(report.wastedByteCount)
        uploadRate.add(byteCount: Int(totals.uploadedByteCount - before), now: now)
        book.reported(reports, at: 0, isComplete: isComplete, now: now)
        for report in reports {
            choker.reported(
                PeerBook.Key(worker: 0, peer: report.peer),
                ChokerPeer.Figures(
                    downloadRate: report.downloadRate, uploadRate: report.uploadRate,
                    uploadedByteCount: report.uploadedByteCount, isSeed: report.isSeed, isSnubbed: report.isSnubbed))
        }
        if isComplete { peers { book, _, actions in book.closeSeeds(into: &actions) } }
    }

    private func choke(_ event: (inout Choker<PeerBook.Key>, inout [Choker<PeerBook.Key>.Change]) -> Void) {
        var changes: [Choker<PeerBook.Key>.Change] = []
        event(&choker, &changes)
        guard !changes.isEmpty else { return }
        process.handle(.choke(changes.map { PeerChoke(peer: $0.peer.peer, isChoked: $0.isChoked) }), now: now)
    }

    private func peers(_ event: (inout PeerBook, MonotonicInstant, inout [PeerBook.Action]) -> Void) {
        var actions: [PeerBook.Action] = []
        event(&book, now, &actions)
        for action in actions {
            switch action {
            case .connect(_, let peer): connect(peer)
            case .close(_, let peer, let cause): process.handle(.closePeer(peer: peer, cause), now: now)
            case .tellMembers, .report: break
            }
        }
    }

    private func connect(_ order: PeerToConnect) {
        guard let connection = process.outgoing(order) else { return run() }
        let target = swarm.member(at: order.address)
        swarm.queue.plan(after: latency + (target?.latency ?? latency)) { [self] in
            guard isThere, connection.phase == .connecting else { return }
            nextPort += 1
            let here = PeerAddress(address, port: nextPort)
            if let target, target.isThere, let theirs = target.process.accepted(from: here) {
                MemberWire.join(self, connection, target, theirs)
                target.run()
            } else {
                process.connectFailed(connection, ECONNREFUSED)
            }
            run()
        }
    }

    // MARK: Pieces

    private func route(
        _ event: (inout TorrentCoordinator, inout FrameBudget, PoolView, inout [TorrentCoordinator.Action]) -> Void
    ) {
        var actions: [TorrentCoordinator.Action] = []
        event(&coordinator, &budget, PoolView { _ in true }, &actions)
        for action in actions { perform(action) }
    }

    private func perform(_ action: TorrentCoordinator.Action) {
        switch action {
        case .tellPeerWorker(_, let order), .tellPeerWorkers(let order): process.handle(order, now: now)
        case .tellHashWorker(_, .openPieces(let orders)):
            for order in orders { pieces[order.assignment] = OpenedPiece(order: order) }
            soon { $0.route { $0.opened(orders.map(\.assignment), budget: &$1, pool: $2, into: &$3) } }
        case .tellHashWorker(_, .closePieces(let assignments)):
            for assignment in assignments { pieces[assignment] = nil }
        case .tellHashWorker(_, .reportProgress(let assignments)):
            for assignment in assignments { soon { $0.reportProgress(of: assignment) } }
        case .tellHashWorker, .pieceChanged, .allWritten: break
        case .allSynced: if !isSeed { completed() }
        case .restore, .banPeer: swarm.complain("\(number) wants \(action)")
        }
    }

    private func soon(_ body: @escaping (SwarmMember) -> Void) {
        swarm.queue.plan(after: .milliseconds(1)) { [self] in
            guard isThere else { return }
            body(self)
            run()
        }
    }

    private func reportProgress(of assignment: AssignmentID) {
        guard let piece = pieces[assignment] else { return }
        var present = BlockSet(blockCount: TorrentGeometry.blockCount(pieceByteCount: piece.order.byteCount))
        for block in piece.present { present.insert(block..<block + 1) }
        route { $0.presenceReceived(assignment, bits: present.bits, isWhole: true, budget: &$1, pool: $2, into: &$3) }
    }

    private func assemble(_ references: [BlockReference]) {
        var answers: [SlotReturn] = []
        for reference in references {
            let isNew = pieces[reference.assignment]?.present.insert(reference.block).inserted
            let outcome: SlotReturn.Outcome = isNew.map { $0 ? .taken : .duplicate } ?? .notNeeded
            answers.append(SlotReturn(slot: reference.slot, lease: reference.lease, outcome: outcome))
            if outcome == .taken { took(reference.assignment) }
        }
        process.returned(answers, by: 0)
    }

    private func took(_ assignment: AssignmentID) {
        if let lastPayload { longestGap = max(longestGap, now - lastPayload) }
        lastPayload = now
        let piece = pieces[assignment]!
        guard piece.present.count == TorrentGeometry.blockCount(pieceByteCount: piece.order.byteCount) else { return }
        let index = piece.order.piece
        soon { member in
            member.route { coordinator, _, _, actions in coordinator.verified([assignment], into: &actions) }
            let written = WrittenPiece(assignment: assignment, torrent: 0, piece: index)
            member.route { $0.written([written], budget: &$1, pool: $2, into: &$3) }
            member.route { coordinator, _, _, actions in coordinator.synced([index], into: &actions) }
            member.swarm.gained(index)
        }
    }

    private func completed() {
        completedAt = now
        choker.seedingBegan()
    }
}
