import BitTorrent
import PoolProtocol
import Testing

@testable import PeerWorker

/// What a worker asks the supervisor for, over a time.
@Suite struct WishTests {
    /// Bytes that are granted and have not come, at most, while every wish is granted at once and the only peer sends a
    /// block every `interval`.
    private func mostHeld(sendingEvery interval: Duration, burst: Int) throws -> Int {
        let worker = try WorkerUnderTest(
            slotCount: 256, geometry: TorrentGeometry(totalByteCount: 256 << 20, pieceByteCount: 1 << 20))
        let peer = worker.unchokedSeed()
        var waiting: [BlockAddress] = []
        var granted = 0, sent = 0, most = 0
        func turn(sending count: Int) throws {
            waiting += try peer.requested()
            let blocks = waiting.prefix(count)
            waiting.removeFirst(blocks.count)
            sent += blocks.count
            if !blocks.isEmpty { peer.send(blocks.flatMap { peer.wire($0) }) }
            worker.answer(worker.references())
            var wish: UInt32 = 0
            for case .wantBlocks(0, let byteCount) in worker.news() { wish = byteCount }
            for _ in 0..<(Int(wish) >> 14) where granted < 256 * 64 {
                let first = UInt32(granted % 64)
                worker.grant(AssignmentID(1 + granted / 64), piece: granted / 64, first..<first + 1)
                granted += 1
            }
            most = max(most, granted - sent)
        }
        for _ in 0..<20 {
            try turn(sending: burst)
            worker.pass(.milliseconds(1))
        }
        for _ in 0..<400 {
            try turn(sending: 1)
            worker.pass(interval)
        }
        return most << 14
    }

    /// A peer whose window shrinks has room for a few blocks that are not worth a message, and more grants do not help.
    @Test(arguments: [1, 16]) func aPeerThatBecomesSlowDoesNotDrawTheWholeTorrent(burst: Int) throws {
        let most = try mostHeld(sendingEvery: .milliseconds(6), burst: burst)
        // The window of a peer that does not tell is 250 blocks.
        #expect(most <= (250 << 14) + Demand.fastStock.lowerBound)
    }
}
