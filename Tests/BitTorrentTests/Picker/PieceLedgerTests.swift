import BitTorrent
import Testing

@Suite struct PieceLedgerTests {
    /// Four pieces of 32 KiB and one of 1,000 bytes.
    let geometry = TorrentGeometry(totalByteCount: 4 * 32768 + 1000, pieceByteCount: 32768)
    let first = PieceIndex(0), last = PieceIndex(4)

    @Test func pieceGoesFromMissingToSynced() {
        var ledger = PieceLedger(geometry: geometry)
        #expect(ledger.state(of: last) == .missing)
        ledger.opening(last, assignment: 7)
        #expect(ledger.state(of: last) == .opening(7))
        #expect(ledger.opened(7) == last)
        #expect(ledger.state(of: last) == .open(7))
        #expect(ledger.verified(7) == last)
        #expect(ledger.state(of: last) == .verified(7))
        #expect(!ledger.have.contains(last))
        #expect(ledger.written(7) == last)
        #expect(ledger.state(of: last) == .written)
        #expect(ledger.have.contains(last))
        #expect(ledger.piecesToSync == [last])
        #expect(ledger.synced(last) == true)
        #expect(ledger.state(of: last) == .synced)
        #expect(ledger.piecesToSync.isEmpty)
        ledger.checkInvariants()
    }

    @Test func bytesCountAsCompletedOnceWritten() {
        var ledger = PieceLedger(geometry: geometry)
        #expect(ledger.leftByteCount == geometry.totalByteCount)
        ledger.opening(last, assignment: 1)
        ledger.opened(1)
        ledger.verified(1)
        #expect(ledger.completedByteCount == 0)
        ledger.written(1)
        #expect(ledger.completedByteCount == 1000)
        #expect(ledger.leftByteCount == 4 * 32768)
        #expect(!ledger.isComplete)
        for index in 0..<4 { #expect(ledger.restored(PieceIndex(index)) == true) }
        #expect(ledger.isComplete)
        #expect(!ledger.isDurable)
        ledger.synced(last)
        #expect(ledger.isDurable)
        #expect(ledger.leftByteCount == 0)
    }

    @Test func refusedFailedAndAbandonedPiecesAreMissingAgain() {
        var ledger = PieceLedger(geometry: geometry)
        ledger.opening(first, assignment: 1)
        #expect(ledger.refused(1) == first)
        #expect(ledger.state(of: first) == .missing)
        ledger.opening(first, assignment: 2)
        ledger.opened(2)
        #expect(ledger.failed(2) == first)
        #expect(ledger.state(of: first) == .missing)
        for (assignment, steps) in [(3, 0), (4, 1), (5, 2)] as [(AssignmentID, Int)] {
            ledger.opening(first, assignment: assignment)
            if steps > 0 { ledger.opened(assignment) }
            if steps > 1 { ledger.verified(assignment) }
            #expect(ledger.abandoned(assignment) == first)
            #expect(ledger.state(of: first) == .missing)
        }
        #expect(ledger.livingAssignments.isEmpty)
        ledger.checkInvariants()
    }

    @Test func verdictForAClosedAssignmentIsIgnored() {
        var ledger = PieceLedger(geometry: geometry)
        ledger.opening(first, assignment: 1)
        ledger.opened(1)
        ledger.failed(1)
        ledger.opening(first, assignment: 2)
        ledger.opened(2)
        #expect(ledger.verified(1) == nil)
        #expect(ledger.written(1) == nil)
        #expect(ledger.failed(1) == nil)
        #expect(ledger.abandoned(1) == nil)
        #expect(ledger.verified(99) == nil)
        #expect(ledger.state(of: first) == .open(2))
    }

    @Test func secondVerdictOfASuccessorIsIgnored() {
        var ledger = PieceLedger(geometry: geometry)
        ledger.opening(first, assignment: 1)
        ledger.opened(1)
        #expect(ledger.verified(1) == first)
        #expect(ledger.verified(1) == nil)
        #expect(ledger.failed(1) == nil)
        #expect(ledger.state(of: first) == .verified(1))
        #expect(ledger.written(1) == first)
        #expect(ledger.verified(1) == nil)
        #expect(ledger.written(1) == nil)
        #expect(ledger.abandoned(1) == nil)
        #expect(ledger.state(of: first) == .written)
    }

    @Test func writtenMayOvertakeTheVerdict() {
        var ledger = PieceLedger(geometry: geometry)
        ledger.opening(first, assignment: 1)
        #expect(ledger.written(1) == nil)
        ledger.opened(1)
        #expect(ledger.written(1) == first)
        #expect(ledger.verified(1) == nil)
        #expect(ledger.state(of: first) == .written)
    }

    @Test func pieceIsNoLongerClaimedAfterAFailedSync() {
        var ledger = PieceLedger(geometry: geometry)
        ledger.opening(first, assignment: 1)
        ledger.opened(1)
        ledger.written(1)
        #expect(ledger.failedSync(first) == true)
        #expect(ledger.state(of: first) == .missing)
        #expect(!ledger.have.contains(first))
        #expect(ledger.completedByteCount == 0)
        #expect(ledger.synced(first) == false)
        #expect(ledger.failedSync(first) == false)
        ledger.restored(last)
        #expect(ledger.failedSync(last) == false)
        #expect(ledger.state(of: last) == .synced)
    }

    @Test func onlyWantedPiecesAreMissing() {
        var wanted = PieceSet(pieceCount: 5)
        wanted.insert(last)
        var ledger = PieceLedger(geometry: geometry, wanted: wanted)
        #expect(ledger.missingCount == 1)
        #expect(ledger.wantedByteCount == 1000)
        #expect(ledger.state(of: first) == .unwanted)
        ledger.restored(first)
        #expect(ledger.completedByteCount == 0)
        #expect(ledger.leftByteCount == geometry.totalByteCount - 32768)
        ledger.restored(last)
        #expect(ledger.isDurable)
        #expect(ledger.leftByteCount > 0)
        ledger.checkInvariants()
    }

    @Test func selectionTurnsUnwantedPiecesIntoMissingOnesAndBack() {
        var ledger = PieceLedger(geometry: geometry, wanted: PieceSet(pieceCount: 5))
        #expect(ledger.isDurable)
        #expect(ledger.selected(first) == true)
        #expect(ledger.selected(first) == false)
        #expect(ledger.state(of: first) == .missing)
        #expect(ledger.deselected(first) == nil)
        #expect(ledger.state(of: first) == .unwanted)
        ledger.checkInvariants()
    }

    @Test func deselectedPieceNamesTheAssignmentToClose() {
        var ledger = PieceLedger(geometry: geometry)
        ledger.opening(first, assignment: 1)
        #expect(ledger.deselected(first) == 1)
        #expect(ledger.abandoned(1) == first)
        #expect(ledger.state(of: first) == .unwanted)
        ledger.opening(last, assignment: 2)
        ledger.opened(2)
        ledger.verified(2)
        #expect(ledger.deselected(last) == nil)
        #expect(ledger.written(2) == last)
        #expect(ledger.failedSync(last) == true)
        #expect(ledger.state(of: last) == .unwanted)
        ledger.checkInvariants()
    }

    @Test func heldPiecesStayWithinTheFrames() {
        var ledger = PieceLedger(geometry: geometry)
        let frames: UInt64 = 4 * 32768
        for index in 0..<4 {
            #expect(ledger.mayOpen(PieceIndex(index), frameByteCount: frames))
            ledger.opening(PieceIndex(index), assignment: AssignmentID(index))
        }
        #expect(!ledger.mayOpen(last, frameByteCount: frames))
        ledger.refused(0)
        #expect(ledger.heldByteCount == 3 * 32768)
        #expect(ledger.mayOpen(last, frameByteCount: frames))
        ledger.checkInvariants()
    }

    @Test func restoredChangesNothingThatIsUnderWay() {
        var ledger = PieceLedger(geometry: geometry)
        ledger.opening(first, assignment: 1)
        #expect(ledger.restored(first) == false)
        ledger.opened(1)
        #expect(ledger.restored(first) == false)
        ledger.verified(1)
        #expect(ledger.restored(first) == false)
        ledger.written(1)
        #expect(ledger.restored(first) == false)
        ledger.synced(first)
        #expect(ledger.restored(first) == false)
    }

    @Test func randomEventsKeepEveryPieceInOneState() {
        var random = SeedPrintingGenerator()
        for _ in 0..<30 {
            let pieceCount = Int.random(in: 1...40, using: &random)
            let geometry = TorrentGeometry(totalByteCount: UInt64(pieceCount) * 20000 - 77, pieceByteCount: 20000)
            var ledger = PieceLedger(geometry: geometry)
            var model = [PieceLedger.State](repeating: .missing, count: pieceCount)
            var wanted = [Bool](repeating: true, count: pieceCount)
            var latest: AssignmentID = 0
            for _ in 0..<400 {
                let piece = PieceIndex(Int.random(in: 0..<pieceCount, using: &random))
                let old = model[piece.value]
                let fallen: PieceLedger.State = wanted[piece.value] ? .missing : .unwanted
                // Mostly an assignment of this piece, sometimes one that is long gone or never was.
                let assignment =
                    switch old {
                    case .opening(let living), .open(let living), .verified(let living): living
                    default: AssignmentID.random(in: 0...latest, using: &random)
                    }
                let isStale = ledger.piece(of: assignment) == nil
                let (isOpening, isOpen, isVerified) = (
                    old == .opening(assignment), old == .open(assignment), old == .verified(assignment)
                )
                guard isOpening || isOpen || isVerified || isStale else { continue }
                switch Int.random(in: 0..<12, using: &random) {
                case 0 where old == .missing:
                    latest += 1
                    ledger.opening(piece, assignment: latest)
                    model[piece.value] = .opening(latest)
                case 1, 2:
                    let result = ledger.opened(assignment)
                    #expect((result != nil) == isOpening)
                    if isOpening { model[piece.value] = .open(assignment) }
                case 3:
                    let result = ledger.refused(assignment)
                    #expect((result != nil) == isOpening)
                    if isOpening { model[piece.value] = fallen }
                case 4:
                    let result = ledger.verified(assignment)
                    #expect((result != nil) == isOpen)
                    if isOpen { model[piece.value] = .verified(assignment) }
                case 5:
                    let result = ledger.failed(assignment)
                    #expect((result != nil) == isOpen)
                    if isOpen { model[piece.value] = fallen }
                case 6:
                    let result = ledger.written(assignment)
                    #expect((result != nil) == (isOpen || isVerified))
                    if isOpen || isVerified { model[piece.value] = .written }
                case 7:
                    let result = ledger.abandoned(assignment)
                    #expect((result != nil) == !isStale)
                    if !isStale { model[piece.value] = fallen }
                case 8:
                    #expect(ledger.synced(piece) == (old == .written))
                    if old == .written { model[piece.value] = .synced }
                case 9:
                    #expect(ledger.failedSync(piece) == (old == .written))
                    if old == .written { model[piece.value] = fallen }
                case 10:
                    #expect(ledger.selected(piece) == !wanted[piece.value])
                    wanted[piece.value] = true
                    if old == .unwanted { model[piece.value] = .missing }
                case 11:
                    #expect((ledger.deselected(piece) != nil) == (wanted[piece.value] && (isOpening || isOpen)))
                    wanted[piece.value] = false
                    if old == .missing { model[piece.value] = .unwanted }
                default: break
                }
                ledger.checkInvariants()
                #expect(ledger.state(of: piece) == model[piece.value])
            }
            for index in 0..<pieceCount { #expect(ledger.state(of: PieceIndex(index)) == model[index]) }
        }
    }
}
