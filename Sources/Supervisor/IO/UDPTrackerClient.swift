import BitTorrent
import Glibc
import PoolRuntime

/// The supervisor's way to UDP trackers. What is sent and when `UDPTrackerQuery` decides; names are resolved on other
/// threads. Nothing here blocks, and results come from the loop, never from within `ask`.
final class UDPTrackerClient {
    enum Outcome: Equatable {
        case announced(AnnounceResponse)
        case scraped([SwarmCounts])
        case failed(AnnounceError)
    }

    /// What a torrent and a tracker have to do with each other.
    private struct Relation: Hashable {
        let tracker: TrackerURL
        let infoHash: InfoHash
    }

    private struct Entry {
        let name: HostAndPort
        let question: UDPTrackerQuestion
        /// nil for scrapes.
        let relation: Relation?
        let asked: MonotonicInstant
        /// nil as long as the name is being resolved.
        var query: UDPTrackerQuery?
        /// Only peers that another address of the tracker names are still of interest.
        var isAnswered = false
    }

    /// The result of a question, exactly once unless it is cancelled.
    var ended: (UInt64, Outcome) -> Void = { _, _ in }
    /// Peers beside the result of an announce.
    var peersFound: (UInt64, [PeerAddress]) -> Void = { _, _ in }

    private var sockets: UDPSockets!
    private let lookups: NameLookups
    private var connections = UDPConnections()
    /// A box, for ThreadSanitizer reads the address of what is changed in place, and an empty structure has none.
    private var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
    private var entries: [UInt64: Entry] = [:]
    /// Where a tracker answered the last announce of a torrent: there it counts us, there it has to hear the end.
    private var homes: [Relation: [PeerAddress]] = [:]
    private var results: [(id: UInt64, outcome: Outcome)] = []

    init(poll: PollLoop, bindAddress: String?) {
        lookups = NameLookups(poll: poll)
        sockets = UDPSockets(bindAddress: bindAddress) { [unowned self] (socket) throws(SystemCallError) in
            try poll.watch(descriptor: socket) { [unowned self] _ in arrived(at: socket) }
        }
    }

    // MARK: Questions

    func announce(_ id: UInt64, _ request: AnnounceRequest, at tracker: TrackerURL) {
        let relation = Relation(tracker: tracker, infoHash: request.identity.infoHash)
        // One after another: an event must not overtake the one before it.
        for (id, entry) in entries where entry.relation == relation && entry.isAnswered { entries[id] = nil }
        let homes = homes[relation] ?? []
        ask(
            id, .announce(request, urlData: tracker.pathAndQuery), tracker, relation,
            addresses: request.event == .completed || request.event == .stopped ? homes : [])
    }

    /// - Precondition: at most `UDPTrackerPacket.mostScrapedTorrents` hashes, at least one.
    func scrape(_ id: UInt64, _ infoHashes: [InfoHash], at tracker: TrackerURL) {
        let home = homes[Relation(tracker: tracker, infoHash: infoHashes[0])]?.first
        ask(id, .scrape(infoHashes), tracker, nil, addresses: home.map { [$0] } ?? [])
    }

    func cancel(_ id: UInt64) {
        entries[id] = nil
        results.removeAll { $0.id == id }
    }

    /// - Parameter addresses: where to ask; none: wherever the tracker's name leads.
    private func ask(
        _ id: UInt64, _ question: UDPTrackerQuestion, _ tracker: TrackerURL, _ relation: Relation?,
        addresses: [PeerAddress]
    ) {
        guard let name = tracker.udpEndpoint else {
            results.append((id, .failed(.unreachable(reason: "its URL names no host that can be resolved"))))
            return
        }
        entries[id] = Entry(name: name, question: question, relation: relation, asked: MonotonicClock.now)
        guard addresses.isEmpty else { return begin(id, addresses) }
        lookups.resolve(name) { [weak self] outcome in
            guard let self, entries[id] != nil else { return }
            switch outcome {
            case .addresses(let addresses): begin(id, addresses)
            case .failed(_, let reason): failed(id, "\(name.host): \(reason)")
            }
        }
    }

    private func begin(_ id: UInt64, _ addresses: [PeerAddress]) {
        guard let entry = entries[id] else { return }
        let known = entry.relation.flatMap { homes[$0] } ?? []
        // Those that answered last go first.
        let ordered = addresses.filter { known.contains($0) } + addresses.filter { !known.contains($0) }
        entries[id]?.query = UDPTrackerQuery(entry.question, addresses: ordered, now: entry.asked)
        change(id) { $0.begin(now: $1, connections: connections, using: &generator, into: &$2) }
    }

    // MARK: The network

    private func arrived(at socket: CInt) {
        for arrival in sockets.arrivals(at: socket) {
            switch arrival {
            case .packet(let packet, let source):
                var isTaken = false
                for id in entries.keys where !isTaken {
                    change(id) {
                        isTaken = $0.received(
                            packet, from: source, now: $1, connections: &connections, using: &generator, into: &$2)
                    }
                }
            case .failure(let address, let error): unreachable(address, error)
            }
        }
        tellResults()
    }

    private func unreachable(_ address: PeerAddress, _ error: SystemCallError) {
        for id in entries.keys {
            change(id) {
                $0.unreachable(
                    address, reason: "\(error.errno)", now: $1, connections: connections, using: &generator, into: &$2)
            }
        }
    }

    // MARK: Time

    var nextDeadline: MonotonicInstant {
        if !results.isEmpty { return .distantPast }
        return entries.values.reduce(.distantFuture) { earliest, entry in
            let own = entry.query.map { $0.nextTimer ?? .distantFuture } ?? entry.asked + UDPTrackerQuery.deadline
            return min(earliest, own)
        }
    }

    func timerFired(now: MonotonicInstant) {
        for (id, entry) in entries {
            if let query = entry.query {
                guard let timer = query.nextTimer, now >= timer else { continue }
                change(id) { $0.timerFired(now: $1, connections: connections, using: &generator, into: &$2) }
            } else if now >= entry.asked + UDPTrackerQuery.deadline {
                failed(id, "\(entry.name.host): no name server answers")
            }
        }
        tellResults()
    }

    // MARK: Carrying out

    /// Lets a query decide, then does it.
    private func change(
        _ id: UInt64, _ event: (inout UDPTrackerQuery, MonotonicInstant, inout [UDPTrackerQuery.Action]) -> Void
    ) {
        guard var query = entries[id]?.query else { return }
        var actions: [UDPTrackerQuery.Action] = []
        event(&query, MonotonicClock.now, &actions)
        entries[id]?.query = query
        if let relation = entries[id]?.relation { remember(query.homes, of: relation) }
        for action in actions { perform(action, of: id) }
        if entries[id]?.query?.isOver ?? false { entries[id] = nil }
    }

    private func perform(_ action: UDPTrackerQuery.Action, of id: UInt64) {
        guard entries[id] != nil else { return }
        switch action {
        case .send(let packet, let address):
            do throws(SystemCallError) { try sockets.send(packet, to: address) } catch {
                change(id) {
                    $0.unreachable(
                        address, reason: "\(error.errno)", now: $1, connections: connections, using: &generator,
                        into: &$2)
                }
            }
        case .announced(let response): end(id, .announced(response))
        case .scraped(let counts): end(id, .scraped(counts))
        case .failed(let error): end(id, .failed(error))
        case .peersFound(let peers): peersFound(id, peers)
        }
    }

    /// Those of the other IP version stay: they may still count us.
    private func remember(_ answered: [PeerAddress], of relation: Relation) {
        guard !answered.isEmpty else { return }
        let others = homes[relation, default: []].filter { home in
            !answered.contains { $0.isIPv6 == home.isIPv6 }
        }
        homes[relation] = answered + others
    }

    private func failed(_ id: UInt64, _ reason: String) {
        results.append((id, .failed(.unreachable(reason: reason))))
        entries[id] = nil
    }

    private func end(_ id: UInt64, _ outcome: Outcome) {
        entries[id]?.isAnswered = true
        results.append((id, outcome))
    }

    private func tellResults() {
        let due = results
        results = []
        for (id, outcome) in due { ended(id, outcome) }
    }
}
