import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

@Suite struct AdoptionTests {
    private func adopt(_ world: AssemblyWorld, _ pieces: SourcePiece..., isLast: Bool = true) -> [AssemblyAction] {
        world.event { table, now, actions in
            table.adopt(pieces.map(\.order), isLast: isLast, now: now, into: &actions)
        }
    }

    private func progress(_ piece: SourcePiece, _ blocks: some Sequence<Int>) -> AssemblyAction {
        .tellSupervisor(.pieceProgress(assignment: piece.assignment, bits: piece.bits(blocks)))
    }

    @Test func unfinishedPieceGoesOnWhereItsPredecessorStopped() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 200_000)
        world.open(piece)
        world.send(piece, [0, 5, 12])
        world.die()
        #expect(adopt(world, piece) == [progress(piece, [0, 5, 12]), .tellSupervisor(.adopted)])
        world.join(writer: 1)
        world.admit(0, [1])
        #expect(world.send(piece) == (0..<13).map { [0, 5, 12].contains($0) ? .duplicate : .taken })
        let actions = world.hash()
        #expect(actions.verified == [1])
        #expect(world.bytes(actions.written) == piece.bytes)
    }

    @Test func noVerdictIsInherited() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let verified = SourcePiece(1, byteCount: 100_000), failed = SourcePiece(2, byteCount: 9, digest: Digest(1...20))
        world.open(verified, failed)
        world.send(verified)
        world.send(failed)
        #expect(world.hash().verified == [1])
        world.die()
        world.join(writer: 1)
        #expect(adopt(world, verified, failed).count == 3)
        let actions = world.hash()
        #expect(actions.verified == [1] && actions.failed == [2])
        #expect(world.bytes(actions.written) == verified.bytes)
        #expect(world.table.counts.hashedByteCount == 100_009)
    }

    @Test func contributorsAreInherited() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 20000, digest: Digest(1...20), wantsBlockDigests: true)
        world.open(piece)
        world.send(piece, [0], peer: 70000)
        world.send(piece, [1], peer: 3)
        world.die()
        _ = adopt(world, piece)
        let digests = [70000, 3].enumerated().map { block, peer in
            BlockDigest(
                block: UInt32(block), contributor: Contributor(worker: 0, peer: UInt32(peer)),
                digest: SHA1.hash(of: piece.block(block)))
        }
        #expect(world.hash().toldSupervisor == [.blockDigests(assignment: 1, digests), .pieceFailed(assignment: 1)])
    }

    @Test func framesOfPiecesThatAreNotListedAreFreed() {
        let world = AssemblyWorld()
        let kept = SourcePiece(1, byteCount: 65536), gone = SourcePiece(2, byteCount: 65536)
        world.open(kept, gone)
        world.send(gone)
        world.die()
        _ = adopt(world, kept)
        #expect(world.table.pool.freeCount == 63)
        #expect(world.send(gone) == Array(repeating: .notNeeded, count: 4))
    }

    @Test func listMayComeInParts() {
        let world = AssemblyWorld()
        let pieces = (1...3).map { SourcePiece(AssignmentID($0), byteCount: 65536) }
        for piece in pieces { world.open(piece) }
        world.die()
        #expect(adopt(world, pieces[0], isLast: false) == [])
        #expect(world.open(pieces[2]) == [.tellSupervisor(.piecesRefused([3]))])
        #expect(
            adopt(world, pieces[1]) == [progress(pieces[0], []), progress(pieces[1], []), .tellSupervisor(.adopted)])
        #expect(world.table.pool.freeCount == 62)
    }

    @Test func pieceWithoutItsFramesStartsEmpty() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 200_000)
        world.open(piece)
        world.send(piece)
        world.table.region.clear(frame: world.table.pieces[0].frames[1])
        world.die()
        let there = (0..<13).filter { $0 / 4 != 1 }
        #expect(adopt(world, piece) == [progress(piece, there), .tellSupervisor(.adopted)])
        let unknown = SourcePiece(5, byteCount: 100)
        world.die()
        #expect(
            adopt(world, piece, unknown)
                == [progress(piece, there), progress(unknown, []), .tellSupervisor(.adopted)])
    }

    @Test func pieceThatFindsNoRoomIsRefused() {
        let world = AssemblyWorld(frameCount: 3)
        let piece = SourcePiece(1, byteCount: 131072), other = SourcePiece(2, byteCount: 131072)
        world.open(piece)
        world.die()
        #expect(
            adopt(world, piece, other)
                == [progress(piece, []), .tellSupervisor(.piecesRefused([2])), .tellSupervisor(.adopted)])
        #expect(world.table.pool.freeCount == 1)
    }

    @Test func longListOfRefusalsIsSplit() {
        let world = AssemblyWorld(frameCount: 1)
        world.die()
        let orders = (1...600).map { SourcePiece(AssignmentID($0), bytes: [1]).order }
        let actions = world.event { table, now, actions in
            table.adopt(Array(orders[..<300]), isLast: false, now: now, into: &actions)
            table.adopt(Array(orders[300...]), isLast: true, now: now, into: &actions)
        }
        let refusals = actions.toldSupervisor.compactMap { news -> Int? in
            guard case .piecesRefused(let assignments) = news else { return nil }
            return assignments.count
        }
        #expect(refusals == [512, 87])
    }

    @Test func headerThatMakesNoSenseIsAFreeFrame() {
        let world = AssemblyWorld(frameCount: 4)
        let piece = SourcePiece(1, byteCount: 65537)
        world.open(piece)
        world.table.region.claim(frame: 2, for: 1, index: 2)
        world.table.region.claim(frame: 3, for: 1, index: 0)
        world.die()
        #expect(adopt(world, piece) == [progress(piece, []), .tellSupervisor(.adopted)])
        #expect(world.table.pool.freeCount == 2)
    }

    @Test func regionOfAnotherLayoutIsStartedEmpty() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 65536)
        world.open(piece)
        world.send(piece)
        world.memory.base.storeBytes(of: AssemblyGeometry.magic + 1, as: UInt64.self)
        world.die()
        #expect(adopt(world, piece) == [progress(piece, []), .tellSupervisor(.adopted)])
    }

    @Test func successorThatTrustsNothingStartsEveryPieceEmpty() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 65536)
        world.open(piece)
        world.send(piece)
        world.die(trustsContents: false)
        #expect(adopt(world, piece) == [progress(piece, []), .tellSupervisor(.adopted)])
        #expect(world.table.pool.freeCount == 63)
    }

    @Test func successorThatTrustsNothingLeavesAloneWhatTheWriterStillReads() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let piece = SourcePiece(1, byteCount: 65536)
        world.open(piece)
        world.send(piece)
        let batches = world.hash().written
        world.die(trustsContents: false)
        world.join(writer: 1)
        world.event { table, _, _ in table.writerStillReads([1]) }
        #expect(adopt(world, piece) == [progress(piece, []), .tellSupervisor(.adopted)])
        #expect(world.table.pool.freeCount == 62)
        world.admit(0, [1])
        world.send(piece)
        #expect(world.hash().written == [])
        #expect(world.bytes(batches) == piece.bytes)
        world.close(1)
        #expect(world.table.pool.freeCount == 62)
        world.answerWrites(1)
        #expect(world.table.pool.freeCount == 64)
    }

    @Test func referencesWaitForTheAdoption() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000), gone = SourcePiece(2, byteCount: 40000)
        world.open(piece, gone)
        world.send(piece, [0])
        world.die()
        #expect(world.send(piece, [0, 1]) == [])
        #expect(world.send(gone, [0]) == [])
        #expect(world.outcomes(adopt(world, piece)) == [.notNeeded])
        #expect(world.outcomes(world.admit(0, [1])) == [.duplicate, .taken])
    }

    @Test func piecesThatTheWriterStillReadsKeepTheirFramesUntilItAnswers() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let open = SourcePiece(1, byteCount: 100_000), closed = SourcePiece(2, byteCount: 100_000)
        world.open(open, closed)
        world.send(open)
        world.send(closed)
        world.hash()
        world.die()
        world.join(writer: 1)
        world.event { table, _, _ in table.writerStillReads([1, 2]) }
        _ = adopt(world, open)
        #expect(world.table.pool.freeCount == 60)
        #expect(world.hash() == [.tellSupervisor(.piecesVerified([1]))])
        #expect(world.answerWrites(2) == [])
        #expect(world.table.pool.freeCount == 62)
        #expect(world.bytes(world.answerWrites(1).written) == open.bytes)
        world.close(1)
        #expect(world.table.pool.freeCount == 62)
        world.answerWrites(1)
        #expect(world.table.pool.freeCount == 64)
    }

    @Test func answerOfTheWriterMayOvertakeTheNewsThatItStillReads() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let piece = SourcePiece(1, byteCount: 100_000)
        world.open(piece)
        world.send(piece)
        world.hash()
        world.die()
        world.join(writer: 1)
        world.answerWrites(1)
        world.event { table, _, _ in table.writerStillReads([1]) }
        _ = adopt(world, piece)
        #expect(world.bytes(world.hash().written) == piece.bytes)
    }

    @Test func writerThatDiesReadsNothingAnyMore() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let piece = SourcePiece(1, byteCount: 100_000)
        world.open(piece)
        world.send(piece)
        world.hash()
        world.die()
        world.join(writer: 1)
        world.event { table, _, _ in table.writerStillReads([1]) }
        _ = adopt(world, piece)
        world.hash()
        world.event { table, _, _ in table.writerReplaced(generation: 2) }
        #expect(world.bytes(world.join(writer: 2).written) == piece.bytes)
    }

    @Test func twoDeathsInARowLoseNothing() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 200_000)
        world.open(piece)
        world.send(piece, [0, 1, 2])
        world.die()
        _ = adopt(world, piece)
        world.admit(0, [1])
        world.send(piece, [5])
        world.die()
        world.die()
        #expect(adopt(world, piece) == [progress(piece, [0, 1, 2, 5]), .tellSupervisor(.adopted)])
    }

    @Test func deathBetweenCopyAndMarkLosesTheBlockOnly() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 65536)
        world.open(piece)
        world.send(piece)
        let header = world.table.region.geometry.headerOffset(ofFrame: world.table.pieces[0].frames[0])
        world.memory.base.storeBytes(of: 0b1011, toByteOffset: header + FrameHeader.presenceOffset, as: UInt32.self)
        world.die()
        #expect(adopt(world, piece) == [progress(piece, [0, 1, 3]), .tellSupervisor(.adopted)])
    }
}
