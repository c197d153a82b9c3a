import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

struct RecheckTests {
    private func recheck(_ count: Int, fileCount: Int = 1) -> Recheck {
        let geometry = TorrentGeometry(totalByteCount: UInt64(count) * 100 - 1, pieceByteCount: 100)
        let pieces = (0..<count).map { PieceIndex($0) }.shuffled()
        return Recheck(geometry: geometry, pieces: pieces, fileCount: fileCount)
    }

    @Test func filesAreReadFromTheirBeginning() {
        var check = recheck(100)
        #expect(check.next(for: 0) == (0..<48).map { PieceIndex($0) })
        #expect(check.next(for: 1) == (48..<96).map { PieceIndex($0) })
        #expect(check.next(for: 0) == [])
        #expect(check.progress == Recheck.Progress(totalByteCount: 9999))
    }

    @Test func piecesOfManyFilesAreHandedOutSparingly() {
        var some = recheck(100, fileCount: 10_000)
        #expect(some.next(for: 0).count == 19)
        var many = recheck(100, fileCount: 10_000_000)
        #expect(many.next(for: 0).count == 4)
    }

    @Test func handIsRefilledInUsefulPortions() {
        var check = recheck(100)
        let first = check.next(for: 0)
        for piece in first.prefix(15) {
            #expect(check.verdict(on: piece, isRight: true, from: 0) == true)
            #expect(check.next(for: 0) == [])
        }
        #expect(check.verdict(on: first[15], isRight: false, from: 0) == true)
        #expect(check.next(for: 0) == (48..<64).map { PieceIndex($0) })
        #expect(
            check.progress
                == Recheck.Progress(
                    checkedByteCount: 1600, totalByteCount: 9999, rightPieceCount: 15, wrongPieceCount: 1))
    }

    @Test func handOfADeadWorkerIsHandedOutAgainInOrder() {
        var check = recheck(60)
        let first = check.next(for: 0)
        _ = check.verdict(on: first[0], isRight: true, from: 0)
        check.workerLost(0)
        check.workerLost(7)
        #expect(check.next(for: 1) == (1..<49).map { PieceIndex($0) })
        #expect(check.verdict(on: first[1], isRight: true, from: 0) == false, "the dead one's late word")
        #expect(check.verdict(on: first[1], isRight: true, from: 1) == true)
        #expect(check.verdict(on: first[1], isRight: true, from: 1) == false)
    }

    @Test func unreadablePieceIsWrong() {
        var check = recheck(1)
        #expect(!check.isFinished)
        #expect(check.handOut(to: 0) { _ in .unreadable } == false)
        #expect(check.isFinished)
        #expect(check.progress.wrongPieceCount == 1 && check.progress.checkedByteCount == 99)
    }

    /// No verdict comes for what nobody was asked about.
    @Test func othersTakeThePlaceOfPiecesThatCannotBeRead() {
        var check = recheck(200)
        var asked: [PieceIndex] = []
        let goesOn = check.handOut(to: 0) { piece in
            if piece.value < 130 { return .unreadable }
            asked.append(piece)
            return .asked
        }
        #expect(!goesOn)
        #expect(asked.count >= 32, "two thirds of a hand at the least")
        #expect(asked.first == PieceIndex(130))
        #expect(check.progress.wrongPieceCount == 130)
        for piece in asked { #expect(check.verdict(on: piece, isRight: true, from: 0) == true) }
    }

    @Test func manyUnreadablePiecesTakeSeveralTurns() {
        var check = recheck(10_000)
        var turns = 1
        while check.handOut(to: 0, { _ in .unreadable }) { turns += 1 }
        #expect(turns == 3 && check.isFinished)
    }

    @Test func whatAWorkerRefusesIsHandedOutLaterInOrder() {
        var check = recheck(100)
        #expect(check.handOut(to: 0) { $0.value < 20 ? .asked : .refused } == false)
        #expect(check.next(for: 1) == (20..<68).map { PieceIndex($0) })
        #expect(check.next(for: 0) == (68..<96).map { PieceIndex($0) })
        #expect(check.verdict(on: PieceIndex(20), isRight: true, from: 0) == false)
        check.workerLost(0)
        #expect(check.next(for: 2) == (0..<20).map { PieceIndex($0) } + (68..<96).map { PieceIndex($0) })
    }

    @Test func everyPieceGetsOneVerdictWhoeverDies() {
        var generator = SeededGenerator.printing()
        var check = recheck(500)
        var hands: [Int: [PieceIndex]] = [:]
        var judged: Set<PieceIndex> = []
        for _ in 0..<100_000 where !check.isFinished {
            let worker = Int.random(in: 0..<3, using: &generator)
            switch Int.random(in: 0..<100, using: &generator) {
            case 0:
                check.workerLost(worker)
                hands[worker] = nil
            case 1..<20: hands[worker, default: []] += check.next(for: worker)
            default:
                guard let piece = hands[worker]?.popLast() else { continue }
                #expect(check.verdict(on: piece, isRight: generator.oneIn(2), from: worker) == true)
                #expect(judged.insert(piece).inserted)
            }
        }
        #expect(check.isFinished && judged.count == 500)
        #expect(check.progress.checkedByteCount == check.progress.totalByteCount)
    }
}
