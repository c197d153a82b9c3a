/// Who is tried next, and when to look again.
extension KnownPeers {
    /// An address whose machine has its share of connections, or its network of attempts, is looked at again after so long
    /// (a guess).
    static let crowdedWait: Duration = .seconds(1)
    /// One that is connected already by another way is looked at again after so long (a guess).
    static let connectedElsewhereWait: Duration = .seconds(60)

    /// Addresses to connect to now, at most `limit`: the command line's first, then trackers, local discovery and peer
    /// exchange in turn, so that a flood from one does not starve the others; the least failed first, and of these the
    /// dearest by BEP 40, so that many names from one liar are lost among the others'. Those that are used are to be reported by
    /// `connecting` before the next call; others are offered again.
    package mutating func candidates(now: MonotonicInstant, limit: Int) -> [PeerAddress] {
        guard limit > 0, hopefulCount > 0 else { return [] }
        let peers = peers
        let peer: (RetryQueue.Entry) -> KnownPeer? = { Self.peer(of: $0, in: peers) }
        queue.advance(to: now, peer: peer)
        var choice = Choice()
        var turn: [Origin] = [.commandLine]
        while choice.entries.count < limit, let origin = turn.first {
            guard let entry = queue.next(of: origin, peer: peer) else {
                turn.removeFirst()
                if origin == .commandLine { turn = [.tracker, .localDiscovery, .peerExchange] }
                continue
            }
            if let wait = obstacle(entry.address, now: now, &choice) {
                queue.wait(entry, until: wait)
            } else {
                choice.entries.append(entry)
                // Round and round, until none has more.
                turn.append(turn.removeFirst())
            }
        }
        for entry in choice.entries { queue.addDue(entry, peers[entry.address]!) }
        return choice.entries.map(\.address)
    }

    /// One answer in the making, and what its members use up.
    private struct Choice {
        var entries: [RetryQueue.Entry] = []
        var machines: [PeerAddress: Int] = [:]
        var networks: [PeerAddress: Int] = [:]
    }

    /// - Returns: nil when the address may be tried now, else when to look at it again.
    private func obstacle(_ address: PeerAddress, now: MonotonicInstant, _ choice: inout Choice) -> MonotonicInstant? {
        if connectedElsewhere[address] != nil { return now + Self.connectedElsewhereWait }
        let machine = address.machine
        if !address.isLoopback {
            let connections = (machines[machine]?.connections ?? 0) + (choice.machines[machine] ?? 0)
            if connections >= limits.connectionsPerMachine { return now + Self.crowdedWait }
        }
        let network = address.network
        let earliest = pace.earliest(address, planned: choice.networks[network] ?? 0, now: now)
        // Others of the network may have answered by then.
        if earliest > now { return min(earliest, now + Self.crowdedWait) }
        choice.machines[machine, default: 0] += 1
        choice.networks[network, default: 0] += 1
        return nil
    }

    /// When time alone brings a new candidate or an end: the caller need not look before, unless something else happens.
    /// What is due already and was not taken for lack of places does not count.
    package mutating func nextDeadline(now: MonotonicInstant) -> MonotonicInstant? {
        let peers = peers
        let peer: (RetryQueue.Entry) -> KnownPeer? = { Self.peer(of: $0, in: peers) }
        queue.advance(to: now, peer: peer)
        let retry = queue.earliest(peer: peer)
        guard connectingCount == 0, hopefulCount == 0, let aloneSince, aloneSince + Self.aloneFor > now else {
            return retry
        }
        return min(retry ?? .distantFuture, aloneSince + Self.aloneFor)
    }
}
