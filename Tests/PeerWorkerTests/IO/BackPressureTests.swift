import BitTorrent
import Glibc
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// What happens when the hash-worker is slower than the network.
@Suite struct BackPressureTests {
    /// Sixteen blocks a piece: a fresh peer's window.
    private static let largerPieces = TorrentGeometry(totalByteCount: 4 * 262_144, pieceByteCount: 262_144)

    @Test func readerStopsWithoutASlotAndGoesOnWhenOneComesBack() throws {
        let worker = try WorkerUnderTest(slotCount: 4)
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<8)
        let requested = try peer.requested()
        peer.send(requested.prefix(6).flatMap { peer.wire($0) })
        #expect(!peer.isRead && worker.freeSlotCount == 0)
        let references = worker.references()
        #expect(references.map(\.block) == [0, 1, 2, 3])
        worker.answer(Array(references.prefix(1)))
        #expect(!peer.isRead, "one block more, and again no slot")
        #expect(worker.references().map(\.block) == [4])
        worker.answer(Array(references.dropFirst()))
        #expect(peer.isRead)
        let last = worker.references()
        #expect(last.map(\.block) == [5])
        #expect(worker.bytes(ofSlot: last[0].slot, 16384) == peer.payload(block(0, 5)))
        peer.send(requested.suffix(2).flatMap { peer.wire($0) })
        worker.pass(ReferenceBatches.hold)
        #expect(worker.references().map(\.block) == [6, 7])
    }

    @Test func waitingSocketsGoOnFirstComeFirstServed() throws {
        let worker = try WorkerUnderTest(slotCount: 4, geometry: Self.largerPieces)
        let peers = (1...3).map { worker.unchokedSeed(UInt32($0)) }
        var requested: [[BlockAddress]] = []
        for (index, peer) in peers.enumerated() {
            worker.grant(AssignmentID(index + 1), piece: index, 0..<16)
            requested.append(try peer.requested())
        }
        #expect(requested.map(\.count) == [16, 16, 16], "a window each")
        peers[0].send(requested[0].prefix(4).flatMap { peers[0].wire($0) })
        #expect(worker.freeSlotCount == 0)
        let references = worker.references()
        for index in [2, 1] {
            peers[index].send(peers[index].wire(requested[index][0]))
            #expect(!peers[index].isRead)
        }
        worker.answer([references[0]])
        #expect(peers[2].isRead && !peers[1].isRead)
        worker.answer([references[1]])
        #expect(peers[1].isRead)
        #expect(worker.references().map(\.peer) == [3, 2])
    }

    @Test func blocksThatTrickleInWhileSlotsAreShortGrowElsewhere() throws {
        let worker = try WorkerUnderTest(slotCount: 4)
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<8)
        let requested = try peer.requested()
        peer.send(requested.prefix(3).flatMap { peer.wire($0) })
        #expect(worker.freeSlotCount == 1)
        let bytes = peer.wire(requested[3])
        peer.send(Array(bytes.prefix(9000)))
        #expect(worker.freeSlotCount == 1, "a block that is not whole leaves the last slots to others")
        peer.send(Array(bytes.dropFirst(9000)))
        #expect(worker.freeSlotCount == 0)
        let references = worker.references()
        #expect(references.map(\.block) == [0, 1, 2, 3])
        #expect(worker.bytes(ofSlot: references[3].slot, 16384) == peer.payload(requested[3]))
    }

    @Test func wholeBlockInItsOwnBufferWaitsForASlotToo() throws {
        let worker = try WorkerUnderTest(slotCount: 4, geometry: Self.largerPieces)
        let peer = worker.unchokedSeed(1)
        let other = worker.unchokedSeed(2)
        worker.grant(1, piece: 0, 0..<16)
        let requested = try peer.requested()
        peer.send(requested.prefix(3).flatMap { peer.wire($0) })
        let bytes = peer.wire(requested[3])
        peer.send(Array(bytes.prefix(100)))
        // The last slot goes to a whole block of the other peer.
        worker.grant(2, piece: 1, 0..<16)
        let answer = try #require(try other.requested().first)
        other.send(other.wire(answer))
        #expect(worker.freeSlotCount == 0)
        peer.send(Array(bytes.dropFirst(100)))
        #expect(!peer.isRead)
        let references = worker.references()
        worker.answer([references[0]])
        #expect(peer.isRead)
        let late = try #require(worker.references().first)
        #expect(worker.bytes(ofSlot: late.slot, 16384) == peer.payload(requested[3]))
    }

    @Test func waitingPeerThatClosesFreesItsPlaceAndKeepsNothing() throws {
        let worker = try WorkerUnderTest(slotCount: 4)
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<8)
        peer.send(try peer.requested().prefix(6).flatMap { peer.wire($0) })
        #expect(!peer.isRead && worker.process.intake.waitingCount == 1)
        peer.fail(ECONNRESET)
        #expect(peer.isClosed)
        #expect(worker.process.intake.waitingCount == 0)
        worker.answer(worker.references())
        #expect(worker.freeSlotCount == 4)
    }

    @Test func pausedPeerIsNotBlamedForItsSilence() throws {
        let worker = try WorkerUnderTest(slotCount: 4)
        let peer = worker.unchokedSeed()
        worker.grant(1, piece: 0, 0..<8)
        peer.send(try peer.requested().prefix(6).flatMap { peer.wire($0) })
        worker.pass(.seconds(30))
        #expect(!peer.isClosed && worker.process.torrents[0]?.book.unassignedCount == 0)
        worker.answer(worker.references())
        worker.answer(worker.references())
        worker.pass(.milliseconds(200))
        #expect(worker.process.torrents[0]?.book.outstandingCount == 2)
        #expect(peer.isRead)
    }
}
