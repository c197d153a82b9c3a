import BitTorrent
import PoolProtocol
import PoolRuntime

/// What sessions ask for, from the first byte of a connection to its last.
extension PeerWorkerProcess {
    /// - Parameter torrent: nil for an incoming peer, which has not said which it wants.
    func makeSession(_ role: PeerSession.Role, torrent: PeerTorrent?, address: PeerAddress) -> PeerSession {
        // All torrents of a run go by one peer id, so any of them tells who we are.
        guard let identity = (torrent ?? torrents.values.first)?.identity else {
            preconditionFailure("there is no connection before there is a torrent")
        }
        return PeerSession(role: role, identity: identity, remote: address, now: clock())
    }

    // MARK: Begin and end

    /// The channel is there.
    func connected(_ connection: Connection) {
        let now = clock()
        worked()
        guard connection.phase == .connecting else { return connection.shut() }
        connection.phase = .running
        if let torrent = connection.torrent {
            // The time for the handshake begins here, not when the connection was ordered.
            connection.session = makeSession(
                .outgoing(torrent.view.infoHash), torrent: torrent, address: connection.address)
        }
        connection.session.connected(now: now, into: &connection.actions)
        perform(connection)
        turnGoesOn()
    }

    /// - Parameter error: an errno.
    func connectFailed(_ connection: Connection, _ error: CInt) {
        guard connection.phase == .connecting else { return }
        let cause: PeerClosed.Cause = SocketTrouble.isLocal(error) ? .localTrouble : .connectFailed
        finish(connection, PeerEnding(cause, SocketTrouble.text(error)))
    }

    /// Our wish; `connection.ending` says why.
    func close(_ connection: Connection) {
        switch connection.phase {
        case .connecting: finish(connection, connection.ending ?? PeerEnding(.ownerClosed, wasOpen: false))
        case .running:
            connection.session.closeRequested(into: &connection.actions)
            perform(connection)
        case .ended: break
        }
    }

    private func finish(_ connection: Connection, _ ending: PeerEnding) {
        guard table.remove(connection) else { return }
        worked()
        connection.abandonArriving()
        torrentWaits.left(connection.peer)
        intake.waitsNoMore(connection.peer)
        if let torrent = connection.torrent {
            stopCounting(connection, torrent)
            torrent.windowBlockCount -= connection.windowBlockCount
            torrent.idleBlockCount -= connection.idleBlockCount
            torrent.hungry.remove(connection.peer)
            torrent.book.peerLeft(connection.peer)
        }
        connection.shut()
        // Its slot may let another go on.
        turnGoesOn()
        chronicle.note(
            .closed, tags(of: connection), number: UInt32(ending.cause.rawValue),
            detail: "\(connection.address): \(ending.text)")
        connection.torrent?.reports.moved(now: clock())
        // The supervisor has never heard of an incoming peer that did not get through its handshake.
        guard connection.isAnnounced || !connection.isIncoming else { return }
        tellClosed(
            connection.peer, ending, downloadedByteCount: connection.downloadedByteCount,
            uploadedByteCount: connection.uploadedByteCount)
    }

    func tellClosed(
        _ peer: UInt32, _ ending: PeerEnding, downloadedByteCount: UInt64 = 0, uploadedByteCount: UInt64 = 0
    ) {
        parcel.news.append(
            .peerClosed(
                PeerClosed(
                    peer: peer, cause: ending.cause, text: ending.text, downloadedByteCount: downloadedByteCount,
                    uploadedByteCount: uploadedByteCount)))
        turnGoesOn()
    }

    // MARK: Actions

    /// Performs what the session has asked for, and what follows from that.
    func perform(_ connection: Connection) {
        guard !connection.isPerforming, !connection.actions.isEmpty else { return }
        connection.isPerforming = true
        var index = 0
        while index < connection.actions.count {
            perform(connection.actions[index], connection)
            index += 1
        }
        connection.actions.removeAll(keepingCapacity: index <= 64)
        connection.isPerforming = false
    }

    private func perform(_ action: SessionAction, _ connection: Connection) {
        switch action {
        case .send(let message):
            PeerMessageEncoder.append(message, to: &connection.outgoing)
            mark(connection)
        case .sendHandshake(let handshake):
            handshake.encode(into: &connection.outgoing)
            mark(connection)
        case .identifyTorrent(let infoHash): identify(infoHash, connection)
        case .reportOpened: connection.torrent?.reports.moved(now: clock())
        case .addSource(let piece): gained(piece, connection)
        case .addSources:
            if connection.isCounted, let pieces = connection.session.pieces { connection.torrent?.tally.added(pieces) }
            wantBlocks(connection)
        case .assignBlocks: wantBlocks(connection)
        case .returnBlock(let block, _):
            guard let torrent = connection.torrent else { return }
            if torrent.book.givenBack(block, by: connection.peer) { torrent.hasNewBlocks = true }
            wantBlocks(connection)
        case .reportInterest: tellInterest(connection)
        case .serveRequests: mayServe(connection)
        case .recordExtensions: extensionsRecorded(connection)
        case .deliverExtended(let id, let payload): extendedReceived(id: id, payload: payload, connection)
        case .close(let reason):
            let ending = connection.ending ?? PeerEnding(reason, wasOpen: connection.session.pieces != nil)
            if connection.session.pieces != nil, ending.cause != .ourselves { announce(connection) }
            finish(connection, ending)
        }
    }

    private func wantBlocks(_ connection: Connection) {
        connection.wantsBlocks = true
        mark(connection)
    }

    private func identify(_ infoHash: InfoHash, _ connection: Connection) {
        guard let torrent = connection.torrent ?? byInfoHash[infoHash] else {
            if torrentWaits.waits(connection.peer, for: infoHash, now: clock()) { return connection.awaitTorrent() }
            return connection.session.torrentUnknown(into: &connection.actions)
        }
        identified(torrent, connection)
    }

    /// A torrent has come that peers wait for.
    func resumeWaits(for torrent: PeerTorrent) {
        for peer in torrentWaits.came(torrent.view.infoHash) {
            guard let connection = table[peer] else { continue }
            identified(torrent, connection)
            connection.torrentCame()
        }
    }

    /// No further torrent is to be expected.
    func endWaits(now: MonotonicInstant) {
        for peer in torrentWaits.timerFired(now: now) {
            guard let connection = table[peer] else { continue }
            connection.session.torrentUnknown(into: &connection.actions)
            perform(connection)
        }
    }

    private func identified(_ torrent: PeerTorrent, _ connection: Connection) {
        connection.torrent = torrent
        connection.decoder.torrentIdentified(pieceCount: torrent.view.geometry.pieceCount)
        connection.session.torrentIdentified(in: torrent.view, now: clock(), into: &connection.actions)
    }

    // MARK: Sources

    private func gained(_ piece: PieceIndex, _ connection: Connection) {
        guard let torrent = connection.torrent, let pieces = connection.session.pieces else { return }
        if connection.isCounted { torrent.tally.gained(piece, pieces: pieces) }
        if torrent.hungry.contains(connection.peer) { wantBlocks(connection) }
    }

    /// A peer is a usable source from its first unchoke on; one that is silent or has choked us for long is none, since
    /// the supervisor would grant us what nobody here gives, and open pieces for it.
    func recount(_ connection: Connection, now: MonotonicInstant) {
        guard let torrent = connection.torrent, connection.session.isOpen else { return }
        if connection.session.isServing {
            guard !connection.isCounted, let pieces = connection.session.pieces else { return }
            connection.isCounted = true
            return torrent.tally.added(pieces)
        }
        let chokedSince = connection.session.chokedSince ?? .distantPast
        if now - chokedSince >= GrantBook.patience { stopCounting(connection, torrent) }
    }

    private func stopCounting(_ connection: Connection, _ torrent: PeerTorrent) {
        guard connection.isCounted, let pieces = connection.session.pieces else { return }
        connection.isCounted = false
        torrent.tally.removed(pieces)
    }

    // MARK: News

    /// Tells of a completed handshake, once: with the client's own name if that came soon.
    func announce(_ connection: Connection) {
        guard !connection.isAnnounced, let torrent = connection.torrent, let remoteID = connection.session.peerID else {
            return
        }
        connection.isAnnounced = true
        let client = connection.session.clientName ?? ""
        chronicle.note(.connected, tags(of: connection), detail: "\(connection.address), \(client)")
        parcel.news.append(
            .peerConnected(
                PeerConnected(
                    peer: connection.peer, torrent: torrent.ordinal, address: connection.address,
                    isIncoming: connection.isIncoming, remoteID: remoteID, client: client)))
        connection.introduction = PeerIntroduction(
            peer: connection.peer, torrent: torrent.ordinal, client: client, listenPort: 0, ourAddress: [])
        if connection.session.isPeerInterested { tellInterest(connection) }
        turnGoesOn()
    }

    /// At once, since a slot may be free; but not before the supervisor has heard of the peer.
    private func tellInterest(_ connection: Connection) {
        guard connection.isAnnounced else { return }
        let isInterested = connection.session.isPeerInterested
        parcel.news.append(.interestChanged([PeerInterest(peer: connection.peer, isInterested: isInterested)]))
        isUrgent = true
        turnGoesOn()
    }
}
