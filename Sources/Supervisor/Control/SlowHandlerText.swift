import PoolProtocol

extension SlowHandler {
    /// For the log and a process's events, when it was seen for the first time.
    var text: String {
        "a step of its loop (\(handler.name)) took \(Cell.time(longest)), longer than --slow-ms; more are only counted"
    }

    /// For `where`.
    var summary: String { "\(handler.name) \(count) (longest \(Cell.time(longest)))" }
}
