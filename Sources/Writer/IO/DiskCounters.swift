import BitTorrent
import PoolProtocol
import PoolRuntime

/// Counts what the disk thread does and marks its calls on the status page. Disk thread only.
final class DiskCounters {
    private(set) var report = WriteReport(writtenByteCount: 0, writeCallCount: 0, syncCount: 0, syncNanoseconds: 0)
    private let status: StatusPageWriter

    init(status: StatusPageWriter) { self.status = status }

    /// Marks a call that may block.
    func during<Result, Failure: Error>(
        _ call: DiskCall, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try status.during(call, body)
    }

    func syncing(_ body: () throws(SystemCallError) -> Void) throws(SystemCallError) {
        let start = MonotonicClock.now
        defer {
            let duration = MonotonicClock.now - start
            report.syncCount += 1
            report.syncNanoseconds += UInt64(duration.wholeNanoseconds)
            status.synced(duration)
        }
        try status.during(.sync, body)
    }

    func wrote(byteCount: Int) {
        report.writtenByteCount += UInt64(byteCount)
        report.writeCallCount += 1
    }
}
