/// Who is tried next, and when to look again.
extension KnownPeers {
    /// Addresses to connect to now, at most `limit`: the command line's first, then trackers and peer exchange in turn, so
    /// that a flood from one does not starve the other; the least failed first. Each that is used must be reported by
    /// `connecting` before the next call.
    package mutating func candidates(now: MonotonicInstant, limit: Int) -> [PeerAddress] {
        guard limit > 0, mayHaveCandidates || earliestRetry.map({ $0 <= now }) ?? false else { return [] }
        var due: [Origin: [(address: PeerAddress, peer: KnownPeer)]] = [:]
        for (address, peer) in peers where peer.isHopeful && peer.retryAt <= now {
            due[peer.origin, default: []].append((address, peer))
        }
        for origin in due.keys {
            due[origin]!.sort { ($0.peer.failureCount, $0.peer.sequence) < ($1.peer.failureCount, $1.peer.sequence) }
        }
        var (chosen, choice) = ([PeerAddress](), Choice(pace: pace))
        var queue = (due[.commandLine] ?? []).map(\.address)
        let others = ((due[.tracker] ?? []).map(\.address), (due[.peerExchange] ?? []).map(\.address))
        for index in 0..<max(others.0.count, others.1.count) {
            if index < others.0.count { queue.append(others.0[index]) }
            if index < others.1.count { queue.append(others.1[index]) }
        }
        for address in queue {
            if chosen.count == limit { break }
            if mayConnect(address, now: now, &choice) { chosen.append(address) }
        }
        mayHaveCandidates = !chosen.isEmpty
        lookAgain(now: now, pacedUntil: choice.pacedUntil)
        return chosen
    }

    /// What earlier members of one answer already use up.
    private struct Choice {
        var pace: ConnectPace
        var machines: [PeerAddress: Int] = [:]
        /// The earliest moment at which an address that the pace holds back is free.
        var pacedUntil: MonotonicInstant?
    }

    private func mayConnect(_ address: PeerAddress, now: MonotonicInstant, _ choice: inout Choice) -> Bool {
        let machine = address.machine
        if !address.isLoopback {
            let connections = (machines[machine]?.connections ?? 0) + (choice.machines[machine] ?? 0)
            if connections >= limits.connectionsPerMachine { return false }
        }
        let earliest = choice.pace.earliest(address, now: now)
        if earliest > now {
            choice.pacedUntil = min(choice.pacedUntil ?? earliest, earliest)
            return false
        }
        choice.pace.connecting(address, now: now)
        choice.machines[machine, default: 0] += 1
        return true
    }

    /// When time alone brings a new candidate or an end: the caller need not look before, unless something else happens.
    /// What is due already and was not taken for lack of places does not count.
    package mutating func nextDeadline(now: MonotonicInstant) -> MonotonicInstant? {
        if let earliestRetry, earliestRetry <= now { lookAgain(now: now, pacedUntil: nil) }
        guard connectingCount == 0, hopefulCount == 0, let aloneSince, aloneSince + Self.aloneFor > now else {
            return earliestRetry
        }
        return min(earliestRetry ?? .distantFuture, aloneSince + Self.aloneFor)
    }

    private mutating func lookAgain(now: MonotonicInstant, pacedUntil: MonotonicInstant?) {
        var earliest = pacedUntil
        for peer in peers.values where peer.isHopeful && peer.retryAt > now {
            earliest = min(earliest ?? peer.retryAt, peer.retryAt)
        }
        earliestRetry = earliest
    }
}
