import BitTorrent
import PoolRuntime

/// Asks trackers for the size of swarms, when `ScrapeSchedule` says so, for all torrents of the run. What fails is told
/// and not repeated: the next announce brings the next chance.
final class SwarmScrapes {
    /// The upper half of the ids that the clients know scrapes by; no torrent has this number.
    static let ordinal: UInt64 = 0xFFFF

    /// A tracker told about a torrent.
    var counted: (InfoHash, TrackerURL, SwarmCounts) -> Void = { _, _, _ in }
    /// A tracker did not.
    var failed: (InfoHash, TrackerURL, _ reason: String) -> Void = { _, _, _ in }

    private let http: HTTPClient
    private let udp: UDPTrackerClient
    private var schedule = ScrapeSchedule()
    private var outstanding: [UInt64: ScrapeSchedule.Scrape] = [:]
    private var count: UInt64 = 0

    init(http: HTTPClient, udp: UDPTrackerClient) {
        self.http = http
        self.udp = udp
    }

    func announceAnswered(_ response: AnnounceResponse, of infoHash: InfoHash, by tracker: TrackerURL) {
        schedule.announceAnswered(response, of: infoHash, by: tracker, now: MonotonicClock.now)
    }

    var nextDeadline: MonotonicInstant { schedule.nextTimer }

    func timerFired(now: MonotonicInstant) {
        for scrape in schedule.timerFired(now: now) {
            count += 1
            let id = Self.ordinal << 48 | count
            if scrape.tracker.scheme == .udp {
                outstanding[id] = scrape
                udp.scrape(id, scrape.infoHashes, at: scrape.tracker)
            } else if let url = HTTPScrape.url(of: scrape.infoHashes, at: scrape.tracker),
                http.send(HTTPRequest(id: id, url: url))
            {
                outstanding[id] = scrape
            }
        }
    }

    func httpEnded(_ result: HTTPResult) {
        guard let scrape = outstanding.removeValue(forKey: result.id) else { return }
        switch result.outcome {
        case .failure(let failure): failed(scrape, "\(failure)")
        case .success(let response):
            do throws(AnnounceError) {
                let counts = try HTTPScrape.counts(
                    of: scrape.infoHashes, status: response.status, body: response.body)
                for infoHash in scrape.infoHashes {
                    if let counts = counts[infoHash] {
                        counted(infoHash, scrape.tracker, counts)
                    } else {
                        failed(infoHash, scrape.tracker, "its answer does not name this torrent")
                    }
                }
            } catch { failed(scrape, "\(error)") }
        }
    }

    private func failed(_ scrape: ScrapeSchedule.Scrape, _ reason: String) {
        for infoHash in scrape.infoHashes { failed(infoHash, scrape.tracker, reason) }
    }

    func udpEnded(_ id: UInt64, _ outcome: UDPTrackerClient.Outcome) {
        guard let scrape = outstanding.removeValue(forKey: id) else { return }
        switch outcome {
        case .scraped(let counts):
            for (infoHash, counts) in zip(scrape.infoHashes, counts) { counted(infoHash, scrape.tracker, counts) }
            for infoHash in scrape.infoHashes.dropFirst(counts.count) {
                failed(infoHash, scrape.tracker, "its answer does not count this torrent")
            }
        case .failed(let error): failed(scrape, "\(error)")
        case .announced: break
        }
    }

    /// The run ends: what is under way is of no interest any more.
    func stop() {
        schedule.stop()
        for (id, scrape) in outstanding {
            if scrape.tracker.scheme == .udp { udp.cancel(id) } else { http.cancel(id) }
        }
        outstanding = [:]
    }
}
