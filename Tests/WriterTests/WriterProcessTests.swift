import BitTorrent
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import TestSupport
import Testing

@testable import Writer

/// The real program, spoken to as the supervisor and a hash-worker speak to it.
@Suite(.serialized, .timeLimit(.minutes(2)), .enabled(if: WriterHarness.program != nil, "the program was not built"))
struct WriterProcessTests {
    private func ready() throws -> WriterHarness {
        let harness = try WriterHarness(WriterFixture.oneFile)
        try harness.start(WriterHarness.program!)
        try harness.setUp()
        return harness
    }

    private func written(_ assignment: AssignmentID, _ piece: Int) -> WriterToSupervisor {
        .piecesWritten([WrittenPiece(assignment: assignment, torrent: 7, piece: PieceIndex(piece))])
    }

    private func bytes(_ harness: WriterHarness, _ piece: Int) -> [UInt8] {
        (0..<100_000).map { harness.rig.byte(at: UInt64(piece * 100_000 + $0)) }
    }

    @Test func pieceGoesFromFramesToDiskAndJournal() throws {
        let harness = try ready()
        harness.fill([4, 9], piece: 3)
        harness.handOver(.writePiece(WriterFixture.batch(1, piece: 3, frames: [4, 9])))
        try harness.wait { $0 == written(1, 3) }
        try harness.wait(until: { harness.answers == [1] })
        try harness.wait { $0 == .piecesSynced(torrent: 7, [PieceIndex(3)]) }
        #expect(harness.rig.contents("file0")?.suffix(100_000) == bytes(harness, 3)[...])
        #expect(try harness.rig.journal().state.synced.contains(PieceIndex(3)))
        harness.give(.finish)
        try harness.wait { $0 == .finished }
        #expect(try harness.rig.journal().state.cleanStop?.count == 1)
        harness.give(.stop)
        #expect(try harness.ending() == .exited(0))
    }

    @Test func killedWritersSuccessorClaimsWhatWasWritten() throws {
        let harness = try ready()
        harness.fill([0, 1], piece: 0)
        harness.handOver(.writePiece(WriterFixture.batch(1, piece: 0)))
        try harness.wait { $0 == written(1, 0) }
        harness.child!.kill()
        #expect(try harness.ending() == .killed(signal: SIGKILL))
        try harness.start(WriterHarness.program!)
        try harness.setUp()
        harness.give(.syncPending(torrent: 7, [PieceIndex(0)]))
        harness.handOver(.writePiece(WriterFixture.batch(1, piece: 0)))
        harness.give(.syncAll)
        try harness.wait { if case .piecesSynced(7, let pieces) = $0 { pieces.contains(PieceIndex(0)) } else { false } }
        try harness.wait { $0 == .syncedAll }
        #expect(harness.rig.contents("file0") == bytes(harness, 0))
        let reading = try harness.rig.journal()
        #expect(reading.damage == nil && reading.state.synced.contains(PieceIndex(0)))
    }

    @Test func manyKillsLoseNothingThatWasClaimed() throws {
        var generator = SeededGenerator.printing()
        let harness = try WriterHarness(WriterFixture.oneFile)
        var next: AssignmentID = 1
        for _ in 0..<6 {
            try harness.start(WriterHarness.program!)
            try harness.setUp()
            for piece in 0..<10 {
                let frames = [UInt32(piece * 2), UInt32(piece * 2 + 1)]
                harness.fill(frames, piece: piece)
                harness.handOver(.writePiece(WriterFixture.batch(next, piece: piece, frames: frames)))
                next += 1
            }
            harness.give(.syncAll)
            let patience = Int.random(in: 0..<12, using: &generator)
            for _ in 0..<patience
            where (try? harness.wait { if case .piecesWritten = $0 { true } else { false } }) == nil {}
            harness.child!.kill()
            _ = try harness.ending()
            let reading = try harness.rig.journal()
            let contents = harness.rig.contents("file0") ?? []
            reading.state.synced.forEach { piece in
                let start = piece.value * 100_000
                #expect(contents.count >= start + 100_000)
                #expect(Array(contents[start..<start + 100_000]) == bytes(harness, piece.value))
            }
        }
    }

    @Test func unfinishedPieceIsKeptForTheNextStart() throws {
        let harness = try ready()
        let blocks = BlockSet(blockCount: 7, [0..<2, 6..<7])
        harness.fill([2, 3], piece: 5)
        harness.handOver(.writeBlocks(WriterFixture.batch(8, piece: 5, frames: [2, 3]), bits: blocks.bits))
        harness.give(.syncAll)
        try harness.wait { $0 == .partialWritten(8) }
        #expect(try harness.rig.journal().state.partials == [PieceIndex(5): blocks])
        let contents = try #require(harness.rig.contents("file0"))
        #expect(Array(contents[500_000..<532_768]) == Array(bytes(harness, 5)[..<32768]))
        #expect(contents[532_768..<598_304].allSatisfy { $0 == 0 })
    }

    @Test func replacedHashWorkerIsAnsweredAtOnce() throws {
        let harness = try ready()
        let newcomer = Incarnation(Place(.hashWorker, 0), generation: 5)
        harness.give(.workerReplaced(newcomer))
        try harness.wait { $0 == .replacementSeen(ReplacementSeen(newcomer: newcomer, stillReading: [])) }
    }

    @Test func writerOfAnotherRunIsWaitedFor() throws {
        let harness = try WriterHarness(WriterFixture.oneFile)
        let lock = open(harness.rig.root + "/lock", O_RDWR)
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        try harness.start(WriterHarness.program!)
        let other = Thread {
            var pause = timespec(tv_sec: 0, tv_nsec: 300_000_000)
            nanosleep(&pause, nil)
            close(lock)
        }
        other.start()
        try harness.setUp()
        try harness.wait { $0 == .waitingForLock(torrent: 7) }
    }

    /// The one who sent it is to be replaced, and not who got it.
    @Test func nonsenseFromAHashWorkerIsToldAndNoMoreIsHeardOfIt() throws {
        let harness = try ready()
        harness.handOver(.writePiece(WriterFixture.batch(1, piece: 99)))
        try harness.wait { if case .neighbourBroke(harness.hashWorker, _) = $0 { true } else { false } }
        harness.handOver(.writePiece(WriterFixture.batch(2, piece: 99)))
        harness.give(.syncAll)
        try harness.wait { $0 == .syncedAll }
        #expect(!harness.news.contains { if case .neighbourBroke = $0 { true } else { false } })
    }

    @Test func programStartedByHandSaysSo() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: WriterHarness.program!)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == WorkerExit.notAChild.rawValue)
    }
}
