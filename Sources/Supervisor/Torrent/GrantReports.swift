import BitTorrent
import PoolProtocol

/// Owns what peer-workers said last of their grants of one torrent, for people who look in; decides nothing. Of what a
/// worker says nothing is believed: it is only ever read for assignments that the worker does hold.
struct GrantReports {
    /// The last list of each worker, which replaces the one before.
    private var byWorker: [Int: [AssignmentID: GrantReport]] = [:]

    mutating func received(_ reports: [GrantReport], from worker: Int) {
        byWorker[worker] = Dictionary(reports.map { ($0.assignment, $0) }) { $1 }
    }

    mutating func workerLost(_ worker: Int) { byWorker[worker] = nil }

    /// How an open assignment gets on at those that hold it.
    func progress(of assignment: AssignmentID, _ standing: BlockLedger.Standing) -> Progress {
        var progress = Progress(hereCount: 0, deadline: nil)
        var outstandingCount = 0
        for holder in standing.holders {
            let report = byWorker[holder.worker]?[assignment]
            outstandingCount += min(holder.blockCount, report.map { Int($0.outstandingCount) } ?? holder.blockCount)
            guard let report, report.deadline > 0 else { continue }
            // A moment of another age is shown as long past or far away.
            let deadline = MonotonicInstant(nanoseconds: Int64(clamping: report.deadline))
            progress.deadline = min(progress.deadline ?? deadline, deadline)
        }
        // What two workers were asked for is counted twice.
        progress.hereCount = max(
            standing.presentCount,
            standing.blockCount - standing.ungrantedCount - standing.inDoubtCount - outstandingCount)
        return progress
    }

    struct Progress: Equatable {
        /// Blocks that came, as far as is known.
        var hereCount: Int
        /// The earliest at any holder; nil when none has said.
        var deadline: MonotonicInstant?
    }
}
