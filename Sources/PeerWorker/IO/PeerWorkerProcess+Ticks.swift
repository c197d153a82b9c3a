import BitTorrent
import Glibc
import PoolProtocol

/// What time alone brings about. Ten times a second while there are connections; never otherwise.
extension PeerWorkerProcess {
    func tick(now: MonotonicInstant) {
        for torrent in torrents.values { (torrent.bytesPerSecond, torrent.fastestRate) = (0, 0) }
        endWaits(now: now)
        // A deadline may close its connection, so the table is not walked itself.
        for connection in Array(table.all) { tick(connection, now: now) }
        for torrent in torrents.values where now >= torrent.nextSweep {
            torrent.nextSweep = now + .seconds(1)
            guard torrent.book.unassignedCount > 0 else { continue }
            change(torrent, now: now) { book, actions in
                book.sweep(now: now, service: { self.service(of: $0, torrent) }, into: &actions)
            }
        }
        tellReports(of: torrents.values.filter { $0.reports.ticked($0.totals, now: now) })
    }

    private func tick(_ connection: Connection, now: MonotonicInstant) {
        if let attempt = connection.attempt, now >= attempt.deadline { return connectFailed(connection, ETIMEDOUT) }
        guard connection.phase == .running else { return }
        connection.retry()
        // While we do not read, the peer may have answered long ago.
        if !connection.isWaiting, connection.session.nextDeadline <= now {
            connection.session.timerFired(now: now, into: &connection.actions)
            perform(connection)
        }
        guard let torrent = connection.torrent, connection.session.isOpen else { return }
        announce(connection)
        exchange(connection, now: now)
        recount(connection, now: now)
        measureWindow(connection, torrent, now: now)
        connection.bytesPerSecond = connection.session.bytesPerSecond(now: now)
        torrent.bytesPerSecond += connection.bytesPerSecond
        torrent.fastestRate = max(torrent.fastestRate, connection.bytesPerSecond)
        if torrent.hungry.contains(connection.peer), connection.session.awaitedCount == 0 {
            connection.wantsBlocks = true
            mark(connection)
        }
    }

    private func service(of piece: PieceIndex, _ torrent: PeerTorrent) -> GrantBook.Service {
        var best = GrantBook.Service.noSource
        for connection in table.all where connection.torrent === torrent {
            if connection.session.canRequest(piece) {
                if !connection.session.isSnubbed { return .served }
                if best == .noSource { best = .silent }
            } else if connection.session.pieces?.contains(piece) == true {
                best = .choked
            }
        }
        return best
    }

    func tellReports(of torrents: [PeerTorrent]) {
        guard !torrents.isEmpty else { return }
        let connections = Dictionary(grouping: table.all.filter(\.isAnnounced)) { $0.torrent?.ordinal }
        for torrent in torrents {
            let totals = TransferReport(
                downloadedByteCount: torrent.totals.downloadedByteCount,
                wastedByteCount: torrent.totals.wastedByteCount,
                uploadedByteCount: torrent.totals.uploadedByteCount,
                freeSlotCount: UInt16(clamping: intake.slots.freeCount),
                waitingSocketCount: UInt16(clamping: intake.waitingCount))
            let now = clock()
            let peers = connections[torrent.ordinal, default: []].sorted { $0.peer < $1.peer }
                .map { peerReport($0, now: now) }
            let parts = peers.parts(ofAtMost: Topology.maximumListCount)
            for part in parts.isEmpty ? [[]] : parts {
                parcel.news.append(.report(torrent: torrent.ordinal, totals, part))
            }
            tellGrants(of: torrent)
        }
    }

    private func tellGrants(of torrent: PeerTorrent) {
        var deadlines: [PieceIndex: MonotonicInstant] = [:]
        for connection in table.all where connection.torrent === torrent {
            connection.session.forEachDeadline { piece, deadline in
                deadlines[piece] = min(deadlines[piece] ?? deadline, deadline)
            }
        }
        let reports = torrent.book.reports(deadlines: deadlines)
        // An empty list is told once.
        guard !reports.isEmpty || torrent.hasToldGrants else { return }
        torrent.hasToldGrants = !reports.isEmpty
        parcel.news.append(.grantsReported(torrent: torrent.ordinal, reports))
    }

    private func peerReport(_ connection: Connection, now: MonotonicInstant) -> PeerReport {
        PeerReport(
            peer: connection.peer, downloadedByteCount: connection.downloadedByteCount,
            uploadedByteCount: connection.uploadedByteCount,
            downloadRate: UInt32(clamping: Int(connection.bytesPerSecond)),
            uploadRate: UInt32(clamping: Int(connection.uploadRate.bytesPerSecond(now: now))),
            outstandingRequestCount: UInt16(clamping: connection.session.awaitedCount),
            isChokingUs: connection.session.chokedSince != nil,
            isSeed: connection.session.isUploadOnly, isSnubbed: connection.session.isSnubbed,
            isInterested: connection.session.isPeerInterested, isUnchoked: !connection.session.isChokingPeer,
            deadline: connection.session.oldestDeadline.map { UInt64(max(0, $0.nanoseconds)) } ?? 0)
    }
}
