import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

@Suite struct FollowTests {
    private func steps(of piece: SourcePiece, followsBlocks: Bool) -> [String] {
        let world = AssemblyWorld()
        world.join(writer: 1)
        world.table.followsBlocks = followsBlocks
        world.open(piece)
        var actions: [AssemblyAction] = []
        for (block, peer) in [(1, 3), (1, 4), (0, 3)] as [(Int, UInt32)] {
            actions += world.send([world.reference(piece, block, peer: peer)])
        }
        actions += world.hash()
        return actions.compactMap { action in
            if case .follow(let step, let tags, let slot) = action {
                "\(tags): \(step.text(slot: slot.map { _ in 0 }))"
            } else {
                nil
            }
        }
    }

    @Test func theWayOfABlockIsTold() {
        let told = steps(of: SourcePiece(1, byteCount: 20_000), followsBlocks: true)
        #expect(
            told == [
                "t7 piece:1 block:1 peer:3 as:1: copied into its frame (slot 0)",
                "t7 piece:1 block:1 peer:4 as:1: is there already (slot 0)",
                "t7 piece:1 block:0 peer:3 as:1: copied into its frame (slot 0)",
                "t7 piece:1 block:0 as:1: the hash of its piece is right",
                "t7 piece:1 block:1 as:1: the hash of its piece is right",
            ])
    }

    @Test func aWrongHashIsToldOfEachBlock() {
        let told = steps(of: SourcePiece(1, byteCount: 20_000, digest: Digest(1...20)), followsBlocks: true)
        #expect(told.suffix(2).allSatisfy { $0.hasSuffix("the hash of its piece is wrong") })
    }

    @Test func nothingIsMadeOfItOtherwise() {
        #expect(steps(of: SourcePiece(1, byteCount: 20_000), followsBlocks: false).isEmpty)
    }
}
