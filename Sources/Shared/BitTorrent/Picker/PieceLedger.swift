/// Owns which piece is where: each is in exactly one state, each transition is one method, and nobody else changes them.
/// An assignment (one attempt at one piece) lives from `opening` until the piece is written, failed or abandoned; what
/// comes for it later is late and changes nothing. Never talks to a process; knows no block and no worker.
///
/// A byte per piece, and dictionary entries for pieces with an assignment.
package struct PieceLedger {
    package enum State: Hashable, Sendable {
        /// Not selected, and not ours. → missing
        case unwanted
        /// → opening, and by restored to synced
        case missing
        /// The hash-worker was asked for frames. → open, missing
        case opening(AssignmentID)
        /// Blocks may be granted. → verified, written, missing
        case open(AssignmentID)
        /// The digest is right; the writer has it or will get it. → written, missing
        case verified(AssignmentID)
        /// In its files, perhaps only in the page cache: others may have it. → synced, missing
        case written
        /// Durable: the only pieces that the journal, exit code 0 and the tracker's `completed` may claim.
        case synced
    }

    /// `State` without its assignment; the low bits of a cell.
    enum Phase: UInt8, CaseIterable {
        case unwanted, missing, opening, open, verified, written, synced
    }

    /// Pieces and bytes of one phase, wanted or not.
    private struct Tally {
        var pieceCount = 0
        var byteCount: UInt64 = 0
    }

    private static let wantedBit: UInt8 = 0x80

    package let geometry: TorrentGeometry
    /// The order of the missing pieces, and the workers' sources; it hears of missing pieces from here only.
    package var picker: PiecePicker
    /// Pieces that are written or synced: what we tell peers that we have.
    package private(set) var have: PieceSet
    /// Bytes of pieces for which frames are held: opening, open or verified.
    package private(set) var heldByteCount: UInt64 = 0

    /// Phase and `wantedBit` of each piece.
    private var cells: [UInt8]
    private var attempts: [AssignmentID: PieceIndex] = [:]
    private var assignments: [PieceIndex: AssignmentID] = [:]
    /// The highest assignment so far; a new one is higher, so none is ever used again.
    private var latestAssignment: AssignmentID?
    /// By phase; the wanted pieces behind the unwanted ones.
    private var tallies = [Tally](repeating: Tally(), count: 2 * Phase.allCases.count)

    /// Every wanted piece is missing until `restored` says otherwise.
    /// - Parameter wanted: nil for all.
    package init(geometry: TorrentGeometry, wanted: PieceSet? = nil, order: PiecePicker.Order = .rarestFirst) {
        self.geometry = geometry
        have = PieceSet(pieceCount: geometry.pieceCount)
        let missing = (0..<geometry.pieceCount).map { PieceIndex($0) }.filter { wanted?.contains($0) ?? true }
        picker = PiecePicker(pieceCount: geometry.pieceCount, missing: missing, order: order)
        cells = [UInt8](repeating: Phase.unwanted.rawValue, count: geometry.pieceCount)
        for piece in missing { cells[piece.value] = Phase.missing.rawValue | Self.wantedBit }
        for index in 0..<geometry.pieceCount { count(PieceIndex(index), 1) }
    }

    // MARK: Selection

    /// The piece holds bytes of a selected file.
    /// - Returns: whether it was unwanted.
    @discardableResult package mutating func selected(_ piece: PieceIndex) -> Bool {
        guard !isWanted(piece) else { return false }
        setWanted(piece, true)
        if phase(piece) == .unwanted { move(piece, to: .missing) }
        return true
    }

    /// No selected file has bytes in the piece any more.
    /// - Returns: the assignment that has lost its purpose, to be closed and then `abandoned`, unless it is verified:
    ///   then it is let through to the disk.
    package mutating func deselected(_ piece: PieceIndex) -> AssignmentID? {
        guard isWanted(piece) else { return nil }
        setWanted(piece, false)
        switch phase(piece) {
        case .missing: move(piece, to: .unwanted)
        case .opening, .open: return assignments[piece]
        case .unwanted, .verified, .written, .synced: break
        }
        return nil
    }

    // MARK: The life of an assignment

    /// `openPiece` goes to a hash-worker.
    /// - Precondition: the piece is missing, and the assignment is higher than all before.
    package mutating func opening(_ piece: PieceIndex, assignment: AssignmentID) {
        precondition(phase(piece) == .missing, "piece \(piece) is opened while it is \(state(of: piece))")
        precondition(latestAssignment.map { assignment > $0 } ?? true, "assignment \(assignment) is used again")
        latestAssignment = assignment
        attempts[assignment] = piece
        assignments[piece] = assignment
        heldByteCount += byteCount(piece)
        move(piece, to: .opening)
    }

    /// `pieceOpened`: the hash-worker holds frames for it.
    /// - Returns: the piece; nil when the event is late.
    @discardableResult package mutating func opened(_ assignment: AssignmentID) -> PieceIndex? {
        advance(assignment, from: [.opening], to: .open)
    }

    /// `refused(noMemory)`: the piece is missing again.
    /// - Returns: the piece; nil when the event is late.
    @discardableResult package mutating func refused(_ assignment: AssignmentID) -> PieceIndex? {
        end(assignment, from: [.opening])
    }

    /// `pieceVerified`.
    /// - Returns: the piece; nil when the event is late, as a successor's second verdict is.
    @discardableResult package mutating func verified(_ assignment: AssignmentID) -> PieceIndex? {
        advance(assignment, from: [.open], to: .verified)
    }

    /// `pieceFailed`: the digest is wrong; the piece is missing again.
    /// - Returns: the piece; nil when the event is late.
    @discardableResult package mutating func failed(_ assignment: AssignmentID) -> PieceIndex? {
        end(assignment, from: [.open])
    }

    /// Nobody works on the assignment any more: its hash-worker is given up or started empty, or it was deselected.
    /// - Returns: the piece; nil when the assignment has ended already.
    @discardableResult package mutating func abandoned(_ assignment: AssignmentID) -> PieceIndex? {
        end(assignment, from: [.opening, .open, .verified])
    }

    /// `pieceWritten`. It may overtake the verdict, which comes from another process, or be all that is left of it when
    /// the hash-worker died: a writer is sent verified pieces only.
    /// - Returns: the piece; nil when the event is late.
    @discardableResult package mutating func written(_ assignment: AssignmentID) -> PieceIndex? {
        advance(assignment, from: [.open, .verified], to: .written)
    }

    // MARK: On disk

    /// `piecesSynced`.
    /// - Returns: false when the piece is not waiting for it, as after a failed sync.
    @discardableResult package mutating func synced(_ piece: PieceIndex) -> Bool {
        guard phase(piece) == .written else { return false }
        move(piece, to: .synced)
        return true
    }

    /// A sync failed after the piece was written: the kernel may have dropped it, so we no longer claim it.
    /// - Returns: false when the piece was not waiting for a sync.
    @discardableResult package mutating func failedSync(_ piece: PieceIndex) -> Bool {
        guard phase(piece) == .written else { return false }
        move(piece, to: isWanted(piece) ? .missing : .unwanted)
        return true
    }

    /// The journal vouches for the piece, or a re-check found it right on disk.
    /// - Returns: false when the piece is being fetched or is ours already.
    @discardableResult package mutating func restored(_ piece: PieceIndex) -> Bool {
        switch phase(piece) {
        case .unwanted, .missing:
            move(piece, to: .synced)
            return true
        case .opening, .open, .verified, .written, .synced: return false
        }
    }

    /// Whether opening `piece` keeps all held pieces within the frames.
    package func mayOpen(_ piece: PieceIndex, frameByteCount: UInt64) -> Bool {
        heldByteCount + byteCount(piece) <= frameByteCount
    }

    // MARK: Questions

    package func state(of piece: PieceIndex) -> State {
        switch phase(piece) {
        case .unwanted: .unwanted
        case .missing: .missing
        case .opening: .opening(assignments[piece]!)
        case .open: .open(assignments[piece]!)
        case .verified: .verified(assignments[piece]!)
        case .written: .written
        case .synced: .synced
        }
    }

    package func isWanted(_ piece: PieceIndex) -> Bool { cells[piece.value] & Self.wantedBit != 0 }
    /// The piece of a living assignment.
    package func piece(of assignment: AssignmentID) -> PieceIndex? { attempts[assignment] }
    /// The living assignments, oldest first: what a hash-worker's successor is told to keep.
    package var livingAssignments: [AssignmentID] { attempts.keys.sorted() }

    /// The pieces of the living assignments, in no order.
    package var piecesInFlight: some Collection<PieceIndex> { attempts.values }
    /// Reads every cell; nil: all pieces are wanted.
    package var wantedPieces: PieceSet? {
        guard wantedPieceCount < cells.count else { return nil }
        var wanted = PieceSet(pieceCount: cells.count)
        for index in cells.indices where isWanted(PieceIndex(index)) { wanted.insert(PieceIndex(index)) }
        return wanted
    }

    package var missingCount: Int { tally(.missing).pieceCount }
    package var openingCount: Int { tally(.opening).pieceCount }
    package var openCount: Int { tally(.open).pieceCount }
    package var verifiedCount: Int { tally(.verified).pieceCount }
    package var writtenCount: Int { tally(.written).pieceCount }
    package var syncedCount: Int { tally(.synced).pieceCount }

    package var wantedPieceCount: Int { Phase.allCases.reduce(0) { $0 + tallies[slot($1, true)].pieceCount } }
    package var wantedByteCount: UInt64 { Phase.allCases.reduce(0) { $0 + tallies[slot($1, true)].byteCount } }
    /// Wanted pieces that are written or synced.
    package var completedPieceCount: Int { Phase.ours.reduce(0) { $0 + tallies[slot($1, true)].pieceCount } }
    /// Their bytes; a piece counts whole, though a selected file may own only a part of it.
    package var completedByteCount: UInt64 { Phase.ours.reduce(0) { $0 + tallies[slot($1, true)].byteCount } }
    /// `left` of an announce (BEP 3): bytes of the whole torrent that are not ours, so that a tracker counts us as a seed
    /// only when we have everything (BEP 21).
    package var leftByteCount: UInt64 { geometry.totalByteCount - Phase.ours.reduce(0) { $0 + tally($1).byteCount } }
    /// Every wanted piece is written.
    package var isComplete: Bool { completedPieceCount == wantedPieceCount }
    /// Every wanted piece is synced: what `complete` and exit code 0 wait for.
    package var isDurable: Bool { tallies[slot(.synced, true)].pieceCount == wantedPieceCount }

    /// The pieces that a new writer must sync (`syncPending`), ascending. Reads every cell.
    package var piecesToSync: [PieceIndex] {
        guard writtenCount > 0 else { return [] }
        return cells.indices.lazy.map { PieceIndex($0) }.filter { phase($0) == .written }
    }

    // MARK: Inside

    private func phase(_ piece: PieceIndex) -> Phase { Phase(rawValue: cells[piece.value] & ~Self.wantedBit)! }
    private func byteCount(_ piece: PieceIndex) -> UInt64 { UInt64(geometry.length(of: piece)) }
    private func slot(_ phase: Phase, _ isWanted: Bool) -> Int {
        Int(phase.rawValue) + (isWanted ? Phase.allCases.count : 0)
    }

    private func tally(_ phase: Phase) -> Tally {
        let (unwanted, wanted) = (tallies[slot(phase, false)], tallies[slot(phase, true)])
        return Tally(
            pieceCount: unwanted.pieceCount + wanted.pieceCount, byteCount: unwanted.byteCount + wanted.byteCount)
    }

    private mutating func count(_ piece: PieceIndex, _ sign: Int) {
        let index = slot(phase(piece), isWanted(piece))
        tallies[index].pieceCount += sign
        let length = byteCount(piece)
        if sign > 0 { tallies[index].byteCount += length } else { tallies[index].byteCount -= length }
    }

    private mutating func setWanted(_ piece: PieceIndex, _ isWanted: Bool) {
        count(piece, -1)
        cells[piece.value] ^= Self.wantedBit
        count(piece, 1)
    }

    private mutating func move(_ piece: PieceIndex, to new: Phase) {
        let old = phase(piece)
        count(piece, -1)
        cells[piece.value] = new.rawValue | cells[piece.value] & Self.wantedBit
        count(piece, 1)
        if old == .missing { picker.noLongerMissing(piece) }
        if new == .missing { picker.becameMissing(piece) }
        if new.isOurs { have.insert(piece) } else { have.remove(piece) }
    }

    private mutating func advance(_ assignment: AssignmentID, from legal: [Phase], to new: Phase) -> PieceIndex? {
        guard let piece = attempts[assignment], legal.contains(phase(piece)) else { return nil }
        if new == .written { forget(assignment) }
        move(piece, to: new)
        return piece
    }

    private mutating func end(_ assignment: AssignmentID, from legal: [Phase]) -> PieceIndex? {
        guard let piece = attempts[assignment], legal.contains(phase(piece)) else { return nil }
        forget(assignment)
        move(piece, to: isWanted(piece) ? .missing : .unwanted)
        return piece
    }

    private mutating func forget(_ assignment: AssignmentID) {
        guard let piece = attempts.removeValue(forKey: assignment) else { return }
        assignments[piece] = nil
        heldByteCount -= byteCount(piece)
    }

    /// Traps when states, counts, assignments and the picker disagree. Reads every cell.
    package func checkInvariants() {
        picker.checkInvariants()
        var expected = [Tally](repeating: Tally(), count: tallies.count)
        var held: UInt64 = 0
        for piece in cells.indices.lazy.map({ PieceIndex($0) }) {
            let phase = phase(piece)
            expected[slot(phase, isWanted(piece))].pieceCount += 1
            expected[slot(phase, isWanted(piece))].byteCount += byteCount(piece)
            if phase.hasAssignment { held += byteCount(piece) }
            precondition((assignments[piece] != nil) == phase.hasAssignment)
            precondition(picker.isMissing(piece) == (phase == .missing))
            precondition(have.contains(piece) == phase.isOurs)
            precondition(phase != .missing || isWanted(piece), "an unwanted piece would be fetched")
            precondition(phase != .unwanted || !isWanted(piece), "a wanted piece would never be fetched")
        }
        for (tally, expected) in zip(tallies, expected) {
            precondition(tally.pieceCount == expected.pieceCount && tally.byteCount == expected.byteCount)
        }
        precondition(attempts.count == assignments.count)
        for (assignment, piece) in attempts { precondition(assignments[piece] == assignment) }
        precondition(heldByteCount == held)
    }
}

extension PieceLedger.Phase {
    static let ours: [PieceLedger.Phase] = [.written, .synced]
    var isOurs: Bool { self == .written || self == .synced }
    fileprivate var hasAssignment: Bool { self == .opening || self == .open || self == .verified }
}
