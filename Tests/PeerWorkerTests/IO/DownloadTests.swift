import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// From a grant to a reference, and back.
@Suite struct DownloadTests {
    @Test func seedThatUnchokesIsCountedAndWorkIsAskedFor() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.outgoing()
        #expect(try peer.received().isEmpty, "the handshake is no message")
        peer.send(peer.handshake() + peer.wire(.haveAll))
        #expect(try peer.received().contains(.interested))
        #expect(!worker.news().contains(.seedCount(torrent: 0, 1)), "it chokes us")
        peer.send(peer.wire(.unchoke))
        let news = worker.news()
        let source = try #require(news.firstIndex(of: .seedCount(torrent: 0, 1)))
        let wish = try #require(
            news.firstIndex { if case .wantBlocks(0, let byteCount) = $0 { byteCount > 0 } else { false } })
        #expect(source < wish, "the supervisor must know of a source before it can grant")
    }

    @Test func grantedBlocksAreRequestedCopiedReportedAndTheirSlotsUsedAgain() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(5, piece: 2, 0..<8)
        let requested = try peer.requested()
        #expect(requested == (0..<8).map { block(2, $0) })
        peer.send(requested.prefix(3).flatMap { peer.wire($0) })
        let references = worker.references()
        #expect(references.map(\.block) == [0, 1, 2])
        for reference in references {
            #expect(reference.assignment == 5 && reference.byteCount == 16384 && reference.peer == peer.name)
            #expect(worker.bytes(ofSlot: reference.slot, 16384) == peer.payload(block(2, reference.block)))
        }
        #expect(worker.freeSlotCount == 61)
        worker.answer(references)
        #expect(worker.freeSlotCount == 64)
    }

    @Test func shortLastBlockKeepsItsLength() throws {
        let worker = try WorkerUnderTest(geometry: TorrentGeometry(totalByteCount: 20_000, pieceByteCount: 32_768))
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<2)
        let requested = try peer.requested()
        peer.send(requested.flatMap { peer.wire($0) })
        #expect(worker.references().map(\.byteCount) == [16384, 3616])
    }

    /// The same stream, however the network cuts it.
    @Test(arguments: [1, 2, 7, 1000, 16384, 16397, 100_000])
    func cutsOfTheNetworkChangeNothing(_ cut: Int) throws {
        let worker = try WorkerUnderTest()
        let peer = worker.outgoing()
        worker.grant(1, piece: 0, 0..<8)
        let start = peer.handshake() + peer.wire(.haveAll, .keepAlive, .unchoke)
        var blocks: [BlockAddress] = []
        var stream = start
        var offset = 0
        var isAnswering = false
        while offset < stream.count {
            let end = min(offset + cut, stream.count)
            peer.send(Array(stream[offset..<end]))
            offset = end
            blocks += try peer.requested()
            if !isAnswering, blocks.count == 8 {
                isAnswering = true
                for block in blocks { stream += peer.wire(block) + peer.wire(.have(1), .keepAlive) }
            }
        }
        worker.pass(ReferenceBatches.hold)
        let references = worker.references()
        #expect(references.map(\.block) == Array(0..<8))
        for reference in references {
            #expect(worker.bytes(ofSlot: reference.slot, 16384) == peer.payload(block(0, reference.block)))
        }
        #expect(!peer.isClosed)
    }

    @Test func randomCutsChangeNothing() throws {
        var generator = SeededGenerator.printing()
        for _ in 0..<20 {
            let worker = try WorkerUnderTest(slotCount: 8)
            let peer = worker.unchokedSeed()
            worker.grant(1, piece: 3, 0..<8)
            var stream = try peer.requested().flatMap { peer.wire($0) }[...]
            #expect(stream.count == 8 * (16384 + 13))
            while !stream.isEmpty {
                let count = Int.random(in: 1...40_000, using: &generator)
                peer.send(Array(stream.prefix(count)))
                stream = stream.dropFirst(count)
            }
            worker.pass(ReferenceBatches.hold)
            let references = worker.references()
            #expect(references.map(\.block).sorted() == Array(0..<8))
            for reference in references {
                #expect(worker.bytes(ofSlot: reference.slot, 16384) == peer.payload(block(3, reference.block)))
            }
        }
    }

    @Test func requestsFollowTheBlocksThatCome() throws {
        let worker = try WorkerUnderTest(geometry: TorrentGeometry(totalByteCount: 1 << 24, pieceByteCount: 1 << 20))
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<64)
        let first = try peer.requested()
        #expect(first.count == 16, "a fresh peer's window")
        peer.send(first.flatMap { peer.wire($0) })
        let second = try peer.requested()
        #expect(second.count == 32 && second.first == block(0, 16), "it doubles each round trip")
    }

    @Test func blocksOfAPeerThatLeavesGoToAnother() throws {
        let worker = try WorkerUnderTest()
        let first = worker.unchokedSeed(1)
        worker.grant(1, piece: 0, 0..<8)
        #expect(try first.requested().count == 8)
        let second = worker.unchokedSeed(2)
        #expect(try second.requested().isEmpty)
        first.hangUp()
        #expect(try second.requested().count == 8)
    }

    @Test func chokedBlocksGoToAnother() throws {
        let worker = try WorkerUnderTest()
        let first = worker.outgoing(1)
        // Without the fast extension a choke forgets the requests (BEP 3).
        var plain: [UInt8] = []
        Handshake(extensions: [], infoHash: WorkerUnderTest.infoHash, peerID: first.id).encode(into: &plain)
        first.send(plain + first.wire(.bitfield([0xF0]), .unchoke))
        worker.grant(1, piece: 0, 0..<8)
        #expect(try first.requested().count == 8)
        let second = worker.unchokedSeed(2)
        first.send(first.wire(.choke))
        #expect(try second.requested().count == 8)
    }

    @Test func blockThatIsAtTheHashWorkerAlreadyIsCancelled() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<2, isShared: true)
        _ = try peer.received()
        worker.order(.blocksNotNeeded(assignment: 1, bits: [0b10]))
        #expect(try peer.received() == [.cancel(BlockSpan(block(0, 1), in: fourPieces))])
        peer.send(peer.wire(block(0, 0)) + peer.wire(block(0, 1)))
        #expect(worker.references().map(\.block) == [0])
        #expect(worker.totals.wastedByteCount == 16384)
    }

    @Test func closedAssignmentsBlocksAreDroppedEvenHalfWayIn() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<2)
        _ = try peer.received()
        let bytes = peer.wire(block(0, 0))
        peer.send(Array(bytes.prefix(5000)))
        #expect(worker.freeSlotCount == 63)
        worker.order(.assignmentsClosed([1]))
        peer.send(Array(bytes.dropFirst(5000)) + peer.wire(block(0, 1)))
        #expect(worker.references().isEmpty)
        #expect(worker.freeSlotCount == 64)
        #expect(worker.totals.wastedByteCount == 2 * 16384)
        #expect(!peer.isClosed)
    }

    @Test func duplicateAtTheHashWorkerCountsAsWasted() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<2)
        peer.send(try peer.requested().flatMap { peer.wire($0) })
        let references = worker.references()
        worker.answer([references[0]], .duplicate)
        worker.answer([references[1]], .notNeeded)
        #expect(worker.totals.wastedByteCount == 2 * 16384)
    }

    @Test func unrequestedBlockIsDroppedAndCounted() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<1)
        peer.send(peer.wire(block(3, 3)))
        #expect(worker.references().isEmpty && !peer.isClosed)
        #expect(worker.totals.wastedByteCount == 16384)
        #expect(worker.freeSlotCount == 64)
    }

    @Test func endGameAsksASecondPeerAndCancelsTheLoser() throws {
        let worker = try WorkerUnderTest()
        let first = worker.unchokedSeed(1)
        let second = worker.unchokedSeed(2)
        worker.grant(1, piece: 0, 0..<1)
        #expect(try first.requested() + second.requested() == [block(0, 0)])
        worker.grant(1, piece: 0, 0..<1, isShared: true)
        #expect(try first.requested() + second.requested() == [block(0, 0)])
        second.send(second.wire(block(0, 0)))
        #expect(worker.references().count == 1)
        #expect(try first.received() == [.cancel(BlockSpan(block(0, 0), in: fourPieces))])
        first.send(first.wire(block(0, 0)))
        #expect(worker.references().isEmpty, "it crossed the cancel")
    }

    @Test func reportsFollowWhileSomethingMovesAndEndAfterwards() throws {
        let worker = try WorkerUnderTest()
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<8)
        peer.send(try peer.requested().flatMap { peer.wire($0) })
        worker.pass(.seconds(1))
        let reports = worker.news().compactMap { news -> (TransferReport, [PeerReport])? in
            if case .report(0, let total, let peers) = news { (total, peers) } else { nil }
        }
        #expect((2...3).contains(reports.count))
        #expect(reports.last?.0.downloadedByteCount == 8 * 16384)
        #expect(reports.last?.1.map(\.peer) == [peer.name])
        #expect(reports.last?.1.first?.isSeed == true)
        worker.pass(.seconds(20))
        _ = worker.news()
        worker.pass(.seconds(5))
        #expect(!worker.news().contains { if case .report = $0 { true } else { false } })
    }
}
