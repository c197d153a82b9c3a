import BitTorrent
import PoolProtocol
import TestSupport
import Testing

/// What another process may have written into a frame, from sound to random: read right, or refused, and never a trap.
struct FrameCodecTests {
    @Test(arguments: EdgeUnderTest.all) func messagesSurviveTheJourney(_ edge: EdgeUnderTest) throws {
        #expect(try edge.keepsSamples())
    }

    @Test(arguments: EdgeUnderTest.all) func messagesOfOneFrameComeOutInOrder(_ edge: EdgeUnderTest) throws {
        let frames = edge.samples.map(\.frame)
        #expect(try edge.reencode(frames.flatMap { $0 }) == frames)
    }

    @Test(arguments: EdgeUnderTest.all) func everyTruncatedMessageIsAnError(_ edge: EdgeUnderTest) {
        for sample in edge.samples {
            for count in 1..<sample.frame.count {
                let read = try? edge.reencode(Array(sample.frame.prefix(count)))
                if read != nil { Issue.record("\(sample.name) can be read when it is cut after \(count) bytes") }
            }
        }
    }

    @Test(arguments: EdgeUnderTest.all) func oneUnreadableMessageSpoilsItsFrame(_ edge: EdgeUnderTest) {
        #expect(throws: PoolCodecError.unknownKind(255)) { try edge.reencode(edge.samples[0].frame + [255]) }
    }

    @Test(arguments: EdgeUnderTest.all) func randomBytesNeverTrap(_ edge: EdgeUnderTest) throws {
        var generator = SeededGenerator.printing("randomBytesNeverTrap \(edge.edge)")
        var readable = 0
        for _ in 0..<1500 {
            var frame = [UInt8.random(in: 0...20, using: &generator)]
            frame += generator.bytes(Int.random(in: 0..<200, using: &generator))
            // Small numbers pass more checks than random ones.
            for index in 1..<frame.count where generator.oneIn(2) { frame[index] &= 1 }
            readable += try check(frame, edge)
        }
        for _ in 0..<1500 {
            var frame = edge.samples.randomElement(using: &generator)!.frame
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                frame[Int.random(in: 0..<frame.count, using: &generator)] = .random(in: 0 ... .max, using: &generator)
            }
            readable += try check(frame, edge)
        }
        #expect(readable > 0)
    }

    /// - Returns: 1 when the frame can be read; then what was read is the same after another journey.
    private func check(_ frame: [UInt8], _ edge: EdgeUnderTest) throws -> Int {
        guard let messages = try? edge.reencode(frame) else { return 0 }
        if try edge.reencode(messages.flatMap { $0 }) != messages { Issue.record("read otherwise again: \(frame)") }
        return 1
    }

    // MARK: Lists

    private func list(claiming count: Int, holding entries: Int) throws -> [UInt64] {
        var writer = FrameWriter()
        writer.put(UInt16(count))
        for entry in 0..<entries { writer.put(UInt64(entry)) }
        return try writer.bytes.withUnsafeBytes { buffer in
            var reader = FrameReader(buffer)
            return try reader.getList(of: UInt64.self)
        }
    }

    @Test func listsUpToTheBoundAreRead() throws {
        #expect(try list(claiming: 0, holding: 0) == [])
        #expect(try list(claiming: 512, holding: 512) == Array(0..<512))
    }

    @Test func listsOverTheBoundAreRefused() {
        #expect(throws: PoolCodecError.listTooLong(513)) { try list(claiming: 513, holding: 513) }
        #expect(throws: PoolCodecError.listTooLong(65535)) { try list(claiming: 65535, holding: 8000) }
    }

    @Test func listThatClaimsMoreThanTheFrameHoldsIsRefused() {
        #expect(throws: PoolCodecError.listTooLong(100)) { try list(claiming: 100, holding: 12) }
        #expect(throws: PoolCodecError.truncated) { try list(claiming: 12, holding: 11) }
    }

    @Test func longestListsFitABatch() {
        let count = Topology.maximumListCount
        let grant = Grant(
            assignment: 1, torrent: 1, assembler: 1, piece: PieceIndex(1), firstBlock: 1, blockCount: 1, isShared: true)
        let piece = PieceToOpen(
            assignment: 1, torrent: 1, piece: PieceIndex(1), byteCount: 1, digest: Digest(1...20),
            wantsBlockDigests: true)
        let peer = PeerToConnect(peer: 1, torrent: 1, address: PeerAddress(v6High: 1, v6Low: 1, port: 1))
        let report = PeerReport(
            peer: 1, downloadedByteCount: 1, uploadedByteCount: 1, downloadRate: 1, uploadRate: 1,
            outstandingRequestCount: 1, isChokingUs: true, isSeed: true, isSnubbed: true, isInterested: true,
            isUnchoked: true)
        let reference = BlockReference(assignment: 1, block: 1, byteCount: 1, slot: 1, lease: 1, peer: 1)
        let digest = BlockDigest(block: 1, contributor: Contributor(worker: 1, peer: 1), digest: Digest(1...20))
        let totals = TransferReport(
            downloadedByteCount: 1, wastedByteCount: 1, uploadedByteCount: 1, freeSlotCount: 1, waitingSocketCount: 1)
        let frames = [
            EdgeUnderTest.frame(of: SupervisorToPeerWorker.grantBlocks(Array(repeating: grant, count: count))),
            EdgeUnderTest.frame(of: SupervisorToPeerWorker.connectPeers(Array(repeating: peer, count: count))),
            EdgeUnderTest.frame(of: SupervisorToHashWorker.adopt(Array(repeating: piece, count: count), isLast: true)),
            EdgeUnderTest.frame(
                of: PeerWorkerToSupervisor.report(torrent: 1, totals, Array(repeating: report, count: count))),
            EdgeUnderTest.frame(of: PeerWorkerToHashWorker.blocksArrived(Array(repeating: reference, count: count))),
            EdgeUnderTest.frame(
                of: HashWorkerToSupervisor.blockDigests(assignment: 1, Array(repeating: digest, count: count))),
        ]
        for frame in frames { #expect(frame.count <= Topology.batchByteCount) }
    }

    @Test func presenceBitsOfTheLongestPieceFitAMessage() throws {
        let count = TorrentGeometry.blockCount(pieceByteCount: TorrentGeometry.maximumPieceByteCount)
        let message = HashWorkerToSupervisor.pieceProgress(assignment: 1, bits: BlockSet.full(blockCount: count).bits)
        let frame = EdgeUnderTest.frame(of: message)
        #expect(frame.count <= Topology.batchByteCount)
        #expect(try EdgeUnderTest.decode(HashWorkerToSupervisor.self, frame) == [message])
    }

    // MARK: Fields

    @Test func textIsCutAtAKilobyte() throws {
        let long = String(repeating: "ä", count: 2000)
        let closed = PeerClosed(peer: 1, cause: .lost, text: long, downloadedByteCount: 7)
        let read = try decodeWhole(PeerClosed.self, EdgeUnderTest.frame(of: closed))
        #expect(read.text == String(repeating: "ä", count: 512))
        #expect(read.downloadedByteCount == 7)
    }

    @Test func textThatIsNoTextIsRepaired() throws {
        var frame = EdgeUnderTest.frame(of: PeerClosed(peer: 1, cause: .lost, text: "abc", downloadedByteCount: 7))
        frame[8] = 0xFF
        #expect(try decodeWhole(PeerClosed.self, frame).text == "a\u{FFFD}c")
    }

    @Test func valuesOutsideTheirTypeAreRefused() {
        let closing = EdgeUnderTest.frame(of: SupervisorToPeerWorker.closePeer(peer: 5, .banned))
        for cause in [UInt8(0), 7, 255] {
            #expect(throws: PoolCodecError.invalidField("CloseCause")) {
                try EdgeUnderTest.decode(SupervisorToPeerWorker.self, closing.dropLast() + [cause])
            }
        }
        let adopting = EdgeUnderTest.frame(of: SupervisorToHashWorker.adopt([], isLast: true))
        #expect(throws: PoolCodecError.invalidField("Bool")) {
            try EdgeUnderTest.decode(SupervisorToHashWorker.self, adopting.dropLast() + [2])
        }
    }

    @Test func pieceWithoutBytesIsRefused() {
        let order = PieceToOpen(
            assignment: 1, torrent: 1, piece: PieceIndex(1), byteCount: 0, digest: Digest(1...20),
            wantsBlockDigests: true)
        #expect(throws: PoolCodecError.invalidField("byteCount")) {
            try decodeWhole(PieceToOpen.self, EdgeUnderTest.frame(of: order))
        }
    }

    @Test(arguments: [
        (UInt64(0), UInt32(16384)), (100, 0), (.max, 1), (1 << 60, 16384),
        (1 << 33, TorrentGeometry.maximumPieceByteCount + 1),
    ])
    func geometryThatCannotBeIsRefused(totalByteCount: UInt64, pieceByteCount: UInt32) {
        var writer = FrameWriter()
        writer.put(totalByteCount)
        writer.put(pieceByteCount)
        #expect(throws: PoolCodecError.invalidField("geometry")) {
            try decodeWhole(TorrentGeometry.self, writer.bytes)
        }
    }
}
