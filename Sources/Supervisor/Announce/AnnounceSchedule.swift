import BitTorrent

/// Owns when and to which tracker one torrent announces itself (BEP 3, "trackers"; BEP 12). Sends nothing itself and
/// never makes a transfer wait: its answers are addresses, and without them the torrent lives on those it has.
///
/// A *round* walks the trackers in the order of their tiers until one answers. A regular round begins when the tracker
/// that answered last is due; a search round, when more peers are wanted, passes over trackers that may not be asked
/// again yet and so reaches the later tiers. Events are per tracker: each that knows us hears `started`, `completed`
/// and `stopped` once. Only a tracker whose answer was lost hears an event again.
struct AnnounceSchedule {
    /// After that a round no longer waits for a tracker; most answer within a second (a guess, far below the
    /// transport's deadline).
    static let slowAfter: Duration = .seconds(5)
    /// All of stopping; README.md promises it.
    static let stopLimit: Duration = .milliseconds(5000)
    /// How long, out of `stopLimit`, `stopped` waits for an answer to `started` or `completed`, which must reach the
    /// tracker first. Half of what `StopSequence` leaves for the goodbye when every step before took its time.
    static let stopWaitsForEvents: Duration = .milliseconds(1000)
    /// As the clients that this one follows ask for; the seeders' list of a large swarm is longer than anybody needs.
    static let peersWanted = 80

    private enum Phase: Equatable {
        /// Nothing was sent. Goes to `running` or `stopped`.
        case idle
        /// Goes to `stopping`.
        case running
        /// `stopped` goes out to all that know us. Goes to `stopped` with the last answer or at `deadline`.
        case stopping(deadline: MonotonicInstant, eventsUntil: MonotonicInstant)
        /// Final.
        case stopped
    }

    private struct Round {
        /// Passes over trackers that answered and may not be asked again yet, instead of being content with them.
        let isSearch: Bool
        var tried: Set<TrackerURL> = []
    }

    private let identity: AnnounceIdentity
    private var tiers: AnnounceTiers
    private var records: [TrackerURL: TrackerRecord]
    private var phase = Phase.idle
    private var isComplete = false
    private var round: Round?
    /// When the next regular round begins, if none is on its way.
    private var nextRound = MonotonicInstant.distantFuture
    private var announceCount: UInt64 = 0

    init(identity: AnnounceIdentity, tiers: AnnounceTiers) {
        self.identity = identity
        self.tiers = tiers
        records = Dictionary(uniqueKeysWithValues: tiers.order.map { ($0, TrackerRecord()) })
    }
}

// MARK: - Events

extension AnnounceSchedule {
    mutating func downloadStarted(
        now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction]
    ) {
        guard phase == .idle else { return }
        phase = .running
        isComplete = counters.left == 0
        round = Round(isSearch: false)
        continueRound(now: now, counters: counters, into: &actions)
        checkInvariants()
    }

    /// The last piece is verified, written and synced.
    mutating func downloadCompleted(
        now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction]
    ) {
        isComplete = true
        guard phase == .running else { return }
        sendOwedCompleted(now: now, counters: counters, into: &actions)
        checkInvariants()
    }

    /// The torrent could use more peers than it knows. May be told at any time and often: every tracker's minimum
    /// interval is obeyed.
    mutating func morePeersWanted(
        now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction]
    ) {
        guard phase == .running, round == nil else { return }
        round = Round(isSearch: true)
        continueRound(now: now, counters: counters, into: &actions)
        checkInvariants()
    }

    mutating func timerFired(now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction]) {
        switch phase {
        case .idle, .stopped: return
        case .running:
            for tracker in records.keys {
                guard let request = records[tracker]?.outstanding, now >= request.sentAt + Self.slowAfter else {
                    continue
                }
                records[tracker]?.outstanding?.isSlow = true
            }
            sendOwedCompleted(now: now, counters: counters, into: &actions)
            if round == nil, now >= nextRound {
                nextRound = .distantFuture
                round = Round(isSearch: false)
            }
            continueRound(now: now, counters: counters, into: &actions)
        case .stopping(let deadline, let eventsUntil):
            if now >= deadline {
                for tracker in tiers.order { cancelOutstanding(of: tracker, into: &actions) }
            } else if now >= eventsUntil {
                for tracker in tiers.order {
                    guard let event = records[tracker]?.outstanding?.event, event != .stopped else { continue }
                    cancelOutstanding(of: tracker, into: &actions)
                    send(.stopped, to: tracker, now: now, counters: counters, into: &actions)
                }
            }
            endIfNothingIsOutstanding(into: &actions)
        }
        checkInvariants()
    }

    mutating func responseReceived(
        _ id: AnnounceID, _ response: AnnounceResponse, now: MonotonicInstant, counters: TransferCounters,
        into actions: inout [AnnounceAction]
    ) {
        guard let (tracker, request) = outstanding(id) else { return }
        records[tracker]?.answered(response, to: request, now: now)
        report(response, of: tracker, into: &actions)
        switch phase {
        case .idle, .stopped: preconditionFailure("an announce is outstanding in phase \(phase)")
        case .running:
            if !response.peers.isEmpty { actions.append(.peersFound(response.peers, from: tracker)) }
            if round?.tried.contains(tracker) == true {
                round = nil
                tiers.trackerAnswered(tracker)
            }
            nextRound = min(nextRound, records[tracker]?.regularlyDue ?? .distantFuture)
            sendOwedCompleted(now: now, counters: counters, into: &actions)
            continueRound(now: now, counters: counters, into: &actions)
        case .stopping:
            if request.event != .stopped { sayGoodbye(to: tracker, now: now, counters: counters, into: &actions) }
            endIfNothingIsOutstanding(into: &actions)
        }
        checkInvariants()
    }

    mutating func announceFailed(
        _ id: AnnounceID, _ error: AnnounceError, now: MonotonicInstant, counters: TransferCounters,
        using generator: inout some RandomNumberGenerator, into actions: inout [AnnounceAction]
    ) {
        guard let (tracker, request) = outstanding(id), let record = records[tracker] else { return }
        var retry: AnnounceError.Retry?
        if case .refused(_, let wish) = error { retry = wish }
        let delay = AnnounceBackOff.delay(failuresInARow: record.failuresInARow + 1, retry: retry, using: &generator)
        records[tracker]?.failed(retryAfter: delay, forGood: retry == .never, now: now)
        switch phase {
        case .idle, .stopped: preconditionFailure("an announce is outstanding in phase \(phase)")
        case .running:
            actions.append(.report(tracker, .failed(error, retryAfter: retry == .never ? nil : delay)))
            continueRound(now: now, counters: counters, into: &actions)
        case .stopping:
            actions.append(.report(tracker, .failed(error, retryAfter: nil)))
            if request.event == .completed { send(.stopped, to: tracker, now: now, counters: counters, into: &actions) }
            endIfNothingIsOutstanding(into: &actions)
        }
        checkInvariants()
    }

    /// The torrent ends in this process. `stoppedDone` follows within `stopLimit`, if `timerFired` comes when it is
    /// due.
    mutating func stopRequested(now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction])
    {
        guard phase == .idle || phase == .running else { return }
        phase = .stopping(deadline: now + Self.stopLimit, eventsUntil: now + Self.stopWaitsForEvents)
        round = nil
        for tracker in tiers.order {
            guard let request = records[tracker]?.outstanding else {
                sayGoodbye(to: tracker, now: now, counters: counters, into: &actions)
                continue
            }
            if request.event != nil, !request.isSlow { continue }
            cancelOutstanding(of: tracker, into: &actions)
            if request.event == .completed {
                send(.stopped, to: tracker, now: now, counters: counters, into: &actions)
            } else {
                sayGoodbye(to: tracker, now: now, counters: counters, into: &actions)
            }
        }
        endIfNothingIsOutstanding(into: &actions)
        checkInvariants()
    }
}

// MARK: - Queries

extension AnnounceSchedule {
    /// When `timerFired` is due; nil as long as only an event can change anything.
    var nextTimer: MonotonicInstant? {
        var next = MonotonicInstant.distantFuture
        switch phase {
        case .idle, .stopped: return nil
        case .running:
            if round == nil { next = nextRound }
            for record in records.values {
                if let request = record.outstanding {
                    if !request.isSlow { next = min(next, request.sentAt + Self.slowAfter) }
                } else if isComplete, record.isOwedCompleted {
                    next = min(next, record.backOffEnds)
                }
            }
        case .stopping(let deadline, let eventsUntil):
            let waitsForEvents = records.values.contains { $0.outstanding.map { $0.event != .stopped } ?? false }
            next = waitsForEvents ? eventsUntil : deadline
        }
        return next == .distantFuture ? nil : next
    }

    /// Every tracker with what is known of it, in the order in which they are asked now.
    var standings: [(tracker: TrackerURL, record: TrackerRecord)] { tiers.order.map { ($0, records[$0]!) } }

    /// For "nobody is left": no tracker can be expected to name a peer that we do not know yet.
    /// - Parameter moment: when the torrent last heard of a new address.
    func everyTrackerAnsweredOrFailed(since moment: MonotonicInstant) -> Bool {
        records.values.allSatisfy { record in
            record.wantsNoMore || record.lastOutcome.map { $0 >= moment } ?? false
        }
    }
}

// MARK: - Rounds

extension AnnounceSchedule {
    /// Asks the next tracker of the round unless one is being waited for; ends the round when there is none.
    private mutating func continueRound(
        now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction]
    ) {
        guard let round else { return }
        var waitsForSlow = false
        for tracker in tiers.order {
            guard let record = records[tracker], !record.wantsNoMore else { continue }
            if let request = record.outstanding {
                if !request.isSlow { return }
                waitsForSlow = true
                continue
            }
            if round.tried.contains(tracker) || now < record.backOffEnds { continue }
            if round.isSearch {
                if now < record.minIntervalEnds { continue }
            } else if let due = record.regularlyDue, now < due {
                self.round = nil
                nextRound = min(nextRound, due)
                return
            }
            self.round?.tried.insert(tracker)
            send(record.knowsUs ? nil : .started, to: tracker, now: now, counters: counters, into: &actions)
            return
        }
        if waitsForSlow { return }
        self.round = nil
        if nextRound == .distantFuture { nextRound = earliestChance }
    }

    /// When the first tracker may be asked again after a round in which none could.
    private var earliestChance: MonotonicInstant {
        records.values.filter { !$0.wantsNoMore }.map { max($0.backOffEnds, $0.regularlyDue ?? .distantPast) }.min()
            ?? .distantFuture
    }

    private mutating func sendOwedCompleted(
        now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction]
    ) {
        guard isComplete else { return }
        for tracker in tiers.order {
            guard let record = records[tracker], record.isOwedCompleted, record.outstanding == nil,
                now >= record.backOffEnds
            else { continue }
            send(.completed, to: tracker, now: now, counters: counters, into: &actions)
        }
    }
}

// MARK: - Single announces

extension AnnounceSchedule {
    private mutating func send(
        _ event: AnnounceEvent?, to tracker: TrackerURL, now: MonotonicInstant, counters: TransferCounters,
        into actions: inout [AnnounceAction]
    ) {
        announceCount += 1
        let id = AnnounceID(number: announceCount)
        records[tracker]?.outstanding = .init(id: id, event: event, sentAt: now, tellsIncomplete: counters.left > 0)
        let request = AnnounceRequest(
            identity: identity, counters: counters, event: event, peersWanted: event == .stopped ? 0 : Self.peersWanted,
            trackerID: records[tracker]?.trackerID)
        actions.append(.announce(id, tracker, request))
    }

    /// Sends what a tracker still has to hear when the torrent ends: first `completed`, if it is owed, and `stopped`
    /// with its answer.
    private mutating func sayGoodbye(
        to tracker: TrackerURL, now: MonotonicInstant, counters: TransferCounters, into actions: inout [AnnounceAction]
    ) {
        guard let record = records[tracker], record.knowsUs, !record.wantsNoMore else { return }
        let event: AnnounceEvent = isComplete && record.isOwedCompleted ? .completed : .stopped
        send(event, to: tracker, now: now, counters: counters, into: &actions)
    }

    private mutating func cancelOutstanding(of tracker: TrackerURL, into actions: inout [AnnounceAction]) {
        guard let request = records[tracker]?.outstanding else { return }
        records[tracker]?.outstanding = nil
        actions.append(.cancelAnnounce(request.id))
    }

    private mutating func endIfNothingIsOutstanding(into actions: inout [AnnounceAction]) {
        guard records.values.allSatisfy({ $0.outstanding == nil }) else { return }
        phase = .stopped
        actions.append(.stoppedDone)
    }

    private func outstanding(_ id: AnnounceID) -> (TrackerURL, TrackerRecord.Outstanding)? {
        for (tracker, record) in records {
            if let request = record.outstanding, request.id == id { return (tracker, request) }
        }
        return nil
    }

    private mutating func report(
        _ response: AnnounceResponse, of tracker: TrackerURL, into actions: inout [AnnounceAction]
    ) {
        let warning = ([response.warning].compactMap { $0 } + response.oddities.map(\.description)).joined(
            separator: "; ")
        if !warning.isEmpty, warning != records[tracker]?.lastWarning {
            actions.append(.report(tracker, .warning(warning)))
        }
        records[tracker]?.lastWarning = warning
        actions.append(.report(tracker, .answered(response.counts, peers: response.peers.count)))
    }

    private func checkInvariants() {
        assert(
            phase != .stopped || records.values.allSatisfy { $0.outstanding == nil },
            "stopped with an announce outstanding")
        assert(round == nil || phase == .running, "a round in phase \(phase)")
        assert(
            phase != .running || round != nil || nextRound != .distantFuture
                || records.values.allSatisfy(\.wantsNoMore),
            "no announce will ever follow")
    }
}
