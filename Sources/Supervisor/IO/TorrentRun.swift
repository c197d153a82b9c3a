import BitTorrent
import PoolProtocol
import PoolRuntime

/// One torrent of the run: brings together what decides (coordinator, peers, trackers, re-check) with what acts (the
/// pool, the files), and says when it is ready, complete or stopped. Decides nothing itself.
final class TorrentRun {
    /// Each case says what the torrent waits for.
    enum Phase {
        /// Files on disk are being hashed.
        case checking
        /// The writer makes the files ready.
        case preparing
        case downloading
        /// Every wanted piece is on disk; uploads go on while `isSeeding`.
        case complete
        /// The user gave it up: what was written stays, and the other torrents go on.
        case cancelled
        /// An orderly stop is under way.
        case stopping
    }

    let ordinal: UInt16
    let metainfo: Metainfo
    let storage: TorrentStorage
    let files: PieceFiles
    let ourID: PeerID
    let settings: TorrentSettings
    unowned let context: RunContext

    var phase = Phase.checking
    var coordinator: TorrentCoordinator
    var book: PeerBook
    var choker: Choker<PeerBook.Key>
    /// The torrent was given to others for long enough.
    var isGoalMet = false
    /// When the last piece was synced in this run, or was found to be there.
    var completedAt: MonotonicInstant?
    var schedule: AnnounceSchedule
    var recheck: Recheck?
    /// By the re-check: right on disk, and not in the journal until the writer has synced them.
    private var foundRight: [PieceIndex] = []
    var totals = TransferTotals()
    /// Bytes that need not be fetched in this run, blocks of unfinished pieces included.
    var heldAtStart: UInt64 = 0
    /// What the writer was told last of `uploadedInAll`, and when.
    var recordedUploads: (count: UInt64, at: MonotonicInstant)
    var downloadRate: RateEstimator
    var uploadRate: RateEstimator
    /// When a byte of payload came last, for `--stop-timeout`.
    var lastProgress: MonotonicInstant
    /// The peers that each worker has been told of this torrent.
    var isWriterReady = false
    private var nameless: OwnedDescriptor?
    /// Why nothing can be written, while that lasts.
    var diskTrouble: (trouble: DiskTrouble, since: MonotonicInstant)?
    var generator: any RandomNumberGenerator & Sendable
    /// The trackers have heard `stopped`, or took too long.
    var saidGoodbye = false
    /// Announces under way, by the number that the clients for HTTP and UDP know them by.
    var announces: [UInt64: (AnnounceID, TrackerURL)] = [:]
    /// What each tracker was told last.
    var announcedEvents: [TrackerURL: AnnounceEvent] = [:]
    /// For those who look in.
    var journal: TorrentJournal
    var grantReports = GrantReports()

    init(
        ordinal: UInt16, metainfo: Metainfo, storage: TorrentStorage, ourID: PeerID, settings: TorrentSettings,
        context: RunContext, generator: any RandomNumberGenerator & Sendable, now: MonotonicInstant
    ) {
        self.ordinal = ordinal
        self.metainfo = metainfo
        self.storage = storage
        self.ourID = ourID
        self.settings = settings
        self.context = context
        self.generator = generator
        files = PieceFiles(storage.selected) { (file) throws(SystemCallError) in try storage.openForReading(file) }
        coordinator = TorrentCoordinator(
            torrent: ordinal, metainfo: metainfo, wanted: storage.selected.wantedPieces,
            order: settings.isSequential ? .sequential : .rarestFirst, generator: generator)
        book = PeerBook(
            torrent: ordinal, ownID: ourID, ownAddresses: [], mostPeers: settings.mostPeers,
            workerCount: context.shell.keeper.allPlaces.count { $0.role == .peerWorker },
            listenPort: context.listenPort, exchangesPeers: settings.exchangesPeers && !metainfo.isPrivate, now: now,
            generator: generator)
        choker = Choker(slots: settings.uploadSlots, generator: generator)
        let ownTrackers = metainfo.trackerTiers.map { $0.map(\.text) }
        let lists = settings.usesTrackers ? ownTrackers + settings.extraTrackers : []
        schedule = AnnounceSchedule(
            identity: AnnounceIdentity(
                infoHash: metainfo.infoHash, peerID: ourID, key: UInt32.random(in: 0 ... .max, using: &self.generator),
                port: context.listenPort),
            tiers: AnnounceTiers(lists, using: &self.generator))
        recordedUploads = (storage.uploadedBefore, now)
        journal = TorrentJournal(trackers: schedule.standings.map(\.tracker))
        downloadRate = RateEstimator(now: now)
        uploadRate = RateEstimator(now: now)
        lastProgress = now
        for piece in storage.trusted { coordinator.restored(piece) }
        coordinator.partials = storage.partials
        recheck =
            storage.toCheck.isEmpty
            ? nil : Recheck(geometry: metainfo.geometry, pieces: storage.toCheck, fileCount: metainfo.files.count)
        if recheck == nil { phase = .preparing }
    }

    /// The workers know of the torrent, and it has peers.
    var isActive: Bool { phase == .downloading || isSeeding }
    /// Complete, and to be given to others until the goal is met.
    var isSeeding: Bool { phase == .complete && settings.seedGoal != nil && !isGoalMet }

    var name: String { TerminalText.escaped(metainfo.name.relative) }

    // MARK: Time

    /// When `timerFired` is due.
    func nextDeadline(now: MonotonicInstant) -> MonotonicInstant {
        guard isActive || phase == .stopping else { return schedule.nextTimer ?? .distantFuture }
        return min(schedule.nextTimer ?? .distantFuture, book.nextDeadline(now: now), choker.nextDeadline)
    }

    func timerFired(now: MonotonicInstant) {
        announce { schedule, counters, actions in
            schedule.timerFired(now: now, counters: counters, into: &actions)
        }
        guard isActive else { return }
        choke { $0.timerFired(bytesPerSecond: uploadRate.bytesPerSecond(now: now), now: now, into: &$1) }
        peers {
            $0.connectMore(now: now, into: &$1)
            $0.tellMembers(now: now, into: &$1)
        }
        if book.wantsMore {
            announce { schedule, counters, actions in
                schedule.morePeersWanted(now: now, counters: counters, into: &actions)
            }
        }
    }

    // MARK: The way to the download

    /// Given up with pieces that are still on their way to the disk.
    private var isBeingLeft: Bool {
        phase == .cancelled && coordinator.pieces.verifiedCount + coordinator.pieces.writtenCount > 0
    }

    /// A hash-worker can work: hand it pieces to look at.
    func check(with worker: Incarnation) {
        guard recheck != nil, let process = context.shell.process(worker) else { return }
        // What cannot be opened went away since we looked: it is not there.
        let share = files.handOut(&recheck!, of: metainfo, torrent: ordinal, to: process) { _, _ in }
        context.shell.handedOut(share, to: process) { [weak self] in self?.check(with: worker) }
        checkIfChecked()
    }

    func rechecked(_ verdicts: [RecheckVerdict], by worker: Incarnation) {
        guard recheck != nil else { return }
        for verdict in verdicts where verdict.piece.value < metainfo.geometry.pieceCount {
            let isRight = verdict.outcome == .right
            guard recheck!.verdict(on: verdict.piece, isRight: isRight, from: Int(worker.place.ordinal)) else {
                continue
            }
            if isRight {
                coordinator.restored(verdict.piece)
                foundRight.append(verdict.piece)
            }
            if verdict.outcome == .unreadable {
                let reason = SystemCallError("pread", CInt(truncatingIfNeeded: verdict.errno)).description
                context.output.emit(.warning("\(name): piece \(verdict.piece) cannot be read (\(reason))"))
            }
        }
        check(with: worker)
    }

    private func checkIfChecked() {
        guard recheck?.isFinished ?? false, phase == .checking else { return }
        files.closeAll { context.shell.tell($0, $1) }
        phase = .preparing
        beginWriting()
    }

    /// The writer can be told of the torrent: it is there and the files are checked.
    func beginWriting() {
        guard phase == .preparing || phase == .downloading || phase == .complete || isBeingLeft,
            let writer = context.shell.processes[Place(.writer, 0)],
            context.shell.keeper.isWorking(Place(.writer, 0))
        else { return }
        do throws(SystemCallError) {
            let table = try RegionMapping.makeSealed(name: "files", storage.fileTable.encoded())
            let names = try writer.pass(
                [table.rawValue, storage.directory.rawValue, storage.journal.rawValue, storage.writerLock.rawValue])
            let setup = WriterTorrentSetup(
                torrent: ordinal, fileTableDescriptor: names[0], directoryDescriptor: names[1],
                journalDescriptor: names[2], lockDescriptor: names[3], sync: storage.sync,
                allocation: storage.allocation)
            // The journal of the last run vouches for none of those that were found right just now.
            let unsynced = coordinator.pieces.piecesToSync + foundRight
            writer.whenAllArrived { [ordinal] in
                writer.outbox.append(SupervisorToWriter.addTorrent(setup))
                for part in unsynced.parts(of: Topology.maximumListCount) {
                    writer.outbox.append(SupervisorToWriter.syncPending(torrent: ordinal, part))
                }
            }
        } catch {
            context.output.emit(.error("\(name): \(error)"))
        }
    }

    /// The files can be written: the download begins.
    func writerReady(now: MonotonicInstant) {
        isWriterReady = true
        guard phase == .preparing else { return }
        phase = .downloading
        lastProgress = now
        heldAtStart = coordinator.pieces.completedByteCount + coordinator.partialByteCount
        route { $0.startGranting(budget: &$1, pool: $2, into: &$3) }
        guard isActive else { return }
        for worker in context.shell.keeper.workingOrdinals(of: .peerWorker) {
            join(Incarnation(Place(.peerWorker, worker), generation: 0), now: now)
        }
        announce { schedule, counters, actions in
            schedule.downloadStarted(now: now, counters: counters, into: &actions)
        }
    }

    /// A peer-worker that works is told of the torrent, and gets peers once it knows.
    func join(_ worker: Incarnation, now: MonotonicInstant) {
        guard isActive, let process = context.shell.processes[worker.place] else { return }
        let ordinal = Int(worker.place.ordinal)
        let pieces = coordinator.pieces
        var needed = storage.selected.wantedPieces
        needed.subtract(pieces.have)
        do throws(SystemCallError) {
            let state = try RegionMapping.makeSealed(name: "pieces", pieces.have.wireBytes + needed.wireBytes)
            let names = try process.pass([state.rawValue, try namelessFiles().rawValue])
            let setup = PeerTorrentSetup(
                torrent: self.ordinal, infoHash: metainfo.infoHash, ourID: ourID, geometry: metainfo.geometry,
                listenPort: context.listenPort, isPrivate: metainfo.isPrivate, exchangesPeers: book.exchangesPeers,
                stateDescriptor: names[0], fileTableDescriptor: names[1])
            coordinator.joined(ordinal)
            process.whenAllArrived { [weak self] in
                process.outbox.append(SupervisorToPeerWorker.addTorrent(setup))
                self?.tellWhatCameMeanwhile(pieces.have, to: process)
                self?.peers {
                    $0.workerReady(ordinal, capacity: process.peerCapacity, now: MonotonicClock.now, into: &$1)
                }
            }
        } catch {
            context.shell.descriptorsRefused(by: process, error)
        }
    }

    /// The file table for peer-workers, which need no names; the same memfd for all of them.
    private func namelessFiles() throws(SystemCallError) -> OwnedDescriptor {
        if let nameless { return nameless }
        let made = try RegionMapping.makeSealed(name: "nameless-files", storage.fileTable.withoutPaths.encoded())
        nameless = made
        return made
    }

    /// Pieces that were written while the bit maps were on their way.
    private func tellWhatCameMeanwhile(_ told: PieceSet, to process: WorkerProcess) {
        var fresh = coordinator.pieces.have
        fresh.subtract(told)
        var list: [PieceIndex] = []
        fresh.forEach { list.append($0) }
        for part in list.parts(of: Topology.maximumListCount) {
            process.outbox.append(SupervisorToPeerWorker.piecesOurs(torrent: ordinal, part))
        }
    }

    // MARK: Carrying out

    var torrentName: TorrentName { TorrentName(ordinal: ordinal, infoHash: metainfo.infoHash) }

    /// Lets the coordinator decide, then does it.
    func route(
        _ event: (inout TorrentCoordinator, inout FrameBudget, PoolView, inout [TorrentCoordinator.Action]) -> Void
    ) {
        var actions: [TorrentCoordinator.Action] = []
        event(&coordinator, &context.budget, context.pool, &actions)
        for action in actions { perform(action) }
        context.shareFrames()
    }

    private func perform(_ action: TorrentCoordinator.Action) {
        switch action {
        case .tellPeerWorker(let worker, let order): tell(worker, order)
        case .tellPeerWorkers(let order): for worker in coordinator.members { tell(worker, order) }
        case .tellHashWorker(let worker, let order): context.shell.tell(Place(.hashWorker, worker), order)
        case .restore(let assignment, let piece, let bits, let worker):
            restore(assignment, piece, bits: bits, at: Place(.hashWorker, worker))
        case .pieceChanged(let piece, let news):
            journal.note(piece, news, now: MonotonicClock.now)
            context.output.emit(.piece(torrentName, piece, state: news.rawValue))
        case .banPeer(let contributor, let piece):
            for worker in context.shell.keeper.workingOrdinals(of: .hashWorker) {
                context.shell.tell(Place(.hashWorker, worker), SupervisorToHashWorker.disown(contributor))
            }
            peers { $0.ban(contributor, reason: "it sent bad data in piece \(piece)", into: &$1) }
            suspect(contributor)
        case .allWritten:
            // The last batch need not wait for its second.
            context.shell.tell(Place(.writer, 0), SupervisorToWriter.syncAll)
        case .allSynced:
            guard phase == .downloading else { return }
            phase = .complete
            completedAt = MonotonicClock.now
            seedingBegins()
            storage.removeUnusedParts()
            context.output.emit(.complete(torrentName, name: name))
            context.commands?.start(
                CompletionCommands.Subject(
                    name: metainfo.name.relative, infoHash: metainfo.infoHash,
                    directory: storage.directoryPath.description,
                    byteCount: coordinator.pieces.wantedByteCount))
            announce { schedule, counters, actions in
                schedule.downloadCompleted(now: MonotonicClock.now, counters: counters, into: &actions)
            }
        }
    }

    private func tell(_ worker: Int, _ order: SupervisorToPeerWorker) {
        let latest = order.mayWait ? MonotonicClock.now + SupervisorToPeerWorker.longestWait : .distantPast
        context.shell.tell(Place(.peerWorker, worker), order, by: latest)
    }

    /// A worker that talks to strangers may have been taken over by one: then it is the liar that its peers seem to be.
    private func suspect(_ contributor: Contributor) {
        guard context.suspicion.peerBanned(contributor),
            let process = context.shell.processes[Place(.peerWorker, Int(contributor.worker))]
        else { return }
        context.shell.condemn(process.incarnation, reason: "too many of its peers seem to lie")
    }

    /// Reads unverified blocks of the last run back into a piece that was just opened.
    private func restore(_ assignment: AssignmentID, _ piece: PieceIndex, bits: [UInt8], at place: Place) {
        guard let process = context.shell.processes[place] else { return }
        do throws(PieceFiles.Failure) {
            var collected: [DataSpan] = []
            try files.reach(piece, by: process) { spans, isLast in
                collected += spans
                guard isLast else { return }
                if collected.count <= Topology.maximumListCount {
                    process.outbox.append(
                        SupervisorToHashWorker.restoreBlocks(assignment: assignment, bits: bits, collected))
                } else {
                    process.outbox.append(SupervisorToHashWorker.reportProgress([assignment]))
                }
            }
        } catch {
            // The blocks are fetched again: the progress that comes back will lack them.
            switch error {
            case .unreadable(let reason), .refused(let reason):
                context.output.emit(
                    .warning("\(name): what was kept of piece \(piece) cannot be read and is fetched again (\(reason))")
                )
            }
            process.outbox.append(SupervisorToHashWorker.reportProgress([assignment]))
        }
    }

    func peers(_ event: (inout PeerBook, inout [PeerBook.Action]) -> Void) {
        var actions: [PeerBook.Action] = []
        event(&book, &actions)
        noteInJournal(actions)
        var connects: [Int: [PeerToConnect]] = [:]
        for action in actions {
            switch action {
            case .connect(let worker, let peer):
                connects[worker, default: []].append(peer)
                context.output.emit(
                    .peer(
                        torrentName,
                        PeerEvent(
                            name: PeerBook.Key(worker: worker, peer: peer.peer).name, address: peer.address.description,
                            state: .connecting, worker: worker, isIncoming: false,
                            text: "")))
            case .close(let worker, let peer, let cause):
                context.shell.tell(Place(.peerWorker, worker), SupervisorToPeerWorker.closePeer(peer: peer, cause))
            case .tellMembers(let worker, let added, let dropped):
                tellMembers(Place(.peerWorker, worker), added: added, dropped: dropped)
            case .report(let address, let worker, let isIncoming, let news):
                context.output.emit(
                    .peer(
                        torrentName,
                        PeerEvent(
                            journal.name(of: address, at: worker), address, worker: worker, isIncoming: isIncoming, news
                        )))
            }
        }
        for (worker, list) in connects.sorted(by: { $0.key < $1.key }) {
            for part in list.parts(of: Topology.maximumListCount) {
                context.shell.tell(Place(.peerWorker, worker), SupervisorToPeerWorker.connectPeers(part))
            }
        }
    }
}

extension TorrentRun {
    private func tellMembers(_ place: Place, added: [PeerExchangeMessage.Contact], dropped: [PeerAddress]) {
        for part in dropped.parts(of: Topology.maximumListCount) {
            context.shell.tell(
                place, SupervisorToPeerWorker.swarmMembers(torrent: ordinal, added: [], dropped: part))
        }
        for part in added.parts(of: Topology.maximumListCount) {
            context.shell.tell(
                place, SupervisorToPeerWorker.swarmMembers(torrent: ordinal, added: part, dropped: []))
        }
    }
}

/// The user's wishes for a torrent, beyond where its files are.
struct TorrentSettings {
    var isSequential: Bool
    var mostPeers: Int
    var usesTrackers: Bool
    /// BEP 11; never in private torrents, whatever is said here.
    var exchangesPeers: Bool
    /// Of the command line; a tier each.
    var extraTrackers: [[String]]
    /// nil: the torrent is done when it is complete.
    var seedGoal: SeedGoal?
    /// nil: as many as the upload rate can serve well.
    var uploadSlots: Int?
}

extension PeerEvent {
    init(_ name: PeerName?, _ address: PeerAddress, worker: Int, isIncoming: Bool, _ news: PeerBook.PeerNews) {
        let (state, text): (State, String) =
            switch news {
            case .connected(let client): (.connected, TerminalText.escaped(client))
            case .named(let client): (.named, TerminalText.escaped(client))
            case .closed(let reason): (.closed, reason)
            case .banned(let reason): (.banned, reason)
            case .pardoned: (.pardoned, "its worker was to blame")
            }
        self.init(
            name: name, address: address.description, state: state, worker: worker, isIncoming: isIncoming, text: text)
    }
}
