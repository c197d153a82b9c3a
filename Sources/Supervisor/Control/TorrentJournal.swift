import BitTorrent
import PoolProtocol

/// Remembers of one torrent what happened to each peer, tracker and piece, and what they are called. Written at changes of
/// state only; holds what is alive, a few peers that have left, and nothing of pieces that are safe on disk.
struct TorrentJournal {
    struct Peer {
        let number: Int
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

    private var numbers: [PeerBook.Key: Int] = [:]
    private var peers: [Int: Peer] = [:]
    private var latestNumber = 0
    /// Oldest first.
    private var departed: [Int] = []
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
        if numbers[key] == nil { add(key, peer.address, isIncoming: peer.isIncoming, now: now) }
        change(key) { $0.connectedAt = now }
        let client = TerminalText.escaped(peer.client)
        note(key, client.isEmpty ? "connected" : "connected: \(client)", now: now)
    }

    mutating func closed(_ key: PeerBook.Key, _ reason: String, now: MonotonicInstant) {
        note(key, "closed: \(TerminalText.escaped(reason))", now: now)
        guard let number = numbers.removeValue(forKey: key) else { return }
        peers[number]?.leftAt = now
        departed.append(number)
        if departed.count > Self.mostDeparted { peers[departed.removeFirst()] = nil }
    }

    mutating func workerLost(_ worker: Int, because reason: String = "its worker died", now: MonotonicInstant) {
        for key in numbers.keys.filter({ $0.worker == worker }).sorted() { closed(key, reason, now: now) }
    }

    mutating func note(_ key: PeerBook.Key, _ text: String, now: MonotonicInstant) {
        change(key) { $0.events.add(text, now: now) }
    }

    /// For what is said of an address.
    mutating func note(_ address: PeerAddress, at worker: Int, _ text: String, now: MonotonicInstant) {
        for (key, number) in numbers where key.worker == worker && peers[number]?.address == address {
            note(key, text, now: now)
        }
    }

    private mutating func add(_ key: PeerBook.Key, _ address: PeerAddress, isIncoming: Bool, now: MonotonicInstant) {
        latestNumber += 1
        numbers[key] = latestNumber
        peers[latestNumber] = Peer(
            number: latestNumber, key: key, address: address, isIncoming: isIncoming, since: now)
    }

    private mutating func change(_ key: PeerBook.Key, _ body: (inout Peer) -> Void) {
        if let number = numbers[key], peers[number] != nil { body(&peers[number]!) }
    }

    /// One that is here, or has left not long ago.
    func peer(_ number: Int) -> Peer? { peers[number] }
    func peer(_ key: PeerBook.Key) -> Peer? { numbers[key].flatMap { peers[$0] } }

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
