import Glibc

/// A fact that a test waited for did not come true in time.
struct TimedOut: Error, CustomStringConvertible {
    let what: String
    let seconds: Double
    /// What was seen instead, such as the output of a process.
    var context = ""

    var description: String { "after \(seconds) s there is still no \(what)\(context.isEmpty ? "" : "; \(context)")" }
}

/// A process that a test needs ended, or a preparation failed.
struct Unexpected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Seconds of a clock that nobody sets.
func secondsNow() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Looks every few milliseconds whether something has become true; the one way in which these tests wait.
/// - Parameter probe: nil means: not yet.
func awaiting<Fact>(
    _ what: @autoclosure () -> String, within seconds: Double = 20, _ probe: () throws -> Fact?
) throws -> Fact {
    let deadline = secondsNow() + seconds
    while true {
        if let fact = try probe() { return fact }
        if secondsNow() >= deadline { throw TimedOut(what: what(), seconds: seconds) }
        usleep(4000)
    }
}

/// As above for a condition.
func awaiting(_ what: @autoclosure () -> String, within seconds: Double = 20, until condition: () throws -> Bool) throws
{
    _ = try awaiting(what(), within: seconds) { try condition() ? true : nil }
}
