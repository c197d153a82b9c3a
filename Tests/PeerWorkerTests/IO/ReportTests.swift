import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// What the supervisor is told of what moves.
@Suite struct ReportTests {
    private static let secondInfoHash = InfoHash(Digest(repeatElement(0xCD, count: 20)))

    private struct Report {
        let torrent: UInt16
        let totals: TransferReport
        let peers: [UInt32]
    }

    private func reports(_ worker: WorkerUnderTest) -> [Report] {
        worker.news().compactMap {
            guard case .report(let torrent, let totals, let peers) = $0 else { return nil }
            return Report(torrent: torrent, totals: totals, peers: peers.map(\.peer))
        }
    }

    /// A worker with two torrents, and a seed of each: peers 1 and 2.
    private func workerWithTwoTorrents() throws -> (WorkerUnderTest, TestPeer, TestPeer) {
        let worker = try WorkerUnderTest()
        worker.addTorrent(1, Self.secondInfoHash)
        let first = worker.unchokedSeed(1)
        let second = worker.outgoing(2, torrent: 1)
        second.send(second.handshake(Self.secondInfoHash) + second.wire(.haveAll, .unchoke))
        return (worker, first, second)
    }

    @Test func bytesCountForTheirOwnTorrentOnly() throws {
        let (worker, first, second) = try workerWithTwoTorrents()
        worker.grant(1, piece: 0, 0..<8)
        worker.grant(2, piece: 0, 0..<3, torrent: 1)
        first.send(try first.requested().flatMap { first.wire($0) })
        second.send(try second.requested().flatMap { second.wire($0) })
        worker.pass(.seconds(1))
        let told = reports(worker)
        let last = [0, 1].compactMap { torrent in told.last { $0.torrent == torrent } }
        #expect(last.map(\.totals.downloadedByteCount) == [8 * 16384, 3 * 16384])
        #expect(last.map(\.totals.wastedByteCount) == [0, 0])
        #expect(last.map(\.peers) == [[1], [2]])
    }

    /// By the worker itself, by a hash-worker, and by a hash-worker when the peer has left.
    @Test func wastedBytesCountForTheirOwnTorrentOnly() throws {
        let (worker, first, second) = try workerWithTwoTorrents()
        worker.grant(1, piece: 0, 0..<4)
        worker.grant(2, piece: 0, 0..<4, torrent: 1)
        first.send(try first.requested().flatMap { first.wire($0) } + first.wire(block(3, 3)))
        second.send(try second.requested().flatMap { second.wire($0) })
        worker.pass(ReferenceBatches.hold)
        let references = worker.references()
        worker.answer(references.filter { $0.assignment == 1 }.suffix(1), .duplicate)
        second.hangUp()
        worker.answer(references.filter { $0.assignment == 2 }.suffix(3), .notNeeded)
        worker.pass(.seconds(1))
        let told = reports(worker)
        #expect(told.last { $0.torrent == 0 }?.totals.wastedByteCount == 2 * 16384)
        #expect(told.last { $0.torrent == 1 }?.totals.wastedByteCount == 3 * 16384)
    }

    @Test func torrentThatDoesNotMoveIsNotReported() throws {
        let (worker, first, _) = try workerWithTwoTorrents()
        worker.grant(1, piece: 0, 0..<8)
        let blocks = try first.requested()
        worker.pass(.seconds(8))
        _ = worker.news()
        first.send(first.wire(blocks[0]))
        worker.pass(.seconds(1))
        #expect(Set(reports(worker).map(\.torrent)) == [0])
    }

    /// No peer comes or goes: payload alone is what moves.
    @Test func reportsGoOnForAsLongAsBlocksCome() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        for number in 0..<20 {
            worker.grant(AssignmentID(number / 8 + 1), piece: number / 8, UInt32(number % 8)..<UInt32(number % 8 + 1))
            peer.send(try peer.requested().flatMap { peer.wire($0) })
            worker.answer(worker.references())
            _ = worker.news()
            worker.pass(.seconds(1))
        }
        #expect(reports(worker).last?.totals.downloadedByteCount == 20 * 16384)
        worker.pass(.seconds(20))
        _ = worker.news()
        worker.pass(.seconds(5))
        #expect(reports(worker).isEmpty)
    }

    @Test func lastTotalsOfEveryTorrentAreToldWhenDrained() throws {
        let (worker, first, second) = try workerWithTwoTorrents()
        worker.grant(1, piece: 0, 0..<1)
        worker.grant(2, piece: 0, 0..<2, torrent: 1)
        first.send(try first.requested().flatMap { first.wire($0) })
        second.send(try second.requested().flatMap { second.wire($0) })
        worker.pass(ReferenceBatches.hold)
        worker.order(.drain)
        worker.answer(worker.references())
        let news = worker.news()
        var told: [UInt16: UInt64] = [:]
        for case .report(let torrent, let totals, _) in news { told[torrent] = totals.downloadedByteCount }
        #expect(told == [0: 16384, 1: 2 * 16384])
        #expect(news.last == .drained)
    }
}
