/// Keeps a rate once a second, for as long as a wide terminal can show. Has no clock.
struct RateHistory {
    /// Seconds: more than the columns of usual terminals.
    static let limit = 240
    /// Bytes a second, oldest first, a sample for each second.
    private(set) var samples: [Double] = []
    private var latestSecond = -1

    /// - Parameter seconds: since the start; an earlier one than before changes nothing.
    mutating func note(_ bytesPerSecond: Double, atSeconds seconds: Double) {
        guard seconds >= 0, seconds < 1e12, Int(seconds) > latestSecond else { return }
        let gap = min(Int(seconds) - latestSecond, Self.limit)
        latestSecond = Int(seconds)
        let rate = bytesPerSecond.isFinite ? max(0, bytesPerSecond) : 0
        samples.append(contentsOf: repeatElement(rate, count: gap))
        samples.removeFirst(max(0, samples.count - Self.limit))
    }

    /// The newest samples, at most `columns`, a letter for each; the highest letter is the greatest of them.
    func sparkline(columns: Int, isUTF8: Bool) -> String {
        let shown = samples.suffix(max(0, columns))
        let steps = Array(isUTF8 ? "▁▂▃▄▅▆▇█" : "_.:-=+*#")
        let peak = shown.max() ?? 0
        return String(
            shown.map { rate in
                // The lowest step is for nothing at all.
                guard rate >= 1, peak >= 1 else { return steps[0] }
                return steps[min(steps.count - 1, 1 + Int(rate / peak * Double(steps.count - 1)))]
            })
    }

    /// The greatest of the newest samples.
    func peak(columns: Int) -> Double { samples.suffix(max(0, columns)).max() ?? 0 }
}
