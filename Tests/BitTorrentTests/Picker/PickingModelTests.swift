import BitTorrent
import Testing

/// The supervisor's side of the protocol, in small, against workers that really hold blocks: what the ledgers believe is
/// compared with what is true. Every process may die at every step; in the end everything must be on disk.
private struct PickingWorld {
    /// The truth about one assignment at its hash-worker.
    struct Assembly {
        let piece: PieceIndex
        var present: BlockSet
        var admitted: Set<Int> = []
        /// Answers on their way to the supervisor: what was present when they were sent.
        var answers: [BlockSet] = []
        /// Arrivals that are not yet reported.
        var unreported: BlockSet

        mutating func sendAnswer() { answers.append(present) }
    }

    static let workerCount = 4
    let geometry: TorrentGeometry
    var pieces: PieceLedger
    var blocks = BlockLedger()
    var assemblies: [AssignmentID: Assembly] = [:]
    /// What each worker believes that it may fetch.
    var grants = [[AssignmentID: Set<UInt32>]](repeating: [:], count: workerCount)
    var latest: AssignmentID = 0
    var deliveries = 0, duplicates = 0, greatestHolderCount = 0

    init(geometry: TorrentGeometry) {
        self.geometry = geometry
        pieces = PieceLedger(geometry: geometry)
    }

    /// `wantBlocks` of one worker, as the supervisor answers it.
    mutating func want(_ worker: Int, _ byteCount: Int, _ random: inout SeedPrintingGenerator) {
        let availability = pieces.picker.availability
        var ranges = blocks.grant(to: worker, maximumByteCount: byteCount) { availability.hasSource(worker, $0) }
        if ranges.isEmpty, let piece = pieces.picker.next(for: worker, using: &random),
            pieces.mayOpen(piece, frameByteCount: 6 * UInt64(geometry.pieceByteCount))
        {
            latest += 1
            pieces.opening(piece, assignment: latest)
            if random.chance(10) { return _ = pieces.refused(latest) }
            pieces.opened(latest)
            blocks.opened(latest, piece, byteCount: geometry.length(of: piece))
            let none = BlockSet(blockCount: geometry.blockCount(of: piece))
            assemblies[latest] = Assembly(piece: piece, present: none, unreported: none)
        } else if ranges.isEmpty, EndGame.isOn(blocks, pieces) {
            let plan = EndGame.grant(to: worker, maximumByteCount: byteCount, from: &blocks) {
                availability.count(worker, $0)
            }
            for assignment in plan.progressNeeded {
                assemblies[assignment]!.admitted.insert(worker)
                assemblies[assignment]!.sendAnswer()
            }
            ranges = plan.ranges
        }
        for range in ranges {
            if range.needsAdmission { assemblies[range.assignment]?.admitted.insert(worker) }
            grants[worker][range.assignment, default: []].formUnion(range.blocks)
        }
    }

    /// A worker's peer delivers one of its blocks.
    mutating func deliver(_ worker: Int, _ random: inout SeedPrintingGenerator) {
        // Sorted, since the order of sets differs from run to run and the seed must decide alone.
        guard let assignment = grants[worker].keys.sorted().randomElement(using: &random),
            let block = grants[worker][assignment]!.sorted().randomElement(using: &random)
        else { return }
        let holders = grants.count { $0[assignment]?.contains(block) ?? false }
        if assemblies[assignment] != nil { greatestHolderCount = max(greatestHolderCount, holders) }
        grants[worker][assignment]?.remove(block)
        if grants[worker][assignment]?.isEmpty == true { grants[worker][assignment] = nil }
        guard var assembly = assemblies[assignment] else { return }
        #expect(assembly.admitted.contains(worker), "the hash-worker drops what was never admitted")
        deliveries += 1
        if assembly.present.contains(block) {
            duplicates += 1
            return
        }
        assembly.present.insert(block..<block + 1)
        if assembly.admitted.count > 1 { assembly.unreported.insert(block..<block + 1) }
        assemblies[assignment] = assembly
        if assembly.present.isFull { verdict(assignment, &random) }
    }

    mutating func verdict(_ assignment: AssignmentID, _ random: inout SeedPrintingGenerator) {
        if random.chance(12) {
            #expect(pieces.failed(assignment) != nil)
        } else {
            if random.chance(2) { #expect(pieces.verified(assignment) != nil) }
            #expect(pieces.written(assignment) != nil)
        }
        for worker in blocks.closed(assignment) { grants[worker][assignment] = nil }
        assemblies[assignment] = nil
        for worker in 0..<Self.workerCount {
            #expect(grants[worker][assignment] == nil, "a worker was not told that the assignment is closed")
        }
    }

    mutating func report(_ assignment: AssignmentID) {
        guard let told = assemblies[assignment]?.unreported else { return }
        assemblies[assignment]?.unreported.removeAll()
        notNeeded(assignment, blocks.blocksPresent(assignment, told))
    }

    mutating func answer(_ assignment: AssignmentID) {
        guard let told = assemblies[assignment]?.answers.first else { return }
        assemblies[assignment]?.answers.removeFirst()
        notNeeded(assignment, blocks.progress(assignment, told))
    }

    mutating func notNeeded(_ assignment: AssignmentID, _ held: [BlocksHeld]) {
        for held in held {
            for block in held.blocks.runs().joined() { grants[held.worker][assignment]?.remove(block) }
            if grants[held.worker][assignment]?.isEmpty == true { grants[held.worker][assignment] = nil }
        }
    }

    mutating func giveBack(_ worker: Int, _ random: inout SeedPrintingGenerator) {
        guard let assignment = grants[worker].keys.sorted().randomElement(using: &random),
            let held = grants[worker].removeValue(forKey: assignment)
        else { return }
        blocks.returned(assignment, held.map { $0..<$0 + 1 }, by: worker, wasSlow: random.chance(2))
    }

    mutating func killPeerWorker(_ worker: Int) {
        grants[worker] = [:]
        for assignment in assemblies.keys { assemblies[assignment]?.admitted.remove(worker) }
        for assignment in blocks.workerGone(worker) {
            assemblies[assignment]!.sendAnswer()
        }
        pieces.picker.workerGone(worker)
        connect(worker)
    }

    /// Its successor adopts what is there and tells progress of each; all messages under way are lost.
    mutating func killHashWorker() {
        blocks.hashWorkerReplaced(assemblies.keys)
        for assignment in assemblies.keys {
            assemblies[assignment]!.answers = []
            assemblies[assignment]!.sendAnswer()
            assemblies[assignment]!.unreported.removeAll()
        }
    }

    /// A second death before the first verdict: the region starts empty.
    mutating func loseHashWorker() {
        for assignment in assemblies.keys.sorted() {
            #expect(pieces.abandoned(assignment) != nil)
            for worker in blocks.closed(assignment) { grants[worker][assignment] = nil }
        }
        assemblies = [:]
    }

    /// Worker 0 reaches a seed; the others' peers have parts.
    mutating func connect(_ worker: Int) {
        if worker == 0 { return pieces.picker.workerSeeds(0, count: 2) }
        for index in stride(from: worker, to: geometry.pieceCount, by: 2) {
            pieces.picker.workerReported(worker, PieceIndex(index), count: worker)
        }
    }

    func check() {
        blocks.checkInvariants()
        pieces.checkInvariants()
        for (assignment, assembly) in assemblies {
            #expect(pieces.state(of: assembly.piece) == .open(assignment))
            // The supervisor never believes in a block that is not there.
            #expect(blocks.present(assignment)!.subtracting(assembly.present).isEmpty)
        }
        #expect(blocks.openCount == assemblies.count)
    }
}

@Suite struct PickingModelTests {
    @Test func downloadCompletesWhoeverDiesAtWhateverStep() {
        var random = SeedPrintingGenerator()
        for round in 0..<60 {
            let geometry = TorrentGeometry(
                totalByteCount: UInt64.random(in: 1...900_000, using: &random),
                pieceByteCount: UInt32.random(in: 10_000...100_000, using: &random))
            var world = PickingWorld(geometry: geometry)
            for worker in 0..<PickingWorld.workerCount { world.connect(worker) }
            var steps = 0
            while !world.pieces.isComplete {
                steps += 1
                guard steps < 20_000 else {
                    Issue.record("round \(round) does not end: \(world.pieces.completedPieceCount) pieces are complete")
                    return
                }
                let worker = Int.random(in: 0..<PickingWorld.workerCount, using: &random)
                let assignment = world.assemblies.keys.sorted().randomElement(using: &random)
                switch Int.random(in: 0..<200, using: &random) {
                case 0..<60: world.want(worker, Int.random(in: 1...200_000, using: &random), &random)
                case 60..<150: world.deliver(worker, &random)
                case 150..<165: if let assignment { world.report(assignment) }
                case 165..<185: if let assignment { world.answer(assignment) }
                case 185..<192: world.giveBack(worker, &random)
                case 192..<197: world.killPeerWorker(worker)
                case 197..<199: world.killHashWorker()
                default: world.loseHashWorker()
                }
                world.check()
            }
            #expect(world.greatestHolderCount <= EndGame.maximumHolders)
            #expect(world.pieces.leftByteCount == 0)
            #expect(world.blocks.openCount == 0 && world.pieces.livingAssignments.isEmpty)
        }
    }

    @Test func undisturbedDownloadFetchesFewBlocksTwice() {
        var random = SeedPrintingGenerator()
        let geometry = TorrentGeometry(totalByteCount: 40 << 20, pieceByteCount: 1 << 20)
        var world = PickingWorld(geometry: geometry)
        for worker in 0..<PickingWorld.workerCount { world.connect(worker) }
        var steps = 0
        while !world.pieces.isComplete, steps < 100_000 {
            steps += 1
            for worker in 0..<PickingWorld.workerCount {
                if world.grants[worker].isEmpty { world.want(worker, 16 * 16384, &random) }
                // Worker 0 is by far the fastest.
                if worker == 0 || random.chance(4) { world.deliver(worker, &random) }
            }
            for assignment in world.assemblies.keys.sorted() {
                world.report(assignment)
                world.answer(assignment)
            }
        }
        #expect(world.pieces.isComplete)
        // A verdict fails now and then here, so count against what was delivered.
        #expect(world.duplicates * 50 <= world.deliveries, "\(world.duplicates) of \(world.deliveries) came twice")
    }
}
