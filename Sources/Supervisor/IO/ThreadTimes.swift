import PoolProtocol

/// What the kernel's scheduler says of the first thread of a process, which is the one that runs its loop.
struct ThreadTimes {
    /// On a processor.
    let ran: Duration
    /// Ready to run while others had the processors.
    let waited: Duration

    /// nil when the process is gone, or when the kernel does not count (it is built without CONFIG_SCHED_INFO).
    init?(pid: Int32) {
        guard let text = ProcessFile.text("schedstat", of: pid) else { return nil }
        // Nanoseconds on a processor, nanoseconds in a run queue, and how often it got a processor.
        let fields = text.split(separator: " ").compactMap { Int64($0) }
        guard fields.count == 3 else { return nil }
        (ran, waited) = (.nanoseconds(fields[0]), .nanoseconds(fields[1]))
    }
}
