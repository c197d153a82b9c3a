import BitTorrent
import Glibc
import PoolProtocol
import TestSupport

@testable import Writer

/// The writer's core and a disk; does what `WriterProcess` does, without threads and files.
final class SimulatedWriter: SimulatedWorker {
    private var core = WriterCore()
    private var actions: [WriterCore.Action] = []
    private var regions: [UInt16: SharedMemory] = [:]
    private var unsentAnswers: [Place: [AssignmentID]] = [:]
    private var plannedTurn = MonotonicInstant.distantFuture
    /// What the disk thread is at.
    private var current: DiskOrder?

    override func sayHello(_ hello: Hello) { tell(.writer(.hello(hello))) }
    override func sayReady() { tell(.writer(.ready)) }

    override func handle(_ order: PoolOrder) {
        guard case .writer(let order) = order else { return }
        do throws(PoolCodecError) {
            switch order {
            case .join, .syncAll, .finish, .stop, .uploaded: break
            case .workerReplaced(let newcomer):
                replaced(by: newcomer)
                unsentAnswers[newcomer.place] = nil
                let stillReading = core.hashWorkerDied(newcomer.place, before: newcomer.generation)
                tell(.writer(.replacementSeen(ReplacementSeen(newcomer: newcomer, stillReading: stillReading))))
            case .workerGivenUp(let place):
                gaveUp(place)
                unsentAnswers[place] = nil
                _ = core.hashWorkerDied(place, before: .max)
            case .mapRegion(let region):
                regions[region.owner.place.ordinal] = swarm.descriptors[region.descriptor]
                core.regionMapped(region.owner, byteCount: Int(region.byteCount), now: now, into: &actions)
            case .addTorrent(let setup):
                try core.torrentAdded(
                    setup.torrent, map: FileMap(swarm.fileTable), sync: setup.sync, now: now, into: &actions)
            case .syncPending(let torrent, let pieces): try core.syncPendingReceived(torrent, pieces, now: now)
            }
        } catch { swarm.complain("\(who) cannot use an order: \(error)") }
    }

    override func handle(_ frame: PoolFrame, from sender: Incarnation) {
        guard case .pieces(let message) = frame else { return }
        do throws(PoolCodecError) {
            switch message {
            case .hello, .welcome: break
            case .writePiece(let batch):
                try core.framesReceived(batch, bits: nil, from: sender, now: now, into: &actions)
            case .writeBlocks(let batch, let bits):
                try core.framesReceived(batch, bits: bits, from: sender, now: now, into: &actions)
            }
        } catch { swarm.complain("\(who) cannot use frames: \(error)") }
    }

    override func turnEnded() {
        do throws(PoolCodecError) { try core.turnEnded(now: now, into: &actions) } catch {
            swarm.complain("\(who): \(error)")
        }
        for action in actions {
            switch action {
            case .tell(let news): tell(.writer(news))
            case .answer(let place, let assignments): unsentAnswers[place, default: []] += assignments
            case .perform(let order): perform(order)
            case .accuse(let sender, let error): swarm.complain("\(who) cannot use frames of \(sender): \(error)")
            }
        }
        actions.removeAll()
        for (place, assignments) in unsentAnswers.sorted(by: { $0.key < $1.key })
        where send(.answers(assignments), to: place) {
            unsentAnswers[place] = nil
        }
        planTurn()
    }

    private func planTurn() {
        let due = core.nextDeadline
        guard due != .distantFuture, due < plannedTurn else { return }
        plannedTurn = max(due, now + .microseconds(10))
        let planned = plannedTurn
        swarm.queue.plan(at: planned) { [weak self] in
            guard let self, isRunning, plannedTurn == planned else { return }
            plannedTurn = .distantFuture
            turnEnded()
        }
    }

    // MARK: The disk thread

    private func perform(_ order: DiskOrder) {
        current = order
        swarm.queue.plan(after: swarm.disk.duration(of: order)) { [weak self] in
            guard let self, isRunning else { return }
            let outcome = swarm.disk.perform(order, memory: regions)
            current = nil
            let report = WriteReport(writtenByteCount: 0, writeCallCount: 0, syncCount: 0, syncNanoseconds: 0)
            core.orderEnded(DiskResult(outcome: outcome, report: report), now: now, into: &actions)
            turnEnded()
        }
    }

    override func died() {
        if let current { swarm.disk.interrupted(current, memory: regions) }
    }
}

/// The files of the torrent as the kernel holds them. Bytes are read from shared memory when a write ends: whoever uses
/// a frame again too early spoils the files.
final class SimulatedDisk {
    private unowned let swarm: Swarm
    private var files: [[UInt8]]
    /// Pieces that the journal claims.
    private(set) var journal: Set<PieceIndex> = []

    init(_ swarm: Swarm, fileByteCounts: [Int]) {
        self.swarm = swarm
        files = fileByteCounts.map { [UInt8](repeating: 0, count: $0) }
    }

    /// Whether a file holds at `offset` what `expected` holds in `range`.
    func holds(file: Int, offset: Int, _ range: Range<Int>, of expected: [UInt8]) -> Bool {
        files[file].withUnsafeBytes { found in
            expected.withUnsafeBytes { expected in
                memcmp(found.baseAddress! + offset, expected.baseAddress! + range.lowerBound, range.count) == 0
            }
        }
    }

    fileprivate func duration(of order: DiskOrder) -> Duration {
        switch order {
        case .write, .sync:
            if swarm.dice.oneIn(30) { return .milliseconds(Int.random(in: 50...800, using: &swarm.dice)) }
            return .microseconds(Int.random(in: 100...8000, using: &swarm.dice))
        case .lock, .prepare, .record, .finish: return .microseconds(Int.random(in: 20...2000, using: &swarm.dice))
        }
    }

    fileprivate func perform(_ order: DiskOrder, memory: [UInt16: SharedMemory]) -> DiskOutcome {
        switch order {
        case .lock, .prepare, .finish: return .done
        case .write(let torrent, let plan):
            if swarm.diskFailsOnceIn > 0, swarm.dice.oneIn(swarm.diskFailsOnceIn) {
                write(plan, memory: memory, most: Int.random(in: 0...plan.calls.count, using: &swarm.dice))
                return .failed(
                    DiskFailure(torrent: torrent, stage: .writing, call: "pwritev", errno: 28, path: "file"))
            }
            write(plan, memory: memory, most: plan.calls.count)
            return .done
        case .sync(let torrent, let batch):
            if swarm.diskFailsOnceIn > 0, swarm.dice.oneIn(swarm.diskFailsOnceIn) {
                return .failed(
                    DiskFailure(torrent: torrent, stage: .syncing, call: "fdatasync", errno: 5, path: "file"))
            }
            claim(batch.pieces)
            return .done
        case .record(_, let records):
            for case .piecesLost(let pieces) in records { journal.subtract(pieces) }
            return .done
        }
    }

    /// The process died in the middle of the call.
    fileprivate func interrupted(_ order: DiskOrder, memory: [UInt16: SharedMemory]) {
        switch order {
        case .write(_, let plan):
            write(plan, memory: memory, most: Int.random(in: 0...plan.calls.count, using: &swarm.dice))
        case .sync(_, let batch): if swarm.dice.oneIn(2) { claim(batch.pieces) }
        case .lock, .prepare, .record, .finish: break
        }
    }

    private func write(_ plan: WritePlan, memory: [UInt16: SharedMemory], most: Int) {
        for call in plan.calls.prefix(most) {
            var offset = Int(call.offset)
            for vector in call.vectors {
                let source = UnsafeRawBufferPointer(
                    start: memory[vector.region]!.base + vector.regionOffset, count: vector.byteCount)
                files[call.file].replaceSubrange(offset..<offset + vector.byteCount, with: source)
                offset += vector.byteCount
            }
        }
    }

    /// What the journal says must be true at that moment, and stay so.
    private func claim(_ pieces: [PieceIndex]) {
        for piece in pieces where !swarm.isRightOnDisk(piece) { swarm.complain("the journal claims \(piece) wrongly") }
        journal.formUnion(pieces)
    }
}
