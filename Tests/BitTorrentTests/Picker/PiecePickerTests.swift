import BitTorrent
import Testing

@Suite struct PiecePickerTests {
    static func ledger(_ pieceCount: Int, order: PiecePicker.Order = .rarestFirst) -> PieceLedger {
        PieceLedger(
            geometry: TorrentGeometry(totalByteCount: UInt64(pieceCount) * 16384, pieceByteCount: 16384), order: order)
    }

    @Test func rarestPieceOverAllWorkersIsNext() {
        var random = SeedPrintingGenerator()
        var ledger = Self.ledger(4)
        for (index, count) in [3, 1, 2, 0].enumerated() {
            ledger.picker.workerReported(0, PieceIndex(index), count: count)
        }
        #expect(ledger.picker.next(for: 0, using: &random) == PieceIndex(1))
        // Another worker's peers make piece 1 common.
        ledger.picker.workerReported(1, PieceIndex(1), count: 2)
        #expect(ledger.picker.next(for: 0, using: &random) == PieceIndex(2))
        #expect(ledger.picker.next(for: 1, using: &random) == PieceIndex(1))
        ledger.checkInvariants()
    }

    @Test func workerWithoutSourcesGetsNothing() {
        var random = SeedPrintingGenerator()
        var ledger = Self.ledger(4)
        #expect(ledger.picker.next(for: 5, using: &random) == nil)
        ledger.picker.workerReported(0, PieceIndex(2), count: 1)
        #expect(ledger.picker.next(for: 5, using: &random) == nil)
        #expect(ledger.picker.next(for: 0, using: &random) == PieceIndex(2))
        ledger.opening(PieceIndex(2), assignment: 1)
        #expect(ledger.picker.next(for: 0, using: &random) == nil)
    }

    @Test func seedIsASourceOfEverythingAndChangesNoRarity() {
        var random = SeedPrintingGenerator()
        var ledger = Self.ledger(3)
        ledger.picker.workerSeeds(0, count: 2)
        ledger.picker.workerReported(1, PieceIndex(0), count: 1)
        ledger.picker.workerReported(1, PieceIndex(2), count: 1)
        #expect(ledger.picker.next(for: 0, using: &random) == PieceIndex(1))
        #expect(ledger.picker.availability.count(PieceIndex(0)) == 3)
        #expect(ledger.picker.availability.count(0, PieceIndex(0)) == 2)
        #expect(!ledger.picker.availability.hasSource(1, PieceIndex(1)))
        ledger.picker.workerSeeds(0, count: 0)
        #expect(ledger.picker.next(for: 0, using: &random) == nil)
        ledger.checkInvariants()
    }

    @Test func repeatedReportCountsOnce() {
        var ledger = Self.ledger(2)
        for _ in 0..<3 { ledger.picker.workerReported(0, PieceIndex(1), count: 4) }
        #expect(ledger.picker.availability.count(PieceIndex(1)) == 4)
        ledger.picker.workerReported(0, PieceIndex(1), count: 100_000)
        #expect(ledger.picker.availability.count(PieceIndex(1)) == Availability.maximumCountPerWorker)
        ledger.picker.workerReported(0, PieceIndex(1), count: 0)
        #expect(ledger.picker.availability.count(PieceIndex(1)) == 0)
        ledger.checkInvariants()
    }

    @Test func deadWorkerTakesItsSourcesAlong() {
        var random = SeedPrintingGenerator()
        var ledger = Self.ledger(3)
        ledger.picker.workerReported(0, PieceIndex(0), count: 5)
        ledger.picker.workerReported(1, PieceIndex(0), count: 1)
        ledger.picker.workerReported(1, PieceIndex(1), count: 2)
        ledger.picker.workerSeeds(0, count: 1)
        ledger.picker.workerGone(0)
        ledger.checkInvariants()
        #expect(ledger.picker.availability.count(PieceIndex(0)) == 1)
        #expect(ledger.picker.availability.count(PieceIndex(2)) == 0)
        #expect(ledger.picker.next(for: 0, using: &random) == nil)
        #expect(ledger.picker.next(for: 1, using: &random) == PieceIndex(0))
        // Its successor starts anew.
        ledger.picker.workerReported(0, PieceIndex(2), count: 1)
        #expect(ledger.picker.next(for: 0, using: &random) == PieceIndex(2))
    }

    @Test func sequentialOrderTakesTheLowestPieceThatTheWorkerCanGet() {
        var random = SeedPrintingGenerator()
        var ledger = Self.ledger(200, order: .sequential)
        ledger.picker.workerSeeds(0, count: 1)
        for index in [3, 150] { ledger.picker.workerReported(1, PieceIndex(index), count: 1) }
        #expect(ledger.picker.next(for: 1, using: &random) == PieceIndex(3))
        var taken: [Int] = []
        for assignment in 0..<150 {
            let piece = ledger.picker.next(for: 0, using: &random)!
            ledger.opening(piece, assignment: AssignmentID(assignment))
            taken.append(piece.value)
        }
        #expect(taken == Array(0..<150))
        #expect(ledger.picker.next(for: 1, using: &random) == PieceIndex(150))
        ledger.refused(7)
        #expect(ledger.picker.next(for: 0, using: &random) == PieceIndex(7))
        ledger.checkInvariants()
    }

    @Test func tiesAreDrawnEvenly() {
        var random = SeedPrintingGenerator(seed: 4)
        var ledger = Self.ledger(10)
        for index in 0..<10 { ledger.picker.workerReported(0, PieceIndex(index), count: index < 8 ? 1 : 2) }
        var draws = [Int](repeating: 0, count: 10)
        for _ in 0..<8000 { draws[ledger.picker.next(for: 0, using: &random)!.value] += 1 }
        for index in 0..<8 { #expect((800...1200).contains(draws[index]), "piece \(index): \(draws[index])") }
        #expect(draws[8] == 0 && draws[9] == 0)
    }

    @Test func sameSeedMakesTheSameChoices() {
        func choices(seed: UInt64) -> [PieceIndex] {
            var random = SeedPrintingGenerator(seed: seed)
            var ledger = Self.ledger(100)
            ledger.picker.workerSeeds(0, count: 1)
            return (0..<50).map { assignment in
                let piece = ledger.picker.next(for: 0, using: &random)!
                ledger.opening(piece, assignment: AssignmentID(assignment))
                return piece
            }
        }
        #expect(choices(seed: 1) == choices(seed: 1))
        #expect(choices(seed: 1) != choices(seed: 2))
    }

    @Test func randomReportsNeverMakeTheChoiceWrong() {
        var random = SeedPrintingGenerator()
        for _ in 0..<40 {
            let pieceCount = Int.random(in: 1...80, using: &random)
            var ledger = Self.ledger(pieceCount)
            var counts = [[Int]](repeating: [Int](repeating: 0, count: pieceCount), count: 4)
            var seeds = [Int](repeating: 0, count: 4)
            var assignment: AssignmentID = 0
            for _ in 0..<300 {
                let worker = Int.random(in: 0..<4, using: &random)
                let piece = PieceIndex(Int.random(in: 0..<pieceCount, using: &random))
                switch Int.random(in: 0..<40, using: &random) {
                case 0:
                    ledger.picker.workerGone(worker)
                    counts[worker] = [Int](repeating: 0, count: pieceCount)
                    seeds[worker] = 0
                case 1..<4:
                    seeds[worker] = Int.random(in: 0..<3, using: &random)
                    ledger.picker.workerSeeds(worker, count: seeds[worker])
                case 4..<30:
                    counts[worker][piece.value] = Int.random(in: 0..<(random.chance(5) ? 200 : 3), using: &random)
                    ledger.picker.workerReported(worker, piece, count: counts[worker][piece.value])
                case 30..<34: ledger.abandoned(AssignmentID.random(in: 0...assignment, using: &random))
                default:
                    func total(_ piece: Int) -> Int { counts.reduce(0) { $0 + $1[piece] } }
                    let open = (0..<pieceCount).filter {
                        ledger.state(of: PieceIndex($0)) == .missing && (seeds[worker] > 0 || counts[worker][$0] > 0)
                    }
                    let next = ledger.picker.next(for: worker, using: &random)
                    #expect((next == nil) == open.isEmpty)
                    guard let next else { break }
                    #expect(open.contains(next.value))
                    // All ranks from 127 on are equally common.
                    #expect(min(total(next.value), 127) == open.map { min(total($0), 127) }.min())
                    assignment += 1
                    ledger.opening(next, assignment: assignment)
                }
                ledger.checkInvariants()
            }
        }
    }

    @Test func twoMillionPiecesAreOpenedOnceEach() {
        var random = SeedPrintingGenerator(seed: 11)
        let pieceCount = TorrentGeometry.maximumPieceCount
        var ledger = Self.ledger(pieceCount)
        // Worker 0 has a source of every second piece, worker 1 a seed, worker 2 a thousand of the commonest.
        for index in stride(from: 0, to: pieceCount, by: 2) {
            ledger.picker.workerReported(0, PieceIndex(index), count: 1)
        }
        for index in stride(from: 0, to: pieceCount, by: pieceCount / 1000) {
            ledger.picker.workerReported(0, PieceIndex(index), count: 50)
            ledger.picker.workerReported(2, PieceIndex(index), count: 1)
        }
        ledger.picker.workerSeeds(1, count: 1)
        #expect(ledger.missingCount == pieceCount)
        var assignment: AssignmentID = 0
        var even = 0
        for _ in 0..<20_000 {
            for worker in 0..<2 {
                guard let piece = ledger.picker.next(for: worker, using: &random) else { continue }
                assignment += 1
                ledger.opening(piece, assignment: assignment)
                if worker == 0 { #expect(piece.value % 2 == 0) }
                even += piece.value % 2 == 0 ? 1 : 0
            }
        }
        // The seed's worker takes what nobody else has; the other what only it reported.
        #expect(even == 20_000)
        #expect(ledger.missingCount == pieceCount - 40_000)
        // A worker with few and common pieces is still served, each piece once.
        var served: Set<PieceIndex> = []
        while let piece = ledger.picker.next(for: 2, using: &random) {
            assignment += 1
            ledger.opening(piece, assignment: assignment)
            served.insert(piece)
            #expect(ledger.picker.availability.hasSource(2, piece))
        }
        #expect(served.count > 900 && served.count <= 1001)
        #expect(ledger.missingCount == pieceCount - 40_000 - served.count)
        ledger.picker.workerGone(0)
        #expect(ledger.picker.next(for: 0, using: &random) == nil)
        #expect(ledger.picker.next(for: 1, using: &random) != nil)
    }
}
