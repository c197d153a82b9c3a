import BitTorrent
import PoolProtocol
import PoolRuntime

/// The torrent's trackers.
extension TorrentRun {
    /// True numbers, for every announce. What is complete was received, even where a worker's report is still to come.
    private var counters: TransferCounters {
        TransferCounters(
            uploaded: totals.uploadedByteCount,
            downloaded: max(
                totals.downloadedByteCount,
                coordinator.pieces.completedByteCount - min(heldAtStart, coordinator.pieces.completedByteCount)),
            left: coordinator.pieces.leftByteCount)
    }

    /// Lets the schedule decide, then does it.
    func announce(_ event: (inout AnnounceSchedule, TransferCounters, inout [AnnounceAction]) -> Void) {
        var actions: [AnnounceAction] = []
        event(&schedule, counters, &actions)
        for action in actions { perform(action) }
    }

    private func perform(_ action: AnnounceAction) {
        switch action {
        case .announce(let id, let tracker, let request):
            let number = UInt64(ordinal) << 48 | id.number
            announces[number] = (id, tracker)
            announcedEvents[tracker] = request.event
            journal.note(tracker, "announce\(request.event.map { " (\($0.rawValue))" } ?? "")", now: MonotonicClock.now)
            switch tracker.scheme {
            case .udp: context.udp.announce(number, request, at: tracker)
            case .http, .https:
                let sent = context.http.send(HTTPRequest(id: number, url: HTTPAnnounce.url(of: request, at: tracker)))
                if !sent { failed(number, .unreachable(reason: "too many announces are under way")) }
            }
        case .cancelAnnounce(let id):
            let number = UInt64(ordinal) << 48 | id.number
            announces[number] = nil
            context.http.cancel(number)
            context.udp.cancel(number)
        case .peersFound(let addresses, _): trackerNamed(addresses)
        case .report(let tracker, let notice): report(tracker, notice)
        case .stoppedDone: saidGoodbye = true
        }
    }

    func trackerNamed(_ addresses: [PeerAddress]) {
        guard isActive else { return }
        peers { $0.learned(addresses, from: .tracker, now: MonotonicClock.now, into: &$1) }
    }

    func httpEnded(_ result: HTTPResult) {
        switch result.outcome {
        case .failure(let failure): failed(result.id, .unreachable(reason: failure.description))
        case .success(let response):
            do throws(AnnounceError) {
                answered(result.id, try HTTPAnnounce.response(status: response.status, body: response.body))
            } catch { failed(result.id, error) }
        }
    }

    func udpEnded(_ number: UInt64, _ outcome: UDPTrackerClient.Outcome) {
        switch outcome {
        case .announced(let answer): answered(number, answer)
        case .failed(let error): failed(number, error)
        case .scraped: break
        }
    }

    private func answered(_ number: UInt64, _ answer: AnnounceResponse) {
        guard let (id, tracker) = announces.removeValue(forKey: number) else { return }
        if let address = answer.externalAddress {
            context.seen(as: address)
            book.externalAddressHeard(address)
        }
        context.scrapes.announceAnswered(answer, of: metainfo.infoHash, by: tracker)
        announce { schedule, counters, actions in
            schedule.responseReceived(id, answer, now: MonotonicClock.now, counters: counters, into: &actions)
        }
    }

    private func failed(_ number: UInt64, _ error: AnnounceError) {
        guard let (id, _) = announces.removeValue(forKey: number) else { return }
        announce { schedule, counters, actions in
            schedule.announceFailed(
                id, error, now: MonotonicClock.now, counters: counters, using: &generator, into: &actions)
        }
    }

    func report(_ tracker: TrackerURL, _ notice: TrackerNotice) {
        journal.note(tracker, TerminalText.escaped(notice.description), now: MonotonicClock.now)
        let (state, count, counts): (TrackerEvent.State, Int, SwarmCounts) =
            switch notice {
            case .answered(let counts, let peers): (.announced, peers, counts)
            case .scraped(let counts): (.scraped, 0, counts)
            case .scrapeFailed: (.scrapeFailed, 0, SwarmCounts())
            case .warning: (.warning, 0, SwarmCounts())
            case .failed: (.failed, 0, SwarmCounts())
            }
        context.output.emit(
            .tracker(
                torrentName,
                TrackerEvent(
                    url: tracker.description, state: state,
                    event: state == .scraped || state == .scrapeFailed ? "" : announcedEvents[tracker]?.rawValue ?? "",
                    peerCount: count, counts: counts,
                    text: TerminalText.escaped(notice.description))))
    }

    /// The user wants an announce given up; the tracker is asked again as after any other failure.
    /// - Returns: false when none is under way.
    func cancelAnnounce(at tracker: TrackerURL) -> Bool {
        guard let number = announces.first(where: { $0.value.1 == tracker })?.key else { return false }
        context.http.cancel(number)
        context.udp.cancel(number)
        failed(number, .unreachable(reason: "the announce was cancelled"))
        return true
    }

    /// Nobody is connected, and nobody can be found any more.
    func nobodyLeft(now: MonotonicInstant) -> Bool {
        phase == .downloading && book.nobodyLeft(now: now)
            && schedule.everyTrackerAnsweredOrFailed(since: book.lastLearned)
    }
}
