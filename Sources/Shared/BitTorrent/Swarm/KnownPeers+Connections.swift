/// What happens to connections, as the workers tell it.
extension KnownPeers {
    /// Why a connection is not wanted; the caller has its worker close it.
    package enum Veto: Equatable, Sendable {
        case ourselves
        /// Another connection to the same peer id exists.
        case duplicate
        case banned
        /// Too many connections of its machine, or no room to remember one more.
        case tooMany
    }

    /// How a connection, or an attempt at one, ended.
    package enum Ending: Equatable, Sendable {
        /// Refused, timed out, or a handshake that was cut, late or wrong.
        case failed
        /// The other end left or broke the protocol. Useful if it had sent payload or taken some; otherwise it counts as
        /// a failure, so that a peer that comes and goes is left alone more and more.
        case lost(wasUseful: Bool)
        /// We closed it; neither side is to blame.
        case released
        /// We closed it because neither side needed the other, which does not change soon.
        case unneeded
        /// This machine lacked descriptors or memory.
        case localTrouble
    }

    /// A candidate was given to a worker.
    /// - Returns: false when it is not to be tried any more (it was banned or forgotten meanwhile).
    package mutating func connecting(_ address: PeerAddress, worker: Int, now: MonotonicInstant) -> Bool {
        guard let peer = peers[address], peer.isHopeful else { return false }
        pace.connecting(address, now: now)
        change(address) { $0.contact = .connecting(worker: worker) }
        return true
    }

    /// A handshake was completed at a worker.
    /// - Returns: nil when the connection is welcome.
    package mutating func handshakeCompleted(
        _ named: PeerAddress, worker: Int, remoteID: PeerID, isIncoming: Bool, now: MonotonicInstant
    ) -> Veto? {
        let address = named.unmapped
        let veto = veto(address, remoteID: remoteID, isIncoming: isIncoming)
        if veto == .ourselves, !isIncoming { ownAddresses.insert(address) }
        if isIncoming {
            if let veto { return veto }
            guard peers[address] == nil, remember(incoming: address, now: now) else { return .tooMany }
        } else if peers[address]?.contact.worker != worker {
            return .duplicate
        }
        if veto != nil {
            change(address) { $0.wasVetoed = true }
            return veto
        }
        if !isIncoming { pace.answered(address) }
        change(address) {
            $0.contact = .connected(worker: worker)
            $0.remoteID = remoteID
            $0.connectedSince = now
        }
        aloneSince = nil
        remoteIDs[remoteID] = address
        return nil
    }

    /// Whoever has really come is worth more than an address that was only named.
    private mutating func remember(incoming address: PeerAddress, now: MonotonicInstant) -> Bool {
        if peers.count >= limits.known, !makeRoom(forBadness: -1) { return false }
        peers[address] = KnownPeer(origin: .incoming, sequence: nextSequence, retryAt: now)
        nextSequence += 1
        hopefulCount += 1
        machines[address.machine, default: Machine()].known += 1
        return true
    }

    func veto(
        _ address: PeerAddress, remoteID: PeerID, isIncoming: Bool, unlessDuplicate: Bool = false
    ) -> Veto? {
        if remoteID == ownID { return .ourselves }
        if bans.contains(address) { return .banned }
        if !unlessDuplicate, remoteIDs[remoteID] != nil { return .duplicate }
        guard isIncoming else { return nil }
        let machine = machines[address.machine] ?? Machine()
        if machine.incoming >= limits.incomingPerMachine { return .tooMany }
        return !address.isLoopback && machine.connections >= limits.connectionsPerMachine ? .tooMany : nil
    }

    /// The connection, or the attempt, is about to be closed on purpose: the address is left alone for the longest back-off
    /// from its end on.
    package mutating func notWanted(_ address: PeerAddress) { change(address.unmapped) { $0.wasVetoed = true } }

    /// A connection or an attempt ended. Ends of connections that were never welcomed change nothing.
    package mutating func closed(
        _ named: PeerAddress, worker: Int, _ ending: Ending, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) {
        let address = named.unmapped
        guard let peer = peers[address], peer.contact.worker == worker else { return }
        let failures: Int
        switch ending {
        case .failed, .lost(wasUseful: false): failures = peer.failureCount + 1
        case .lost(wasUseful: true): failures = 0
        case .released, .unneeded, .localTrouble: failures = peer.failureCount
        }
        let delay =
            peer.wasVetoed || ending == .unneeded
            ? ReconnectBackoff.longest : ReconnectBackoff.delay(afterFailures: failures, using: &generator)
        leave(address, peer, retryAt: now + delay, now: now) {
            $0.failureCount = failures
            let hasFailedNow = failures > peer.failureCount
            if hasFailedNow, failures >= ReconnectBackoff.failureLimit { $0.givenUpAt = now }
        }
    }

    /// A worker died: its peers go back to the pool, and none of them is to blame. They are due within a second, not all at
    /// the same moment.
    /// - Returns: their addresses, without those that had come to us.
    package mutating func workerGone(
        _ worker: Int, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [PeerAddress] {
        let lost = peers.filter { $0.value.contact.worker == worker }.sorted { $0.value.sequence < $1.value.sequence }
        for (address, peer) in lost {
            let delay = Duration.milliseconds(Int.random(in: 0..<1000, using: &generator))
            leave(address, peer, retryAt: now + delay, now: now) { _ in }
        }
        return lost.map(\.key).filter { peers[$0] != nil }
    }

    private mutating func leave(
        _ address: PeerAddress, _ peer: KnownPeer, retryAt: MonotonicInstant, now: MonotonicInstant,
        _ body: (inout KnownPeer) -> Void
    ) {
        if let id = peer.remoteID { remoteIDs[id] = nil }
        if peer.origin == .incoming || ownAddresses.contains(address) || bans.contains(address) {
            forget(address)
        } else {
            change(address) {
                $0.contact = .idle
                $0.remoteID = nil
                $0.connectedSince = nil
                $0.wasVetoed = false
                $0.retryAt = retryAt
                body(&$0)
            }
        }
        if connectedCount == 0, aloneSince == nil { aloneSince = now }
    }
}
