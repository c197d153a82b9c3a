import BitTorrent
import PoolProtocol
import PoolRuntime

/// Grants, requests and blocks.
extension PeerWorkerProcess {
    // MARK: Grants

    func granted(_ grant: Grant, now: MonotonicInstant) {
        guard let torrent = torrents[grant.torrent] else { return }
        let tags = Tags(torrent: grant.torrent, piece: grant.piece, assignment: grant.assignment)
        var isSound = false
        change(torrent, now: now) { isSound = $0.granted(grant, now: now, into: &$1) }
        guard isSound else {
            return chronicle.complain(
                .grantUnsound, tags, detail: "\(grant.blockCount) blocks from \(grant.firstBlock)")
        }
        chronicle.note(.granted, tags, number: grant.blockCount)
        torrent.demand.granted(byteCount: Int(grant.blockCount) * Int(TorrentGeometry.blockByteCount))
        torrent.hasNewBlocks = true
    }

    /// Changes the torrent's book and carries out what follows.
    func change(
        _ torrent: PeerTorrent, now: MonotonicInstant, _ body: (inout GrantBook, inout [GrantBook.Action]) -> Void
    ) {
        var actions: [GrantBook.Action] = []
        body(&torrent.book, &actions)
        carryOut(actions, torrent, now: now)
    }

    private func carryOut(_ actions: [GrantBook.Action], _ torrent: PeerTorrent, now: MonotonicInstant) {
        for action in actions {
            switch action {
            case .cancel(let block, let peer):
                guard let connection = table[peer] else { continue }
                connection.session.cancel(block, in: torrent.view, now: now, into: &connection.actions)
                connection.wantsBlocks = true
                mark(connection)
                perform(connection)
            case .returnBlocks(let assignment, let ranges, let reason):
                chronicle.note(
                    .grantReturned, Tags(torrent: torrent.ordinal, assignment: assignment),
                    number: ranges.reduce(0) { $0 &+ $1.blockCount }, detail: "\(reason)")
                parcel.news.append(.grantReturned(assignment: assignment, ranges, reason))
            }
        }
    }

    // MARK: Requests

    /// Asks the peer for as many blocks as it can take, if it is worth a message.
    func supply(_ connection: Connection) {
        connection.wantsBlocks = false
        guard let torrent = connection.torrent, connection.session.isOpen else { return }
        let now = clock()
        connection.session.probe(in: torrent.view, now: now, into: &connection.actions)
        perform(connection)
        recount(connection, now: now)
        let awaited = connection.session.awaitedCount
        let capacity = connection.session.requestCapacity(now: now)
        // A few requests at a time: a message for each block would cost more than the block's own read.
        if capacity >= min(Self.requestsPerMessage, max(1, (awaited + capacity) / 4)) {
            let requested = request(upTo: capacity, connection, torrent, now: now)
            setIdle(connection, torrent, blockCount: capacity - requested)
        } else {
            // More blocks would not be asked for now either, so it must not go on wishing for them.
            countIdle(connection, torrent, blockCount: 0)
        }
        measureWindow(connection, torrent, now: now)
    }

    /// A quarter of the window is asked for at a time, but no more than a MiB: one write, and the peer's next read.
    private static var requestsPerMessage: Int { 64 }

    private func request(
        upTo capacity: Int, _ connection: Connection, _ torrent: PeerTorrent, now: MonotonicInstant
    ) -> Int {
        chosen.removeAll(keepingCapacity: true)
        let isSlow = torrent.isSlow(bytesPerSecond: connection.bytesPerSecond)
        torrent.book.nextBlocks(
            for: connection.peer, isSlow: isSlow, count: capacity, now: now,
            canServe: { connection.session.canRequest($0) }, into: &chosen)
        if chosen.isEmpty, connection.session.awaitedCount == 0 {
            torrent.book.duplicateBlocks(
                for: connection.peer, count: capacity, canServe: { connection.session.canRequest($0) }, into: &chosen)
        }
        let view = torrent.view
        for block in chosen where !connection.session.request(block, in: view, now: now, into: &connection.actions) {
            // What it is being probed with is on its way.
            if !connection.session.isAwaiting(block) { torrent.book.givenBack(block, by: connection.peer) }
        }
        if chronicle.followsBlocks {
            for block in chosen where connection.session.isAwaiting(block) {
                chronicle.follow(.requested, tags(of: block, from: connection))
            }
        }
        perform(connection)
        return chosen.count
    }

    /// Notes how many blocks the peer could have been asked for besides.
    private func setIdle(_ connection: Connection, _ torrent: PeerTorrent, blockCount: Int) {
        let counts = connection.session.isServing && connection.session.isInterested
        countIdle(connection, torrent, blockCount: counts ? blockCount : 0)
        if blockCount > 0 { torrent.hungry.insert(connection.peer) } else { torrent.hungry.remove(connection.peer) }
    }

    private func countIdle(_ connection: Connection, _ torrent: PeerTorrent, blockCount: Int) {
        torrent.idleBlockCount += blockCount - connection.idleBlockCount
        connection.idleBlockCount = blockCount
    }

    /// Takes the peer's window into the torrent's sum.
    func measureWindow(_ connection: Connection, _ torrent: PeerTorrent, now: MonotonicInstant) {
        let counts = connection.session.isServing && connection.session.isInterested
        let window = counts ? connection.session.awaitedCount + connection.session.requestCapacity(now: now) : 0
        torrent.windowBlockCount += window - connection.windowBlockCount
        connection.windowBlockCount = window
        if !counts { setIdle(connection, torrent, blockCount: 0) }
    }

    /// Blocks have become free: peers that could take more do so, the fastest first.
    func supplyHungry(_ torrent: PeerTorrent, now: MonotonicInstant) {
        torrent.hasNewBlocks = false
        let hungry = torrent.hungry.compactMap { table[$0] }.sorted {
            ($0.bytesPerSecond, $1.peer) > ($1.bytesPerSecond, $0.peer)
        }
        for connection in hungry where torrent.book.unassignedCount > 0 || torrent.book.hasSharedBlocks {
            supply(connection)
        }
    }

    func tellDemand(_ torrent: PeerTorrent) {
        guard let byteCount = torrent.demand.update(torrent.supply) else { return }
        parcel.news.append(.wantBlocks(torrent: torrent.ordinal, byteCount: byteCount))
        if torrent.idleBlockCount > 0 { isUrgent = true }
    }

    // MARK: Blocks

    /// A whole block lies in its slot.
    func blockArrived(
        _ block: BlockAddress, _ lease: SlotLedger.Lease, from connection: Connection, now: MonotonicInstant
    ) {
        guard let torrent = connection.torrent else { return intake.abandon(lease) }
        let byteCount = torrent.view.geometry.length(of: block)
        var actions: [GrantBook.Action] = []
        guard let goal = torrent.book.arrived(block, from: connection.peer, into: &actions) else {
            intake.abandon(lease)
            torrent.totals.wastedByteCount += UInt64(byteCount)
            if chronicle.followsBlocks { chronicle.follow(.late, tags(of: block, from: connection), slot: lease.slot) }
            return
        }
        if !actions.isEmpty { carryOut(actions, torrent, now: now) }
        let reference = BlockReference(
            assignment: goal.assignment, block: block.block, byteCount: byteCount, slot: lease.slot,
            lease: lease.number, peer: connection.peer)
        torrentOfSlot[Int(lease.slot)] = torrent.ordinal
        intake.lend(reference, to: goal.assembler)
        batches.added(reference, for: goal.assembler, now: now)
        if chronicle.followsBlocks {
            var tags = tags(of: block, from: connection)
            tags.assignment = goal.assignment
            tagsOfSlot[lease.slot] = tags
            chronicle.follow(.whole, tags, slot: lease.slot)
        }
    }

    /// The connection has stopped reading.
    func waits(_ connection: Connection) { intake.waits(connection.peer) }

    func received(byteCount: Int) {
        parcel.movedByteCount += byteCount
        downloadLimit.spend(byteCount)
    }
}
