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

    /// What the process's threads whose names begin so have run together; zero when it is gone.
    static func ran(of pid: Int32, threadsNamed beginning: String) -> Duration {
        DirectoryNames.all(in: "/proc/\(pid)/task").reduce(.zero) { sum, thread in
            guard ProcessFile.text("task/\(thread)/comm", of: pid)?.hasPrefix(beginning) == true,
                let ran = ProcessFile.text("task/\(thread)/schedstat", of: pid)?.split(separator: " ").first,
                let nanoseconds = Int64(ran)
            else { return sum }
            return sum + .nanoseconds(nanoseconds)
        }
    }
}
