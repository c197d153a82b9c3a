import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// Connects the writer's core with its loop and its disk thread: turns messages into events and carries actions out.
final class WriterProcess {
    private let loop: WorkerLoop<SupervisorToWriter, WriterToSupervisor>
    private let counters: DiskCounters
    private let disk: DiskThread
    private let openFiles = OpenFiles()
    private var core = WriterCore()
    /// The newest region of each hash-worker, by ordinal.
    private var regions: [UInt16: RegionMapping] = [:]
    /// Answers for a hash-worker that has not joined yet.
    private var unsentAnswers: [Place: [AssignmentID]] = [:]
    private var movedByteCount: UInt64 = 0
    private let chronicle: Chronicle
    /// Of the pieces that wait to be written; empty unless single blocks are followed.
    private var blocksUnderWay: [AssignmentID: Int] = [:]

    init(_ launch: WorkerLaunch, _ loop: WorkerLoop<SupervisorToWriter, WriterToSupervisor>) {
        self.loop = loop
        chronicle = launch.chronicle
        // A write beyond RLIMIT_FSIZE shall be an error with a path, not the end of the process.
        _ = clinux_ignore_signal(SIGXFSZ)
        counters = DiskCounters(status: launch.status)
        do throws(SystemCallError) { disk = try DiskThread(counters: counters) } catch {
            WorkerLaunch.fail(.startFailed, "\(launch.order.who.place): \(error)")
        }
        loop.orderReceived = { [unowned self] in received($0) }
        loop.frameReceived = { [unowned self] sender, frame throws(PoolCodecError) in
            try framesReceived(frame, from: sender)
        }
        loop.nextDeadline = { [unowned self] in core.nextDeadline }
        loop.turnEnding = { [unowned self] in turnEnding() }
        loop.heldCount = { [unowned self] in core.heldCount }
        loop.watch(descriptor: disk.descriptor) { [unowned self] in ordersEnded() }
    }

    // MARK: events

    private func received(_ order: SupervisorToWriter) {
        do throws(PoolCodecError) {
            switch order {
            case .join: break
            case .workerReplaced(let newcomer): replaced(by: newcomer)
            case .workerGivenUp(let place):
                loop.gaveUp(place)
                unsentAnswers[place] = nil
                _ = core.hashWorkerDied(place, before: .max)
            case .mapRegion(let region): try map(region)
            case .addTorrent(let setup): try add(setup)
            case .syncPending(let torrent, let pieces):
                try core.syncPendingReceived(torrent, pieces, now: MonotonicClock.now)
            case .uploaded(let torrent, let byteCount): try core.uploadedReceived(torrent, byteCount: byteCount)
            case .syncAll: core.syncAllReceived()
            case .finish: core.finishReceived(now: MonotonicClock.now)
            case .stop: loop.stop()
            }
        } catch { loop.breakDown("an order of the supervisor makes no sense (\(error))") }
    }

    private func framesReceived(
        _ frame: UnsafeRawBufferPointer, from sender: Incarnation
    ) throws(PoolCodecError) {
        var batches: [(FrameBatch, [UInt8]?)] = []
        try HashWorkerToWriter.decodeAll(frame) { message in
            switch message {
            case .hello, .welcome: break
            case .writePiece(let batch): batches.append((batch, nil))
            case .writeBlocks(let batch, let bits): batches.append((batch, bits))
            }
        }
        var actions: [WriterCore.Action] = []
        let now = MonotonicClock.now
        for (batch, bits) in batches {
            chronicle.note(bits == nil ? .received : .partReceived, batch.tags, number: UInt32(batch.frames.count))
            if chronicle.followsBlocks { follow(batch) }
            try core.framesReceived(batch, bits: bits, from: sender, now: now, into: &actions)
        }
        perform(actions)
    }

    /// Of an unfinished piece all blocks are named, also those that are not there.
    private func follow(_ batch: FrameBatch) {
        let blockCount = TorrentGeometry.blockCount(pieceByteCount: batch.byteCount)
        blocksUnderWay[batch.assignment] = blockCount
        let first = min(blockCount, Int(batch.firstFrame) * AssemblyGeometry.blocksPerFrame)
        let end = min(blockCount, first + batch.frames.count * AssemblyGeometry.blocksPerFrame)
        follow(.toWrite, batch.tags, blocks: first..<end)
    }

    private func follow(_ step: BlockStep, _ piece: Tags, blocks: Range<Int>) {
        var tags = piece
        for block in blocks {
            tags.block = UInt32(block)
            chronicle.follow(step, tags)
        }
    }

    /// What the supervisor is told is what happened.
    private func remember(_ news: WriterToSupervisor) {
        switch news {
        case .torrentReady(let torrent): chronicle.note(.torrentAdded, Tags(torrent: torrent))
        case .piecesWritten(let pieces):
            for piece in pieces {
                let tags = Tags(torrent: piece.torrent, piece: piece.piece, assignment: piece.assignment)
                chronicle.note(.written, tags)
                guard chronicle.followsBlocks else { continue }
                follow(.written, tags, blocks: 0..<(blocksUnderWay.removeValue(forKey: piece.assignment) ?? 0))
            }
        case .partialWritten(let assignment): chronicle.note(.partWritten, Tags(assignment: assignment))
        case .piecesSynced(let torrent, let pieces):
            chronicle.note(.synced, Tags(torrent: torrent), number: UInt32(pieces.count))
        case .diskTrouble(let trouble):
            chronicle.complain(
                .diskFailed, Tags(torrent: trouble.torrent), number: trouble.errno, as: .warning,
                detail: "\(trouble.call) \(trouble.path)")
        case .diskRecovered: chronicle.note(.diskRecovered)
        case .finished: chronicle.note(.finished)
        case .hello, .joined, .ready, .replacementSeen, .descriptorReceived, .regionMapped, .neighbourBroke,
            .syncedAll, .waitingForLock, .report:
            break
        }
    }

    private func ordersEnded() {
        var actions: [WriterCore.Action] = []
        for result in disk.takeResults() {
            loop.launch.status.worked()
            core.orderEnded(result, now: MonotonicClock.now, into: &actions)
            loop.launch.status.moved(byteCount: Int(result.report.writtenByteCount - movedByteCount))
            movedByteCount = result.report.writtenByteCount
        }
        perform(actions)
    }

    private func replaced(by newcomer: Incarnation) {
        loop.replaced(by: newcomer)
        unsentAnswers[newcomer.place] = nil
        let stillReading = core.hashWorkerDied(newcomer.place, before: newcomer.generation)
        loop.tell(.replacementSeen(ReplacementSeen(newcomer: newcomer, stillReading: stillReading)))
    }

    private func turnEnding() {
        var actions: [WriterCore.Action] = []
        do throws(PoolCodecError) { try core.turnEnded(now: MonotonicClock.now, into: &actions) } catch {
            loop.breakDown("a piece has no place in the files (\(error))")
        }
        perform(actions)
        for (place, assignments) in unsentAnswers where loop.current(place) != nil {
            for start in stride(from: 0, to: assignments.count, by: Topology.maximumListCount) {
                let part = assignments[start..<min(start + Topology.maximumListCount, assignments.count)]
                loop.send(WriterToHashWorker.writesAnswered(Array(part)), to: place)
            }
            unsentAnswers[place] = nil
        }
    }

    // MARK: actions

    private func perform(_ actions: [WriterCore.Action]) {
        for action in actions {
            switch action {
            case .tell(let news):
                remember(news)
                loop.tell(news)
            case .answer(let place, let assignments): unsentAnswers[place, default: []] += assignments
            case .perform(let order): disk.perform(order, regions: regions)
            case .accuse(let sender, let error): loop.neighbourBroke(sender, "its frame makes no sense (\(error))")
            }
        }
    }

    private func map(_ region: MapRegion) throws(PoolCodecError) {
        let memory = try descriptor(region.descriptor)
        do throws(SystemCallError) {
            regions[region.owner.place.ordinal] = try RegionMapping(
                descriptor: memory.rawValue, byteCount: Int(region.byteCount), access: .readOnly)
        } catch { WorkerLaunch.fail(.startFailed, "\(loop.launch.order.who.place): \(error)") }
        var actions: [WriterCore.Action] = []
        core.regionMapped(
            region.owner, byteCount: Int(region.byteCount), now: MonotonicClock.now, into: &actions)
        perform(actions)
    }

    private func add(_ setup: WriterTorrentSetup) throws(PoolCodecError) {
        let table = try fileTable(try descriptor(setup.fileTableDescriptor))
        let map = try FileMap(table)
        let forcesToDisk = setup.sync != .none
        let files = TorrentFiles(
            torrent: setup.torrent, map: map, directory: try descriptor(setup.directoryDescriptor),
            openFiles: openFiles, allocation: setup.allocation, forcesToDisk: forcesToDisk, counters: counters)
        let journal = JournalFile(try descriptor(setup.journalDescriptor))
        disk.add(
            TorrentDisk(
                files: files, journal: journal, lock: try descriptor(setup.lockDescriptor), counters: counters,
                forcesToDisk: forcesToDisk))
        var actions: [WriterCore.Action] = []
        try core.torrentAdded(setup.torrent, map: map, sync: setup.sync, now: MonotonicClock.now, into: &actions)
        perform(actions)
    }

    private func fileTable(_ memory: OwnedDescriptor) throws(PoolCodecError) -> FileTable {
        let bytes: [UInt8]
        do throws(SystemCallError) { bytes = try RegionMapping.contents(of: memory.rawValue) } catch {
            WorkerLaunch.fail(.startFailed, "\(loop.launch.order.who.place): \(error)")
        }
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(PoolCodecError) in try FileTable(decoding: buffer) }
        }
        return try result.get()
    }

    private func descriptor(_ identifier: UInt32) throws(PoolCodecError) -> OwnedDescriptor {
        guard let descriptor = loop.takeDescriptor(identifier) else { throw .invalidField("descriptor") }
        return descriptor
    }
}
