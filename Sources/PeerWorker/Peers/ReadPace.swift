import BitTorrent

/// Owns how long the loop rests between two turns so that bytes gather. A fast peer, or many of them, wake a worker for a
/// few blocks each; a turn, its messages and the wake-ups of its neighbours then cost more than the bytes. Network cards
/// hold interrupts back for the same reason.
struct ReadPace {
    /// Bytes that a turn should find: with so many its own costs do not matter any more (measured: docs/performance.md).
    static let gathered = 512 << 10
    /// Nobody notices it, and no socket's buffer fills in it.
    static let longestRest: Duration = .milliseconds(2)
    /// Bytes per second of all peers together below which the processor has time enough.
    static let leastRate = 32.0 * 1_048_576

    /// Of the present turn.
    private var byteCount = 0
    private var hasLeftSome = false

    /// A read brought bytes.
    /// - Parameter isFull: as many as it could, so that more are there.
    mutating func read(byteCount: Int, isFull: Bool) {
        self.byteCount += byteCount
        if isFull { hasLeftSome = true }
    }

    /// - Parameter bytesPerSecond: that came from all peers over the last seconds.
    /// - Returns: how long the loop may rest.
    mutating func turnEnded(bytesPerSecond: Double) -> Duration {
        defer { self = ReadPace() }
        guard byteCount > 0, !hasLeftSome, byteCount < Self.gathered, bytesPerSecond >= Self.leastRate else {
            return .zero
        }
        let missing = Double(Self.gathered - byteCount)
        return min(Self.longestRest, .nanoseconds(Int64(missing / bytesPerSecond * 1e9)))
    }
}
