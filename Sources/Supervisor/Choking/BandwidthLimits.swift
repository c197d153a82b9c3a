import BitTorrent

/// Owns the user's limits for the whole run, and what each peer-worker may use of them.
struct BandwidthLimits {
    /// Bytes a second; 0: no limit.
    struct Share: Equatable {
        var download: UInt64
        var upload: UInt64
    }

    /// What one worker moves.
    private struct Meter {
        var download: RateEstimator
        var upload: RateEstimator
    }

    /// Between two looks at who needs how much.
    static let interval: Duration = .seconds(1)

    private var download: RateShares
    private var upload: RateShares
    private var meters: [Int: Meter] = [:]
    private var given: [Int: Share] = [:]
    private(set) var nextDeadline = MonotonicInstant.distantFuture

    /// - Parameters: bytes a second; nil: no limit.
    init(download: UInt64?, upload: UInt64?) {
        self.download = RateShares(limit: download)
        self.upload = RateShares(limit: upload)
    }

    private var isLimited: Bool { download.limit != nil || upload.limit != nil }

    /// The worker can take orders. Everybody's share changes with it.
    mutating func workerReady(_ worker: Int, now: MonotonicInstant) -> [Int: Share] {
        guard isLimited else { return [:] }
        meters[worker] = Meter(download: RateEstimator(now: now), upload: RateEstimator(now: now))
        given[worker] = nil
        return share(now: now)
    }

    mutating func workerLost(_ worker: Int) {
        meters[worker] = nil
        given[worker] = nil
    }

    /// Payload that has gone since the last report.
    mutating func moved(_ worker: Int, downloaded: Int, uploaded: Int, now: MonotonicInstant) {
        meters[worker]?.download.add(byteCount: downloaded, now: now)
        meters[worker]?.upload.add(byteCount: uploaded, now: now)
    }

    /// - Returns: the shares that have changed.
    mutating func timerFired(now: MonotonicInstant) -> [Int: Share] { now >= nextDeadline ? share(now: now) : [:] }

    private mutating func share(now: MonotonicInstant) -> [Int: Share] {
        nextDeadline = meters.isEmpty ? .distantFuture : now + Self.interval
        let downloads = download.share(used: meters.mapValues { $0.download.bytesPerSecond(now: now) })
        let uploads = upload.share(used: meters.mapValues { $0.upload.bytesPerSecond(now: now) })
        var changed: [Int: Share] = [:]
        for worker in meters.keys {
            let share = Share(download: downloads?[worker] ?? 0, upload: uploads?[worker] ?? 0)
            if given[worker] != share { changed[worker] = share }
            given[worker] = share
        }
        return changed
    }
}
