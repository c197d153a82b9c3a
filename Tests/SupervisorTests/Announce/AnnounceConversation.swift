import BitTorrent
import Testing

@testable import Supervisor

/// One schedule, a clock that only the test moves, and answers that the test makes up.
struct AnnounceConversation {
    static let identity = AnnounceIdentity(
        infoHash: InfoHash(Digest(1...20)), peerID: PeerID(Array("-SK0100-abcdefghijkl".utf8)), key: 7, port: 6881)

    var schedule: AnnounceSchedule
    /// Seconds since the torrent was opened.
    var seconds: Double = 0
    var counters = TransferCounters(uploaded: 0, downloaded: 0, left: 1000)
    /// Notices for the user since the start; not part of the replies.
    var notices: [TrackerNotice] = []
    private var generator = AnnounceGenerator(state: 1)

    /// - Parameter tiers: hosts; a host with a scheme keeps it.
    init(_ tiers: [[String]]) {
        let lists = tiers.map { $0.map { $0.contains(":") ? $0 : "http://\($0)/announce" } }
        schedule = AnnounceSchedule(identity: Self.identity, tiers: AnnounceTiers(lists, using: &generator))
    }

    var now: MonotonicInstant { .distantPast + .seconds(1000) + .nanoseconds(Int64((seconds * 1e9).rounded())) }

    /// Seconds until the timer; nil if none is set.
    var timer: Double? { schedule.nextTimer.map { ($0 - now).inSeconds } }

    mutating func start() -> [AnnounceAction] {
        perform { $0.downloadStarted(now: $1, counters: $2, into: &$3) }
    }

    mutating func complete() -> [AnnounceAction] {
        counters.downloaded += counters.left
        counters.left = 0
        return perform { $0.downloadCompleted(now: $1, counters: $2, into: &$3) }
    }

    mutating func stop() -> [AnnounceAction] {
        perform { $0.stopRequested(now: $1, counters: $2, into: &$3) }
    }

    mutating func wantMore() -> [AnnounceAction] {
        perform { $0.morePeersWanted(now: $1, counters: $2, into: &$3) }
    }

    mutating func answer(_ id: UInt64, _ response: AnnounceResponse = .init()) -> [AnnounceAction] {
        perform { $0.responseReceived(AnnounceID(number: id), response, now: $1, counters: $2, into: &$3) }
    }

    mutating func fail(_ id: UInt64, _ error: AnnounceError = .httpStatus(500)) -> [AnnounceAction] {
        var generator = generator
        defer { self.generator = generator }
        return perform {
            $0.announceFailed(
                AnnounceID(number: id), error, now: $1, counters: $2, using: &generator, into: &$3)
        }
    }

    /// Lets time pass and the timer fire, whether or not it is due.
    mutating func wait(_ seconds: Double) -> [AnnounceAction] {
        self.seconds += seconds
        return perform { $0.timerFired(now: $1, counters: $2, into: &$3) }
    }

    /// Lets time pass until the timer is due, and fires it.
    mutating func waitForTimer() throws -> [AnnounceAction] {
        wait(try #require(timer))
    }

    /// An announce as the schedule should ask for it at this moment.
    func announce(
        _ id: UInt64, _ host: String, _ event: AnnounceEvent?, trackerID: [UInt8]? = nil
    ) -> AnnounceAction {
        .announce(
            AnnounceID(number: id), tracker(host),
            AnnounceRequest(
                identity: Self.identity, counters: counters, event: event, peersWanted: event == .stopped ? 0 : 80,
                trackerID: trackerID))
    }

    func cancel(_ id: UInt64) -> AnnounceAction { .cancelAnnounce(AnnounceID(number: id)) }

    func tracker(_ host: String) -> TrackerURL { try! TrackerURL("http://\(host)/announce") }

    private mutating func perform(
        _ event: (inout AnnounceSchedule, MonotonicInstant, TransferCounters, inout [AnnounceAction]) -> Void
    ) -> [AnnounceAction] {
        var actions: [AnnounceAction] = []
        event(&schedule, now, counters, &actions)
        return actions.filter {
            guard case .report(_, let notice) = $0 else { return true }
            notices.append(notice)
            return false
        }
    }
}

/// SplitMix64: the same delays in every run of a test.
struct AnnounceGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
