import BitTorrent
import PoolProtocol

/// Owns the connections of one torrent over all peer-workers: which address is at which worker under which number, and
/// how it does. Addresses, back-off and bans are `KnownPeers`'; sockets are the workers'.
struct PeerBook {
    enum Action: Equatable {
        case connect(worker: Int, PeerToConnect)
        case close(worker: Int, peer: UInt32, CloseCause)
        case report(address: PeerAddress, worker: Int, isIncoming: Bool, PeerNews)
        /// Who is connected in the swarm, for peer exchange.
        case tellMembers(worker: Int, added: [PeerExchangeMessage.Contact], dropped: [PeerAddress])
    }

    enum PeerNews: Equatable {
        case connected(client: String)
        /// The client's own name came later.
        case named(client: String)
        case closed(String)
        case banned(String)
        /// The worker through which its bytes came was to blame.
        case pardoned
    }

    /// A connection is named by its worker and the number it has there.
    struct Key: Hashable, Comparable {
        let worker: Int
        let peer: UInt32
        static func < (left: Self, right: Self) -> Bool { (left.worker, left.peer) < (right.worker, right.peer) }
        /// For people.
        var name: PeerName { PeerName(worker: UInt16(truncatingIfNeeded: worker), number: peer) }
    }

    struct Connection {
        let address: PeerAddress
        let isIncoming: Bool
        /// `KnownPeers` counts it: not so one that came to us and was not welcome, whose address may be another's.
        var isCounted = true
        /// Set by the handshake.
        var isConnected = false
        /// As it calls itself.
        var client = ""
        /// Of a peer that came to us: where it says that it listens.
        var listenPort: UInt16?
        /// How the peer sees us, with our own port; nil: it has not said.
        var ourAddress: PeerAddress?
        var latest: PeerReport?
        /// We had it closed; its end is nobody's fault.
        var isBeingClosed = false
        /// We had it closed because it was of no use: nothing to come back to soon.
        var wasUseless = false
    }

    /// Connections that are closed at a look because other torrents are to have them: not all at once, since payload is on
    /// its way over each.
    static let mostYieldedAtATime = 4

    /// Attempts under way at a time; more would look like a scan and fill the routers' tables (libtorrent: 30 a second).
    static let mostAttempts = 50

    private let torrent: UInt16
    var known: KnownPeers
    private var placement = PeerPlacement()
    private(set) var connections: [Key: Connection] = [:]
    private var departed = DepartedPeers()
    private var useless = UselessPeers()
    /// Whom we banned for what came through each worker's present process, the first time that they were.
    private var bannedThrough: [Int: [DepartedPeers.Peer]] = [:]
    /// Who lies again after that is a liar. Bounded as the bans are.
    private var pardoned: Set<PeerAddress> = []
    private var nextNumber: UInt16 = 1
    private var mostPeers: Int
    /// Peers are told of each other, and heard of others: not so in private torrents (BEP 27).
    let exchangesPeers: Bool
    let listenPort: UInt16
    var roster = SwarmRoster()
    var external = ExternalAddress()
    private(set) var readyWorkers: Set<Int> = []
    /// Peer-workers that the pool is going to have, and when the first of them was ready.
    private let workerCount: Int
    private var readyCount = 0
    private var firstReady: MonotonicInstant?
    private var generator: any RandomNumberGenerator & Sendable
    /// When an address was heard of for the first time, last.
    private(set) var lastLearned: MonotonicInstant

    init(
        torrent: UInt16, ownID: PeerID, ownAddresses: [PeerAddress], mostPeers: Int, workerCount: Int = 1,
        listenPort: UInt16 = 0, exchangesPeers: Bool = false, now: MonotonicInstant,
        generator: any RandomNumberGenerator & Sendable
    ) {
        self.torrent = torrent
        self.mostPeers = mostPeers
        self.workerCount = workerCount
        self.generator = generator
        self.listenPort = listenPort
        self.exchangesPeers = exchangesPeers
        known = KnownPeers(ownID: ownID, listenPort: listenPort, ownAddresses: ownAddresses, now: now)
        lastLearned = now
    }

    /// A tracker says that we are there (BEP 24).
    mutating func ownAddressLearned(_ address: PeerAddress) { known.ownAddressLearned(address) }

    // MARK: Questions

    var connectedCount: Int { connections.values.count { $0.isConnected } }
    var seedCount: Int { connections.values.count { $0.latest?.isSeed ?? false } }
    /// More could be connected than are known.
    var wantsMore: Bool { known.connectedCount + known.hopefulCount < mostPeers / 2 }
    func nobodyLeft(now: MonotonicInstant) -> Bool { known.nobodyLeft(now: now) }
    mutating func nextDeadline(now: MonotonicInstant) -> MonotonicInstant {
        let next = known.nextDeadline(now: now) ?? .distantFuture
        guard let gatheringEnds, gatheringEnds > now else { return next }
        return min(next, gatheringEnds)
    }

    // MARK: Beside other torrents

    /// Connections and attempts, and those that could follow.
    var wish: Int { known.connectedCount + known.connectingCount + known.hopefulCount }

    /// The torrent may have so many connections from now on. Called again and again: those that are too many go little by
    /// little, the quietest first.
    mutating func mayHave(_ most: Int, into actions: inout [Action]) {
        mostPeers = most
        let present = connections.values.count { $0.isConnected && !$0.isBeingClosed }
        guard present > most else { return }
        for key in useless.quietest(min(present - most, Self.mostYieldedAtATime)) {
            useless.closed(key)
            guard connections[key]?.isBeingClosed == false else { continue }
            connections[key]!.isBeingClosed = true
            actions.append(.close(worker: key.worker, peer: key.peer, .tooMany))
        }
    }

    // MARK: Addresses

    /// - Parameter source: the peer that names them, for hearsay.
    mutating func learned(
        _ addresses: [PeerAddress], from origin: KnownPeers.Origin, by source: PeerAddress? = nil,
        now: MonotonicInstant, into actions: inout [Action]
    ) {
        for address in addresses where known.learned(address, from: origin, by: source, now: now) { lastLearned = now }
        connectMore(now: now, into: &actions)
    }

    /// The swarm sees us there.
    mutating func externalAddressLearned(_ address: PeerAddress) {
        known.externalAddressLearned(PeerAddress(address, port: listenPort))
    }

    /// How long the first worker waits for the others: else it would get every peer that is known at the start.
    static let gathering: Duration = .milliseconds(100)

    /// When the workers that are ready by then share out what is known; nil: nothing is waited for.
    private var gatheringEnds: MonotonicInstant? {
        readyCount >= workerCount ? nil : firstReady.map { $0 + Self.gathering }
    }

    /// Hands due addresses to workers, as long as there is room.
    mutating func connectMore(now: MonotonicInstant, into actions: inout [Action]) {
        if let gatheringEnds, now < gatheringEnds { return }
        let room = min(
            placement.room { known.connectionCount(of: $0) },
            mostPeers - known.connectingCount - known.connectedCount)
        if room <= 0 { closeUseless(now: now, into: &actions) }
        let limit = min(room, Self.mostAttempts - known.connectingCount)
        guard limit > 0 else { return }
        for address in known.candidates(now: now, limit: limit) {
            guard let worker = placement.next(connectionCount: { known.connectionCount(of: $0) }),
                known.connecting(address, worker: worker, now: now)
            else { continue }
            let peer = nextPeer(at: worker)
            connections[Key(worker: worker, peer: peer)] = Connection(address: address, isIncoming: false)
            actions.append(
                .connect(worker: worker, PeerToConnect(peer: peer, torrent: torrent, address: address)))
        }
    }

    /// There is no room for those that could be tried now: connections of no use make some.
    private mutating func closeUseless(now: MonotonicInstant, into actions: inout [Action]) {
        guard now >= useless.nextLook else { return }
        let waiting = known.candidates(now: now, limit: UselessPeers.mostAtATime).count
        for key in useless.evict(atMost: waiting, now: now) { closeUseless(key, into: &actions) }
    }

    private mutating func closeUseless(_ key: Key, into actions: inout [Action]) {
        guard connections[key]?.isBeingClosed == false else { return }
        connections[key]!.isBeingClosed = true
        connections[key]!.wasUseless = true
        useless.closed(key)
        actions.append(.close(worker: key.worker, peer: key.peer, .useless))
    }

    /// A name for a connection. Names are unique over all torrents of a run, as `PeerToConnect` promises, so they begin
    /// with the torrent's number; the highest bit is for those that come to a worker. Nor is one given again while a
    /// lie may be found of who had it. Some number is always free: there are more of them than connections may be.
    private mutating func nextPeer(at worker: Int) -> UInt32 {
        while true {
            let peer = UInt32(torrent & 0x7FFF) << PeerName.outgoingBitCount | UInt32(nextNumber)
            nextNumber &+= 1
            let key = Key(worker: worker, peer: peer)
            if connections[key] == nil, departed[key] == nil { return peer }
        }
    }

    // MARK: Workers

    mutating func workerReady(_ worker: Int, capacity: Int, now: MonotonicInstant, into actions: inout [Action]) {
        placement.workerReady(worker, capacity: capacity)
        readyCount += 1
        if firstReady == nil { firstReady = now }
        readyWorkers.insert(worker)
        tellAllMembers(to: worker, into: &actions)
        connectMore(now: now, into: &actions)
    }

    /// The worker died: its peers are tried again elsewhere.
    /// - Parameter wasLiar: it spoiled what its peers sent, so that they were banned for nothing.
    mutating func workerLost(
        _ worker: Int, wasLiar: Bool = false, now: MonotonicInstant, into actions: inout [Action]
    ) {
        placement.workerGone(worker)
        readyWorkers.remove(worker)
        for (key, connection) in connections where key.worker == worker {
            connections[key] = nil
            useless.closed(key)
            leavesRoster(connection)
            if connection.isConnected { departed.left(key, connection) }
        }
        _ = known.workerGone(worker, now: now, using: &generator)
        let banned = bannedThrough.removeValue(forKey: worker) ?? []
        if wasLiar { pardon(banned, of: worker, now: now, into: &actions) }
        connectMore(now: now, into: &actions)
    }

    // MARK: Connections

    mutating func connected(_ peer: PeerConnected, at worker: Int, now: MonotonicInstant, into actions: inout [Action])
    {
        let key = Key(worker: worker, peer: peer.peer)
        closeRival(of: peer, now: now, into: &actions)
        let veto = known.handshakeCompleted(
            peer.address, worker: worker, remoteID: peer.remoteID, isIncoming: peer.isIncoming, now: now)
        if peer.isIncoming {
            connections[key] = Connection(address: peer.address, isIncoming: true, isCounted: veto == nil)
        }
        guard connections[key] != nil else { return }
        if let veto {
            connections[key]!.isBeingClosed = true
            actions.append(.close(worker: worker, peer: peer.peer, Self.cause(of: veto)))
        } else {
            connections[key]!.isConnected = true
            connections[key]!.client = peer.client
            joinsRoster(connections[key]!)
            useless.connected(key, now: now)
            actions.append(
                .report(
                    address: peer.address, worker: worker, isIncoming: peer.isIncoming,
                    .connected(client: peer.client)))
            if peer.isIncoming { makeRoom(for: key, now: now, into: &actions) }
        }
    }

    /// With more peers than are wanted, one that is of no use goes, or else the one that is least dear by BEP 40, so that a
    /// newcomer has its chance. Neighbours, who have no rank, stay as long as others are there to go.
    private mutating func makeRoom(for newcomer: Key, now: MonotonicInstant, into actions: inout [Action]) {
        let present = connections.filter { $0.value.isConnected && !$0.value.isBeingClosed }
        guard present.count > mostPeers else { return }
        if let quiet = useless.evict(atMost: 1, now: now).first { return closeUseless(quiet, into: &actions) }
        var ranks = present.mapValues { known.priority(of: $0.address.unmapped) }.filter { $0.value > 0 }
        if ranks.isEmpty { ranks = present.mapValues { known.ownRank(of: $0.address.unmapped) } }
        let least = ranks[newcomer] == nil ? newcomer : ranks.min { ($0.value, $0.key) < ($1.value, $1.key) }!.key
        connections[least]!.isBeingClosed = true
        actions.append(.close(worker: least.worker, peer: least.peer, .tooMany))
    }

    /// Both ends connected to each other at the same time, and both keep the same of the two.
    private mutating func closeRival(of peer: PeerConnected, now: MonotonicInstant, into actions: inout [Action]) {
        guard
            let rival = known.rival(of: peer.address, remoteID: peer.remoteID, isIncoming: peer.isIncoming, now: now),
            let key = connections.first(where: { $0.value.isConnected && $0.value.address.unmapped == rival })?.key
        else { return }
        known.makesWay(rival)
        connections[key]!.isBeingClosed = true
        actions.append(.close(worker: key.worker, peer: key.peer, .duplicate))
    }

    mutating func closed(_ peer: PeerClosed, at worker: Int, now: MonotonicInstant, into actions: inout [Action]) {
        let key = Key(worker: worker, peer: peer.peer)
        guard let connection = connections.removeValue(forKey: key) else { return }
        useless.closed(key)
        leavesRoster(connection)
        if peer.downloadedByteCount > 0 {
            departed.left(key, connection)
        }
        let ending: KnownPeers.Ending =
            switch peer.cause {
            case .connectFailed, .handshakeFailed: .failed
            case .lost, .misbehaved: .lost(wasUseful: peer.downloadedByteCount > 0)
            case .ourselves, .closedByUs: .released
            case .localTrouble: .localTrouble
            }
        if peer.cause == .ourselves { known.ownAddressLearned(connection.address) }
        if connection.isCounted {
            let ours: KnownPeers.Ending = connection.wasUseless ? .unneeded : .released
            known.closed(
                connection.address, worker: worker, connection.isBeingClosed ? ours : ending, now: now,
                using: &generator)
        }
        actions.append(
            .report(
                address: connection.address, worker: worker, isIncoming: connection.isIncoming, .closed(peer.text)))
        connectMore(now: now, into: &actions)
    }

    mutating func change(_ key: Key, _ body: (inout Connection) -> Void) {
        if connections[key] != nil { body(&connections[key]!) }
    }

    /// - Parameter isComplete: we want nothing of anybody.
    mutating func reported(_ peers: [PeerReport], at worker: Int, isComplete: Bool, now: MonotonicInstant) {
        for peer in peers {
            let key = Key(worker: worker, peer: peer.peer)
            guard connections[key] != nil else { continue }
            connections[key]!.latest = peer
            useless.reported(
                key, movedByteCount: peer.downloadedByteCount + peer.uploadedByteCount,
                mayWait: peer.isInterested ? !peer.isUnchoked : peer.isChokingUs && !isComplete, now: now)
        }
    }

    /// We have everything, so those that have everything as well are of no use, nor are we to them.
    mutating func closeSeeds(into actions: inout [Action]) {
        for (key, connection) in connections where connection.isConnected && connection.latest?.isSeed == true {
            closeUseless(key, into: &actions)
        }
    }

    /// The peer sent bad data, or breaks the protocol on purpose. It may have left since.
    mutating func ban(_ contributor: Contributor, reason: String, into actions: inout [Action]) {
        let key = Key(worker: Int(contributor.worker), peer: contributor.peer)
        let connected = connections[key].map(DepartedPeers.Peer.init)
        guard let peer = connected ?? departed[key], connected != nil || !known.isBanned(peer.address) else { return }
        if !known.isBanned(peer.address), !pardoned.contains(peer.address), pardoned.count < KnownPeers.mostBans {
            bannedThrough[key.worker, default: []].append(peer)
        }
        let covered = Set(known.banned(peer.address, wasIncoming: peer.isIncoming))
        actions.append(
            .report(address: peer.address, worker: key.worker, isIncoming: peer.isIncoming, .banned(reason)))
        for (other, candidate) in connections
        where candidate.address == peer.address || covered.contains(candidate.address.unmapped) {
            connections[other]!.isBeingClosed = true
            actions.append(.close(worker: other.worker, peer: other.peer, .banned))
        }
    }

    private mutating func pardon(
        _ banned: [DepartedPeers.Peer], of worker: Int, now: MonotonicInstant, into actions: inout [Action]
    ) {
        for peer in banned where known.pardoned(peer.address) {
            pardoned.insert(peer.address)
            actions.append(.report(address: peer.address, worker: worker, isIncoming: peer.isIncoming, .pardoned))
        }
        // Where they were heard of is forgotten with the ban. Those that came to us come again.
        learned(banned.filter { !$0.isIncoming }.map(\.address), from: .tracker, now: now, into: &actions)
    }

    private static func cause(of veto: KnownPeers.Veto) -> CloseCause {
        switch veto {
        case .ourselves, .duplicate: .duplicate
        case .banned: .banned
        case .tooMany: .tooMany
        }
    }
}
