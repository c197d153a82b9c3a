import BitTorrent
import PoolProtocol

/// What peers say of themselves and of others, and what workers may tell peers of each other (BEP 10, BEP 11).
extension PeerBook {
    // MARK: Introductions

    mutating func introduced(_ peer: PeerIntroduction, at worker: Int, into actions: inout [Action]) {
        let key = Key(worker: worker, peer: peer.peer)
        guard let connection = connections[key], connection.isConnected else { return }
        leavesRoster(connection)
        let ourPort = listenPort
        change(key) {
            if peer.listenPort != 0 { $0.listenPort = peer.listenPort }
            $0.client = peer.client
            $0.ourAddress = PeerAddress(addressBytes: peer.ourAddress, port: ourPort)?.unmapped
        }
        if let connection = connections[key] { joinsRoster(connection) }
        if peer.client != connection.client, !peer.client.isEmpty {
            actions.append(
                .report(
                    address: connection.address, worker: worker, isIncoming: connection.isIncoming,
                    .named(client: peer.client)))
        }
        if let address = external.heard(peer.ourAddress, from: .peer(connection.address)) {
            externalAddressLearned(address)
        }
    }

    /// A tracker says how it sees us (BEP 24).
    mutating func externalAddressHeard(_ bytes: [UInt8]) {
        if let address = external.heard(bytes, from: .tracker) { externalAddressLearned(address) }
    }

    // MARK: Hearsay

    /// A connected peer names others.
    mutating func heard(
        _ contacts: [PeerExchangeMessage.Contact], from peer: UInt32, at worker: Int, now: MonotonicInstant,
        into actions: inout [Action]
    ) {
        guard exchangesPeers, let connection = connections[Key(worker: worker, peer: peer)], connection.isConnected
        else { return }
        // Many name a peer to itself.
        learned(
            contacts.map(\.address).filter { $0 != connection.ourAddress }, from: .peerExchange, by: connection.address,
            now: now, into: &actions)
    }

    // MARK: Who is told of whom

    /// Tells the workers who came and who left, now and then.
    mutating func tellMembers(now: MonotonicInstant, into actions: inout [Action]) {
        guard exchangesPeers else { return }
        let changes = roster.news(now: now)
        guard !changes.isEmpty else { return }
        let added = contacts(changes.added)
        for worker in readyWorkers.sorted() {
            actions.append(.tellMembers(worker: worker, added: added, dropped: changes.dropped))
        }
    }

    /// Tells a worker that is new here of everyone that the others know of.
    func tellAllMembers(to worker: Int, into actions: inout [Action]) {
        guard exchangesPeers, !roster.told.isEmpty else { return }
        actions.append(.tellMembers(worker: worker, added: contacts(roster.told), dropped: []))
    }

    private func contacts(_ addresses: [PeerAddress]) -> [PeerExchangeMessage.Contact] {
        var flags: [PeerAddress: PeerExchangeMessage.Flags] = [:]
        for connection in connections.values {
            guard let address = connection.listenAddress else { continue }
            if connection.latest?.isSeed ?? false { flags[address, default: []].insert(.uploadsOnly) }
            if !connection.isIncoming { flags[address, default: []].insert(.isReachable) }
        }
        return addresses.map { PeerExchangeMessage.Contact($0, flags[$0] ?? []) }
    }

    /// The connection is one of the swarm's from now on, if others can reach the peer.
    mutating func joinsRoster(_ connection: Connection) {
        guard let address = connection.listenAddress else { return }
        roster.joined(address)
        if connection.isIncoming { known.connected(alsoAt: address) }
    }

    mutating func leavesRoster(_ connection: Connection) {
        guard let address = connection.listenAddress else { return }
        roster.left(address)
        if connection.isIncoming { known.noLongerConnected(alsoAt: address) }
    }
}

extension PeerBook.Connection {
    /// Where others can reach the peer; nil before the handshake, and for one that came to us and does not say.
    var listenAddress: PeerAddress? {
        guard isConnected else { return nil }
        if !isIncoming { return address.unmapped }
        return listenPort.map { PeerAddress(address.unmapped, port: $0) }
    }
}
