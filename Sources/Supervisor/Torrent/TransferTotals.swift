import PoolProtocol

/// Owns what was transferred over all generations of all peer-workers: a worker's report counts from its own start, so
/// what its predecessors did is kept beside it.
struct TransferTotals {
    private var latest: [Int: TransferReport] = [:]
    private var past = TransferReport(
        downloadedByteCount: 0, wastedByteCount: 0, uploadedByteCount: 0, freeSlotCount: 0, waitingSocketCount: 0)

    mutating func reported(_ report: TransferReport, by worker: Int) { latest[worker] = report }

    /// The worker died: its last report is all that is known of it.
    mutating func workerLost(_ worker: Int) {
        guard let report = latest.removeValue(forKey: worker) else { return }
        past.downloadedByteCount += report.downloadedByteCount
        past.wastedByteCount += report.wastedByteCount
        past.uploadedByteCount += report.uploadedByteCount
    }

    var downloadedByteCount: UInt64 { sum(\.downloadedByteCount) }
    var wastedByteCount: UInt64 { sum(\.wastedByteCount) }
    var uploadedByteCount: UInt64 { sum(\.uploadedByteCount) }

    /// Of all workers, as their last reports say.
    var waitingSocketCount: Int { latest.values.reduce(0) { $0 + Int($1.waitingSocketCount) } }

    private func sum(_ field: KeyPath<TransferReport, UInt64>) -> UInt64 {
        latest.values.reduce(past[keyPath: field]) { $0 + $1[keyPath: field] }
    }
}
