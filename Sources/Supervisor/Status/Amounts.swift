/// Amounts as people read them. Rounded down, so that nothing looks finished before it is.
enum Amounts {
    /// Powers of 1024.
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// `512 B`, `1.5 KiB`.
    static func bytes(_ count: UInt64) -> String {
        let power = power(of: count)
        return "\(digits(count, power: power)) \(units[power])"
    }

    /// `35.2 MiB/s`; bytes a second. What is no number shows as 0.
    static func rate(_ bytesPerSecond: Double) -> String { "\(bytes(whole(bytesPerSecond)))/s" }

    /// `1.2/2.9 GiB`: both in the unit of the second.
    static func part(_ count: UInt64, of total: UInt64) -> String {
        let power = power(of: total)
        return "\(digits(count, power: power))/\(digits(total, power: power)) \(units[power])"
    }

    /// `512`, `1.5K`: bytes for narrow places.
    static func shortBytes(_ count: UInt64) -> String {
        let power = power(of: count)
        return digits(count, power: power) + letter(power)
    }

    /// `1.2/2.9G`.
    static func shortPart(_ count: UInt64, of total: UInt64) -> String {
        let power = power(of: total)
        return "\(digits(count, power: power))/\(digits(total, power: power))\(letter(power))"
    }

    static func shortRate(_ bytesPerSecond: Double) -> String { shortBytes(whole(bytesPerSecond)) }

    /// `42.3%`; 100 % only when all is there. Nothing of nothing is all.
    static func percent(_ count: UInt64, of total: UInt64) -> String {
        guard total > count else { return "100.0%" }
        let tenths = count.multipliedFullWidth(by: 1000)
        let share = total.dividingFullWidth(tenths).quotient
        return "\(share / 10).\(share % 10)%"
    }

    /// `0.42`, `12.50`, at most a million; of nothing it is `0.00`.
    static func ratio(_ count: UInt64, to total: UInt64) -> String {
        let hundredths = total > 0 ? Int(min(Double(count) / Double(total) * 100, 1e8)) : 0
        return "\(hundredths / 100).\(twoDigits(hundredths % 100))"
    }

    /// `47s`, `1m23s`, `2h05m`, `3d04h`.
    static func duration(seconds: Int) -> String {
        let seconds = max(0, seconds)
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400)
        if minutes == 0 { return "\(seconds)s" }
        if hours == 0 { return "\(minutes)m\(twoDigits(seconds % 60))s" }
        if days == 0 { return "\(hours)h\(twoDigits(minutes % 60))m" }
        if days < 100 { return "\(days)d\(twoDigits(hours % 24))h" }
        return "over 99d"
    }

    /// `1 peer`, `2 peers`.
    static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private static func power(of count: UInt64) -> Int {
        count == 0 ? 0 : (UInt64.bitWidth - 1 - count.leadingZeroBitCount) / 10
    }

    /// One decimal, but none of bytes.
    private static func digits(_ count: UInt64, power: Int) -> String {
        guard power > 0 else { return String(count) }
        let whole = count >> (10 * power)
        let rest = count & (1 << (10 * power) - 1)
        // The remainder has at most 60 bits: keep 10 of them and ten times fits.
        let tenth = ((rest >> (10 * power - 10)) * 10) >> 10
        return "\(whole).\(tenth)"
    }

    private static func letter(_ power: Int) -> String { power == 0 ? "" : String(units[power].prefix(1)) }

    private static func whole(_ rate: Double) -> UInt64 { rate >= 1 ? UInt64(exactly: rate.rounded(.down)) ?? 0 : 0 }
}
