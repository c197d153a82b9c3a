import BitTorrent
import PoolProtocol
import PoolRuntime

/// What the supervisor orders and what the hash-workers answer.
extension PeerWorkerProcess {
    /// The process of this place can be reached.
    func assemblerJoined(_ newcomer: Incarnation, now: MonotonicInstant) {
        let unanswered = intake.slots.unanswered(by: newcomer.place.ordinal)
        if newcomer.generation > 1 { resentBlockCount += UInt64(unanswered.count) }
        batches.joined(newcomer, unanswered: unanswered, now: now)
    }

    func handle(_ order: SupervisorToPeerWorker, now: MonotonicInstant) {
        switch order {
        case .join, .addTorrent, .filesOpened:
            preconditionFailure("the loop sees to these, or hands them over with what belongs to them")
        case .workerReplaced(let newcomer): batches.replaced(by: newcomer)
        case .workerGivenUp(let place): assemblerGone(place.ordinal, now: now)
        case .removeTorrent(let ordinal): remove(ordinal)
        case .grantBlocks(let grants): for grant in grants { granted(grant, now: now) }
        case .blocksNotNeeded(let assignment, let bits):
            for torrent in torrents.values {
                change(torrent, now: now) { $0.notNeeded(assignment, bits: bits, into: &$1) }
            }
        case .blocksDropped(let assignment, let bits):
            for torrent in torrents.values {
                change(torrent, now: now) { book, _ in book.dropped(assignment, bits: bits) }
            }
        case .assignmentsClosed(let assignments):
            for assignment in assignments { chronicle.note(.assignmentClosed, Tags(assignment: assignment)) }
            for torrent in torrents.values {
                change(torrent, now: now) { book, actions in
                    for assignment in assignments { book.closed(assignment, into: &actions) }
                }
            }
        case .piecesOurs(let ordinal, let pieces): becameOurs(pieces, ordinal, now: now)
        case .piecesLost(let ordinal, let pieces): lost(pieces, ordinal, now: now)
        case .connectPeers(let peers): for peer in peers { connect(peer) }
        case .closePeer(let peer, let cause):
            guard let connection = table[peer] else { return }
            connection.ending = PeerEnding(cause)
            close(connection)
        case .choke(let peers): choke(peers, now: now)
        case .setLimits(let download, let upload):
            downloadLimit.setLimit(download == 0 ? nil : download, now: now)
            uploadLimit.setLimit(upload == 0 ? nil : upload, now: now)
            resumeThrottled(now: now)
            turnGoesOn()
        case .swarmMembers(let ordinal, let added, let dropped): membersChanged(ordinal, added: added, dropped: dropped)
        case .drain: drain(now: now)
        case .stop: stop()
        }
    }

    // MARK: Torrents

    /// - Parameters:
    ///   - state: the contents of `setup.stateDescriptor`.
    ///   - files: those of `setup.fileTableDescriptor`.
    func add(_ setup: PeerTorrentSetup, state: [UInt8], files: FileMap) {
        guard torrents[setup.torrent] == nil,
            let torrent = PeerTorrent(setup, state: state, files: files, client: Self.client)
        else {
            return chronicle.complain(
                .torrentRefused, Tags(torrent: setup.torrent),
                detail: "its state does not fit it, or it is there already")
        }
        chronicle.note(.torrentAdded, Tags(torrent: setup.torrent))
        torrents[setup.torrent] = torrent
        byInfoHash[setup.infoHash] = torrent
        resumeWaits(for: torrent)
        listen()
    }

    private func remove(_ ordinal: UInt16) {
        guard let torrent = torrents[ordinal] else { return }
        chronicle.note(.torrentRemoved, Tags(torrent: ordinal))
        for connection in Array(table.all) where connection.torrent === torrent {
            connection.ending = PeerEnding(.torrentStopped)
            close(connection)
        }
        heldFiles.removeAll(of: ordinal)
        torrents[ordinal] = nil
        byInfoHash[torrent.view.infoHash] = nil
    }

    private func becameOurs(_ pieces: [PieceIndex], _ ordinal: UInt16, now: MonotonicInstant) {
        guard let torrent = torrents[ordinal] else { return }
        let pieces = pieces.filter { torrent.view.geometry.piece($0.rawValue) != nil && torrent.view.ours.insert($0) }
        for piece in pieces { torrent.view.needed.remove(piece) }
        forEachOpen(torrent) { connection in
            // A peer that has the piece gains nothing from hearing of it (libtorrent leaves such HAVEs out as well).
            for piece in pieces where connection.session.pieces?.contains(piece) == false {
                connection.session.pieceBecameOurs(piece, now: now, into: &connection.actions)
            }
            connection.session.neededChanged(in: torrent.view, now: now, into: &connection.actions)
        }
    }

    private func lost(_ pieces: [PieceIndex], _ ordinal: UInt16, now: MonotonicInstant) {
        guard let torrent = torrents[ordinal] else { return }
        for piece in pieces where torrent.view.geometry.piece(piece.rawValue) != nil {
            torrent.view.ours.remove(piece)
            torrent.view.needed.insert(piece)
        }
        forEachOpen(torrent) { connection in
            connection.session.neededChanged(in: torrent.view, now: now, into: &connection.actions)
        }
    }

    private func forEachOpen(_ torrent: PeerTorrent, _ body: (Connection) -> Void) {
        for connection in Array(table.all) where connection.torrent === torrent && connection.session.isOpen {
            body(connection)
            perform(connection)
        }
    }

    // MARK: Hash-workers

    func returned(_ answers: [SlotReturn], by assembler: UInt16) {
        for answer in answers {
            guard let reference = intake.returned(answer, by: assembler) else { continue }
            if chronicle.followsBlocks { followBack(reference, answer.outcome) }
            switch answer.outcome {
            case .taken: break
            case .duplicate, .notNeeded:
                torrents[torrentOfSlot[Int(reference.slot)]]?.totals.wastedByteCount += UInt64(reference.byteCount)
            }
        }
    }

    private func followBack(_ reference: BlockReference, _ outcome: SlotReturn.Outcome) {
        guard let tags = tagsOfSlot.removeValue(forKey: reference.slot) else { return }
        let step: BlockStep =
            switch outcome {
            case .taken: .taken
            case .duplicate: .returnedAsDuplicate
            case .notNeeded: .returnedUnwanted
            }
        chronicle.follow(step, tags, slot: reference.slot)
    }

    /// The hash-worker's place stays empty: what lies in slots for it is lost, what was to be fetched for it goes back.
    private func assemblerGone(_ assembler: UInt16, now: MonotonicInstant) {
        batches.gaveUp(assembler)
        var lost: [AssignmentID: [BlockRange]] = [:]
        for reference in intake.freeAll(lentTo: assembler) {
            lost[reference.assignment, default: []].append(BlockRange(firstBlock: reference.block, blockCount: 1))
        }
        for (assignment, ranges) in lost {
            for part in ranges.parts(ofAtMost: Topology.maximumListCount) {
                parcel.news.append(.grantReturned(assignment: assignment, part, .sourceGone))
            }
        }
        for torrent in torrents.values {
            change(torrent, now: now) { $0.assemblerGone(assembler, into: &$1) }
        }
    }
}
