import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import PeerWorker

/// What a worker gives to its peers.
@Suite struct UploadTests {
    private static let block: UInt32 = 16384

    /// A memfd with bytes that tell every place from the others.
    private func file(_ byteCount: Int, salt: Int = 0) throws -> OwnedDescriptor {
        try RegionMapping.makeSealed(name: "payload", bytes(byteCount, salt: salt))
    }
    private func bytes(_ byteCount: Int, salt: Int = 0) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 / 251 + $0 + salt) }
    }

    /// A worker that has everything in one file, with a peer that may request.
    private func seeding(_ peers: ClosedRange<UInt32> = 1...1) throws -> (WorkerUnderTest, [TestPeer]) {
        let worker = try WorkerUnderTest(ours: [0, 1, 2, 3])
        let all = peers.map { unchoked($0, worker) }
        return (worker, all)
    }

    private func unchoked(_ name: UInt32, _ worker: WorkerUnderTest) -> TestPeer {
        let peer = worker.outgoing(name)
        peer.send(peer.handshake() + peer.wire(.haveNone, .interested))
        worker.order(.choke([PeerChoke(peer: name, isChoked: false)]))
        _ = try? peer.received()
        return peer
    }

    private func span(_ piece: Int, _ block: Int) -> BlockSpan {
        BlockSpan(BlockAddress(piece: PieceIndex(UInt32(piece)), block: UInt32(block)), in: fourPieces)
    }

    private func opens(_ worker: WorkerUnderTest, _ files: [UInt32: OwnedDescriptor?]) throws {
        let asked = worker.events().flatMap { news -> [UInt32] in
            if case .wantFiles(0, let files) = news { files } else { [] }
        }
        #expect(Set(asked) == Set(files.keys))
        worker.process.opened(
            asked.map { OpenedFile(file: $0, descriptor: files[$0]! == nil ? 0 : $0 + 1) }, of: 0
        ) { files[$0 - 1]! }
        worker.process.endTurn()
    }

    @Test func aPeerIsToldOfItsUnchokeAndItsInterestIsTold() throws {
        let worker = try WorkerUnderTest(ours: [0])
        let peer = worker.outgoing()
        peer.send(peer.handshake() + peer.wire(.haveNone, .interested))
        worker.pass(.milliseconds(200))
        #expect(worker.events().contains(.interestChanged([PeerInterest(peer: 1, isInterested: true)])))
        worker.order(.choke([PeerChoke(peer: 1, isChoked: false), PeerChoke(peer: 9, isChoked: false)]))
        #expect(try peer.received().contains(.unchoke))
        worker.order(.choke([PeerChoke(peer: 1, isChoked: true)]))
        #expect(try peer.received() == [.choke])
        peer.send(peer.wire(.notInterested))
        #expect(worker.events() == [.interestChanged([PeerInterest(peer: 1, isInterested: false)])])
    }

    @Test func requestedBytesAreSentFromTheFile() throws {
        let (worker, peers) = try seeding()
        let all = bytes(Int(fourPieces.totalByteCount))
        let spans = [span(1, 0), span(0, 1), BlockSpan(index: 2, begin: 77, byteCount: 1000)]
        peers[0].send(peers[0].wire(.request(spans[0]), .request(spans[1]), .request(spans[2])))
        #expect(try peers[0].blocks().blocks.isEmpty)
        try opens(worker, [0: try file(all.count)])
        let blocks = try peers[0].blocks().blocks
        #expect(blocks.count == 3)
        for span in spans {
            let start = Int(fourPieces.offset(of: PieceIndex(span.index))) + Int(span.begin)
            #expect(blocks[span] == Array(all[start..<start + Int(span.byteCount)]))
        }
        #expect(worker.totals.uploadedByteCount == 2 * 16384 + 1000)
        peers[0].send(peers[0].wire(.request(spans[0])))
        #expect(try peers[0].blocks().blocks.count == 1, "the file is open by now")
        #expect(worker.events().isEmpty)
    }

    @Test func aRequestOverManyFilesIsAnsweredFromAllOfThem() throws {
        let lengths: [UInt64] = [10_000, 0, 384, 5000, 1000, fourPieces.totalByteCount - 16384]
        let worker = try WorkerUnderTest(ours: [0, 1, 2, 3], files: .files(lengths, pads: [2], fourPieces))
        let peer = unchoked(1, worker)
        peer.send(peer.wire(.request(span(0, 0))))
        try opens(worker, [0: try file(10_000, salt: 1), 3: try file(5000, salt: 2), 4: try file(1000, salt: 3)])
        let expected =
            bytes(10_000, salt: 1) + Array(repeating: 0, count: 384) + bytes(5000, salt: 2)
            + bytes(1000, salt: 3)
        #expect(try peer.blocks().blocks == [span(0, 0): expected])
    }

    @Test func aFileThatCannotBeOpenedIsRefused() throws {
        let (worker, peers) = try seeding()
        peers[0].send(peers[0].wire(.request(span(0, 0)), .request(span(0, 1))))
        try opens(worker, [0: Optional<OwnedDescriptor>.none])
        #expect(try peers[0].received() == [.rejectRequest(span(0, 0)), .rejectRequest(span(0, 1))])
        peers[0].send(peers[0].wire(.request(span(0, 0))))
        #expect(try peers[0].received() == [.rejectRequest(span(0, 0))])
        #expect(worker.events().isEmpty, "nobody is asked again so soon")
        worker.pass(.seconds(5))
        peers[0].send(peers[0].wire(.request(span(0, 0))))
        try opens(worker, [0: try file(Int(fourPieces.totalByteCount))])
        #expect(try peers[0].blocks().blocks.count == 1)
    }

    @Test func aChokedPeerGetsNothingThatWaited() throws {
        let (worker, peers) = try seeding()
        peers[0].send(peers[0].wire(.request(span(0, 0))))
        worker.order(.choke([PeerChoke(peer: 1, isChoked: true)]))
        try opens(worker, [0: try file(Int(fourPieces.totalByteCount))])
        let (blocks, messages) = try peers[0].blocks()
        #expect(blocks.isEmpty && messages == [.choke, .rejectRequest(span(0, 0))])
    }

    @Test func aFullLineKeepsTheRequestsUntilItDrains() throws {
        let (worker, peers) = try seeding()
        peers[0].send(peers[0].wire(.request(span(0, 0))))
        try opens(worker, [0: try file(Int(fourPieces.totalByteCount))])
        #expect(try peers[0].blocks().blocks.count == 1)
        peers[0].stall()
        peers[0].send(peers[0].wire(.request(span(0, 1)), .request(span(1, 0))))
        #expect(try peers[0].blocks().blocks.isEmpty)
        peers[0].send(peers[0].wire(.cancel(span(0, 1))))
        #expect(try peers[0].blocks().messages == [.rejectRequest(span(0, 1))])
        peers[0].drain()
        #expect(try Array(peers[0].blocks().blocks.keys) == [span(1, 0)])
    }

    /// One that asks for a lot does not keep the others waiting for all of it.
    @Test func peersAreServedInTurns() throws {
        let (worker, peers) = try seeding(1...3)
        peers[0].send(peers[0].wire(.request(span(0, 0))))
        try opens(worker, [0: try file(Int(fourPieces.totalByteCount))])
        for peer in peers { _ = try peer.blocks() }
        let many = (0..<300).flatMap { peers[0].wire(.request(span($0 % 4, 0))) }
        many.withUnsafeBytes { peers[0].connection.received($0) }
        let few = (0..<8).flatMap { peers[1].wire(.request(span($0 % 4, 0))) }
        few.withUnsafeBytes { peers[1].connection.received($0) }
        few.withUnsafeBytes { peers[2].connection.received($0) }
        let before = peers.map(\.bodies)
        worker.process.endTurn()
        let served = zip(peers, before).map { $0.bodies - $1 }
        // A turn of the loop sends a mebibyte.
        #expect(served == [48, 8, 8])
        for _ in 0..<8 { worker.process.endTurn() }
        #expect(peers[0].bodies - before[0] == 300)
    }

    /// A file that has become shorter cannot be sent; nobody waits for it.
    @Test func aFileThatEndsEarlyIsRefused() throws {
        let path = "/tmp/upload-test-\(getpid())"
        let descriptor = OwnedDescriptor(open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600))
        unlink(path)
        let (worker, peers) = try seeding()
        peers[0].send(peers[0].wire(.request(span(0, 0))))
        try opens(worker, [0: descriptor])
        let deadline = MonotonicClock.now + .seconds(10)
        var messages: [PeerMessage] = []
        while messages.isEmpty, MonotonicClock.now < deadline {
            worker.process.coldBytesRead()
            worker.process.endTurn()
            messages = try peers[0].received()
        }
        #expect(messages == [.rejectRequest(span(0, 0))])
    }
}
