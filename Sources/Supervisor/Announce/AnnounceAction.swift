import BitTorrent

/// Names one announce of one `AnnounceSchedule`; never used twice by it.
struct AnnounceID: Hashable {
    let number: UInt64
}

/// What `AnnounceSchedule` wants done.
enum AnnounceAction: Equatable {
    /// Send it and answer with `responseReceived` or `announceFailed`, exactly once; the transport has a deadline of
    /// its own.
    case announce(AnnounceID, TrackerURL, AnnounceRequest)
    /// Forget it; no answer is wanted.
    case cancelAnnounce(AnnounceID)
    case peersFound([PeerAddress], from: TrackerURL)
    /// For the user and the event stream.
    case report(TrackerURL, TrackerNotice)
    /// Nothing is outstanding any more, and nothing will be sent.
    case stoppedDone
}

/// One line about a tracker.
enum TrackerNotice: Equatable, CustomStringConvertible {
    /// Counts as the tracker gives them, perhaps counting us.
    case answered(SwarmCounts, peers: Int)
    /// What a scrape says, which the announce did not.
    case scraped(SwarmCounts)
    /// The next announce brings the next chance.
    case scrapeFailed(reason: String)
    case warning(String)
    /// - Parameter retryAfter: nil if it is not asked again.
    case failed(AnnounceError, retryAfter: Duration?)

    var description: String {
        switch self {
        case .answered(let counts, let peers): (["\(peers) peers"] + counts.words).joined(separator: ", ")
        case .scraped(let counts): counts.words.joined(separator: ", ")
        case .scrapeFailed(let reason): "no counts: \(reason)"
        case .warning(let text): "warning: \(text)"
        case .failed(let error, let delay?): "\(error) (next try in \(Int(delay.inSeconds.rounded(.up))) s)"
        case .failed(let error, nil): "\(error) (not asked again)"
        }
    }
}

extension SwarmCounts {
    /// What is known, for a person.
    fileprivate var words: [String] {
        [seeders.map { "\($0) seeders" }, leechers.map { "\($0) leechers" }, downloads.map { "\($0) downloads" }]
            .compactMap { $0 }
    }
}
