import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

/// What becomes of the blocks of a peer that was found to lie.
@Suite struct LiarTests {
    private static let liar = Contributor(worker: 0, peer: 66)

    private func disown(_ world: AssemblyWorld, _ contributor: Contributor = liar) -> [AssemblyAction] {
        world.event { table, now, actions in table.disown(contributor, now: now, into: &actions) }
    }

    @Test func theirBlocksOfUnfinishedPiecesGoAndOthersStay() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 5 * 16384)
        world.open(piece, admitting: [0, 1])
        world.send(piece, [0, 3], peer: 66)
        world.send(piece, [1], peer: 5)
        // The name is one of the other worker's peers there.
        world.send(piece, [2], from: 1, peer: 66)
        #expect(disown(world) == [.tellSupervisor(.blocksDropped(assignment: 1, bits: piece.bits([0, 3])))])
        #expect(disown(world).isEmpty)
        #expect(world.send(piece, [0, 1, 2, 3, 4]) == [.taken, .duplicate, .duplicate, .taken, .taken])
    }

    @Test func aLieThatWasHashedAlreadySpoilsNothing() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 1 << 20)
        world.open(piece)
        world.send(piece, Array(0..<40), peer: 5)
        world.hash()
        let lie = [UInt8](repeating: 1, count: 16384)
        world.send([world.reference(piece, 40, peer: 66, bytes: lie)])
        world.send(piece, Array(41..<63), peer: 5)
        world.hash()
        #expect(disown(world) == [.tellSupervisor(.blocksDropped(assignment: 1, bits: piece.bits([40])))])
        world.send(piece, [40, 63], peer: 5)
        #expect(world.hash().toldSupervisor.contains(.piecesVerified([1])))
    }

    @Test func aCompletePieceIsJudgedAsAWhole() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 2 * 16384)
        world.open(piece)
        world.send(piece, [0, 1], peer: 66)
        #expect(disown(world).isEmpty)
        #expect(world.hash().toldSupervisor.contains(.piecesVerified([1])))
    }

    @Test func aSuccessorFindsThemGone() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 3 * 16384)
        world.open(piece)
        world.send(piece, [0], peer: 66)
        world.send(piece, [1], peer: 5)
        _ = disown(world)
        world.die()
        let told = world.event { table, now, actions in
            table.adopt([piece.order], isLast: true, now: now, into: &actions)
        }
        #expect(told.toldSupervisor.contains(.pieceProgress(assignment: 1, bits: piece.bits([1]))))
    }

    @Test func whatTheSupervisorWasNotToldOfIsNotToldAfterwards() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 3 * 16384)
        world.open(piece, admitting: [0, 1])
        world.send(piece, [0], peer: 66)
        world.send(piece, [1], peer: 5)
        _ = disown(world)
        #expect(world.endTurn() == [.tellSupervisor(.blocksPresent(assignment: 1, bits: piece.bits([1])))])
    }
}
