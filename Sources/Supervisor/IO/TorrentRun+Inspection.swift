import BitTorrent
import PoolProtocol
import PoolRuntime

/// The torrent's rows of `ps`.
extension TorrentRun {
    func inspected(now: MonotonicInstant, since start: MonotonicInstant) -> Inspection.Torrent {
        let report = report(now: now)
        return Inspection.Torrent(
            ordinal: Int(ordinal), report: report, state: phase == .cancelled ? "given-up" : report.phase.rawValue,
            age: now - start, unsyncedPieceCount: coordinator.pieces.writtenCount,
            uploadSlotCount: isActive ? choker.slotCount : 0, failedPieceCount: coordinator.failedPieceCount,
            bannedCount: book.known.bannedCount, knownCount: book.known.knownCount)
    }

    // MARK: Peers

    /// In the order of their coming.
    func inspectedPeers(connectTimeout: Duration, now: MonotonicInstant) -> [Inspection.Peer] {
        book.connections.compactMap { key, connection in
            journal.peer(key).map { (peer: $0, connection: connection) }
        }.sorted { ($0.peer.since, $0.peer.key) < ($1.peer.since, $1.peer.key) }.prefix(Inspection.mostRows).map {
            inspected($0.peer, $0.connection, connectTimeout: connectTimeout, now: now)
        }
    }

    func inspected(
        _ peer: TorrentJournal.Peer, _ connection: PeerBook.Connection, connectTimeout: Duration, now: MonotonicInstant
    ) -> Inspection.Peer {
        var row = Inspection.Peer(
            name: .peer(torrent: Int(ordinal), peer.name),
            worker: .process(Place(.peerWorker, peer.key.worker)), address: connection.address.description,
            isIncoming: connection.isIncoming, state: Self.state(of: connection), age: now - peer.since,
            client: TerminalText.escaped(connection.client))
        if row.state == "connecting" { row.deadline = max(.zero, peer.since + connectTimeout - now) }
        if let report = connection.latest {
            row.downloadRate = Double(report.downloadRate)
            row.uploadRate = Double(report.uploadRate)
            row.downloadedByteCount = report.downloadedByteCount
            row.uploadedByteCount = report.uploadedByteCount
            row.requestCount = report.outstandingRequestCount
            row.isSeed = report.isSeed
            row.isInterested = report.isInterested
            row.isUnchoked = report.isUnchoked
            // Of what a worker says nothing is believed; a moment of another age is shown as long past or far away.
            if report.outstandingRequestCount > 0, report.deadline > 0, report.deadline <= UInt64(Int64.max) {
                row.deadline = max(.zero, MonotonicInstant(nanoseconds: Int64(report.deadline)) - now)
            }
        }
        return row
    }

    private static func state(of connection: PeerBook.Connection) -> String {
        if connection.isBeingClosed { return "closing" }
        guard connection.isConnected else { return "connecting" }
        guard let report = connection.latest else { return "idle" }
        if report.outstandingRequestCount > 0 { return report.isSnubbed ? "snubbed" : "serving" }
        return report.isChokingUs ? "choking" : "idle"
    }

    // MARK: Trackers

    /// In the order of their numbers, which is that of the torrent.
    func inspectedTrackers(now: MonotonicInstant) -> [Inspection.Tracker] {
        guard settings.usesTrackers else { return [] }
        let numbered = schedule.standings.compactMap { standing in
            journal.number(of: standing.tracker).map { (number: $0, standing: standing) }
        }
        return numbered.sorted { $0.number < $1.number }.prefix(Inspection.mostRows).map { number, standing in
            inspected(number, standing.tracker, standing.record, now: now)
        }
    }

    func inspected(
        _ number: Int, _ tracker: TrackerURL, _ record: TrackerRecord, now: MonotonicInstant
    ) -> Inspection.Tracker {
        let state: String
        var since = record.lastOutcome
        var until: MonotonicInstant?
        if let request = record.outstanding {
            state = "announcing"
            since = request.sentAt
            if !request.isSlow { until = request.sentAt + AnnounceSchedule.slowAfter }
        } else if record.wantsNoMore {
            state = "refused"
        } else if record.failuresInARow > 0 {
            state = "failed"
            until = record.backOffEnds
        } else {
            state = record.lastOutcome == nil ? "unused" : "working"
            until = record.regularlyDue
        }
        return Inspection.Tracker(
            name: .tracker(torrent: Int(ordinal), number: number), url: tracker.description, state: state,
            age: since.map { now - $0 }, deadline: until.map { max(.zero, $0 - now) },
            failureCount: record.failuresInARow, lastWord: journal.events(ofTracker: number).last?.text ?? "")
    }

    // MARK: Pieces

    /// Those under way, oldest attempts first.
    func inspectedPieces(now: MonotonicInstant) -> [Inspection.Piece] {
        coordinator.pieces.livingAssignments.prefix(Inspection.mostRows).compactMap { assignment in
            coordinator.pieces.piece(of: assignment).map { inspected($0, assignment, now: now) }
        }
    }

    private func inspected(
        _ piece: PieceIndex, _ assignment: AssignmentID, now: MonotonicInstant
    ) -> Inspection.Piece {
        let standing = coordinator.blocks.standing(of: assignment)
        let byteCount = metainfo.geometry.length(of: piece)
        let age = (journal.events(of: piece)?.first?.time).map { now - $0 }
        let blockCount = TorrentGeometry.blockCount(pieceByteCount: byteCount)
        let isVerified = coordinator.pieces.state(of: piece) == .verified(assignment)
        let progress = standing.map { grantReports.progress(of: assignment, $0) }
        let hereCount = progress?.hereCount ?? (isVerified ? blockCount : 0)
        let hereByteCount = min(Double(hereCount) * Double(TorrentGeometry.blockByteCount), Double(byteCount))
        return Inspection.Piece(
            name: .piece(torrent: Int(ordinal), index: piece.value), state: stateName(of: piece),
            assembler: coordinator.assemblers[assignment].map { .process(Place(.hashWorker, $0)) },
            assignment: assignment, age: age, deadline: progress?.deadline.map { max(.zero, $0 - now) },
            rate: age.map { hereByteCount / max($0.inSeconds, 0.001) } ?? 0, blockCount: blockCount,
            hereCount: hereCount,
            ungrantedCount: standing?.ungrantedCount ?? 0,
            holders: standing?.holders.map { .process(Place(.peerWorker, $0.worker)) } ?? [])
    }

    func stateName(of piece: PieceIndex) -> String {
        switch coordinator.pieces.state(of: piece) {
        case .unwanted: "unwanted"
        case .missing: "missing"
        case .opening: "opening"
        case .open: "open"
        case .verified: "verified"
        case .written: "written"
        case .synced: "synced"
        }
    }
}
