import PoolProtocol
import Testing

@testable import Supervisor

struct TransferTotalsTests {
    private func report(_ downloaded: UInt64) -> TransferReport {
        TransferReport(
            downloadedByteCount: downloaded, wastedByteCount: downloaded / 10, uploadedByteCount: downloaded / 2,
            freeSlotCount: 1, waitingSocketCount: 2)
    }

    @Test func workersAreAddedUp() {
        var totals = TransferTotals()
        totals.reported(report(100), by: 0)
        totals.reported(report(40), by: 1)
        totals.reported(report(200), by: 0)
        #expect(totals.downloadedByteCount == 240)
        #expect(totals.wastedByteCount == 24)
        #expect(totals.uploadedByteCount == 120)
    }

    @Test func totalsNeverFallWhenAWorkerIsReplaced() {
        var totals = TransferTotals()
        totals.reported(report(100), by: 0)
        totals.workerLost(0)
        #expect(totals.downloadedByteCount == 100)
        totals.workerLost(0)
        #expect(totals.downloadedByteCount == 100)
        // The successor counts from its own start.
        totals.reported(report(10), by: 0)
        #expect(totals.downloadedByteCount == 110)
        totals.reported(report(30), by: 0)
        totals.workerLost(0)
        #expect(totals.downloadedByteCount == 130)
    }
}
