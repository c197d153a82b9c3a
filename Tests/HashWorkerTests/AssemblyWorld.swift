import BitTorrent
import PoolProtocol

@testable import HashWorker

/// Memory of a shared region, aligned as the kernel would.
final class RegionMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        base = .allocate(byteCount: byteCount, alignment: 4096)
        base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    /// An assembly region of exactly so many frames.
    convenience init(frameCount: Int) {
        self.init(byteCount: (64 + frameCount * 64 + 4095) / 4096 * 4096 + frameCount * 65536)
    }

    deinit { base.deallocate() }
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }
}

/// A piece with known bytes, and its order.
struct SourcePiece {
    static let blockByteCount = 16384

    let bytes: [UInt8]
    var order: PieceToOpen

    /// - Parameter digest: nil for the right one.
    init(_ assignment: AssignmentID, byteCount: Int, digest: Digest? = nil, wantsBlockDigests: Bool = false) {
        var generator = SeededGenerator(seed: assignment)
        self.init(
            assignment, bytes: generator.bytes(byteCount), digest: digest, wantsBlockDigests: wantsBlockDigests)
    }

    init(_ assignment: AssignmentID, bytes: [UInt8], digest: Digest? = nil, wantsBlockDigests: Bool = false) {
        self.bytes = bytes
        order = PieceToOpen(
            assignment: assignment, torrent: 7, piece: PieceIndex(UInt32(assignment)), byteCount: UInt32(bytes.count),
            digest: digest ?? SHA1.hash(of: bytes), wantsBlockDigests: wantsBlockDigests)
    }

    var assignment: AssignmentID { order.assignment }
    var blockCount: Int { (bytes.count + Self.blockByteCount - 1) / Self.blockByteCount }
    func block(_ block: Int) -> [UInt8] {
        Array(bytes[block * Self.blockByteCount..<min(bytes.count, (block + 1) * Self.blockByteCount)])
    }
    /// The set of these blocks, as messages carry it.
    func bits(_ blocks: some Sequence<Int>) -> [UInt8] {
        BlockSet(blockCount: blockCount, blocks.map { UInt32($0)..<UInt32($0) + 1 }).bits
    }
}

/// A table over memory of the test, and peer-workers' regions to send blocks from.
final class AssemblyWorld {
    static let slotCount = 64

    let memory: RegionMemory
    var table: AssemblyTable
    var now = MonotonicInstant.distantPast + .seconds(3600)
    private var actions: [AssemblyAction] = []
    private var intakes: [UInt16: RegionMemory] = [:]
    private var nextSlot = 0

    init(frameCount: Int = 64, workers: [UInt16] = [0, 1]) {
        memory = RegionMemory(frameCount: frameCount)
        table = AssemblyTable(AssemblyRegion(base: memory.base, byteCount: memory.byteCount), start: .fresh)
        for worker in workers { map(worker) }
    }

    /// The process is killed; its successor finds the region as it was.
    func die(trustsContents: Bool = true, workers: [UInt16] = [0, 1]) {
        table = AssemblyTable(
            AssemblyRegion(base: memory.base, byteCount: memory.byteCount),
            start: .successor(trustsContents: trustsContents))
        for worker in workers { map(worker) }
    }

    func map(_ worker: UInt16, generation: UInt32 = 2) {
        if intakes[worker] == nil { intakes[worker] = RegionMemory(byteCount: Self.slotCount * 16384) }
        let intake = intakes[worker]!
        event { table, now, actions in
            table.mapped(
                IntakeRegion(base: intake.base, byteCount: intake.byteCount),
                of: Incarnation(Place(.peerWorker, Int(worker)), generation: generation), now: now, into: &actions)
        }
    }

    /// Another process takes the place of a peer-worker.
    func replace(_ worker: UInt16, generation: UInt32 = 2) {
        event { table, _, _ in
            table.peerWorkerReplaced(by: Incarnation(Place(.peerWorker, Int(worker)), generation: generation))
        }
    }

    /// Runs one event and checks the books.
    @discardableResult
    func event(
        _ body: (inout AssemblyTable, MonotonicInstant, inout [AssemblyAction]) -> Void
    ) -> [AssemblyAction] {
        var actions: [AssemblyAction] = []
        body(&table, now, &actions)
        table.checkInvariants()
        return actions
    }

    @discardableResult
    func open(_ pieces: SourcePiece..., admitting workers: [UInt16] = [0]) -> [AssemblyAction] {
        let answers = event { table, _, actions in table.open(pieces.map(\.order), into: &actions) }
        for worker in workers { admit(worker, pieces.map(\.assignment)) }
        return answers
    }

    @discardableResult
    func admit(_ worker: UInt16, _ assignments: [AssignmentID]) -> [AssemblyAction] {
        event { table, now, actions in table.admit(worker, to: assignments, now: now, into: &actions) }
    }

    @discardableResult
    func close(_ assignments: AssignmentID...) -> [AssemblyAction] {
        event { table, now, actions in table.close(assignments, now: now, into: &actions) }
    }

    /// A reference to a slot that holds the block.
    func reference(
        _ piece: SourcePiece, _ block: Int, from worker: UInt16 = 0, peer: UInt32 = 5, bytes: [UInt8]? = nil
    ) -> BlockReference {
        let slot = nextSlot % Self.slotCount
        nextSlot += 1
        let bytes = bytes ?? piece.block(block)
        bytes.withUnsafeBytes {
            (intakes[worker]!.base + slot * 16384).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
        }
        return BlockReference(
            assignment: piece.assignment, block: UInt32(block), byteCount: UInt32(bytes.count), slot: UInt32(slot),
            lease: UInt32(nextSlot), peer: peer)
    }

    @discardableResult
    func send(_ references: [BlockReference], from worker: UInt16 = 0) -> [AssemblyAction] {
        event { table, now, actions in table.blocksArrived(references, from: worker, now: now, into: &actions) }
    }

    /// Sends blocks, all by default, and returns how each was answered.
    @discardableResult
    func send(
        _ piece: SourcePiece, _ blocks: some Collection<Int>, from worker: UInt16 = 0, peer: UInt32 = 5
    ) -> [SlotReturn.Outcome] {
        blocks.flatMap { block in outcomes(send([reference(piece, block, from: worker, peer: peer)], from: worker)) }
    }

    @discardableResult
    func send(_ piece: SourcePiece) -> [SlotReturn.Outcome] { send(piece, Array(0..<piece.blockCount)) }

    func outcomes(_ actions: [AssemblyAction]) -> [SlotReturn.Outcome] {
        actions.flatMap { action -> [SlotReturn.Outcome] in
            guard case .tellPeerWorker(_, .slotsReturned(let slots)) = action else { return [] }
            return slots.map(\.outcome)
        }
    }

    @discardableResult
    func join(writer generation: UInt32) -> [AssemblyAction] {
        event { table, _, actions in table.writerJoined(generation: generation, into: &actions) }
    }

    @discardableResult
    func answerWrites(_ assignments: AssignmentID...) -> [AssemblyAction] {
        event { table, _, actions in table.writesAnswered(assignments, into: &actions) }
    }

    /// Steps until nothing is due.
    @discardableResult
    func hash(after wait: Duration = .seconds(1)) -> [AssemblyAction] {
        now = now + wait
        var all: [AssemblyAction] = []
        while table.hashDeadline <= now {
            all += event { table, now, actions in table.runStep(now: now, into: &actions) }
        }
        return all
    }

    func endTurn() -> [AssemblyAction] { event { table, _, actions in table.turnEnded(into: &actions) } }

    /// What the frames hold.
    func bytes(_ batches: [FrameBatch]) -> [UInt8] { Self.bytes(batches, in: memory) }

    static func bytes(_ batches: [FrameBatch], in memory: RegionMemory) -> [UInt8] {
        guard let byteCount = batches.first?.byteCount else { return [] }
        let region = AssemblyRegion(base: memory.base, byteCount: memory.byteCount)
        var bytes: [UInt8] = []
        for batch in batches.sorted(by: { $0.firstFrame < $1.firstFrame }) {
            for frame in batch.frames { bytes += region.bytes(ofFrame: frame, from: 0, byteCount: 65536) }
        }
        return Array(bytes.prefix(Int(byteCount)))
    }
}

extension [AssemblyAction] {
    var written: [FrameBatch] {
        compactMap { action -> FrameBatch? in
            guard case .tellWriter(.writePiece(let batch)) = action else { return nil }
            return batch
        }
    }
    var toldSupervisor: [HashWorkerToSupervisor] {
        compactMap { action -> HashWorkerToSupervisor? in
            guard case .tellSupervisor(let news) = action else { return nil }
            return news
        }
    }
    var verified: [AssignmentID] {
        toldSupervisor.flatMap { news -> [AssignmentID] in
            guard case .piecesVerified(let assignments) = news else { return [] }
            return assignments
        }
    }
    var failed: [AssignmentID] {
        toldSupervisor.compactMap { news -> AssignmentID? in
            guard case .pieceFailed(let assignment) = news else { return nil }
            return assignment
        }
    }
}
