/// Owns the addresses of one torrent's swarm: who told us, who is connected at which worker, who is tried next and when,
/// who is banned. Opens no connection; chooses no worker (`PeerPlacement` does).
package struct KnownPeers {
    /// Who told us of an address, best first.
    package enum Origin: UInt8, Sendable, CaseIterable, Comparable {
        case commandLine, tracker
        /// BEP 14: somebody on our own network.
        case localDiscovery
        /// BEP 11: a connected peer.
        case peerExchange
        /// It came to us. Its port is a passing one, so it is never tried, and forgotten when it leaves.
        case incoming

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

        /// Anybody may say it, and of anybody.
        var isHearsay: Bool {
            switch self {
            case .localDiscovery, .peerExchange: true
            case .commandLine, .tracker, .incoming: false
            }
        }
    }

    package struct Limits: Sendable {
        /// Addresses that are remembered; a newcomer takes the place of a worse one or is not remembered.
        package var known = 10_000
        /// Addresses of one machine that are remembered, and its connections. Loopback is exempt: test swarms live there.
        package var knownPerMachine = 64
        /// Addresses that are remembered because one machine named them (a guess: five messages of peer exchange).
        package var knownPerSource = 250
        package var connectionsPerMachine = 8
        /// Connections from one machine to us, loopback too.
        package var incomingPerMachine = 32
        package init() {}
    }

    /// A given-up address that is named again is tried again after so long (a guess: a laptop that slept).
    package static let secondChanceAfter: Duration = .seconds(1800)
    /// Exit code 6 wants nobody connected for so long.
    package static let aloneFor: Duration = .seconds(60)

    struct Machine {
        var known = 0
        var connections = 0
        var incoming = 0
    }

    package let limits: Limits
    let ownID: PeerID
    /// Ours; 0: nobody can come to us.
    let listenPort: UInt16
    var ownAddresses: Set<PeerAddress>
    var peers: [PeerAddress: KnownPeer] = [:]
    var machines: [PeerAddress: Machine] = [:]
    /// By `KnownPeer.source`: what it named.
    var named: [PeerAddress: Set<PeerAddress>] = [:]
    /// How the swarm sees us, by family; nil while unknown.
    var external: (v4: PeerAddress?, v6: PeerAddress?)
    var remoteIDs: [PeerID: PeerAddress] = [:]
    /// Where peers listen that came to us, and how many of them.
    var connectedElsewhere: [PeerAddress: Int] = [:]
    var bans = BanList()
    var pace = ConnectPace()
    var nextSequence: UInt64 = 0
    /// Connections and attempts by worker.
    var connectionsByWorker: [Int: Int] = [:]
    package internal(set) var connectingCount = 0
    package internal(set) var connectedCount = 0
    /// Idle addresses that are worth a try, now or later.
    package internal(set) var hopefulCount = 0
    /// Since when nobody has been connected; nil while someone is.
    package internal(set) var aloneSince: MonotonicInstant?
    /// Every hopeful address, once, beside stale entries.
    var queue = RetryQueue()
    var nextStamp: UInt64 = 0
    /// No remembered peer that can make room is worse than this; nil when unknown.
    var worstBadness: Int?

    /// - Parameter ownAddresses: where this client listens, as others may name it, loopback included.
    package init(
        ownID: PeerID, listenPort: UInt16 = 0, ownAddresses: some Sequence<PeerAddress> = [],
        limits: Limits = Limits(), now: MonotonicInstant
    ) {
        self.ownID = ownID
        self.listenPort = listenPort
        self.ownAddresses = Set(ownAddresses.map(\.unmapped))
        self.limits = limits
        aloneSince = now
    }

    // MARK: Learning

    /// Somebody names an address.
    /// - Parameter source: the peer that names it, for hearsay; itself in local discovery.
    /// - Returns: whether it is a new candidate; false for what is known, banned, ourselves, or no peer's address, and for
    ///   what the source cannot know or has no room to name.
    @discardableResult package mutating func learned(
        _ other: PeerAddress, from origin: Origin, by source: PeerAddress? = nil, now: MonotonicInstant
    ) -> Bool {
        precondition(origin != .incoming, "who came to us is told by handshakeCompleted")
        let address = other.unmapped
        let source = origin.isHearsay ? source?.unmapped.machine : nil
        if let source, !address.isKnowable(at: source) { return false }
        guard address.isConnectable, !ownAddresses.contains(address), !bans.contains(address) else { return false }
        if let known = peers[address] { return learnedAgain(address, known, from: origin, now: now) }
        let machine = address.machine
        if !address.isLoopback, machines[machine]?.known ?? 0 >= limits.knownPerMachine { return false }
        var peer = KnownPeer(origin: origin, sequence: nextSequence, retryAt: now)
        peer.source = source
        peer.priority = priority(of: address)
        if let source, !makeRoom(in: source) { return false }
        if peers.count >= limits.known, !makeRoom(forBadness: peer.badness, isHearsay: origin.isHearsay) {
            return false
        }
        if let source { named[source, default: []].insert(address) }
        if let worst = worstBadness { worstBadness = max(worst, peer.badness) }
        nextSequence += 1
        machines[machine, default: Machine()].known += 1
        peers[address] = peer
        hopefulCount += 1
        enqueue(address)
        return true
    }

    private mutating func learnedAgain(
        _ address: PeerAddress, _ known: KnownPeer, from origin: Origin, now: MonotonicInstant
    ) -> Bool {
        if origin < known.origin {
            noLongerNamed(address, known)
            change(address) {
                $0.origin = origin
                $0.source = nil
            }
        }
        guard let givenUpAt = known.givenUpAt, now - givenUpAt >= Self.secondChanceAfter else { return false }
        change(address) {
            $0.givenUpAt = nil
            $0.retryAt = now
        }
        return true
    }

    /// This client is reachable under another address too: a tracker said so, or a worker found our own peer id there.
    package mutating func ownAddressLearned(_ address: PeerAddress) {
        ownAddresses.insert(address.unmapped)
        if peers[address.unmapped]?.contact == .idle { forget(address.unmapped) }
    }

    /// The swarm sees us under this address; its port is the one that we listen on. What is known is tried in another order.
    package mutating func externalAddressLearned(_ address: PeerAddress) {
        let address = address.unmapped
        if address.isIPv6 { external.v6 = address } else { external.v4 = address }
        if address.port != 0 { ownAddressLearned(address) }
        for other in peers.keys.sorted(by: { peers[$0]!.sequence < peers[$1]!.sequence }) {
            let priority = priority(of: other)
            if peers[other]!.priority != priority { change(other) { $0.priority = priority } }
        }
    }

    /// How dear a peer is (BEP 40); 0 while our own address is unknown, and for addresses of one network only.
    package func priority(of address: PeerAddress) -> UInt32 {
        guard !address.isLocal, let ours = address.isIPv6 ? external.v6 : external.v4 else { return 0 }
        return PeerPriority.of(ours, address) ?? 0
    }

    /// An order of this client's own for swarms where BEP 40 knows none: among neighbours, and while our own address is
    /// unknown. Every member has another, so that a newcomer is somebody's first choice there as well.
    package func ownRank(of address: PeerAddress) -> UInt32 { CRC32C.of(ownID.bytes + address.addressBytes) }

    // MARK: Banning

    /// The peer lied or broke the protocol badly: never again.
    /// - Parameter wasIncoming: it came to us, so that its port says nothing about where it will come from next.
    /// - Returns: the connections that the ban covers, to be closed.
    package mutating func banned(_ named: PeerAddress, wasIncoming: Bool) -> [PeerAddress] {
        bans.ban(named.unmapped, isIncoming: wasIncoming)
        let covered = peers.filter { bans.contains($0.key) }.sorted { $0.value.sequence < $1.value.sequence }
        for (address, peer) in covered where peer.contact == .idle { forget(address) }
        return covered.filter { $0.value.contact != .idle }.map(\.key)
    }

    /// Addresses that can be banned at a time.
    package static let mostBans = BanList.maximumCount

    /// It was banned for what the worker did through which its bytes came.
    /// - Returns: false when it was not banned (any more).
    package mutating func pardoned(_ address: PeerAddress) -> Bool { bans.lift(address.unmapped) }

    package func isBanned(_ address: PeerAddress) -> Bool { bans.contains(address.unmapped) }

    // MARK: Questions

    package var knownCount: Int { peers.count }
    package var bannedCount: Int { bans.count }
    /// The worker that is connected to an address or tries it.
    package func worker(of address: PeerAddress) -> Int? { peers[address.unmapped]?.contact.worker }
    /// Connections and attempts of a worker.
    package func connectionCount(of worker: Int) -> Int { connectionsByWorker[worker] ?? 0 }

    /// Nobody has been connected for a minute, none is being tried, and every known address is banned or given up. Exit
    /// code 6 further wants every tracker heard.
    package func nobodyLeft(now: MonotonicInstant) -> Bool {
        guard connectingCount == 0, hopefulCount == 0, let aloneSince else { return false }
        return now - aloneSince >= Self.aloneFor
    }

    // MARK: Inside

    /// The only way in which a remembered peer changes: keeps the counts right.
    mutating func change(_ address: PeerAddress, _ body: (inout KnownPeer) -> Void) {
        guard var peer = peers[address] else { return }
        count(address, peer, -1)
        body(&peer)
        count(address, peer, 1)
        peer.stamp = 0
        peers[address] = peer
        if peer.isHopeful { enqueue(address) }
        if peer.canMakeRoom, let worst = worstBadness { worstBadness = max(worst, peer.badness) }
    }

    private mutating func enqueue(_ address: PeerAddress) {
        nextStamp += 1
        peers[address]!.stamp = nextStamp
        queue.wait(RetryQueue.Entry(address: address, stamp: nextStamp), until: peers[address]!.retryAt)
        if queue.count > 2 * peers.count + 64 { queue.sweep { [peers] in Self.peer(of: $0, in: peers) } }
    }

    /// Nil when the entry is stale.
    static func peer(of entry: RetryQueue.Entry, in peers: [PeerAddress: KnownPeer]) -> KnownPeer? {
        guard let peer = peers[entry.address], peer.stamp == entry.stamp else { return nil }
        return peer
    }

    mutating func forget(_ address: PeerAddress) {
        guard let peer = peers.removeValue(forKey: address) else { return }
        count(address, peer, -1)
        noLongerNamed(address, peer)
        let machine = address.machine
        machines[machine]!.known -= 1
        if machines[machine]!.known == 0 { machines[machine] = nil }
    }

    private mutating func noLongerNamed(_ address: PeerAddress, _ peer: KnownPeer) {
        guard let source = peer.source else { return }
        named[source]?.remove(address)
        if named[source]?.isEmpty == true { named[source] = nil }
    }

    private mutating func count(_ address: PeerAddress, _ peer: KnownPeer, _ sign: Int) {
        if peer.isHopeful { hopefulCount += sign }
        guard let worker = peer.contact.worker else { return }
        if case .connecting = peer.contact { connectingCount += sign } else { connectedCount += sign }
        connectionsByWorker[worker, default: 0] += sign
        let machine = address.machine
        machines[machine]!.connections += sign
        if peer.origin == .incoming { machines[machine]!.incoming += sign }
    }

    /// Traps when the counts and the peers disagree.
    package func checkInvariants() {
        precondition(peers.count <= limits.known)
        precondition(connectingCount == peers.values.count { if case .connecting = $0.contact { true } else { false } })
        precondition(connectedCount == peers.values.count { if case .connected = $0.contact { true } else { false } })
        precondition(hopefulCount == peers.values.count(where: \.isHopeful))
        precondition((aloneSince == nil) == (connectedCount > 0))
        precondition(connectionsByWorker.values.reduce(0, +) == connectingCount + connectedCount)
        precondition(machines.values.reduce(0) { $0 + $1.known } == peers.count)
        precondition(named.values.reduce(0) { $0 + $1.count } == peers.values.count { $0.source != nil })
        precondition(named.allSatisfy { source, addresses in addresses.allSatisfy { peers[$0]?.source == source } })
        precondition(machines.values.reduce(0) { $0 + $1.connections } == connectingCount + connectedCount)
        for (id, address) in remoteIDs { precondition(peers[address]?.remoteID == id) }
        for (address, peer) in peers {
            precondition(!ownAddresses.contains(address) || peer.contact != .idle, "we would connect to ourselves")
            precondition(!bans.contains(address) || peer.contact != .idle, "a banned address would be tried")
            precondition(peer.origin != .incoming || peer.contact != .idle)
        }
        var swept = queue
        swept.sweep { Self.peer(of: $0, in: peers) }
        precondition(swept.count == hopefulCount, "an address is never tried, or tried twice")
        if let worst = worstBadness {
            precondition(peers.values.allSatisfy { !$0.canMakeRoom || $0.badness <= worst })
        }
    }
}

extension KnownPeer {
    var isHopeful: Bool { contact == .idle && givenUpAt == nil }
    var canMakeRoom: Bool { contact == .idle && origin != .commandLine }
}
