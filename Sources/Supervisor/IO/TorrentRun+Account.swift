import BitTorrent
import PoolProtocol
import PoolRuntime

/// What `where` tells of the torrent and of its peers, trackers and pieces.
extension TorrentRun {
    func account(_ id: String, now: MonotonicInstant) -> Account {
        let pieces = coordinator.pieces
        let report = report(now: now)
        var account = Account(id)
        account.add("name", name)
        account.add("info hash", metainfo.infoHash.description)
        account.add("state", phase == .cancelled ? "given-up" : report.phase.rawValue)
        account.add("waits for", waitsFor)
        account.add(
            "pieces",
            "\(pieces.missingCount) missing, \(pieces.openingCount) opening, \(pieces.openCount) open, "
                + "\(pieces.verifiedCount) verified, \(pieces.writtenCount) written, \(pieces.syncedCount) synced")
        account.add(
            "peers",
            "\(book.connectedCount) connected, \(book.known.connectingCount) being tried, "
                + "\(book.known.knownCount) known, \(book.known.bannedCount) banned")
        let wishes = coordinator.demand.sorted { $0.key < $1.key }.map {
            "p\($0.key) \(Cell.bytes(UInt64(max(0, $0.value))))"
        }
        if !wishes.isEmpty { account.add("wanted", wishes.joined(separator: ", ")) }
        account.add("last byte", isActive ? "\(Cell.seconds(now - lastProgress)) ago" : nil)
        account.add("trouble", diskTroubleText)
        return account
    }

    private var waitsFor: String {
        switch phase {
        case .checking: return "the hash-workers, which look at what is on disk"
        case .preparing: return "the writer, which makes the files ready"
        case .downloading:
            if diskTrouble != nil { return "the disk" }
            if coordinator.pieces.isComplete { return "the last sync" }
            if book.connectedCount == 0 { return "a peer" }
            let isAnybodyServing = book.connections.values.contains { $0.latest?.outstandingRequestCount ?? 0 > 0 }
            return isAnybodyServing ? "blocks of its peers" : "a peer that has something and lets us request"
        case .complete: return isSeeding ? "peers that want something" : "the other torrents"
        case .cancelled: return "nothing"
        case .stopping: return "the end of the run"
        }
    }

    // MARK: Peers

    func account(ofPeer name: PeerName, _ id: String, connectTimeout: Duration, now: MonotonicInstant) -> Account? {
        guard let peer = journal.peer(name) else { return nil }
        var account = Account(id)
        account.events = peer.events.all
        account.add("address", peer.address.description + (peer.isIncoming ? ", came to us" : ""))
        account.add("worker", "\(Place(.peerWorker, peer.key.worker))")
        guard peer.leftAt == nil, let connection = book.connections[peer.key] else {
            account.add("state", "gone")
            account.add("since", peer.leftAt.map { "\(Cell.seconds(now - $0))" })
            return account
        }
        let row = inspected(peer, connection, connectTimeout: connectTimeout, now: now)
        account.add("client", row.client.isEmpty ? nil : row.client)
        account.add("state", row.state)
        account.add("waits for", Self.waitsFor(row))
        account.add("age", Cell.seconds(row.age))
        account.add("deadline", row.deadline.map { Cell.seconds($0) })
        account.add("down", "\(Amounts.rate(row.downloadRate)), \(Amounts.bytes(row.downloadedByteCount)) in all")
        account.add("up", "\(Amounts.rate(row.uploadRate)), \(Amounts.bytes(row.uploadedByteCount)) in all")
        return account
    }

    private static func waitsFor(_ peer: Inspection.Peer) -> String {
        let blocks = Amounts.counted(Int(peer.requestCount), "block")
        switch peer.state {
        case "connecting": return "the connection and the handshake"
        case "choking": return "the peer to let us request"
        case "serving": return "\(blocks) that it was asked for"
        case "snubbed": return "\(blocks) that are late"
        case "closing": return "its worker to close the connection"
        default: return "blocks that it has and we want, or a wish of its own"
        }
    }

    // MARK: Trackers

    func account(ofTracker number: Int, _ id: String, now: MonotonicInstant) -> Account? {
        guard let tracker = journal.tracker(number),
            let record = schedule.standings.first(where: { $0.tracker == tracker })?.record
        else { return nil }
        let row = inspected(number, tracker, record, now: now)
        var account = Account(id)
        account.add("url", row.url)
        account.add("state", row.state)
        let waitsFor: String =
            switch row.state {
            case "announcing": "the tracker's answer"
            case "failed": "the next try"
            case "refused": "nothing: it does not want to be asked again"
            case "working": "the next announce"
            default: "its turn"
            }
        account.add("waits for", waitsFor)
        account.add("since", row.age.map { Cell.seconds($0) })
        account.add("deadline", row.deadline.map { Cell.seconds($0) })
        account.add("failures", row.failureCount == 0 ? nil : "\(row.failureCount) in a row")
        account.events = journal.events(ofTracker: number).all
        return account
    }

    // MARK: Pieces

    func account(ofPiece index: Int, _ id: String, now: MonotonicInstant) -> Account? {
        guard index < metainfo.geometry.pieceCount else { return nil }
        let piece = PieceIndex(index)
        var account = Account(id)
        account.events = journal.events(of: piece)?.all ?? []
        account.add("state", stateName(of: piece))
        account.add("length", "\(metainfo.geometry.length(of: piece)) bytes")
        switch coordinator.pieces.state(of: piece) {
        case .unwanted: account.add("waits for", "nothing: no selected file needs it")
        case .missing:
            let hasSource = coordinator.members.contains {
                coordinator.pieces.picker.availability.hasSource($0, piece)
            }
            account.add("waits for", hasSource ? "its turn" : "a peer that has it")
        case .opening(let assignment):
            account.add("waits for", "frames of \(assembler(of: assignment))")
            account.add("assignment", "\(assignment)")
        case .open(let assignment):
            account.add("assignment", "\(assignment) at \(assembler(of: assignment))")
            if let standing = coordinator.blocks.standing(of: assignment) {
                add(standing, grantReports.progress(of: assignment, standing), now: now, to: &account)
            }
        case .verified(let assignment):
            account.add("waits for", "the writer")
            account.add("assignment", "\(assignment) at \(assembler(of: assignment))")
        case .written: account.add("waits for", "the next sync")
        case .synced: account.add("waits for", "nothing: it is on disk")
        }
        return account
    }

    private func assembler(of assignment: AssignmentID) -> String {
        coordinator.assemblers[assignment].map { "\(Place(.hashWorker, $0))" } ?? "nobody"
    }

    private func add(
        _ standing: BlockLedger.Standing, _ progress: GrantReports.Progress, now: MonotonicInstant,
        to account: inout Account
    ) {
        let holders = standing.holders.map { holder in
            "p\(holder.worker) \(Amounts.counted(holder.blockCount, "block"))"
        }
        account.add(
            "waits for",
            holders.isEmpty
                ? standing.ungrantedCount > 0 ? "a worker that wants blocks" : "the verdict or what is in doubt"
                : "blocks and verdict")
        account.add(
            "blocks",
            "\(standing.blockCount): \(progress.hereCount) here, \(standing.ungrantedCount) not granted"
                + (standing.inDoubtCount > 0 ? ", \(standing.inDoubtCount) in doubt" : ""))
        account.add("deadline", progress.deadline.map { Cell.seconds(max(.zero, $0 - now)) })
        if !holders.isEmpty { account.add("granted to", holders.joined(separator: ", ")) }
    }
}
