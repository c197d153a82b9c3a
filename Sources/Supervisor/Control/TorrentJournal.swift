import BitTorrent
import PoolProtocol

/// Remembers of one torrent what happened to each peer, tracker and piece, and what they are called. Written at changes of
/// state only; holds what is alive, a few peers that have left, and nothing of pieces that are safe on disk.
struct TorrentJournal {
    struct Peer {
        let name: PeerName
        let key: PeerBook.Key
        let address: PeerAddress
        let isIncoming: Bool
        let since: MonotonicInstant
        var connectedAt: MonotonicInstant?
        var leftAt: MonotonicInstant?
        var events = EventRing()
    }

    /// Of peers that have left (chosen: enough to see why the last minute's went).
    static let mostDeparted = 64

    private var present: Set<PeerBook.Key> = []
    private var peers: [PeerName: Peer] = [:]
    /// Oldest first.
    private var departed: [PeerName] = []
    private var pieces: [PieceIndex: EventRing] = [:]
    private var trackers: [EventRing]
    private let trackerNumbers: [TrackerURL: Int]

    /// - Parameter trackers: in the order in which they are numbered.
    init(trackers: [TrackerURL] = []) {
        self.trackers = [EventRing](repeating: EventRing(), count: trackers.count)
        trackerNumbers = Dictionary(zip(trackers, 0...), uniquingKeysWith: { first, _ in first })
    }

    // MARK: Peers

    /// A worker is to try an address.
    mutating func connecting(_ key: PeerBook.Key, _ address: PeerAddress, now: MonotonicInstant) {
        add(key, address, isIncoming: false, now: now)
        note(key, "connecting", now: now)
    }

    mutating func connected(_ key: PeerBook.Key, _ peer: PeerConnected, now: MonotonicInstant) {
        if !present.contains(key) { add(key, peer.address, isIncoming: peer.isIncoming, now: now) }
        change(key) { $0.connectedAt = now }
        let client = TerminalText.escaped(peer.client)
        note(key, client.isEmpty ? "connected" : "connected: \(client)", now: now)
    }

    mutating func closed(_ key: PeerBook.Key, _ reason: String, now: MonotonicInstant) {
        note(key, "closed: \(TerminalText.escaped(reason))", now: now)
        guard present.remove(key) != nil else { return }
        peers[key.name]?.leftAt = now
        departed.append(key.name)
        if departed.count > Self.mostDeparted { peers[departed.removeFirst()] = nil }
    }

    mutating func workerLost(_ worker: Int, because reason: String = "its worker died", now: MonotonicInstant) {
        for key in present.filter({ $0.worker == worker }).sorted() { closed(key, reason, now: now) }
    }

    mutating func note(_ key: PeerBook.Key, _ text: String, now: MonotonicInstant) {
        change(key) { $0.events.add(text, now: now) }
    }

    /// For what is said of an address.
    mutating func note(_ address: PeerAddress, at worker: Int, _ text: String, now: MonotonicInstant) {
        for key in present where key.worker == worker && peers[key.name]?.address == address {
            note(key, text, now: now)
        }
    }

    /// Of who has the address now, or had it last.
    func name(of address: PeerAddress, at worker: Int) -> PeerName? {
        func has(_ name: PeerName) -> Bool { peers[name]?.address == address && peers[name]?.key.worker == worker }
        return present.first { $0.worker == worker && has($0.name) }?.name ?? departed.last(where: has)
    }

    private mutating func add(_ key: PeerBook.Key, _ address: PeerAddress, isIncoming: Bool, now: MonotonicInstant) {
        present.insert(key)
        // Names come again after tens of thousands of others.
        departed.removeAll { $0 == key.name }
        peers[key.name] = Peer(name: key.name, key: key, address: address, isIncoming: isIncoming, since: now)
    }

    private mutating func change(_ key: PeerBook.Key, _ body: (inout Peer) -> Void) {
        if present.contains(key), peers[key.name] != nil { body(&peers[key.name]!) }
    }

    /// One that is here, or has left not long ago.
    /// - Parameter name: also that of an attempt, whose worker nobody has to know.
    func peer(_ name: PeerName) -> Peer? { peers[name] }
    func peer(_ key: PeerBook.Key) -> Peer? { present.contains(key) ? peers[key.name] : nil }

    // MARK: Pieces

    mutating func note(_ piece: PieceIndex, _ news: TorrentCoordinator.PieceNews, now: MonotonicInstant) {
        if news == .synced { pieces[piece] = nil } else { note(piece, news.rawValue, now: now) }
    }

    mutating func note(_ piece: PieceIndex, _ text: String, now: MonotonicInstant) {
        pieces[piece, default: EventRing()].add(text, now: now)
    }

    func events(of piece: PieceIndex) -> EventRing? { pieces[piece] }

    // MARK: Trackers

    mutating func note(_ tracker: TrackerURL, _ text: String, now: MonotonicInstant) {
        if let number = trackerNumbers[tracker] { trackers[number].add(text, now: now) }
    }

    func number(of tracker: TrackerURL) -> Int? { trackerNumbers[tracker] }
    func tracker(_ number: Int) -> TrackerURL? { trackerNumbers.first { $0.value == number }?.key }
    func events(ofTracker number: Int) -> EventRing { trackers[number] }
}
