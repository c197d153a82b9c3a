import PoolProtocol
import Testing

@testable import Supervisor

struct PoolPlanTests {
    private static let mebibyte = 1 << 20

    private func plan(
        _ peerWorkers: Int = 2, _ hashWorkers: Int = 1, memory: Int? = nil, piece: UInt32 = 1 << 20
    ) throws -> PoolPlan {
        try PoolPlan(
            peerWorkers: peerWorkers, hashWorkers: hashWorkers, memory: memory, longestPieceByteCount: piece)
    }

    private func total(_ plan: PoolPlan) -> Int {
        plan.intakeByteCount * plan.peerWorkerCount + plan.assemblyByteCount * plan.hashWorkerCount
    }

    @Test func defaultFollowsTheLongestPieceWithinBounds() throws {
        #expect(total(try plan(piece: 16384)) <= 96 * Self.mebibyte)
        #expect(total(try plan(piece: 16384)) > 95 * Self.mebibyte)
        #expect(total(try plan(piece: 32 << 20)) <= 192 * Self.mebibyte)
        #expect(total(try plan(piece: 32 << 20)) > 191 * Self.mebibyte)
        #expect(total(try plan(piece: 256 << 20)) <= 1024 * Self.mebibyte)
    }

    @Test func intakeIsAQuarterWithinBounds() throws {
        #expect(try plan(2, memory: 32 * Self.mebibyte).intakeByteCount == 4 * Self.mebibyte)
        #expect(try plan(2, memory: 1024 * Self.mebibyte).intakeByteCount == 8 * Self.mebibyte)
        #expect(try plan(8, memory: 16 * Self.mebibyte).intakeByteCount == Self.mebibyte)
        #expect(try plan(3, memory: 32 * Self.mebibyte).intakeByteCount % IntakeGeometry.slotByteCount == 0)
    }

    @Test func longPiecesMeanFewerAndLargerRegions() throws {
        let wide = try plan(2, 4, memory: 128 * Self.mebibyte, piece: 1 << 20)
        #expect(wide.hashWorkerCount == 4)
        // A quarter of one region holds a piece.
        let narrow = try plan(2, 4, memory: 128 * Self.mebibyte, piece: 12 << 20)
        #expect(narrow.hashWorkerCount == 2)
        #expect(narrow.frameCount >= 4 * AssemblyGeometry.framesNeeded(pieceByteCount: 12 << 20))
        // With one region a piece must only fit.
        #expect(try plan(2, 4, memory: 128 * Self.mebibyte, piece: 100 << 20).hashWorkerCount == 1)
    }

    @Test(arguments: [1, 2, 8, 32], [8, 16, 40, 96, 300])
    func memoryThatIsAskedForIsEnough(peerWorkers: Int, mebibytes: Int) throws {
        for piece in [UInt32(16) << 20, 64 << 20, 200 << 20, 512 << 20] {
            do throws(PoolPlan.Impossible) {
                let plan = try PoolPlan(
                    peerWorkers: peerWorkers, hashWorkers: 2, memory: mebibytes << 20, longestPieceByteCount: piece)
                #expect(plan.frameCount >= AssemblyGeometry.framesNeeded(pieceByteCount: piece))
            } catch {
                guard case .pieceTooLong(piece, let needed) = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(needed > mebibytes << 20 && needed % Self.mebibyte == 0)
                let retry = try plan(peerWorkers, 2, memory: needed, piece: piece)
                #expect(retry.hashWorkerCount == 1)
                #expect(retry.frameCount >= AssemblyGeometry.framesNeeded(pieceByteCount: piece))
                #expect(throws: PoolPlan.Impossible.self) {
                    try plan(peerWorkers, 2, memory: needed - Self.mebibyte, piece: piece)
                }
            }
        }
    }

    @Test func placesStartWithTheWriter() throws {
        let plan = try plan(2, 2)
        #expect(plan.places.map(\.description) == ["writer.0", "hash.0", "hash.1", "peer.0", "peer.1"])
        #expect(plan.regionByteCount(of: .peerWorker) == plan.intakeByteCount)
        #expect(plan.regionByteCount(of: .hashWorker) == plan.assemblyByteCount)
        #expect(plan.regionByteCount(of: .writer) == 0)
    }
}
