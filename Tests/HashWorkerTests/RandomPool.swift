import BitTorrent
import PoolProtocol

@testable import HashWorker

/// A pool in miniature around one real table: a supervisor, peer-workers and a writer that do what protocol.md says,
/// queues between them that deliver in any interleaving, and deaths of everybody but the supervisor. Looks at every
/// byte that the writer reads, at the moment when it reads.
final class RandomPool {
    static let workerCount = 2
    static let slotCount = 8
    /// The peer that sends rubbish.
    static let liar: UInt32 = 666

    private(set) var deathCount = 0
    private(set) var failedCount = 0
    /// Pieces of which a liar's blocks were thrown away.
    private(set) var droppedCount = 0
    private(set) var writtenCount = 0
    /// What went wrong first; nil while all is well.
    private(set) var fault: String?
    private var random: SeededGenerator
    private var now = MonotonicInstant.distantPast + .seconds(100)
    private var mayDie = true

    // The hash-worker.
    private let memory: RegionMemory
    private var table: AssemblyTable

    // The supervisor.
    private let sources: [[UInt8]]
    private var isWritten: [Bool]
    private var open: [AssignmentID: Assignment] = [:]
    private var nextAssignment: AssignmentID = 1
    private struct Assignment {
        let piece: Int
        let order: PieceToOpen
        var isOpened = false
        var workers: Set<UInt16> = []
        var suspects: Set<UInt32> = []
        /// Blocks that some peer-worker was told of as taken; and those of them before the last death of the hash-worker.
        var taken: Set<UInt32> = []
        var mustBePresent: Set<UInt32> = []
        /// Blocks of the liar that were thrown away: the news that they were taken may come after that.
        var dropped: Set<UInt32> = []
    }

    // The peer-workers.
    private var intakes: [RegionMemory]
    /// The hash-worker's mappings of dead generations, which it reads until it hears of the successor.
    private var retiredIntakes: [RegionMemory] = []
    private var isMapped = Array(repeating: false, count: workerCount)
    private var lent: [[UInt32: BlockReference]] = Array(repeating: [:], count: workerCount)
    private var nextLease: UInt32 = 1
    /// Leases below belong to dead generations.
    private var firstLease: [UInt32] = Array(repeating: 0, count: workerCount)

    // The writer: parts that came, and pieces that its disk thread reads.
    private var writerGeneration: UInt32 = 1
    private var parts: [AssignmentID: [FrameBatch]] = [:]
    private var reading: [AssignmentID: [FrameBatch]] = [:]

    // What is on its way, in the order of its edge.
    private enum Event {
        case order(SupervisorToHashWorker)
        case map(Int, RegionMemory)
        case writerReplaced(UInt32)
        case writerJoined(UInt32)
    }
    private var events: [Event] = []
    private var references: [[BlockReference]] = Array(repeating: [], count: workerCount)
    private var returns: [[SlotReturn]] = Array(repeating: [], count: workerCount)
    private var news: [HashWorkerToSupervisor] = []
    private var toWriter: [(generation: UInt32, HashWorkerToWriter)] = []
    private var answers: [AssignmentID] = []
    private var written: [AssignmentID] = []

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        memory = RegionMemory(frameCount: Int.random(in: 8...24, using: &random))
        table = AssemblyTable(AssemblyRegion(base: memory.base, byteCount: memory.byteCount), start: .fresh)
        sources = (0..<Int.random(in: 1...8, using: &random)).map { _ in
            random.bytes(Int.random(in: 1...200_000, using: &random))
        }
        isWritten = Array(repeating: false, count: sources.count)
        intakes = (0..<Self.workerCount).map { _ in RegionMemory(byteCount: Self.slotCount * 16384) }
        events = [.map(0, intakes[0]), .writerJoined(1), .map(1, intakes[1])]
        self.random = random
    }

    /// Runs until every piece is written and every frame is free again.
    func run(maximumSteps: Int) {
        var steps = 0
        while fault == nil && !(isWritten.allSatisfy { $0 } && open.isEmpty && isQuiet) {
            steps += 1
            guard steps < maximumSteps else {
                fault = "stuck: \(isWritten), open \(open.keys.sorted())"
                return
            }
            mayDie = steps < maximumSteps / 4
            step()
            table.checkInvariants()
        }
        if fault == nil && table.pool.freeCount != table.pool.frameCount { fault = "frames were lost" }
    }

    private var isQuiet: Bool {
        events.isEmpty && answers.isEmpty && toWriter.isEmpty && reading.isEmpty && written.isEmpty
    }

    private func chance(_ parts: Int, of whole: Int) -> Bool { Int.random(in: 0..<whole, using: &random) < parts }

    private func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<5: openSome()
        case 5..<10: admitSome()
        case 10..<35: sendBlock(from: Int.random(in: 0..<Self.workerCount, using: &random))
        case 35..<50: deliverEvent()
        case 50..<65: deliverReferences(of: Int.random(in: 0..<Self.workerCount, using: &random))
        case 65..<70: deliverReturns(of: Int.random(in: 0..<Self.workerCount, using: &random))
        case 70..<77: deliverNews()
        case 77..<84: if !toWriter.isEmpty { receiveAtWriter(toWriter.removeFirst()) }
        case 84..<88: finishReading()
        case 88..<91: deliverWritten()
        case 91..<94: if !answers.isEmpty { perform { $0.writesAnswered([answers.removeFirst()], into: &$1) } }
        case 94..<98: hashSome()
        case 98: chance(1, of: 2) ? perform { $0.turnEnded(into: &$1) } : disownTheLiar()
        default: if mayDie && chance(1, of: 4) { killSomebody() } else if chance(1, of: 10) { abandonSome() }
        }
    }

    // MARK: The hash-worker

    private func perform(_ body: (inout AssemblyTable, inout [AssemblyAction]) -> Void) {
        var actions: [AssemblyAction] = []
        body(&table, &actions)
        for action in actions {
            switch action {
            case .tellSupervisor(.blocksDropped(let assignment, let bits)): dropped(assignment, bits)
            case .tellSupervisor(let told): news.append(told)
            case .tellWriter(let message): toWriter.append((table.writer.generation, message))
            case .tellPeerWorker(let worker, .slotsReturned(let slots)): returns[Int(worker)] += slots
            case .tellPeerWorker, .accuse: fault = "\(action)"
            case .follow: break
            }
        }
    }

    private func disownTheLiar() {
        let now = now
        for worker in 0..<UInt16(Self.workerCount) {
            perform { $0.disown(Contributor(worker: worker, peer: Self.liar), now: now, into: &$1) }
        }
    }

    private func dropped(_ assignment: AssignmentID, _ bits: [UInt8]) {
        guard let order = open[assignment]?.order else { return }
        droppedCount += 1
        for run in BlockSet(bits: bits, blockCount: PieceAssembly.blockCount(of: order))!.runs() {
            open[assignment]!.dropped.formUnion(run)
            open[assignment]!.taken.subtract(run)
            open[assignment]!.mustBePresent.subtract(run)
        }
    }

    private func hashSome() {
        now = now + .milliseconds(Int.random(in: 0...60, using: &random))
        perform { $0.runStep(now: now, into: &$1) }
    }

    private func deliverEvent() {
        guard !events.isEmpty else { return }
        let now = now
        switch events.removeFirst() {
        case .map(let worker, let memory):
            // Of a process that has died meanwhile, too: the hash-worker hears of that later.
            isMapped[worker] = memory === intakes[worker]
            perform {
                $0.mapped(
                    IntakeRegion(base: memory.base, byteCount: memory.byteCount, owner: memory),
                    of: Incarnation(Place(.peerWorker, worker), generation: 2), now: now, into: &$1)
            }
        case .writerReplaced(let generation):
            perform { table, _ in table.writerReplaced(generation: generation) }
        case .writerJoined(let generation): perform { $0.writerJoined(generation: generation, into: &$1) }
        case .order(let order):
            perform { table, actions in
                switch order {
                case .openPieces(let pieces): table.open(pieces, into: &actions)
                case .admit(let worker, let assignments):
                    table.admit(worker, to: assignments, now: now, into: &actions)
                case .closePieces(let assignments): table.close(assignments, now: now, into: &actions)
                case .adopt(let pieces, let isLast):
                    table.adopt(pieces, isLast: isLast, now: now, into: &actions)
                case .stillReading(let assignments): table.writerStillReads(assignments)
                case .workerReplaced(let newcomer): table.peerWorkerReplaced(by: newcomer)
                default: preconditionFailure("the model does not send this")
                }
            }
        }
    }

    // MARK: The supervisor

    private func openSome() {
        let free = sources.indices.filter { piece in !isWritten[piece] && !open.values.contains { $0.piece == piece } }
        guard let piece = free.randomElement(using: &random) else { return }
        let source = SourcePiece(nextAssignment, bytes: sources[piece], wantsBlockDigests: true)
        nextAssignment += 1
        open[source.assignment] = Assignment(piece: piece, order: source.order)
        events.append(.order(.openPieces([source.order])))
    }

    private func admitSome() {
        guard let assignment = open.keys.sorted().randomElement(using: &random), open[assignment]!.isOpened else {
            return
        }
        let worker = UInt16.random(in: 0..<UInt16(Self.workerCount), using: &random)
        guard open[assignment]!.workers.insert(worker).inserted else { return }
        events.append(.order(.admit(worker: worker, [assignment])))
    }

    private func abandonSome() {
        if let assignment = open.keys.sorted().randomElement(using: &random) { close(assignment) }
    }

    private func close(_ assignment: AssignmentID) {
        open[assignment] = nil
        events.append(.order(.closePieces([assignment])))
    }

    private func deliverNews() {
        guard !news.isEmpty else { return }
        switch news.removeFirst() {
        case .piecesOpened(let assignments): for assignment in assignments { open[assignment]?.isOpened = true }
        case .piecesRefused(let assignments): for assignment in assignments { open[assignment] = nil }
        case .blockDigests(let assignment, let digests):
            guard let piece = open[assignment]?.piece else { return }
            let source = SourcePiece(assignment, bytes: sources[piece])
            for digest in digests where digest.digest != SHA1.hash(of: source.block(Int(digest.block))) {
                open[assignment]!.suspects.insert(digest.contributor.peer)
            }
        case .pieceFailed(let assignment):
            guard let suspects = open[assignment]?.suspects else { return }
            failedCount += 1
            if suspects != [Self.liar] { fault = "\(assignment) failed by \(suspects)" }
            close(assignment)
        case .pieceProgress(let assignment, let bits):
            guard let order = open[assignment]?.order else { return }
            open[assignment]!.isOpened = true
            let present = BlockSet(bits: bits, blockCount: PieceAssembly.blockCount(of: order))!
            for block in open[assignment]!.mustBePresent where !present.contains(block) {
                fault = "block \(block) of \(assignment) was taken and is lost"
            }
        default: break
        }
    }

    private func deliverWritten() {
        guard !written.isEmpty else { return }
        let assignment = written.removeFirst()
        guard let piece = open[assignment]?.piece else { return }
        isWritten[piece] = true
        writtenCount += 1
        close(assignment)
    }

    // MARK: The peer-workers

    private func sendBlock(from worker: Int) {
        guard isMapped[worker], let slot = (0..<UInt32(Self.slotCount)).first(where: { lent[worker][$0] == nil }),
            let assignment = open.keys.sorted().filter({ open[$0]!.workers.contains(UInt16(worker)) })
                .randomElement(using: &random)
        else { return }
        let source = SourcePiece(assignment, bytes: sources[open[assignment]!.piece])
        let block = Int.random(in: 0..<source.blockCount, using: &random)
        let isLie = chance(1, of: 100)
        let bytes = isLie ? source.block(block).map { ~$0 } : source.block(block)
        let target = intakes[worker].base + Int(slot) * 16384
        bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        let reference = BlockReference(
            assignment: assignment, block: UInt32(block), byteCount: UInt32(bytes.count), slot: slot, lease: nextLease,
            peer: isLie ? Self.liar : 1)
        nextLease += 1
        lent[worker][slot] = reference
        references[worker].append(reference)
    }

    private func deliverReferences(of worker: Int) {
        let count = Int.random(in: 0...references[worker].count, using: &random)
        let batch = Array(references[worker].prefix(count))
        references[worker].removeFirst(count)
        let now = now
        if !batch.isEmpty { perform { $0.blocksArrived(batch, from: UInt16(worker), now: now, into: &$1) } }
    }

    private func deliverReturns(of worker: Int) {
        for answer in returns[worker] where answer.lease >= firstLease[worker] {
            guard let reference = lent[worker][answer.slot], reference.lease == answer.lease else {
                fault = "slot \(answer.slot) was answered twice"
                return
            }
            lent[worker][answer.slot] = nil
            if answer.outcome == .taken, open[reference.assignment]?.dropped.contains(reference.block) == false {
                open[reference.assignment]?.taken.insert(reference.block)
            }
        }
        returns[worker] = []
    }

    // MARK: The writer

    private func receiveAtWriter(_ message: (generation: UInt32, HashWorkerToWriter)) {
        guard message.generation == writerGeneration, case .writePiece(let batch) = message.1 else { return }
        if reading[batch.assignment] != nil { fault = "\(batch.assignment) was ordered twice" }
        parts[batch.assignment, default: []].append(batch)
        let frameCount = AssemblyGeometry.framesNeeded(pieceByteCount: batch.byteCount)
        if parts[batch.assignment]!.reduce(0, { $0 + $1.frames.count }) == frameCount {
            reading[batch.assignment] = parts.removeValue(forKey: batch.assignment)
        }
    }

    private func finishReading() {
        guard let assignment = reading.keys.sorted().randomElement(using: &random),
            let batches = reading.removeValue(forKey: assignment)
        else { return }
        let bytes = AssemblyWorld.bytes(batches, in: memory)
        if !sources.contains(bytes) { fault = "the writer read what no piece is (\(assignment))" }
        written.append(assignment)
        answers.append(assignment)
    }

    // MARK: Deaths

    private func killSomebody() {
        deathCount += 1
        switch Int.random(in: 0..<4, using: &random) {
        case 0: killPeerWorker(Int.random(in: 0..<Self.workerCount, using: &random))
        case 1: killWriter()
        default: killHashWorker()
        }
    }

    private func killPeerWorker(_ worker: Int) {
        retiredIntakes.append(intakes[worker])
        intakes[worker] = RegionMemory(byteCount: Self.slotCount * 16384)
        isMapped[worker] = false
        lent[worker] = [:]
        references[worker] = []
        firstLease[worker] = nextLease
        events.append(.order(.workerReplaced(Incarnation(Place(.peerWorker, worker), generation: 2))))
        events.append(.map(worker, intakes[worker]))
    }

    private func killWriter() {
        parts = [:]
        reading = [:]
        written = []
        answers = []
        writerGeneration += 1
        events.append(.writerReplaced(writerGeneration))
        events.append(.writerJoined(writerGeneration))
    }

    private func killHashWorker() {
        for _ in 0..<Int.random(in: 0...toWriter.count, using: &random) { receiveAtWriter(toWriter.removeFirst()) }
        toWriter = []
        parts = [:]
        answers = []
        news = []
        let trustsContents = chance(4, of: 5)
        table = AssemblyTable(
            AssemblyRegion(base: memory.base, byteCount: memory.byteCount),
            start: .successor(trustsContents: trustsContents))
        events = []
        for worker in 0..<Self.workerCount {
            events.append(.map(worker, intakes[worker]))
            returns[worker] = []
            references[worker] = lent[worker].values.sorted { $0.lease < $1.lease }
        }
        events.append(.order(.stillReading(Array(reading.keys))))
        let listed = open.keys.sorted()
        for assignment in listed {
            if !trustsContents { open[assignment]!.taken = [] }
            open[assignment]!.mustBePresent = open[assignment]!.taken
        }
        let half = listed.count / 2
        events.append(.order(.adopt(listed[..<half].map { open[$0]!.order }, isLast: false)))
        events.append(.order(.adopt(listed[half...].map { open[$0]!.order }, isLast: true)))
        for assignment in listed {
            for worker in open[assignment]!.workers.sorted() {
                events.append(.order(.admit(worker: worker, [assignment])))
            }
        }
        events.insert(.writerJoined(writerGeneration), at: Int.random(in: 0...events.count, using: &random))
    }
}
