/// Owns how a limit of the whole run is shared between peer-workers: a worker that uses up its share gets more of what
/// the others leave. The shares never sum to more than the limit.
struct RateShares {
    /// Of its share a worker uses this much, or it could use more.
    private static let fullness = 0.8
    /// What a worker keeps beyond its use, so that it can grow until the next look.
    private static let headroom = 1.25
    /// The least part of an equal share: enough to begin with.
    private static let least = 0.1

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
        let equal = whole / Double(used.count)
        shares = shares.filter { used[$0.key] != nil }
        var next: [Int: Double] = [:]
        var hungry: [Int] = []
        for (worker, rate) in used {
            let before = shares[worker] ?? equal
            if shares[worker] == nil || rate >= before * Self.fullness { hungry.append(worker) }
            next[worker] = max(equal * Self.least, min(rate * Self.headroom, before))
        }
        let sum = next.values.reduce(0, +)
        if sum > whole {
            for worker in next.keys { next[worker]! *= whole / sum }
        } else {
            // What is left goes to those that could use it, so that they come nearer to each other; without any, to all.
            let takers = hungry.isEmpty ? Array(used.keys) : hungry
            level(&next, takers, whole - sum)
        }
        shares = next
        return next.mapValues { UInt64($0) }
    }

    /// Raises the lowest of the takers until nothing is left.
    private func level(_ shares: inout [Int: Double], _ takers: [Int], _ amount: Double) {
        var left = amount
        let ordered = takers.sorted { (shares[$0]!, $0) < (shares[$1]!, $1) }
        for (index, _) in ordered.enumerated() where left > 0 {
            let level = shares[ordered[index]]!
            let ceiling = index + 1 < ordered.count ? shares[ordered[index + 1]]! : .infinity
            let step = min((ceiling - level), left / Double(index + 1))
            for worker in ordered[...index] { shares[worker]! += step }
            left -= step * Double(index + 1)
        }
    }
}
