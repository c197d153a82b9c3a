import BitTorrent

/// Owns when trackers are asked how large a swarm is (BEP 15 and BEP 48, "scrape"): after an announce that did not tell,
/// at most once in an announce interval, and for all torrents of the run together that wait for the same tracker.
struct ScrapeSchedule {
    struct Scrape: Equatable {
        let tracker: TrackerURL
        let infoHashes: [InfoHash]
    }

    private struct Relation: Hashable {
        let tracker: TrackerURL
        let infoHash: InfoHash
    }

    private struct Gathering {
        let ends: MonotonicInstant
        var infoHashes: [InfoHash]
    }

    /// How long a scrape waits for other torrents that announce at the same time (a guess: some round trips).
    static let gatheringTime: Duration = .seconds(1)

    private var gatherings: [TrackerURL: Gathering] = [:]
    /// No scrape before it.
    private var notBefore: [Relation: MonotonicInstant] = [:]
    private var isStopped = false

    /// A tracker answered an announce.
    mutating func announceAnswered(
        _ response: AnnounceResponse, of infoHash: InfoHash, by tracker: TrackerURL, now: MonotonicInstant
    ) {
        guard !isStopped, Self.isWorthwhile(response, tracker) else { return }
        let relation = Relation(tracker: tracker, infoHash: infoHash)
        if let moment = notBefore[relation], now < moment { return }
        notBefore[relation] = now + response.interval
        gatherings[tracker, default: Gathering(ends: now + Self.gatheringTime, infoHashes: [])].infoHashes
            .append(infoHash)
    }

    /// When `timerFired` is due.
    var nextTimer: MonotonicInstant { gatherings.values.map(\.ends).min() ?? .distantFuture }

    /// - Returns: what to ask now.
    mutating func timerFired(now: MonotonicInstant) -> [Scrape] {
        var scrapes: [Scrape] = []
        for (tracker, gathering) in gatherings where now >= gathering.ends {
            gatherings[tracker] = nil
            let limit = tracker.scheme == .udp ? UDPTrackerPacket.mostScrapedTorrents : HTTPScrape.mostTorrents
            var rest = gathering.infoHashes[...]
            while !rest.isEmpty {
                scrapes.append(Scrape(tracker: tracker, infoHashes: Array(rest.prefix(limit))))
                rest = rest.dropFirst(limit)
            }
        }
        return scrapes
    }

    /// The run ends: nothing is asked any more.
    mutating func stop() {
        isStopped = true
        gatherings = [:]
    }

    /// A datagram over a connection that is there already is cheap, and no announce over UDP tells downloads. A whole
    /// HTTP request is worth the number of peers only.
    private static func isWorthwhile(_ response: AnnounceResponse, _ tracker: TrackerURL) -> Bool {
        let counts = response.counts
        if tracker.scheme == .udp { return counts.downloads == nil }
        return (counts.seeders == nil || counts.leechers == nil) && HTTPScrape.url(of: [], at: tracker) != nil
    }
}
