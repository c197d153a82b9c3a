import BitTorrent
import CLinux
import PoolProtocol
import PoolRuntime

/// Connects the table of pieces, the disk thread and the loop: hands events in, carries actions out.
final class HashWorkerProcess {
    typealias Loop = WorkerLoop<SupervisorToHashWorker, HashWorkerToSupervisor>

    /// The supervisor counts on totals this often while anything moves.
    private static let reportInterval: Duration = .milliseconds(500)

    /// There are half as many hash-workers as cores by default, and each does nothing else while it re-checks.
    private static let mostReadingThreads = 2

    private let loop: Loop
    private let chronicle: Chronicle
    private var table: AssemblyTable
    private let reader: DiskReader
    private var disk: DiskOrders
    private var rechecked = AssemblyTable.Counts()
    private var actions: [AssemblyAction] = []
    private var lastReport: HashReport?
    private var lastReportTime = MonotonicInstant.distantPast
    private var reportDeadline = MonotonicInstant.distantFuture
    /// Payload bytes that the status page was told of.
    private var movedByteCount: UInt64 = 0
    /// Bytes that the loop's thread had hashed by then.
    private var hashedByteCount: UInt64 = 0

    init(_ launch: WorkerLaunch, _ loop: Loop) {
        self.loop = loop
        guard let region = launch.region else {
            WorkerLaunch.fail(.protocolBroken, "\(launch.order.who.place): no region was handed over")
        }
        let order = launch.order
        table = AssemblyTable(
            AssemblyRegion(base: region.base, byteCount: region.byteCount),
            start: order.who.generation > 1 ? .successor(trustsContents: order.adoptsRegion) : .fresh)
        do throws(SystemCallError) {
            let threadCount = min(Self.mostReadingThreads, Int(clinux_usable_cores(nil, 0)))
            reader = try DiskReader(status: launch.status, threadCount: max(1, threadCount))
        } catch {
            WorkerLaunch.fail(.startFailed, "\(launch.order.who.place): \(error)")
        }
        disk = DiskOrders(reader)
        chronicle = launch.chronicle
        table.followsBlocks = chronicle.followsBlocks
        connect()
    }

    private func connect() {
        loop.orderReceived = { [unowned self] order in
            handle(order)
            perform()
        }
        loop.frameReceived = { [unowned self] (sender, frame) throws(PoolCodecError) in
            try receive(frame, from: sender)
            perform()
        }
        loop.neighbourJoined = { [unowned self] neighbour in
            guard neighbour.place == .writer else { return }
            table.writerJoined(generation: neighbour.generation, into: &actions)
            perform()
        }
        loop.watch(descriptor: reader.descriptor) { [unowned self] in
            takeDiskAnswers()
            perform()
        }
        loop.nextDeadline = { [unowned self] in min(table.hashDeadline, reportDeadline) }
        loop.timerFired = { [unowned self] now in
            table.runStep(now: now, into: &actions)
            perform()
            if now >= reportDeadline { report(now: now) }
        }
        loop.heldCount = { [unowned self] in table.pool.frameCount - table.pool.freeCount }
        loop.turnEnding = { [unowned self] in
            table.turnEnded(into: &actions)
            perform()
            noteProgress()
        }
    }

    // MARK: Events

    private func handle(_ order: SupervisorToHashWorker) {
        let now = MonotonicClock.now
        switch order {
        case .join: break
        case .workerReplaced(let newcomer): replaced(by: newcomer)
        case .workerGivenUp(let place): gaveUp(place)
        case .mapRegion(let region): map(region, now: now)
        case .openPieces(let pieces): table.open(pieces, into: &actions)
        case .admit(let worker, let assignments): table.admit(worker, to: assignments, now: now, into: &actions)
        case .closePieces(let assignments):
            for assignment in assignments { chronicle.note(.pieceClosed, table.tags(of: assignment)) }
            table.close(assignments, now: now, into: &actions)
        case .adopt(let pieces, let isLast): table.adopt(pieces, isLast: isLast, now: now, into: &actions)
        case .stillReading(let assignments): table.writerStillReads(assignments)
        case .reportProgress(let assignments): table.reportProgress(of: assignments, into: &actions)
        case .restoreBlocks(let assignment, let bits, let spans): restore(assignment, bits, spans)
        case .recheck(let torrent, let piece, let digest, let spans, let isLast):
            hash(.recheck(torrent: torrent, piece, expected: digest), spans, isLast: isLast)
        case .hashPiece(let piece, let spans, let isLast): hash(.create(piece), spans, isLast: isLast)
        case .closeDescriptors(let identifiers): disk.close(identifiers, takeFile: loop.takeDescriptor)
        case .writePartials(let assignments): table.writePartials(assignments, into: &actions)
        case .disown(let liar):
            chronicle.note(.disowned, Tags(peer: PeerName(worker: liar.worker, number: liar.peer)))
            table.disown(liar, now: now, into: &actions)
        case .stop: loop.stop()
        }
    }

    private func replaced(by newcomer: Incarnation) {
        loop.replaced(by: newcomer)
        switch newcomer.place.role {
        case .peerWorker: table.peerWorkerReplaced(by: newcomer)
        case .writer: table.writerReplaced(generation: newcomer.generation)
        case .supervisor, .hashWorker: break
        }
        loop.tell(.replacementSeen(ReplacementSeen(newcomer: newcomer)))
    }

    private func gaveUp(_ place: Place) {
        loop.gaveUp(place)
        switch place.role {
        case .peerWorker: table.peerWorkerGivenUp(place.ordinal)
        case .writer: table.writerGivenUp()
        case .supervisor, .hashWorker: break
        }
    }

    private func map(_ region: MapRegion, now: MonotonicInstant) {
        guard let descriptor = loop.takeDescriptor(region.descriptor) else {
            loop.breakDown("the region of \(region.owner) was not handed over")
        }
        do throws(SystemCallError) {
            let mapping = try RegionMapping(
                descriptor: descriptor.rawValue, byteCount: Int(region.byteCount), access: .readOnly)
            table.mapped(
                IntakeRegion(base: mapping.base, byteCount: mapping.byteCount, owner: mapping),
                of: region.owner, now: now, into: &actions)
            loop.tell(.regionMapped(region.owner))
            chronicle.note(.regionMapped, number: TrailRecord.number(of: region.owner.place))
        } catch { loop.breakDown("\(error)") }
    }

    private func restore(_ assignment: AssignmentID, _ bits: [UInt8], _ spans: [DataSpan]) {
        guard let blockCount = table.blockCount(of: assignment) else { return }
        guard let blocks = BlockSet(bits: bits, blockCount: blockCount) else {
            loop.breakDown("the bits of \(assignment) do not fit its piece")
        }
        if !disk.restore(assignment, blocks: blocks, spans, takeFile: loop.takeDescriptor) {
            table.reportProgress(of: [assignment], into: &actions)
        }
    }

    private func hash(_ piece: PieceToHash, _ spans: [DataSpan], isLast: Bool) {
        let answer = disk.hash(piece, spans, isLast: isLast, takeFile: loop.takeDescriptor)
        if let answer { take([answer], now: MonotonicClock.now) }
    }

    private func receive(_ frame: UnsafeRawBufferPointer, from sender: Incarnation) throws(PoolCodecError) {
        switch sender.place.role {
        case .peerWorker:
            let worker = sender.place.ordinal, now = MonotonicClock.now
            do throws(PoolCodecError) {
                try PeerWorkerToHashWorker.decodeAll(frame) { message in
                    if case .blocksArrived(let references) = message {
                        table.blocksArrived(references, from: worker, now: now, into: &actions)
                    }
                }
            } catch { table.peerWorkerBroke(worker, .unreadable(error), into: &actions) }
        case .writer:
            try WriterToHashWorker.decodeAll(frame) { message in
                if case .writesAnswered(let assignments) = message {
                    table.writesAnswered(assignments, into: &actions)
                }
            }
        case .supervisor, .hashWorker: break
        }
    }

    private func takeDiskAnswers() {
        let now = MonotonicClock.now
        let (answers, counts) = reader.takeAnswers()
        rechecked = counts
        if !answers.isEmpty { loop.launch.status.worked() }
        take(answers, now: now)
        disk.feed()
    }

    private func take(_ answers: [DiskAnswer], now: MonotonicInstant) {
        var verdicts: [UInt16: [RecheckVerdict]] = [:]
        var hashed: [HashedPiece] = []
        for answer in answers {
            switch answer {
            case .rechecked(let torrent, let verdict): verdicts[torrent, default: []].append(verdict)
            case .hashed(let piece): hashed.append(piece)
            case .restored(let assignment, let blocks, let bytes):
                if let bytes {
                    table.blocksRestored(bytes, at: blocks, of: assignment, now: now)
                } else {
                    chronicle.complain(
                        .restoreFailed, table.tags(of: assignment), number: UInt32(blocks.count), as: .warning,
                        detail: "they are fetched again")
                }
                let isOpen = table.blockCount(of: assignment) != nil
                if !disk.portionAnswered(assignment, isWanted: isOpen) {
                    table.reportProgress(of: [assignment], into: &actions)
                }
            }
        }
        // At most `DiskReader.capacity` in all, so that one message holds them.
        for (torrent, verdicts) in verdicts { loop.tell(.rechecked(torrent: torrent, verdicts)) }
        if !hashed.isEmpty { loop.tell(.piecesHashed(hashed)) }
    }

    // MARK: Actions

    private func perform() {
        for action in actions {
            switch action {
            case .tellSupervisor(let news):
                remember(news)
                loop.tell(news)
            case .tellWriter(let message):
                remember(message)
                loop.send(message, to: .writer)
            case .tellPeerWorker(let worker, let message): loop.send(message, to: Place(.peerWorker, Int(worker)))
            case .accuse(let worker, let fault):
                guard let who = loop.current(Place(.peerWorker, Int(worker))) else { continue }
                chronicle.complain(
                    .neighbourAccused, number: TrailRecord.number(of: who.place), as: .notice, detail: "\(fault)")
                loop.tell(.neighbourBroke(who, text: "\(fault)"))
            case .follow(let step, let tags, let slot): chronicle.follow(step, tags, slot: slot)
            }
        }
        actions.removeAll(keepingCapacity: true)
    }

    private func remember(_ news: HashWorkerToSupervisor) {
        switch news {
        case .piecesOpened(let assignments): remember(.opened, assignments)
        case .piecesRefused(let assignments): remember(.openRefused, assignments)
        case .piecesVerified(let assignments): remember(.verified, assignments)
        case .pieceFailed(let assignment): remember(.failed, [assignment])
        case .adopted: chronicle.note(.adopted)
        case .hello, .joined, .ready, .replacementSeen, .descriptorReceived, .regionMapped, .blockDigests,
            .blocksPresent, .blocksDropped, .pieceProgress, .rechecked, .piecesHashed, .partialsHanded, .report,
            .neighbourBroke:
            break
        }
    }

    private func remember(_ event: TrailEvent, _ assignments: [AssignmentID]) {
        for assignment in assignments { chronicle.note(event, table.tags(of: assignment)) }
    }

    private func remember(_ message: HashWorkerToWriter) {
        switch message {
        case .writePiece(let batch): chronicle.note(.handedOver, batch.tags)
        case .writeBlocks(let batch, _): chronicle.note(.partHandedOver, batch.tags)
        case .hello, .welcome: break
        }
    }

    /// Tells the status page of moved bytes, and makes sure that a report follows.
    private func noteProgress() {
        let moved = table.counts.storedByteCount + rechecked.hashedByteCount
        if moved != movedByteCount {
            loop.launch.status.moved(byteCount: Int(moved - movedByteCount))
            movedByteCount = moved
        }
        let hashed = table.counts.hashedByteCount
        if hashed != hashedByteCount { loop.launch.status.worked() }
        hashedByteCount = hashed
        if reportDeadline == .distantFuture && table.report(rechecked: rechecked) != lastReport {
            reportDeadline = max(MonotonicClock.now, lastReportTime + Self.reportInterval)
        }
    }

    private func report(now: MonotonicInstant) {
        let report = table.report(rechecked: rechecked)
        loop.tell(.report(report))
        lastReport = report
        lastReportTime = now
        reportDeadline = .distantFuture
    }
}

extension Place {
    fileprivate static let writer = Place(.writer, 0)
}
