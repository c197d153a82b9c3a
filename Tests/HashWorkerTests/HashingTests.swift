import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

@Suite struct HashingTests {
    /// Around every border: SHA-1 block, its padding, block of the wire, frame.
    @Test(arguments: [
        1, 55, 56, 63, 64, 65, 127, 128, 16383, 16384, 16385, 65535, 65536, 65537, 81920, 131_073, 200_000,
    ])
    func pieceOfAnyLengthIsVerifiedInAnyOrderOfBlocks(byteCount: Int) {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let forward = SourcePiece(1, byteCount: byteCount), backward = SourcePiece(2, byteCount: byteCount)
        world.open(forward, backward)
        for block in 0..<forward.blockCount {
            world.send(forward, [block])
            world.send(backward, [forward.blockCount - 1 - block])
            world.now = world.now + .seconds(1)
            world.event { table, now, actions in table.runStep(now: now, into: &actions) }
        }
        world.hash()
        for (position, piece) in [forward, backward].enumerated() {
            #expect(world.table.pieces[position].stage == .verified)
            #expect(world.bytes(world.table.pieces[position].frameBatches) == piece.bytes)
        }
        #expect(world.table.counts.hashedByteCount == UInt64(2 * byteCount))
    }

    @Test func wrongBytesFailThePieceAndFreeItsFramesOnClose() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let piece = SourcePiece(1, byteCount: 100_000, digest: Digest(1...20))
        world.open(piece)
        world.send(piece)
        #expect(world.hash().failed == [1])
        #expect(world.table.pool.freeCount == 62)
        world.close(1)
        #expect(world.table.pool.freeCount == 64)
    }

    /// The first time nobody is suspected, and nobody would ever be if these were not told.
    @Test func digestsOfAFailedPieceAreToldUnasked() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 20000, digest: Digest(1...20))
        world.open(piece)
        world.send(piece, [0], peer: 7)
        world.send(piece, [1], peer: 8)
        let digests = [7, 8].enumerated().map { block, peer in
            BlockDigest(
                block: UInt32(block), contributor: Contributor(worker: 0, peer: UInt32(peer)),
                digest: SHA1.hash(of: piece.block(block)))
        }
        #expect(world.hash().toldSupervisor == [.blockDigests(assignment: 1, digests), .pieceFailed(assignment: 1)])
    }

    @Test func digestsOfARightPieceAreToldBeforeItsVerdictIfTheyAreWanted() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let piece = SourcePiece(1, byteCount: 20000, wantsBlockDigests: true)
        world.open(piece)
        world.send(piece, [0, 1], peer: 7)
        let digests = (0..<2).map { block in
            BlockDigest(
                block: UInt32(block), contributor: Contributor(worker: 0, peer: 7),
                digest: SHA1.hash(of: piece.block(block)))
        }
        let actions = world.hash()
        #expect(actions.toldSupervisor == [.blockDigests(assignment: 1, digests), .piecesVerified([1])])
        #expect(world.bytes(actions.written) == piece.bytes)
    }

    @Test func blockDigestsNameTheLiar() {
        let world = AssemblyWorld(workers: [0, 1])
        let piece = SourcePiece(1, byteCount: 70 * 16384 + 77, wantsBlockDigests: true)
        world.open(piece, admitting: [0, 1])
        for block in 0..<piece.blockCount where block != 40 { world.send(piece, [block], peer: UInt32(block)) }
        let lie = [UInt8](repeating: 9, count: 16384)
        world.send([world.reference(piece, 40, from: 1, peer: 99, bytes: lie)], from: 1)
        let expected = (0..<piece.blockCount).map { block in
            BlockDigest(
                block: UInt32(block),
                contributor: block == 40
                    ? Contributor(worker: 1, peer: 99) : Contributor(worker: 0, peer: UInt32(block)),
                digest: SHA1.hash(of: block == 40 ? lie : piece.block(block)))
        }
        #expect(
            world.hash() == [
                .tellSupervisor(.blockDigests(assignment: 1, Array(expected[..<64]))),
                .tellSupervisor(.blockDigests(assignment: 1, Array(expected[64...]))),
                .tellSupervisor(.pieceFailed(assignment: 1)),
            ])
    }

    @Test func pieceThatIsClosedWhileItsBlocksAreHashedIsForgotten() {
        let world = AssemblyWorld(frameCount: 40)
        let piece = SourcePiece(1, byteCount: 130 * 16384, digest: Digest(1...20), wantsBlockDigests: true)
        world.open(piece)
        world.send(piece)
        var actions: [AssemblyAction] = []
        while actions.isEmpty {
            actions = world.event { table, now, actions in table.runStep(now: now, into: &actions) }
        }
        #expect(actions.count == 1 && actions.failed.isEmpty)
        world.close(1)
        #expect(world.table.hashDeadline == .distantFuture)
        #expect(world.hash() == [])
    }

    @Test func stepIsBoundedSoThatTheLoopAnswersInBetween() {
        let world = AssemblyWorld(frameCount: 300)
        for assignment in 1...16 {
            let piece = SourcePiece(AssignmentID(assignment), byteCount: 1 << 20)
            world.open(piece)
            world.send(piece)
        }
        var before: UInt64 = 0, steps = 0
        var actions: [AssemblyAction] = []
        while world.table.hashDeadline <= world.now {
            world.table.runStep(now: world.now, into: &actions)
            #expect(world.table.counts.hashedByteCount - before <= UInt64(LaneSteps.stepByteCount))
            before = world.table.counts.hashedByteCount
            steps += 1
        }
        #expect(before == 16 << 20 && steps == 16)
        #expect(world.table.counts.laneCount == world.table.counts.stepCount * 16)
    }

    /// 64 frames, four to a piece.
    @Test func roomIsShortOnlyWhileTheWriterHasLittleToDo() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let pieces = (1...12).map { SourcePiece(AssignmentID($0), byteCount: 4 * 65536) }
        for piece in pieces { world.open(piece) }
        for piece in pieces[..<5] { world.send(piece) }
        world.hash()
        for piece in pieces[5..<8] { world.send(piece) }
        #expect(world.table.hashDeadline > world.now, "32 of 64 frames take no more blocks")
        world.send(pieces[8])
        #expect(world.table.hashDeadline == world.now + LaneSteps.completeWait, "36, but 20 wait for the writer")
        world.send(pieces[9])
        world.send(pieces[10])
        world.answerWrites(1, 2)
        world.close(1)
        #expect(world.table.hashDeadline > world.now, "16 wait for the writer")
        world.close(2)
        #expect(world.table.hashDeadline <= world.now, "12 do, and 24 wait for the lanes")
    }
}
