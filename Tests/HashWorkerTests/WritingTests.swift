import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

@Suite struct WritingTests {
    private func batch(_ world: AssemblyWorld, _ piece: SourcePiece) -> FrameBatch {
        let position = world.table.pieces.position(of: piece.assignment)!
        return world.table.pieces[position].frameBatches[0]
    }

    private func verifiedWorld(_ pieces: SourcePiece...) -> AssemblyWorld {
        let world = AssemblyWorld()
        world.join(writer: 1)
        for piece in pieces {
            world.open(piece)
            world.send(piece)
        }
        world.hash()
        return world
    }

    @Test func verifiedPieceGoesToTheSupervisorAndTheWriter() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 100_000)
        world.join(writer: 1)
        world.open(piece)
        world.send(piece)
        let batch = FrameBatch(
            assignment: 1, torrent: 7, piece: PieceIndex(1), byteCount: 100_000, firstFrame: 0,
            frames: world.table.pieces[0].frames)
        #expect(world.hash() == [.tellSupervisor(.piecesVerified([1])), .tellWriter(.writePiece(batch))])
        #expect(world.bytes([batch]) == piece.bytes)
    }

    @Test func framesStayUntilClosedAndAnswered() {
        let world = verifiedWorld(SourcePiece(1, byteCount: 65536), SourcePiece(2, byteCount: 65536))
        #expect(world.table.pool.freeCount == 62)
        world.close(1)
        #expect(world.table.pool.freeCount == 62)
        world.answerWrites(1, 2)
        #expect(world.table.pool.freeCount == 63)
        world.close(2)
        #expect(world.table.pool.freeCount == 64)
    }

    @Test func answersToNothingChangeNothing() {
        let world = verifiedWorld(SourcePiece(1, byteCount: 65536))
        #expect(world.answerWrites(1) == [])
        #expect(world.answerWrites(1, 5) == [])
        world.close(1)
        #expect(world.answerWrites(1) == [])
        #expect(world.table.pool.freeCount == 64)
    }

    @Test func pieceWaitsForAWriterThatHasNotJoined() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 65536)
        world.open(piece)
        world.send(piece)
        #expect(world.hash() == [.tellSupervisor(.piecesVerified([1]))])
        #expect(world.join(writer: 1) == [.tellWriter(.writePiece(batch(world, piece)))])
        #expect(world.join(writer: 1) == [])
    }

    @Test func newWriterGetsAllThatIsVerifiedAndNotClosed() {
        let pieces = (1...4).map { SourcePiece(AssignmentID($0), byteCount: 65536) }
        let world = verifiedWorld(pieces[0], pieces[1], pieces[2])
        world.open(pieces[3])
        world.answerWrites(2)
        world.close(3)
        world.event { table, _, _ in table.writerReplaced(generation: 2) }
        #expect(world.table.lingering.isEmpty)
        #expect(
            world.join(writer: 2) == [
                .tellWriter(.writePiece(batch(world, pieces[0]))), .tellWriter(.writePiece(batch(world, pieces[1]))),
            ])
    }

    @Test func greetingOfANewWriterMayComeBeforeTheNewsOfIt() {
        let piece = SourcePiece(1, byteCount: 65536)
        let world = verifiedWorld(piece)
        #expect(world.join(writer: 2).written == [batch(world, piece)])
        world.event { table, _, _ in table.writerReplaced(generation: 2) }
        world.close(1)
        #expect(world.table.pool.freeCount == 63)
        world.answerWrites(1)
        #expect(world.table.pool.freeCount == 64)
    }

    @Test func longPieceIsHandedOverInParts() {
        let world = AssemblyWorld(frameCount: 600)
        world.join(writer: 1)
        let piece = SourcePiece(1, byteCount: 513 * 65536 - 7)
        world.open(piece)
        world.send(piece)
        let batches = world.hash().written
        #expect(batches.map(\.frames.count) == [512, 1])
        #expect(batches.map(\.firstFrame) == [0, 512])
        #expect(world.bytes(batches) == piece.bytes)
    }

    @Test func blocksOfUnfinishedPiecesAreHandedOverAtTheEnd() {
        let world = AssemblyWorld()
        world.join(writer: 1)
        let half = SourcePiece(1, byteCount: 100_000), none = SourcePiece(2, byteCount: 100_000)
        let whole = SourcePiece(3, byteCount: 100_000), done = SourcePiece(4, byteCount: 100_000)
        world.open(done)
        world.send(done)
        world.hash()
        world.open(half, none, whole)
        world.send(half, [0, 6])
        world.send(whole)
        let actions = world.event { table, _, actions in table.writePartials([1, 2, 3, 4, 5], into: &actions) }
        #expect(
            actions == [
                .tellWriter(.writeBlocks(batch(world, half), bits: half.bits([0, 6]))),
                .tellWriter(.writeBlocks(batch(world, whole), bits: whole.bits(0..<7))),
                .tellSupervisor(.partialsHanded([1, 3])),
            ])
        #expect(world.hash().verified == [3])
        #expect(world.answerWrites(3).written == [batch(world, whole)])
        world.close(1)
        #expect(world.table.lingering[1] != nil)
        world.answerWrites(1)
        #expect(world.table.lingering.isEmpty)
    }

    @Test func partialsWaitForAWriter() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 100_000)
        world.open(piece)
        world.send(piece, [1])
        #expect(world.event { table, _, actions in table.writePartials([1], into: &actions) } == [])
        #expect(
            world.join(writer: 1) == [
                .tellWriter(.writeBlocks(batch(world, piece), bits: piece.bits([1]))),
                .tellSupervisor(.partialsHanded([1])),
            ])
    }
}
