import BitTorrent
import PoolProtocol

/// Decides at a start what of the last run's claims is believed: the journal's word, weighed against what the file
/// system says of the files. Touches no file.
struct ResumeRecord: Equatable {
    /// What was found on the disk.
    struct Evidence: Equatable {
        /// nil: there is none, or none that can be read.
        var journal: JournalState?
        /// Nanoseconds since 1970 of the journal file's own last change, before anybody compacted it.
        var journalModified: Int64 = 0
        /// The wanted files and the parts file, as far as they exist, by their numbers.
        var files: [UInt32: FileFact] = [:]
        /// Of the same files, by their numbers. Needed when the last run died; a file that is not named has no data.
        var extents: [UInt32: DataExtents] = [:]

        /// The last run did not come to its end: what it wrote and had not synced is in the files and in no journal.
        var hasDied: Bool { journal.map { $0.cleanStop == nil } ?? false }
    }

    /// How much younger than the journal a file may be without a clean stop: the writer lets the journal follow its
    /// writes within a second; the rest is for a slow disk.
    static let grace: Int64 = 2_000_000_000

    /// Wanted pieces that are ours without a look at them.
    private(set) var trusted: PieceSet
    /// Wanted pieces that may be ours: their bytes are on the disk and nobody vouches for them.
    private(set) var toCheck: PieceSet
    /// Unverified blocks that can be read back.
    private(set) var partials: [PieceIndex: BlockSet] = [:]
    /// Files that the journal vouched for and that are not what they were, by number.
    private(set) var changedFiles: [UInt32] = []
    /// What the compacted journal shall say until the pieces to check were checked.
    private(set) var state: JournalState

    /// - Parameter checksEverything: the user asked for a check of all that is there (`--verify`).
    init(_ evidence: Evidence, infoHash: InfoHash, selected: SelectedFiles, checksEverything: Bool) {
        let subject = JournalSubject(
            infoHash: infoHash, geometry: selected.layout.geometry, fileCount: selected.layout.files.count)
        var view = View(evidence: evidence, subject: subject, selected: selected)
        view.weighFiles()
        view.weighParts()
        let journal = evidence.journal ?? JournalState(subject: subject)

        var believed = journal.synced
        believed.subtract(view.doubtful)
        var candidates = evidence.journal == nil || checksEverything ? selected.wantedPieces : view.doubtful
        if evidence.hasDied { candidates.formUnion(view.written(notIn: believed)) }
        candidates.formIntersection(selected.wantedPieces)
        candidates.subtract(view.absent)
        // Reading these back would prove nothing: see `JournalRecord.piecesLost`.
        candidates.subtract(journal.lost)
        if checksEverything { believed.subtract(selected.wantedPieces) }

        trusted = believed
        trusted.formIntersection(selected.wantedPieces)
        toCheck = candidates
        changedFiles = view.changed
        for (piece, blocks) in journal.partials
        where selected.wantedPieces.contains(piece) && !view.doubtful.contains(piece) {
            partials[piece] = blocks
            toCheck.remove(piece)
        }

        state = JournalState(subject: subject)
        state.synced = believed
        state.lost = journal.lost
        state.uploadedByteCount = journal.uploadedByteCount
        state.partials = partials
        state.inodes = journal.inodes.filter { !view.doubtfulFiles.contains($0.key) }
        state.wantedFiles = (0..<subject.fileCount).map { selected.selection.contains($0) }
        state.cleanStop = journal.cleanStop?.filter { view.trustedFiles.contains($0.file) }
    }
}

/// The weighing itself: files into trusted and doubtful ones, and the pieces that follow from that.
private struct View {
    let evidence: ResumeRecord.Evidence
    let subject: JournalSubject
    let selected: SelectedFiles
    private let cleanFacts: [UInt32: FileFact]

    private(set) var trustedFiles: Set<UInt32> = []
    private(set) var doubtfulFiles: Set<UInt32> = []
    private(set) var changed: [UInt32] = []
    /// Pieces with bytes in a doubtful file.
    private(set) var doubtful: PieceSet
    /// Wanted pieces with bytes that are in no file.
    private(set) var absent: PieceSet
    /// Pieces with a byte where a trusted file has a hole: they were never written.
    private var unwritten: PieceSet

    init(evidence: ResumeRecord.Evidence, subject: JournalSubject, selected: SelectedFiles) {
        self.evidence = evidence
        self.subject = subject
        self.selected = selected
        cleanFacts = Dictionary(
            (evidence.journal?.cleanStop ?? []).map { ($0.file, $0) }, uniquingKeysWith: { _, last in last })
        doubtful = PieceSet(pieceCount: subject.geometry.pieceCount)
        absent = PieceSet(pieceCount: subject.geometry.pieceCount)
        unwritten = PieceSet(pieceCount: subject.geometry.pieceCount)
    }

    /// Wanted pieces that a run may have written before it died.
    func written(notIn claimed: PieceSet) -> PieceSet {
        var pieces = selected.wantedPieces
        pieces.subtract(claimed)
        pieces.subtract(unwritten)
        return pieces
    }

    private var layout: FileLayout { selected.layout }
    private var geometry: TorrentGeometry { subject.geometry }

    mutating func weighFiles() {
        for index in layout.files.indices where selected.isCreated(index) {
            let file = layout.files[index], number = UInt32(index)
            guard file.length > 0 else {
                weighEmptyFile(number)
                continue
            }
            let pieces = layout.pieces(of: index)
            let claimedEnd =
                pieces.last { evidence.journal?.synced.contains(PieceIndex($0)) ?? false }
                .map { min(end(of: $0), file.end) - file.offset } ?? 0
            let isTrusted = weigh(number, claimedEnd: claimedEnd)
            let present = file.offset + min(file.length, evidence.files[number]?.byteCount ?? 0)
            for piece in pieces {
                let start = max(geometry.offset(of: PieceIndex(piece)), file.offset)
                let end = min(self.end(of: piece), file.end)
                if !isTrusted { doubtful.insert(PieceIndex(piece)) }
                if end > present { absent.insert(PieceIndex(piece)) }
                lookForHole(in: number, start - file.offset..<end - file.offset, of: PieceIndex(piece))
            }
        }
    }

    /// No piece depends on it; but the writer is to miss only files that this start has seen.
    private mutating func weighEmptyFile(_ number: UInt32) {
        if evidence.journal?.inodes[number] != evidence.files[number]?.inode { doubtfulFiles.insert(number) }
    }

    /// Pieces that share bytes with an unselected file depend on the parts file; those whose files changed sides since
    /// the last run have their bytes in the wrong place.
    mutating func weighParts() {
        let before = evidence.journal?.wantedFiles
        var kept: [(piece: PieceIndex, range: Range<UInt64>)] = []
        for (index, file) in layout.files.enumerated() where file.role == .payload && file.length > 0 {
            let isSelected = selected.selection.contains(index)
            let hasMoved = evidence.journal != nil && (before?[index] ?? true) != isSelected
            guard !isSelected || hasMoved else { continue }
            let pieces = layout.pieces(of: index)
            for number in Set([pieces.lowerBound, pieces.upperBound - 1]) {
                let piece = PieceIndex(number)
                guard let slot = selected.parts.slotOffset(of: piece) else { continue }
                if hasMoved { doubtful.insert(piece) }
                if !isSelected && selected.wantedPieces.contains(piece) {
                    let base = geometry.offset(of: piece)
                    let start = slot + max(base, file.offset) - base
                    kept.append((piece, start..<slot + min(end(of: number), file.end) - base))
                }
            }
        }
        guard !kept.isEmpty else { return }
        let claimedEnd =
            kept.filter { evidence.journal?.synced.contains($0.piece) ?? false && !doubtful.contains($0.piece) }
            .map(\.range.upperBound).max() ?? 0
        let isTrusted = weigh(subject.partsFile, claimedEnd: claimedEnd)
        let present = evidence.files[subject.partsFile]?.byteCount ?? 0
        for (piece, range) in kept {
            if !isTrusted { doubtful.insert(piece) }
            if range.upperBound > present { absent.insert(piece) }
            lookForHole(in: subject.partsFile, range, of: piece)
        }
    }

    /// - Parameter range: the piece's bytes in the file.
    private mutating func lookForHole(in file: UInt32, _ range: Range<UInt64>, of piece: PieceIndex) {
        guard evidence.hasDied, !(evidence.extents[file]?.cover(range) ?? false) else { return }
        unwritten.insert(piece)
    }

    private mutating func weigh(_ number: UInt32, claimedEnd: UInt64) -> Bool {
        let isTrusted = isUntouched(number, claimedEnd: claimedEnd)
        if isTrusted {
            trustedFiles.insert(number)
        } else {
            doubtfulFiles.insert(number)
            if claimedEnd > 0 { changed.append(number) }
        }
        return isTrusted
    }

    private func isUntouched(_ number: UInt32, claimedEnd: UInt64) -> Bool {
        guard let journal = evidence.journal, let fact = evidence.files[number] else { return false }
        if journal.cleanStop != nil { return cleanFacts[number] == fact }
        let (latest, overflow) = evidence.journalModified.addingReportingOverflow(ResumeRecord.grace)
        return journal.inodes[number] == fact.inode && fact.byteCount >= claimedEnd
            && fact.modified <= (overflow ? .max : latest)
    }

    private func end(of piece: Int) -> UInt64 {
        geometry.offset(of: PieceIndex(piece)) + UInt64(geometry.length(of: PieceIndex(piece)))
    }
}
