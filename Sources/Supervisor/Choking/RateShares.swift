/// Owns how a limit of the whole run is shared between peer-workers: those that use up their shares get equal ones, of
/// all that the others leave. The shares never sum to more than the limit.
struct RateShares {
    /// Of its share a worker uses this much, or it could use more (a guess).
    private static let fullness = 0.93
    /// What a worker keeps beyond its use, so that it can grow until the next look; nobody else can use that. More than
    /// the inverse of `fullness`: who uses the same as before is not taken for one that wants more.
    private static let headroom = 1.09
    /// The least part of an equal share: enough for a first block, which a bucket may be overdrawn by.
    private static let least = 0.02

    /// Bytes a second; nil: no limit.
    let limit: UInt64?
    private var shares: [Int: Double] = [:]

    init(limit: UInt64?) { self.limit = limit }

    /// Once a second.
    /// - Parameter used: bytes a second of each worker that works, over the last seconds.
    /// - Returns: bytes a second of each of them; nil without a limit.
    mutating func share(used: [Int: Double]) -> [Int: UInt64]? {
        guard let limit, !used.isEmpty else { return nil }
        let whole = Double(limit)
        let floor = whole / Double(used.count) * Self.least
        var demands: [Int: Double] = [:]
        for (worker, rate) in used {
            let isHungry = shares[worker].map { rate >= $0 * Self.fullness } ?? true
            demands[worker] = isHungry ? .infinity : max(floor, rate * Self.headroom)
        }
        shares = Self.level(demands, whole)
        return shares.mapValues { UInt64($0) }
    }

    /// Nobody gets more than it demands while another could use it. Is there more than is demanded, all grow alike.
    private static func level(_ demands: [Int: Double], _ whole: Double) -> [Int: Double] {
        var shares: [Int: Double] = [:]
        var left = whole
        for (index, demand) in demands.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }).enumerated() {
            let share = min(demand.value, left / Double(demands.count - index))
            shares[demand.key] = share
            left -= share
        }
        let growth = left > 0 ? whole / (whole - left) : 1
        return shares.mapValues { $0 * growth }
    }
}
