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
    /// Counts as the tracker gives them, itself perhaps counting us.
    case answered(seeders: Int?, leechers: Int?, peers: Int)
    case warning(String)
    /// - Parameter retryAfter: nil if it is not asked again.
    case failed(AnnounceError, retryAfter: Duration?)
    /// No transport for this scheme: the tracker is left out.
    case schemeNotSupported(TrackerURL.Scheme)

    var description: String {
        switch self {
        case .answered(let seeders, let leechers, let peers):
            "\(peers) peers" + (seeders.map { ", \($0) seeders" } ?? "") + (leechers.map { ", \($0) leechers" } ?? "")
        case .warning(let text): "warning: \(text)"
        case .failed(let error, let delay?): "\(error) (next try in \(Int(delay.inSeconds.rounded(.up))) s)"
        case .failed(let error, nil): "\(error) (not asked again)"
        case .schemeNotSupported(let scheme): "\(scheme.rawValue) trackers are not supported, it is left out"
        }
    }
}
