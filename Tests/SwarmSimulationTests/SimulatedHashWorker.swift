import BitTorrent
import PoolProtocol

@testable import HashWorker

/// A hash-worker's table of pieces over real memory; does what `HashWorkerProcess` does, without a disk thread.
final class SimulatedHashWorker: SimulatedWorker {
    private(set) var table: AssemblyTable
    private let memory: SharedMemory
    private var actions: [AssemblyAction] = []
    private var plannedStep = MonotonicInstant.distantFuture
    private var lastReport: HashReport?
    private var lastReportTime = MonotonicInstant.distantPast
    private var isReportPlanned = false

    init(_ who: Incarnation, _ swarm: Swarm, memory: SharedMemory, adoptsRegion: Bool) {
        self.memory = memory
        table = AssemblyTable(
            AssemblyRegion(base: memory.base, byteCount: memory.byteCount),
            start: who.generation > 1 ? .successor(trustsContents: adoptsRegion) : .fresh)
        super.init(who, swarm)
    }

    override func sayHello(_ hello: Hello) { tell(.hash(.hello(hello))) }
    override func sayReady() { tell(.hash(.ready)) }

    override func neighbourJoined(_ neighbour: Incarnation) {
        guard neighbour.place.role == .writer else { return }
        table.writerJoined(generation: neighbour.generation, into: &actions)
    }

    override func handle(_ order: PoolOrder) {
        guard case .hash(let order) = order else { return }
        switch order {
        case .join, .restoreBlocks, .recheck, .hashPiece, .closeDescriptors, .writePartials, .stop: break
        case .disown(let liar): table.disown(liar, now: now, into: &actions)
        case .workerReplaced(let newcomer):
            replaced(by: newcomer)
            if newcomer.place.role == .peerWorker {
                table.peerWorkerReplaced(by: newcomer)
            } else {
                table.writerReplaced(generation: newcomer.generation)
            }
            tell(.hash(.replacementSeen(ReplacementSeen(newcomer: newcomer))))
        case .workerGivenUp(let place):
            gaveUp(place)
            if place.role == .peerWorker { table.peerWorkerGivenUp(place.ordinal) } else { table.writerGivenUp() }
        case .mapRegion(let region):
            let mapped = swarm.descriptors[region.descriptor]!
            table.mapped(
                IntakeRegion(base: mapped.base, byteCount: mapped.byteCount, owner: mapped),
                of: region.owner, now: now, into: &actions)
            tell(.hash(.regionMapped(region.owner)))
        case .openPieces(let pieces): table.open(pieces, into: &actions)
        case .admit(let worker, let assignments): table.admit(worker, to: assignments, now: now, into: &actions)
        case .closePieces(let assignments): table.close(assignments, now: now, into: &actions)
        case .adopt(let pieces, let isLast): table.adopt(pieces, isLast: isLast, now: now, into: &actions)
        case .stillReading(let assignments): table.writerStillReads(assignments)
        case .reportProgress(let assignments): table.reportProgress(of: assignments, into: &actions)
        }
    }

    override func handle(_ frame: PoolFrame, from sender: Incarnation) {
        switch frame {
        case .blocks(let references):
            table.blocksArrived(references, from: sender.place.ordinal, now: now, into: &actions)
        case .answers(let assignments): table.writesAnswered(assignments, into: &actions)
        case .greeting, .slots, .pieces: break
        }
    }

    override func turnEnded() {
        table.turnEnded(into: &actions)
        perform()
        if swarm.checksEverything { table.checkInvariants() }
        planStep()
        planReport()
    }

    private func perform() {
        for action in actions {
            switch action {
            case .tellSupervisor(let news): tell(.hash(news))
            case .tellWriter(let message): send(.pieces(message), to: Place(.writer, 0))
            case .tellPeerWorker(let worker, .slotsReturned(let slots)):
                send(.slots(slots), to: Place(.peerWorker, Int(worker)))
            case .tellPeerWorker: break
            case .accuse(let worker, let fault): swarm.complain("\(who) accuses p\(worker): \(fault)")
            case .follow: break
            }
        }
        actions.removeAll()
    }

    private func planStep() {
        let due = max(table.hashDeadline, now + .microseconds(Int.random(in: 20...500, using: &swarm.dice)))
        guard table.hashDeadline != .distantFuture, due < plannedStep else { return }
        plannedStep = due
        swarm.queue.plan(at: due) { [weak self] in
            guard let self, isRunning, plannedStep == due else { return }
            plannedStep = .distantFuture
            table.runStep(now: now, into: &actions)
            turnEnded()
        }
    }

    private func planReport() {
        guard !isReportPlanned, table.report(rechecked: .init()) != lastReport else { return }
        isReportPlanned = true
        swarm.queue.plan(at: lastReportTime + .milliseconds(500)) { [weak self] in
            guard let self, isRunning else { return }
            isReportPlanned = false
            lastReport = table.report(rechecked: .init())
            lastReportTime = now
            tell(.hash(.report(lastReport!)))
            turnEnded()
        }
    }

    /// Nothing is held or read any more.
    var isAtRest: Bool {
        table.pool.freeCount == table.pool.frameCount && table.pieces.indices.isEmpty && table.lingering.isEmpty
            && table.held.workers.isEmpty && table.adoption == nil
    }
    var restlessness: String {
        "\(who): \(table.pool.freeCount) of \(table.pool.frameCount) frames free, \(table.pieces.indices.count) pieces open, "
            + "\(table.lingering.count) lingering"
    }
}
