/// Owns how many requests one peer may have outstanding: enough to keep its line full, no more. Starts small and doubles
/// each round trip (every answered block adds one), then follows rate × (round trip + margin), always within what the
/// peer queues. Sends nothing itself.
struct RequestWindow {
    /// A freshly unchoked peer: a quarter of a mebibyte, so that a near peer's line is full after a few round trips.
    static let initial = 16
    /// The slowest peer that still answers: one block on its way while the next is asked for.
    static let smallest = 2
    /// libtorrent queues at most this many of our requests (`max_allowed_in_request_queue`).
    static let maximum = 2000
    /// What a peer queues that does not tell (BEP 10, `reqq`: "the default in libtorrent is 250").
    static let untoldPeerLimit = 250
    /// Work that a peer has ahead of it beyond the round trip; covers the waits on both sides between two turns.
    static let margin: Duration = .seconds(1)
    private static let marginNanoseconds = margin.wholeNanoseconds
    /// How long a ceiling stands before an eighth more is tried; longer than a lost request takes to be noticed.
    static let ceilingTrial: Duration = .seconds(15)
    /// Round trips beyond this are taken for a peer's slowness, which deserves no longer queue.
    static let longestRoundTrip: Duration = .seconds(4)

    private enum Growth: Equatable {
        /// One more for each answered block, until the margin has passed since the first; then `measured`.
        case doubling(limit: Int, firstAnswer: MonotonicInstant?)
        /// Rate × (round trip + margin). An empty pipeline leads back to `doubling`.
        case measured
        /// The peer fell silent with requests outstanding: nobody counts on it until it answers. An answer leads to
        /// `doubling`.
        case silent
    }

    private var growth = Growth.doubling(limit: initial, firstAnswer: nil)
    /// Smallest time between a request and the first byte of its answer, in nanoseconds: longer ones include our own
    /// queue. Never more than `longestRoundTrip`.
    private var roundTrip = longestRoundTrip.wholeNanoseconds
    private var peerLimit = untoldPeerLimit
    /// Learned from requests that were lost among answered ones: peers drop in silence what they cannot queue, but every
    /// peer queues `initial`.
    private var ceiling = maximum
    /// When the ceiling last changed.
    private var ceilingSince = MonotonicInstant.distantPast
    private var hasAnswered = false
    /// Cancelled requests of a peer that owes an answer to each (BEP 6), and has given none to any yet. It may hold them
    /// all, so they count as outstanding; else each that came from elsewhere would earn it another.
    private var cancelled = 0
    /// When they cease to count all the same.
    private(set) var nextDeadline: MonotonicInstant?

    var isPeerSilent: Bool { growth == .silent }

    /// - Parameter bytesPerSecond: what the peer delivers now.
    func limit(bytesPerSecond: Double) -> Int {
        switch growth {
        case .doubling(let limit, _): return max(0, min(limit, largest) - cancelled)
        case .measured:
            let seconds = Double(roundTrip + Self.marginNanoseconds) / 1e9
            let blockByteCount = Int(TorrentGeometry.blockByteCount)
            let byteCount = Int(min(bytesPerSecond * seconds, Double(Self.maximum * blockByteCount)))
            return min(max(Self.smallest, (byteCount + blockByteCount - 1) / blockByteCount), largest)
        case .silent: return 0
        }
    }

    /// The most that may be outstanding, requests that seem lost included: the peer may hold them after all.
    var hardLimit: Int { min(Self.maximum, peerLimit) }
    /// The most that the peer may seem to hold at this time, whatever the rate.
    private var largest: Int { min(hardLimit, ceiling) }

    /// `reqq` of the peer's extension handshake.
    mutating func peerLimitReceived(_ count: Int) { peerLimit = max(1, count) }

    /// A request goes out while none is outstanding: the rate of a line that stood idle is no measure for it.
    mutating func pipelineRefilled(bytesPerSecond: Double) {
        guard growth == .measured else { return }
        growth = .doubling(limit: max(Self.initial, limit(bytesPerSecond: bytesPerSecond)), firstAnswer: nil)
    }

    /// A peer with the fast extension was told that a request is void.
    /// - Parameter deadline: until when the request could have been answered.
    mutating func requestCancelled(deadline: MonotonicInstant) {
        guard !hasAnswered else { return }
        cancelled += 1
        nextDeadline = max(nextDeadline ?? deadline, deadline)
    }

    /// The peer has dropped one request that was cancelled.
    mutating func cancelAnswered() { cancelled = max(0, cancelled - 1) }

    /// - Returns: whether cancelled requests have ceased to count.
    mutating func timerFired(now: MonotonicInstant) -> Bool {
        guard let deadline = nextDeadline, now >= deadline else { return false }
        forgetCancels()
        return true
    }

    private mutating func forgetCancels() { (cancelled, nextDeadline) = (0, nil) }

    mutating func firstByteReceived(sentAt: MonotonicInstant, now: MonotonicInstant) {
        roundTrip = min(roundTrip, now.nanoseconds &- sentAt.nanoseconds)
    }

    mutating func blockAnswered(now: MonotonicInstant) {
        if !hasAnswered {
            hasAnswered = true
            forgetCancels()
        }
        if ceiling < Self.maximum, now - ceilingSince >= Self.ceilingTrial {
            ceiling = min(Self.maximum, ceiling + ceiling / 8)
            ceilingSince = now
        }
        switch growth {
        case .doubling(let limit, let firstAnswer):
            let firstAnswer = firstAnswer ?? now
            if now.nanoseconds &- firstAnswer.nanoseconds >= Self.marginNanoseconds {
                growth = .measured
            } else {
                growth = .doubling(limit: min(limit + 1, largest), firstAnswer: firstAnswer)
            }
        case .measured: break
        case .silent: growth = .doubling(limit: Self.smallest, firstAnswer: now)
        }
    }

    /// Many requests were passed over, one got no answer in time although later ones did, or a peer that does not choke
    /// us refused one.
    /// - Parameter queued: requests that the peer seems to hold, the lost ones not counted.
    mutating func requestLost(sentAt: MonotonicInstant, queued: Int, now: MonotonicInstant) {
        guard sentAt > ceilingSince else { return }  // all that was lost of one window is one lesson
        ceilingSince = now
        ceiling = max(Self.initial, min(largest, queued) * 3 / 4)
    }

    /// Nothing came for as long as the oldest request could wait.
    mutating func peerFellSilent() { growth = .silent }
}
