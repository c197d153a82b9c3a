import PoolProtocol
import TestSupport
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

    @Test func turnsAreWaitedForWhereWorkersOutnumberCores() throws {
        #expect(try !plan(2).waitsForTurns(coreCount: 2))
        #expect(try plan(3).waitsForTurns(coreCount: 2))
        #expect(!PoolPlan(checkingWith: 2).waitsForTurns(coreCount: 1), "nobody writes to them in a check")
    }

    @Test func intakeIsAboutAQuarterWithinBounds() throws {
        #expect(try plan(2, memory: 32 * Self.mebibyte).intakeByteCount == 4 * Self.mebibyte)
        #expect(try plan(2, memory: 1024 * Self.mebibyte).intakeByteCount == 8 * Self.mebibyte)
        #expect(try plan(8, memory: 16 * Self.mebibyte).intakeByteCount == Self.mebibyte)
        #expect(try plan(3, memory: 32 * Self.mebibyte).intakeByteCount % IntakeGeometry.slotByteCount == 0)
    }

    @Test func intakeIsInWholeHugePagesWhereThatCostsNoPieces() throws {
        #expect(try plan(8, memory: 96 * Self.mebibyte).intakeByteCount == 4 * Self.mebibyte)
        #expect(try plan(2, memory: 20 * Self.mebibyte).intakeByteCount == 2 * Self.mebibyte)
        // A frame is missing for four of them in each region, or for one at all.
        #expect(try plan(8, 4, piece: 4 << 20).hashWorkerCount == 4)
        #expect(try plan(8, 4, piece: 8 << 20).hashWorkerCount == 2)
        let four = try plan(8, 4, piece: 16 << 20)
        #expect(four.frameCount >= 4 * AssemblyGeometry.framesNeeded(pieceByteCount: 16 << 20))
        #expect(try plan(8, memory: 95 * Self.mebibyte, piece: 64 << 20).hashWorkerCount == 1)
        #expect(try plan(8, memory: 96 * Self.mebibyte, piece: 64 << 20).hashWorkerCount == 1)
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

    /// Counted at work: 60 for two peer-workers, two hash-workers and a writer, 108 for eight, 172 for sixteen.
    @Test(arguments: [(2, 60), (8, 108), (16, 172)])
    func descriptorsThatWereCountedAtWorkAreAllowedFor(peerWorkers: Int, counted: Int) throws {
        let plan = try plan(peerWorkers, 2)
        #expect(plan.descriptorCount(torrents: 1) >= counted)
        #expect(plan.descriptorCount(torrents: 1) < counted + 64)
    }

    @Test func littleMemoryForManyWorkersMeansSmallIntakes() throws {
        let plan = try plan(8, memory: 8 * Self.mebibyte, piece: 16384)
        #expect(plan.intakeByteCount == Self.mebibyte / 2)
        #expect(plan.assemblyByteCount == 4 * Self.mebibyte)
        #expect(
            throws: PoolPlan.Impossible.tooManyPeerWorkers(17, neededMemory: 9 * Self.mebibyte)
        ) {
            try PoolPlan(
                peerWorkers: 17, hashWorkers: 1, memory: 8 * Self.mebibyte, longestPieceByteCount: 16384)
        }
    }

    @Test func theDefaultHasRoomForEveryWorkerThatMayBeAskedFor() throws {
        for workers in 1...256 {
            let plan = try plan(workers, 64, piece: 16384)
            #expect(plan.intakeByteCount >= Self.mebibyte)
            #expect(total(plan) <= max(96, 2 * workers) * Self.mebibyte)
        }
    }

    /// Whatever is asked for: a plan that fits and wastes little, or the least memory for which there is one.
    @Test func memoryIsNeverExceededOrTheRefusalNamesTheLeastThatWorks() throws {
        var generator = SeededGenerator.printing()
        var refusals = 0
        for _ in 0..<1000 {
            let workers = Int.random(in: 1...Int.random(in: 1...256, using: &generator), using: &generator)
            let hashers = Int.random(in: 1...64, using: &generator)
            let memory = Int.random(in: 8 << 20...Int.random(in: 9...2048, using: &generator) << 20, using: &generator)
            let piece = UInt32.random(in: 1...1 << UInt32.random(in: 10...29, using: &generator), using: &generator)
            do throws(PoolPlan.Impossible) {
                let plan = try PoolPlan(
                    peerWorkers: workers, hashWorkers: hashers, memory: memory, longestPieceByteCount: piece)
                expectSound(plan, workers, hashers, memory, piece)
            } catch {
                refusals += 1
                let needed: Int
                switch error {
                case .pieceTooLong(let named, let least):
                    #expect(named == piece)
                    needed = least
                case .tooManyPeerWorkers(let named, let least):
                    #expect(named == workers)
                    needed = least
                }
                #expect(needed > memory && needed % Self.mebibyte == 0)
                expectSound(
                    try plan(workers, hashers, memory: needed, piece: piece), workers, hashers, needed, piece)
                if needed - Self.mebibyte > memory {
                    #expect(throws: PoolPlan.Impossible.self) {
                        try plan(workers, hashers, memory: needed - Self.mebibyte, piece: piece)
                    }
                }
            }
        }
        #expect((30...900).contains(refusals), "both ways are tried: \(refusals)")
    }

    private func expectSound(_ plan: PoolPlan, _ workers: Int, _ hashers: Int, _ memory: Int, _ piece: UInt32) {
        let text: Comment = "\(workers) workers, \(hashers) hash-workers, \(memory) bytes, pieces of \(piece)"
        #expect(total(plan) <= memory, text)
        #expect(plan.peerWorkerCount == workers, text)
        #expect((1...hashers).contains(plan.hashWorkerCount), text)
        #expect(plan.frameCount >= AssemblyGeometry.framesNeeded(pieceByteCount: piece), text)
        #expect(plan.intakeByteCount >= PoolPlan.leastIntake, text)
        #expect(plan.intakeByteCount % IntakeGeometry.slotByteCount == 0, text)
        #expect(memory - total(plan) < plan.hashWorkerCount * 4096, text)
    }

    @Test func placesStartWithTheWriter() throws {
        let plan = try plan(2, 2)
        #expect(plan.places.map(\.description) == ["w", "h0", "h1", "p0", "p1"])
        #expect(plan.regionByteCount(of: .peerWorker) == plan.intakeByteCount)
        #expect(plan.regionByteCount(of: .hashWorker) == plan.assemblyByteCount)
        #expect(plan.regionByteCount(of: .writer) == 0)
    }
}
