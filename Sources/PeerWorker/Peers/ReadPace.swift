import BitTorrent

/// Owns how long the loop rests between two turns so that bytes gather. Many fast peers wake a worker for a few blocks
/// each; a turn, its messages and the wake-ups of its neighbours then cost more than the bytes. Network cards hold
/// interrupts back for the same reason.
struct ReadPace {
    /// Bytes that a turn should find: with so many its own costs do not matter any more (measured: docs/performance.md).
    static let gathered = 512 << 10
    /// Nobody notices a millisecond, and no socket's buffer fills in it.
    static let longestRest: Duration = .milliseconds(1)
    /// Bytes per second of all peers together below which the processor has time enough.
    static let leastRate = 32.0 * 1_048_576

    /// A peer that is so fast fills a turn by itself, and does better without a rest.
    static let mostRate = 256.0 * 1_048_576

    /// - Parameters:
    ///   - movedByteCount: payload of the turn that has just ended.
    ///   - bytesPerSecond: that came from all peers over the last seconds.
    ///   - fastest: of it, what came from the one that gave most.
    static func rest(movedByteCount: Int, bytesPerSecond: Double, fastest: Double) -> Duration {
        guard movedByteCount > 0, movedByteCount < gathered, bytesPerSecond >= leastRate, fastest < mostRate else {
            return .zero
        }
        return min(longestRest, .nanoseconds(Int64(Double(gathered - movedByteCount) / bytesPerSecond * 1e9)))
    }
}
