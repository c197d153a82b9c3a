import Glibc

/// The one place that reads the time of day; for logs and events, never for decisions.
enum WallClock {
    /// Seconds since 1970, to the millisecond.
    static var now: Double {
        let time = read()
        return Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1000
    }

    /// `2024-02-29T12:00:00.123+01:00`, local time with its distance from UTC.
    static var text: String {
        let time = read()
        var seconds = time.tv_sec
        var local = tm()
        localtime_r(&seconds, &local)
        let two = Amounts.twoDigits
        let milliseconds = String(time.tv_nsec / 1_000_000 + 1000).dropFirst()
        let offset = abs(local.tm_gmtoff) / 60
        return "\(local.tm_year + 1900)-\(two(Int(local.tm_mon) + 1))-\(two(Int(local.tm_mday)))T"
            + "\(two(Int(local.tm_hour))):\(two(Int(local.tm_min))):\(two(Int(local.tm_sec))).\(milliseconds)"
            + "\(local.tm_gmtoff < 0 ? "-" : "+")\(two(offset / 60)):\(two(offset % 60))"
    }

    private static func read() -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time
    }
}
