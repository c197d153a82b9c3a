import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Writer

@Suite struct SyncPolicyTests {
    private let first = PieceIndex(1), second = PieceIndex(2)

    @Test func nothingWrittenIsNeverDue() {
        let policy = SyncPolicy(mode: .batch)
        #expect(policy.dueAt == .distantFuture && policy.isClean)
    }

    @Test func batchIsSyncedASecondAfterItsFirstPiece() {
        var clock = FakeClock()
        var policy = SyncPolicy(mode: .batch)
        let start = clock.now
        policy.pieceWritten(first, now: clock.now)
        clock.advance(by: .milliseconds(900))
        policy.pieceWritten(second, now: clock.now)
        #expect(policy.dueAt == start + .seconds(1))
        #expect(policy.begin().pieces == [first, second])
        #expect(policy.dueAt == .distantFuture && !policy.isClean)
        #expect(policy.succeeded().pieces == [first, second])
        #expect(policy.isClean)
    }

    @Test func pieceModeIsDueAtOnce() {
        let clock = FakeClock()
        var policy = SyncPolicy(mode: .piece)
        policy.pieceWritten(first, now: clock.now)
        #expect(policy.dueAt == clock.now)
        #expect(policy.begin().forcesToDisk)
    }

    @Test func noneModeClaimsAtOnceAndForcesNothing() {
        let clock = FakeClock()
        var policy = SyncPolicy(mode: .none)
        policy.pieceWritten(first, now: clock.now)
        #expect(policy.dueAt == clock.now)
        #expect(!policy.begin().forcesToDisk)
        _ = policy.succeeded()
        policy.pieceWritten(second, now: clock.now)
        #expect(!policy.begin().forcesToDisk)
    }

    @Test func failedSyncLosesAllSinceTheLastGoodOne() {
        let clock = FakeClock()
        var policy = SyncPolicy(mode: .batch)
        policy.pieceWritten(PieceIndex(0), now: clock.now)
        _ = policy.begin()
        _ = policy.succeeded()
        policy.pieceWritten(first, now: clock.now)
        _ = policy.begin()
        policy.pieceWritten(second, now: clock.now)
        #expect(policy.failed() == [first, second])
        #expect(policy.isClean && policy.dueAt == .distantFuture)
    }

    @Test func unrecordedPiecesWaitForTheNextTry() {
        let clock = FakeClock()
        var policy = SyncPolicy(mode: .batch)
        policy.pieceWritten(first, now: clock.now)
        _ = policy.begin()
        policy.pieceWritten(second, now: clock.now)
        policy.notRecorded(now: clock.now)
        #expect(policy.begin().pieces == [first, second])
    }

    @Test func inheritedPiecesBringTheirFiles() {
        let clock = FakeClock()
        var policy = SyncPolicy(mode: .batch)
        policy.piecesInherited([], files: [], now: clock.now)
        #expect(policy.isClean)
        policy.piecesInherited([first], files: [4, 5], now: clock.now)
        let batch = policy.begin()
        #expect(batch.pieces == [first] && batch.inheritedFiles == [4, 5])
        policy.notRecorded(now: clock.now)
        #expect(policy.begin().inheritedFiles == [4, 5])
    }

    @Test func manyFilesAreOneFileSystemSync() {
        #expect(!SyncPolicy.syncsWholeFileSystem(fileCount: 60, directoryCount: 4))
        #expect(SyncPolicy.syncsWholeFileSystem(fileCount: 60, directoryCount: 5))
    }

    /// Whatever happens, a piece is claimed only by a sync that began after it was written, and leaves exactly once.
    @Test func everyPieceLeavesByOneDoor() {
        var generator = SeededGenerator.printing()
        for _ in 0..<200 {
            let clock = FakeClock()
            var policy = SyncPolicy(mode: SyncMode.allCases.randomElement(using: &generator)!)
            var next = 0, isRunning = false
            var written: Set<PieceIndex> = [], left: Set<PieceIndex> = [], covered: Set<PieceIndex> = []
            for _ in 0..<100 {
                switch Int.random(in: 0..<6, using: &generator) {
                case 0, 1, 2:
                    policy.pieceWritten(PieceIndex(next), now: clock.now)
                    written.insert(PieceIndex(next))
                    next += 1
                case 3 where !isRunning:
                    covered = Set(policy.begin().pieces)
                    #expect(covered == written.subtracting(left))
                    isRunning = true
                case 4 where isRunning:
                    if Bool.random(using: &generator) {
                        let claimed = policy.succeeded().pieces
                        #expect(Set(claimed) == covered && Set(claimed).count == claimed.count)
                        left.formUnion(claimed)
                    } else {
                        policy.notRecorded(now: clock.now)
                    }
                    isRunning = false
                case 5 where Int.random(in: 0..<4, using: &generator) == 0:
                    let lost = policy.failed()
                    #expect(Set(lost) == written.subtracting(left) && Set(lost).count == lost.count)
                    left.formUnion(lost)
                    isRunning = false
                default: break
                }
            }
        }
    }
}
