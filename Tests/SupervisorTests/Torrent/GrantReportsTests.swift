import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

@Suite struct GrantReportsTests {
    /// Eight blocks, of which workers 0 and 1 hold four and two.
    private let standing: BlockLedger.Standing

    init() {
        var ledger = BlockLedger()
        ledger.opened(1, PieceIndex(0), byteCount: 131_072)
        for (worker, count) in [(0, 4), (1, 2)] {
            _ = ledger.grant(to: worker, maximumByteCount: count * 16384) { _ in true }
        }
        standing = ledger.standing(of: 1)!
    }

    @Test func whatIsNotOutstandingAnyMoreIsHere() {
        var reports = GrantReports()
        #expect(reports.progress(of: 1, standing) == .init(hereCount: 0, deadline: nil))
        reports.received([GrantReport(assignment: 1, outstandingCount: 1, deadline: 900)], from: 0)
        #expect(reports.progress(of: 1, standing).hereCount == 3)
        reports.received(
            [
                GrantReport(assignment: 1, outstandingCount: 2, deadline: 500),
                GrantReport(assignment: 9, outstandingCount: 7, deadline: 1),
            ], from: 1)
        #expect(
            reports.progress(of: 1, standing) == .init(hereCount: 3, deadline: MonotonicInstant(nanoseconds: 500)))
    }

    @Test func aListReplacesTheOneBeforeAndGoesWithItsWorker() {
        var reports = GrantReports()
        reports.received([GrantReport(assignment: 1, outstandingCount: 1, deadline: 900)], from: 0)
        reports.received([], from: 0)
        #expect(reports.progress(of: 1, standing).deadline == nil)
        reports.received([GrantReport(assignment: 1, outstandingCount: 1, deadline: 900)], from: 0)
        reports.workerLost(0)
        #expect(reports.progress(of: 1, standing).deadline == nil)
    }

    @Test func liesStayWithinThePiece() {
        var reports = GrantReports()
        reports.received([GrantReport(assignment: 1, outstandingCount: .max, deadline: .max)], from: 0)
        let progress = reports.progress(of: 1, standing)
        #expect(progress.hereCount == 0 && progress.deadline == MonotonicInstant(nanoseconds: .max))
    }
}
