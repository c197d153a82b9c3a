import BitTorrent
import PoolProtocol
import PoolRuntime

/// What this torrent gives to others: whom it unchokes, the files that peer-workers send from, and for how long.
extension TorrentRun {
    // MARK: Peers

    func connected(_ peer: PeerConnected, at worker: Int, now: MonotonicInstant) {
        let key = PeerBook.Key(worker: worker, peer: peer.peer)
        journal.connected(key, peer, now: now)
        peers { $0.connected(peer, at: worker, now: now, into: &$1) }
        if book.connections[key]?.isConnected == true { choker.connected(key, now: now) }
    }

    func closed(_ peer: PeerClosed, at worker: Int, now: MonotonicInstant) {
        let key = PeerBook.Key(worker: worker, peer: peer.peer)
        choke { $0.left(key, now: now, into: &$1) }
        journal.closed(key, peer.text, now: now)
        peers { $0.closed(peer, at: worker, now: now, into: &$1) }
    }

    func interestChanged(_ peers: [PeerInterest], at worker: Int, now: MonotonicInstant) {
        noteInJournal(peers, at: worker, now: now)
        choke { choker, changes in
            for peer in peers {
                choker.interestChanged(
                    PeerBook.Key(worker: worker, peer: peer.peer), isInterested: peer.isInterested, now: now,
                    into: &changes)
            }
        }
    }

    func reported(_ reports: [PeerReport], at worker: Int, now: MonotonicInstant) {
        noteInJournal(reports, at: worker)
        book.reported(reports, at: worker, isComplete: phase == .complete, now: now)
        for report in reports {
            choker.reported(
                PeerBook.Key(worker: worker, peer: report.peer),
                ChokerPeer.Figures(
                    downloadRate: report.downloadRate, uploadRate: report.uploadRate,
                    uploadedByteCount: report.uploadedByteCount, isSeed: report.isSeed, isSnubbed: report.isSnubbed))
        }
        if isSeeding { peers { $0.closeSeeds(into: &$1) } }
    }

    /// Lets the choker decide, then tells the workers.
    func choke(_ event: (inout Choker<PeerBook.Key>, inout [Choker<PeerBook.Key>.Change]) -> Void) {
        var changes: [Choker<PeerBook.Key>.Change] = []
        event(&choker, &changes)
        noteInJournal(changes)
        for (worker, list) in Dictionary(grouping: changes, by: \.peer.worker) {
            for part in list.parts(of: Topology.maximumListCount) {
                context.shell.tell(
                    Place(.peerWorker, worker),
                    SupervisorToPeerWorker.choke(part.map { PeerChoke(peer: $0.peer.peer, isChoked: $0.isChoked) }))
            }
        }
    }

    // MARK: Seeding

    /// There is nothing to be had from others any more, and from those that have everything nothing to be given.
    func seedingBegins() {
        choker.seedingBegan()
        if isSeeding { peers { $0.closeSeeds(into: &$1) } }
    }

    /// Notices that the torrent was given to others for long enough.
    func checkGoal(now: MonotonicInstant) {
        guard isSeeding, let goal = settings.seedGoal, let completedAt else { return }
        isGoalMet = goal.isMet(
            uploadedByteCount: uploadedInAll, wantedByteCount: coordinator.pieces.wantedByteCount,
            seedingFor: now - completedAt)
    }

    /// In all runs, as far as the journal knew.
    var uploadedInAll: UInt64 {
        let (sum, overflow) = storage.uploadedBefore.addingReportingOverflow(totals.uploadedByteCount)
        return overflow ? .max : sum
    }

    /// Has the count written into the journal: once in a while, so that a crash costs little of it, and at the end.
    func recordUploads(isLast: Bool = false, now: MonotonicInstant) {
        let count = uploadedInAll
        guard isWriterReady, count != recordedUploads.count,
            isLast || now - recordedUploads.at >= Self.uploadRecordInterval
        else { return }
        recordedUploads = (count, now)
        context.shell.tell(Place(.writer, 0), SupervisorToWriter.uploaded(torrent: ordinal, byteCount: count))
    }

    /// A count that is a minute old is good enough after a crash (a guess).
    private static let uploadRecordInterval: Duration = .seconds(60)

    // MARK: Files

    /// Opens files for reading and passes them to a peer-worker. One that cannot be opened is answered all the same, and
    /// one that the worker cannot want is, too: it may have been taken over, and what it may read it may give away.
    func open(_ files: [UInt32], for worker: Incarnation) {
        guard let process = context.shell.process(worker) else { return }
        for part in files.parts(of: DescriptorsPassed.maximumCount) {
            var answers = part.map { OpenedFile(file: $0, descriptor: 0) }
            var opened: [(index: Int, descriptor: OwnedDescriptor)] = []
            for (index, file) in part.enumerated() {
                guard let place = place(ofFile: file) else { continue }
                do throws(SystemCallError) {
                    opened.append((index, try storage.openForReading(place)))
                } catch {
                    context.output.emit(.warning("\(name): cannot be sent from (\(error))"))
                }
            }
            do throws(SystemCallError) {
                let names = try process.pass(opened.map(\.descriptor.rawValue))
                for (name, file) in zip(names, opened) { answers[file.index].descriptor = name }
            } catch {
                context.output.emit(.warning("\(name): files cannot be handed to \(worker.place) (\(error))"))
            }
            process.whenAllArrived { [ordinal] in
                process.outbox.append(SupervisorToPeerWorker.filesOpened(torrent: ordinal, answers))
            }
        }
    }

    private func place(ofFile number: UInt32) -> PieceFiles.File? {
        let count = metainfo.files.count
        if number == count { return .parts }
        guard number < count, storage.selected.isCreated(Int(number)) else { return nil }
        // What lies there without a piece of ours is somebody else's, whatever the torrent calls it.
        let holdsOurs = coordinator.pieces.have.count(in: metainfo.layout.pieces(of: Int(number))) > 0
        return holdsOurs ? .payload(Int(number)) : nil
    }
}
