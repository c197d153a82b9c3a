import BitTorrent
import PoolProtocol
import Testing

@testable import HashWorker

@Suite struct AssemblyTableTests {
    @Test func pieceIsOpenedWhileFramesSufficeAndRefusedAfter() {
        let world = AssemblyWorld(frameCount: 3)
        let answers = world.open(SourcePiece(1, byteCount: 65537), SourcePiece(2, byteCount: 65537))
        #expect(answers == [.tellSupervisor(.piecesOpened([1])), .tellSupervisor(.piecesRefused([2]))])
        #expect(world.open(SourcePiece(3, byteCount: 65536)) == [.tellSupervisor(.piecesOpened([3]))])
        world.close(1)
        #expect(world.open(SourcePiece(4, byteCount: 131072)) == [.tellSupervisor(.piecesOpened([4]))])
    }

    @Test func openingTwiceTakesFramesOnce() {
        let world = AssemblyWorld(frameCount: 3)
        let piece = SourcePiece(1, byteCount: 131072)
        world.open(piece)
        #expect(world.open(piece) == [.tellSupervisor(.piecesOpened([1]))])
        #expect(world.table.pool.freeCount == 1)
    }

    @Test func absurdLengthIsRefused() {
        let world = AssemblyWorld()
        var order = SourcePiece(1, byteCount: 1).order
        order.byteCount = .max
        let answers = world.event { table, _, actions in table.open([order], into: &actions) }
        #expect(answers == [.tellSupervisor(.piecesRefused([1]))])
    }

    @Test func everyReferenceIsAnsweredOnceInOrder() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece)
        let references = [
            world.reference(piece, 0), world.reference(piece, 0), world.reference(SourcePiece(9, byteCount: 5), 0),
            world.reference(piece, 2),
        ]
        #expect(
            world.send(references) == [
                .tellPeerWorker(
                    0,
                    .slotsReturned(
                        zip(references, [.taken, .duplicate, .notNeeded, .taken]).map {
                            SlotReturn(slot: $0.slot, lease: $0.lease, outcome: $1)
                        }))
            ])
        #expect(world.table.counts.duplicateBlockCount == 1)
    }

    @Test func firstCopyOfABlockWins() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 16384)
        world.open(piece, admitting: [0, 1])
        world.join(writer: 1)
        #expect(world.send(piece) == [.taken])
        let liar = world.reference(piece, 0, from: 1, bytes: [UInt8](repeating: 1, count: 16384))
        #expect(world.outcomes(world.send([liar], from: 1)) == [.duplicate])
        let actions = world.hash()
        #expect(actions.verified == [1])
        #expect(world.bytes(actions.written) == piece.bytes)
        #expect(world.send(piece) == [.duplicate])
    }

    @Test func lateBlockOfAClosedAssignmentIsNotNeeded() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece)
        world.send(piece, [0])
        world.close(1)
        #expect(world.send(piece, [1]) == [.notNeeded])
        #expect(world.table.pool.freeCount == 64)
    }

    @Test func blockOfAWorkerThatIsNotAdmittedWaitsForTheAdmission() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece, admitting: [])
        let reference = world.reference(piece, 1, from: 1)
        #expect(world.send([reference], from: 1) == [])
        #expect(world.table.pieces[0].presentCount == 0)
        #expect(world.admit(0, [1]) == [])
        #expect(world.outcomes(world.admit(1, [1])) == [.taken])
    }

    @Test func heldReferenceIsNotNeededOnceThePieceIsClosed() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece, admitting: [])
        world.send([world.reference(piece, 1)])
        #expect(world.outcomes(world.close(1)) == [.notNeeded])
    }

    @Test func referenceWaitsForTheRegionOfItsWorker() {
        let world = AssemblyWorld(workers: [0])
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece)
        let reference = world.reference(piece, 1)
        world.replace(0)
        #expect(world.send([reference]) == [])
        let actions = world.event { table, now, actions in
            let memory = RegionMemory(byteCount: AssemblyWorld.slotCount * 16384)
            table.mapped(
                IntakeRegion(base: memory.base, byteCount: memory.byteCount, owner: memory),
                of: Incarnation(Place(.peerWorker, 0), generation: 2), now: now, into: &actions)
        }
        #expect(world.outcomes(actions) == [.taken])
    }

    /// Its bytes would be taken for those of its successor.
    @Test func regionOfADeadWorkerIsNotMapped() {
        let world = AssemblyWorld(workers: [0])
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece)
        world.replace(0, generation: 3)
        world.map(0, generation: 2)
        #expect(world.send([world.reference(piece, 1)]) == [], "it waits for the region of its sender")
        world.map(0, generation: 3)
        #expect(world.send(piece, [0]) == [.taken])
        world.event { table, _, _ in table.peerWorkerGivenUp(0) }
        world.map(0, generation: 3)
        #expect(world.table.intakes.isEmpty)
    }

    @Test func replacedWorkerGetsNoAnswerAndItsSuccessorStaysAdmitted() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece, admitting: [])
        world.send([world.reference(piece, 1)])
        world.replace(0)
        #expect(world.admit(0, [1]) == [])
        world.map(0)
        #expect(world.send(piece, [1]) == [.taken])
    }

    @Test func workerThatIsGivenUpIsDismissed() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece, admitting: [0, 1])
        world.event { table, _, _ in table.peerWorkerGivenUp(1) }
        world.send(piece, [0])
        #expect(world.endTurn() == [])
    }

    @Test(arguments: [
        (block: UInt32(3), byteCount: UInt32(16384), slot: UInt32(0)),
        (block: .max, byteCount: 16384, slot: 0),
        (block: 0, byteCount: 16383, slot: 0),
        (block: 2, byteCount: 16384, slot: 0),
        (block: 0, byteCount: 0, slot: 0),
        (block: 0, byteCount: 16384, slot: UInt32(AssemblyWorld.slotCount)),
        (block: 0, byteCount: 16384, slot: .max),
    ])
    func unsoundReferenceIsReportedOnceAndItsSenderIgnored(block: UInt32, byteCount: UInt32, slot: UInt32) {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece, admitting: [0, 1])
        let sound = world.reference(piece, 1)
        let unsound = BlockReference(
            assignment: 1, block: block, byteCount: byteCount, slot: slot, lease: 9, peer: 5)
        let actions = world.send([sound, unsound, unsound])
        #expect(world.outcomes(actions) == [.taken])
        #expect(actions.count == 2)
        guard case .accuse(worker: 0, let fault) = actions.last else {
            Issue.record("not reported: \(actions)")
            return
        }
        #expect(fault == .slotOutOfRange(slot) || fault == .blockOutOfRange(block, byteCount: byteCount))
        #expect(world.send([unsound]) == [])
        #expect(world.send(piece, [0], from: 1) == [.taken])
        world.replace(0)
        world.map(0)
        #expect(world.send(piece, [2]) == [.taken])
    }

    @Test func moreReferencesThanSlotsAreReported() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 40000)
        world.open(piece, admitting: [])
        let reference = world.reference(piece, 0)
        for _ in 0..<HeldReferences.maximumCount { #expect(world.send([reference]) == []) }
        #expect(world.send([reference]) == [.accuse(worker: 0, .tooManyReferences)])
    }

    @Test func blocksOfSharedAssignmentsAreReportedEachTurn() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 10 * 16384)
        world.open(piece, admitting: [0])
        world.send(piece, [0, 3])
        #expect(world.endTurn() == [])
        world.admit(1, [1])
        #expect(world.endTurn() == [.tellSupervisor(.blocksPresent(assignment: 1, bits: piece.bits([0, 3])))])
        world.send(piece, [9], from: 1)
        world.send(piece, [3, 1])
        #expect(world.endTurn() == [.tellSupervisor(.blocksPresent(assignment: 1, bits: piece.bits([1, 9])))])
        world.send(piece, [1], from: 1)
        #expect(world.endTurn() == [])
    }

    @Test func progressTellsEveryPresentBlock() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 10 * 16384)
        world.open(piece)
        world.send(piece, [0, 9])
        let actions = world.event { table, _, actions in table.reportProgress(of: [1, 2], into: &actions) }
        #expect(actions == [.tellSupervisor(.pieceProgress(assignment: 1, bits: piece.bits([0, 9])))])
    }

    @Test func restoredBlocksFillThePieceAndNeverOverwrite() {
        let world = AssemblyWorld()
        let piece = SourcePiece(1, byteCount: 3 * 16384 + 100)
        world.open(piece)
        world.send(piece, [1])
        world.event { table, now, _ in
            var bytes = piece.bytes
            for index in 16384..<32768 { bytes[index] = 0 }
            table.blocksRestored(bytes, at: 0..<4, of: 1, now: now)
            table.blocksRestored([1], at: 0..<1, of: 99, now: now)
        }
        #expect(world.hash().verified == [1])
        #expect(world.table.region.contributor(ofBlock: 0, inFrame: world.table.pieces[0].frames[0]) == .disk)
        #expect(world.table.region.contributor(ofBlock: 1, inFrame: world.table.pieces[0].frames[0]).worker == 0)
    }
}
