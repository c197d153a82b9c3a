import BitTorrent

/// What we and one tracker know of each other in this run. Decides nothing about the order of trackers;
/// `AnnounceSchedule` does.
struct TrackerRecord {
    /// An announce that has no answer yet.
    struct Outstanding {
        let id: AnnounceID
        let event: AnnounceEvent?
        let sentAt: MonotonicInstant
        /// It says that bytes are left.
        let tellsIncomplete: Bool
        /// Not answered for `AnnounceSchedule.slowAfter`: nobody waits for it any more, but a late answer is welcome.
        var isSlow = false
    }

    /// Between announces that no interval forbids, where the tracker gives no `min interval` (Transmission takes two
    /// minutes too).
    static let defaultMinInterval: Duration = .seconds(120)

    var outstanding: Outstanding?
    /// It answered our `started`, so it counts us as a peer until it hears `stopped`.
    private(set) var knowsUs = false
    /// It heard from us while bytes were left, so that `completed` means something to it (BEP 3: none if complete when
    /// started).
    private var sawUsIncomplete = false
    private var heardCompleted = false
    /// BEP 31, "retry in" never: not to be asked again in this run.
    private(set) var wantsNoMore = false
    /// To be sent back with every announce.
    private(set) var trackerID: [UInt8]?
    private(set) var failuresInARow = 0
    /// No announce before it: the tracker failed.
    private(set) var backOffEnds = MonotonicInstant.distantPast
    /// No announce without event before it: the tracker answered.
    private(set) var minIntervalEnds = MonotonicInstant.distantPast
    /// When the regular announce is due; nil if the last announce failed or none was answered.
    private(set) var regularlyDue: MonotonicInstant?
    /// When it last answered or failed; nil as long as neither happened.
    private(set) var lastOutcome: MonotonicInstant?
    /// The last warning, so that each is told once.
    var lastWarning: String?

    /// BEP 3: exactly one `completed`, to those that saw us incomplete.
    var isOwedCompleted: Bool { knowsUs && sawUsIncomplete && !heardCompleted && !wantsNoMore }

    mutating func answered(_ response: AnnounceResponse, to request: Outstanding, now: MonotonicInstant) {
        outstanding = nil
        knowsUs = true
        if request.tellsIncomplete { sawUsIncomplete = true }
        if request.event == .completed { heardCompleted = true }
        if let id = response.trackerID { trackerID = id }
        failuresInARow = 0
        lastOutcome = now
        backOffEnds = .distantPast
        minIntervalEnds = now + (response.minInterval ?? min(response.interval, Self.defaultMinInterval))
        regularlyDue = now + max(response.interval, response.minInterval ?? .zero)
    }

    mutating func failed(retryAfter delay: Duration, forGood: Bool, now: MonotonicInstant) {
        outstanding = nil
        wantsNoMore = forGood
        failuresInARow += 1
        lastOutcome = now
        backOffEnds = now + delay
        regularlyDue = nil
    }
}
