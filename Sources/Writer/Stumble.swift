import BitTorrent
import PoolProtocol

/// Owns when a call that failed is tried again, and that its failure is told once and not at every try.
struct Stumble {
    /// How often a failed call is tried again.
    static let retryAfter: Duration = .seconds(5)

    /// Not before this moment.
    private(set) var retryAt = MonotonicInstant.distantPast
    /// Told and not followed by a success yet.
    private(set) var trouble: DiskTrouble?

    /// - Returns: what to tell, when it is news.
    mutating func failed(_ failure: DiskFailure, now: MonotonicInstant) -> DiskTrouble? {
        retryAt = now + Self.retryAfter
        guard trouble != failure.trouble else { return nil }
        trouble = failure.trouble
        return trouble
    }

    mutating func succeeded() {
        retryAt = .distantPast
        trouble = nil
    }

    /// Tries again at this moment, whatever happened.
    mutating func retry(at moment: MonotonicInstant) { retryAt = moment }
}
