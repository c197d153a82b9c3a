import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

@Suite struct ResumeRecordTests {
    private typealias Fixture = ResumeFixture

    private func decide(
        _ evidence: ResumeRecord.Evidence, _ selected: SelectedFiles, checksEverything: Bool = false
    ) -> ResumeRecord {
        ResumeRecord(evidence, infoHash: Fixture.infoHash, selected: selected, checksEverything: checksEverything)
    }

    /// What one change of a file costs: which pieces stay trusted, which are looked at again.
    private func expectChange(
        clean: Bool, trusted: [Int], toCheck: [Int], isChange: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout ResumeRecord.Evidence) -> Void
    ) throws {
        let selected = try Fixture.selected()
        var evidence = Fixture.evidence(selected, clean: clean)
        change(&evidence)
        let record = decide(evidence, selected)
        #expect(Fixture.numbers(record.trusted) == trusted, sourceLocation: sourceLocation)
        #expect(Fixture.numbers(record.toCheck) == toCheck, sourceLocation: sourceLocation)
        #expect(record.changedFiles == (isChange ? [1] : []), sourceLocation: sourceLocation)
        #expect(Fixture.numbers(record.state.synced) == trusted, sourceLocation: sourceLocation)
    }
    private let all = Array(0..<7), withoutB = [0, 1, 4, 5, 6]

    @Test func untouchedFilesAreTrustedAsTheyAre() throws {
        for clean in [true, false] {
            try expectChange(clean: clean, trusted: all, toCheck: [], isChange: false) { _ in }
        }
    }

    @Test func anyDifferenceAfterACleanStopIsLookedAt() throws {
        try expectChange(clean: true, trusted: withoutB, toCheck: [2, 3]) { $0.files[1]!.modified -= 1 }
        try expectChange(clean: true, trusted: withoutB, toCheck: [2, 3]) { $0.files[1]!.inode += 50 }
        try expectChange(clean: true, trusted: withoutB, toCheck: [2, 3]) { $0.files[1]!.byteCount += 1 }
    }

    @Test func cleanStopVouchesForNoFileThatItDoesNotList() throws {
        try expectChange(clean: true, trusted: withoutB, toCheck: [2, 3]) { evidence in
            evidence.journal!.cleanStop!.removeAll { $0.file == 1 }
        }
    }

    @Test func withoutACleanStopOnlyWorseFactsAreDoubted() throws {
        try expectChange(clean: false, trusted: all, toCheck: [], isChange: false) { $0.files[1]!.modified -= 500 }
        try expectChange(clean: false, trusted: all, toCheck: [], isChange: false) { $0.files[1]!.byteCount += 1 }
        try expectChange(clean: false, trusted: withoutB, toCheck: [2, 3]) { $0.files[1]!.inode += 50 }
        try expectChange(clean: false, trusted: withoutB, toCheck: [2]) { $0.files[1]!.byteCount -= 1 }
        try expectChange(clean: false, trusted: withoutB, toCheck: [2, 3]) { $0.journal!.inodes[1] = nil }
    }

    @Test func fileMayBeTwoSecondsYoungerThanTheJournal() throws {
        try expectChange(clean: false, trusted: all, toCheck: [], isChange: false) {
            $0.files[1]!.modified += 2_000_000_000
        }
        try expectChange(clean: false, trusted: withoutB, toCheck: [2, 3]) { $0.files[1]!.modified += 2_000_000_001 }
        try expectChange(clean: false, trusted: [], toCheck: all, isChange: false) { evidence in
            evidence.journal = nil
            evidence.journalModified = .max
        }
    }

    @Test func missingFileIsMissingAndNotLookedAt() throws {
        for clean in [true, false] {
            try expectChange(clean: clean, trusted: withoutB, toCheck: []) { $0.files[1] = nil }
        }
    }

    @Test func onlyAsMuchOfAGrowingFileIsNeededAsIsClaimed() throws {
        try expectChange(clean: false, trusted: [0, 1, 2, 4, 5, 6], toCheck: [], isChange: false) { evidence in
            evidence.journal!.synced.remove(PieceIndex(3))
            evidence.files[1]!.byteCount = 8
        }
    }

    @Test func withoutAJournalAllThatIsThereIsLookedAt() throws {
        let selected = try Fixture.selected()
        var evidence = Fixture.evidence(selected)
        evidence.journal = nil
        evidence.files[2]!.byteCount = 20
        let record = decide(evidence, selected)
        #expect(record.trusted.isEmpty)
        #expect(Fixture.numbers(record.toCheck) == [0, 1, 2, 3, 4])
        #expect(record.changedFiles.isEmpty)
        #expect(decide(ResumeRecord.Evidence(), selected).toCheck.isEmpty)
    }

    @Test func unclaimedPieceIsLookedAtWhereARunThatDiedMayHaveWrittenIt() throws {
        // Piece 5 is the bytes 16..<32 of the third file.
        let cases: [(data: [Range<UInt64>], toCheck: [Int])] = [
            ([], []), ([0..<36], [5]), ([0..<16, 30..<36], []), ([16..<32], [5]), ([17..<36], []),
        ]
        for (data, toCheck) in cases {
            let selected = try Fixture.selected()
            var evidence = Fixture.evidence(selected, clean: false)
            evidence.journal!.synced.remove(PieceIndex(5))
            for range in data { evidence.extents[2, default: DataExtents()].append(range) }
            let record = decide(evidence, selected)
            #expect(Fixture.numbers(record.trusted) == [0, 1, 2, 3, 4, 6])
            #expect(Fixture.numbers(record.toCheck) == toCheck, "\(data)")
            #expect(record.changedFiles.isEmpty)
        }
    }

    @Test func unclaimedPieceOfSeveralFilesIsLookedAtIfAllHaveData() throws {
        // Piece 2 is the last 8 bytes of the first file, and the first 8 of the second, which is kept as a part here.
        let selected = try Fixture.selected([0])
        var evidence = Fixture.evidence(selected, clean: false)
        evidence.journal!.synced.remove(PieceIndex(2))
        evidence.extents[0, default: DataExtents()].append(0..<40)
        #expect(decide(evidence, selected).toCheck.isEmpty)
        evidence.extents[3, default: DataExtents()].append(0..<1000)
        #expect(Fixture.numbers(decide(evidence, selected).toCheck) == [2])
    }

    @Test func cleanStopSaysAllThatThereIsToSay() throws {
        let selected = try Fixture.selected()
        var evidence = Fixture.evidence(selected, clean: false)
        evidence.journal!.synced.remove(PieceIndex(5))
        evidence.journal!.apply(.cleanStop(Array(evidence.files.values)))
        evidence.extents[2, default: DataExtents()].append(0..<36)
        #expect(decide(evidence, selected).toCheck.isEmpty)
    }

    @Test func extentsCoverWhatLiesInOneOfThem() {
        var extents = DataExtents()
        #expect(extents.cover(5..<5) && !extents.cover(0..<1))
        for range in [10..<20, 20..<25, 40..<50] as [Range<UInt64>] { extents.append(range) }
        #expect(extents.ranges == [10..<25, 40..<50])
        for inside in [10..<25, 12..<21, 24..<25, 40..<50] as [Range<UInt64>] { #expect(extents.cover(inside)) }
        for outside in [9..<11, 20..<26, 25..<26, 30..<45, 49..<51, 60..<61] as [Range<UInt64>] {
            #expect(!extents.cover(outside))
        }
    }

    @Test func pieceOfAFailedSyncIsNeverReadBack() throws {
        let selected = try Fixture.selected()
        for (hasJournalOnly, verify) in [(true, false), (false, true)] {
            var evidence = Fixture.evidence(selected, clean: false)
            evidence.journal!.apply(.piecesLost([PieceIndex(2)]))
            if hasJournalOnly { evidence.files[1]!.inode = 9 }
            let record = decide(evidence, selected, checksEverything: verify)
            #expect(!record.trusted.contains(PieceIndex(2)) && !record.toCheck.contains(PieceIndex(2)))
            #expect(record.state.lost.contains(PieceIndex(2)), "it stays lost until it is written again")
        }
    }

    @Test func verifyLooksAtAllThatIsThere() throws {
        let selected = try Fixture.selected()
        let record = decide(Fixture.evidence(selected), selected, checksEverything: true)
        #expect(record.trusted.isEmpty && Fixture.numbers(record.toCheck) == all)
        #expect(record.state.synced.isEmpty)
    }

    @Test func blocksAreRestoredFromTrustedFilesOnly() throws {
        let selected = try Fixture.selected()
        let blocks = BlockSet.full(blockCount: 1)
        var evidence = Fixture.evidence(selected, clean: false)
        for piece in [0, 3] {
            evidence.journal!.synced.remove(PieceIndex(piece))
            evidence.journal!.apply(.partial(PieceIndex(piece), blocks))
        }
        evidence.files[1]!.inode = 9
        let record = decide(evidence, selected)
        #expect(record.partials == [PieceIndex(0): blocks])
        #expect(record.state.partials == record.partials)
        #expect(!record.toCheck.contains(PieceIndex(0)))
    }

    @Test func compactedStateVouchesForTrustedFilesOnly() throws {
        let selected = try Fixture.selected()
        var evidence = Fixture.evidence(selected)
        evidence.files[1]!.inode = 9
        let state = decide(evidence, selected).state
        #expect(Set(state.inodes.keys) == [0, 2])
        #expect(Set(state.cleanStop!.map(\.file)) == [0, 2])
        // The next start, after a crash before anything was written, decides the same.
        var next = evidence
        next.journal = state
        #expect(decide(next, selected).trusted == decide(evidence, selected).trusted)
        #expect(decide(next, selected).toCheck == decide(evidence, selected).toCheck)
    }

    @Test func countOfUploadsIsCarriedOnWhateverElseIsBelieved() throws {
        let selected = try Fixture.selected()
        for clean in [true, false] {
            var evidence = Fixture.evidence(selected, clean: clean)
            evidence.journal!.uploadedByteCount = 1 << 33
            evidence.files = [:]
            #expect(decide(evidence, selected).state.uploadedByteCount == 1 << 33)
        }
    }

    /// The writer misses a file that the journal names: one that was gone already has to be made anew.
    @Test func journalNamesNoEmptyFileThatIsGoneOrSwapped() throws {
        let selected = try Fixture.selected(layout: Fixture.layout([40, 0, 0, 0]))
        for clean in [true, false] {
            var evidence = Fixture.evidence(selected, clean: clean)
            evidence.files[1] = nil
            evidence.files[2]!.inode = 9
            let record = decide(evidence, selected)
            #expect(Set(record.state.inodes.keys) == [0, 3])
            #expect(Fixture.numbers(record.trusted) == [0, 1, 2] && record.changedFiles.isEmpty)
        }
    }

    // MARK: selections

    @Test func sharedPiecesDependOnThePartsFile() throws {
        let selected = try Fixture.selected([0])
        #expect(Fixture.numbers(decide(Fixture.evidence(selected), selected).trusted) == [0, 1, 2])
        var evidence = Fixture.evidence(selected)
        evidence.files[3]!.modified += 1
        var record = decide(evidence, selected)
        #expect(Fixture.numbers(record.trusted) == [0, 1] && Fixture.numbers(record.toCheck) == [2])
        #expect(record.changedFiles == [3])
        evidence.files[3] = nil
        record = decide(evidence, selected)
        #expect(Fixture.numbers(record.trusted) == [0, 1] && record.toCheck.isEmpty)
    }

    @Test func fileThatWasNotSelectedBeforeIsNotTrusted() throws {
        let before = try Fixture.selected([0]), now = try Fixture.selected([0, 1])
        let record = decide(Fixture.evidence(before), now)
        #expect(Fixture.numbers(record.trusted) == [0, 1])
        #expect(record.toCheck.isEmpty, "its own bytes are nowhere yet")
    }

    @Test func deselectedFilesSharedBytesAreNotInThePartsFile() throws {
        let before = try Fixture.selected(), now = try Fixture.selected([0])
        var evidence = Fixture.evidence(before)
        evidence.files = evidence.files.filter { $0.key == 0 }
        let record = decide(evidence, now)
        #expect(Fixture.numbers(record.trusted) == [0, 1])
        // Pieces that are wholly in other files stay claimed for the day when those are selected again.
        #expect(record.state.synced.contains(PieceIndex(5)))
        #expect(record.state.wantedFiles == [true, false, false])
    }

    /// No piece with a byte in a changed file is ever trusted, and nothing is both trusted and looked at.
    @Test func randomChangesNeverLeaveATouchedPieceTrusted() throws {
        var generator = SeededGenerator.printing()
        for _ in 0..<300 {
            let lengths = (0..<Int.random(in: 1..<8, using: &generator)).map { _ in
                UInt64.random(in: 0..<100, using: &generator)
            }
            guard lengths.contains(where: { $0 > 0 }) else { continue }
            let layout = try Fixture.layout(lengths, pieceByteCount: UInt32.random(in: 1..<40, using: &generator))
            let indices = lengths.indices.filter { _ in Int.random(in: 0..<4, using: &generator) > 0 }
            let selected = try Fixture.selected(indices, layout: layout)
            var evidence = Fixture.evidence(selected, clean: Bool.random(using: &generator))
            var changed: Set<UInt32> = []
            for number in evidence.files.keys where Int.random(in: 0..<3, using: &generator) == 0 {
                changed.insert(number)
                if Bool.random(using: &generator) {
                    evidence.files[number] = nil
                } else {
                    evidence.files[number]!.inode = 9
                }
            }
            let record = decide(evidence, selected)
            selected.wantedPieces.forEach { piece in
                let touched = selected.targets(of: piece).contains { target in
                    switch target.place {
                    case .file(let index): changed.contains(UInt32(index))
                    case .parts: changed.contains(UInt32(layout.files.count))
                    case .nowhere: false
                    }
                }
                #expect(record.trusted.contains(piece) == !touched)
                #expect(!record.toCheck.contains(piece) || touched)
            }
        }
    }
}
