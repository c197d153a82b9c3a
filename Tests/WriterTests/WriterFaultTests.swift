import BitTorrent
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import Writer

/// The real program on a disk that fails at a chosen call.
@Suite(
    .serialized, .timeLimit(.minutes(3)),
    .enabled(if: WriterHarness.program != nil && access("/usr/bin/strace", X_OK) == 0, "needs the program and strace"))
struct WriterFaultTests {
    /// - Parameter fault: what happens at the `when`-th call, in strace's words.
    private func harness(_ call: String, _ fault: String, when: String) throws -> WriterHarness {
        let harness = try WriterHarness(WriterFixture.oneFile)
        try harness.start(
            WriterHarness.program!,
            wrapper: [
                "/usr/bin/strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                "inject=\(call):\(fault):when=\(when)",
            ])
        try harness.setUp()
        return harness
    }

    private func handOver(_ harness: WriterHarness, _ assignment: AssignmentID, piece: Int) {
        let frames = [UInt32(piece * 2), UInt32(piece * 2 + 1)]
        harness.fill(frames, piece: piece)
        harness.handOver(.writePiece(WriterFixture.batch(assignment, piece: piece, frames: frames)))
    }

    private func isWritten(_ news: WriterToSupervisor, _ assignment: AssignmentID) -> Bool {
        if case .piecesWritten(let pieces) = news { pieces.contains { $0.assignment == assignment } } else { false }
    }

    private func bytes(_ harness: WriterHarness, _ piece: Int) -> [UInt8] {
        (0..<100_000).map { harness.rig.byte(at: UInt64(piece * 100_000 + $0)) }
    }

    @Test func failedSyncIsNeverClaimed() throws {
        let harness = try harness("fdatasync", "error=EIO", when: "1")
        handOver(harness, 1, piece: 0)
        try harness.wait {
            if case .diskTrouble(let trouble) = $0 { trouble.isSync && trouble.errno == 5 } else { false }
        }
        handOver(harness, 2, piece: 1)
        try harness.wait { $0 == .piecesSynced(torrent: 7, [PieceIndex(1)]) }
        harness.give(.syncAll)
        try harness.wait { $0 == .syncedAll }
        let state = try harness.rig.journal().state
        #expect(state.lost.contains(PieceIndex(0)) && !state.synced.contains(PieceIndex(0)))
        #expect(!harness.news.contains(.piecesSynced(torrent: 7, [PieceIndex(0)])))
    }

    @Test func interruptedWriteGoesOn() throws {
        let harness = try harness("pwritev", "error=EINTR", when: "1..3")
        handOver(harness, 1, piece: 0)
        try harness.wait { $0 == .piecesSynced(torrent: 7, [PieceIndex(0)]) }
        #expect(harness.rig.contents("file0") == bytes(harness, 0))
    }

    @Test func fullDiskIsToldAndTriedAgain() throws {
        let harness = try harness("pwritev", "error=ENOSPC", when: "1")
        handOver(harness, 1, piece: 0)
        let full = DiskTrouble(torrent: 7, errno: UInt32(ENOSPC), call: "pwritev", path: "file0", isSync: false)
        try harness.wait { $0 == .diskTrouble(full) }
        #expect(!harness.news.contains { isWritten($0, 1) })
        try harness.wait { isWritten($0, 1) }
        try harness.wait { $0 == .diskRecovered }
        #expect(harness.rig.contents("file0") == bytes(harness, 0))
    }

    /// While a call hangs, the loop answers.
    @Test func stuckDiskDoesNotStopTheLoop() throws {
        let harness = try harness("pwritev", "delay_enter=3000000", when: "1")
        handOver(harness, 1, piece: 0)
        let newcomer = Incarnation(Place(.hashWorker, 0), generation: 2)
        let start = MonotonicClock.now
        try harness.wait(until: { harness.diskCall == .write })
        harness.give(.workerReplaced(newcomer))
        try harness.wait { $0 == .replacementSeen(ReplacementSeen(newcomer: newcomer, stillReading: [1])) }
        #expect(MonotonicClock.now - start < .seconds(2))
        let turn = harness.turn
        try harness.wait(until: { harness.turn > turn })
        #expect(harness.diskCall == .write)
    }

    @Test(arguments: [
        ("pwritev", 1), ("pwritev", 2), ("fdatasync", 1), ("fdatasync", 2), ("fsync", 1), ("write", 0), ("openat2", 2),
        ("openat2", 3),
    ])
    func writerKilledInACallLosesNothing(_ call: String, _ number: Int) throws {
        // The journal's first append is the only `write` of more than a few bytes; strace counts all of them, so its
        // place is tried over a range.
        for when in number == 0 ? Array(1...6) : [number] {
            let harness = try WriterHarness(WriterFixture.oneFile)
            do {
                try harness.start(
                    WriterHarness.program!,
                    wrapper: [
                        "/usr/bin/strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                        "inject=\(call):signal=SIGKILL:when=\(when)",
                    ])
                try harness.setUp()
                for piece in 0..<3 { handOver(harness, AssignmentID(piece + 1), piece: piece) }
                // `syncAll` goes another way, and with nothing written yet it would be answered before any call.
                var writtenCount = 0
                while writtenCount < 3 {
                    try harness.wait {
                        guard case .piecesWritten(let pieces) = $0 else { return false }
                        writtenCount += pieces.count
                        return true
                    }
                }
                harness.give(.syncAll)
                try harness.wait { $0 == .syncedAll }
            } catch is WriterHarness.Died {}
            #expect(number == 0 || !harness.isRunning, "the fault did not strike")
            if harness.isRunning { harness.child!.kill() }
            _ = try harness.ending()
            let claimed = try harness.rig.journal().state.synced
            claimed.forEach { piece in
                let contents = harness.rig.contents("file0") ?? []
                #expect(
                    contents.dropFirst(piece.value * 100_000).prefix(100_000).elementsEqual(bytes(harness, piece.value))
                )
            }
            try harness.start(WriterHarness.program!)
            try harness.setUp()
            for piece in 0..<3 where !claimed.contains(PieceIndex(piece)) {
                handOver(harness, AssignmentID(piece + 1), piece: piece)
            }
            harness.give(.syncAll)
            try harness.wait { $0 == .syncedAll }
            #expect(try harness.rig.journal().state.synced.count == 3)
            #expect(try harness.rig.journal().damage == nil)
            for piece in 0..<3 {
                #expect(
                    harness.rig.contents("file0")?.dropFirst(piece * 100_000).prefix(100_000).elementsEqual(
                        bytes(harness, piece)) == true)
            }
        }
    }
}
