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
            announces[number] = id
            announcedEvents[tracker] = request.event
            let sent = context.http.send(HTTPRequest(id: number, url: HTTPAnnounce.url(of: request, at: tracker)))
            if !sent { failed(number, .unreachable(reason: "too many announces are under way")) }
        case .cancelAnnounce(let id):
            let number = UInt64(ordinal) << 48 | id.number
            announces[number] = nil
            context.http.cancel(number)
        case .peersFound(let addresses, _):
            guard isActive else { return }
            peers { $0.learned(addresses, from: .tracker, now: MonotonicClock.now, into: &$1) }
        case .report(let tracker, let notice): report(tracker, notice)
        case .stoppedDone: saidGoodbye = true
        }
    }

    /// - Returns: whether the result was for this torrent.
    func httpEnded(_ result: HTTPResult) {
        switch result.outcome {
        case .failure(let failure): failed(result.id, .unreachable(reason: failure.description))
        case .success(let response):
            do throws(AnnounceError) {
                let answer = try HTTPAnnounce.response(status: response.status, body: response.body)
                guard let id = announces.removeValue(forKey: result.id) else { return }
                if let address = answer.externalAddress { book.externalAddressHeard(address) }
                announce { schedule, counters, actions in
                    schedule.responseReceived(
                        id, answer, now: MonotonicClock.now, counters: counters, into: &actions)
                }
            } catch { failed(result.id, error) }
        }
    }

    private func failed(_ number: UInt64, _ error: AnnounceError) {
        guard let id = announces.removeValue(forKey: number) else { return }
        announce { schedule, counters, actions in
            schedule.announceFailed(
                id, error, now: MonotonicClock.now, counters: counters, using: &generator, into: &actions)
        }
    }

    private func report(_ tracker: TrackerURL, _ notice: TrackerNotice) {
        let (state, count): (TrackerEvent.State, Int) =
            switch notice {
            case .answered(_, _, let peers): (.announced, peers)
            case .warning: (.warning, 0)
            case .failed: (.failed, 0)
            case .schemeNotSupported: (.skipped, 0)
            }
        context.output.emit(
            .tracker(
                metainfo.infoHash,
                TrackerEvent(
                    url: tracker.description, state: state, event: announcedEvents[tracker]?.rawValue ?? "",
                    peerCount: count,
                    text: TerminalText.escaped(notice.description))))
    }

    /// Nobody is connected, and nobody can be found any more.
    func nobodyLeft(now: MonotonicInstant) -> Bool {
        phase == .downloading && book.nobodyLeft(now: now)
            && schedule.everyTrackerAnsweredOrFailed(since: book.lastLearned)
    }
}
