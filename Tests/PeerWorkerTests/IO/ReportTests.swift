import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// What the supervisor is told of what moves.
@Suite struct ReportTests {
    private func reports(_ worker: WorkerUnderTest) -> [TransferReport] {
        worker.news().compactMap { if case .report(let totals, _) = $0 { totals } else { nil } }
    }

    /// No peer comes or goes: payload alone is what moves.
    @Test func reportsGoOnForAsLongAsBlocksCome() throws {
        let worker = try WorkerUnderTest()
        let peer = try worker.unchokedSeed()
        for number in 0..<20 {
            worker.grant(AssignmentID(number / 8 + 1), piece: number / 8, UInt32(number % 8)..<UInt32(number % 8 + 1))
            peer.send(try peer.requested().flatMap { peer.wire($0) })
            worker.answer(worker.references())
            _ = worker.news()
            worker.pass(.seconds(1))
        }
        #expect(reports(worker).last?.downloadedByteCount == 20 * 16384)
        worker.pass(.seconds(20))
        _ = worker.news()
        worker.pass(.seconds(5))
        #expect(reports(worker).isEmpty)
    }
}
