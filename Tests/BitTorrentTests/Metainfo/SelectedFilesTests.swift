import BitTorrent
import TestSupport
import Testing

struct SelectedFilesTests {
    private func selected(_ text: String, _ byteCounts: [Int], pieceByteCount: Int = 512) throws -> SelectedFiles {
        let layout = try TorrentBuilder.multiple(byteCounts: byteCounts, pieceByteCount: pieceByteCount).metainfo()
            .layout
        return SelectedFiles(layout: layout, selection: try FileSelection(parsing: text, fileCount: byteCounts.count))
    }

    private func wanted(_ files: SelectedFiles) -> [Int] {
        (0..<files.layout.geometry.pieceCount).filter { files.wantedPieces.contains(PieceIndex($0)) }
    }

    @Test func onlyPiecesWithSelectedBytesAreWanted() throws {
        let files = try selected("2", [1000, 600, 2000])
        #expect(wanted(files) == [1, 2, 3])
        #expect(files.wantedByteCount == 3 * 512)
        #expect((0..<3).map { files.isCreated($0) } == [false, true, false])
    }

    @Test func wantedBytesCountAShortLastPieceOnce() throws {
        let files = try selected("1-3", [1000, 600, 1])
        #expect(files.wantedByteCount == 1601)
        #expect(files.wantedPieces.isFull)
    }

    @Test func unselectedBytesOfSharedPiecesGoToThePartsFile() throws {
        // File 0 ends in piece 1, file 1 in piece 3: pieces 1 and 3 are shared and have slots 0 and 1.
        let files = try selected("2", [1000, 600, 2000])
        #expect(
            files.targets(of: PieceIndex(1)) == [
                .init(place: .parts, offset: 0, length: 488), .init(place: .file(index: 1), offset: 0, length: 24),
            ])
        #expect(files.targets(of: PieceIndex(2)) == [.init(place: .file(index: 1), offset: 24, length: 512)])
        #expect(
            files.targets(of: PieceIndex(3)) == [
                .init(place: .file(index: 1), offset: 536, length: 64),
                .init(place: .parts, offset: 512 + 64, length: 448),
            ])
    }

    @Test func keptPartsSayWhereAFilesBytesAreUntilItIsSelected() throws {
        let files = try selected("2", [1000, 600, 2000])
        #expect(files.keptParts(of: 0) == [.init(piece: PieceIndex(1), fileOffset: 512, partsOffset: 0, length: 488)])
        #expect(files.keptParts(of: 2) == [.init(piece: PieceIndex(3), fileOffset: 0, partsOffset: 576, length: 448)])
        let tiny = try selected("1", [10, 5, 3, 2000])
        #expect(tiny.keptParts(of: 1) == [.init(piece: PieceIndex(0), fileOffset: 0, partsOffset: 10, length: 5)])
    }

    @Test func pieceOfManyFilesHasOneSlot() throws {
        let parts = try selected("1", [10, 5, 3, 2000, 1]).parts
        #expect(parts.slotCount == 2)
        #expect((0..<4).map { parts.slotOffset(of: PieceIndex($0)) } == [0, nil, nil, 512])
    }

    @Test func placesInThePartsFileDoNotDependOnTheSelection() throws {
        let byteCounts = [700, 3, 900, 0, 41, 5000, 12]
        var places: [Int: Set<[UInt64]>] = [:]
        for first in 1...7 {
            for last in first...7 {
                let files = try selected("\(first)-\(last)", byteCounts)
                for file in byteCounts.indices {
                    places[file, default: []].insert(
                        files.keptParts(of: file).flatMap { [$0.fileOffset, $0.partsOffset, $0.length] })
                }
            }
        }
        #expect(places.values.allSatisfy { $0.count == 1 })
    }

    @Test func everyByteOfAWantedPieceHasItsOwnPlace() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("selected files: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        for _ in 0..<100 {
            let byteCounts =
                (0..<Int.random(in: 1..<10, using: &generator)).map { _ in Int.random(in: 0..<2000, using: &generator) }
                + [1]
            let chosen = byteCounts.indices.filter { _ in Bool.random(using: &generator) }
            let layout = try TorrentBuilder.multiple(byteCounts: byteCounts, pieceByteCount: 300).metainfo().layout
            let files = SelectedFiles(
                layout: layout, selection: FileSelection(indices: chosen, fileCount: byteCounts.count))
            var used: [SelectedFiles.Target.Place: Set<UInt64>] = [:]
            files.wantedPieces.forEach { piece in
                let targets = files.targets(of: piece)
                #expect(
                    targets.reduce(0) { $0 + $1.length } == UInt64(layout.geometry.length(of: piece)), "seed \(seed)")
                for target in targets {
                    let bytes = Set(target.offset..<target.offset + target.length)
                    #expect(used[target.place, default: []].isDisjoint(with: bytes), "seed \(seed)")
                    used[target.place, default: []].formUnion(bytes)
                }
            }
            for file in byteCounts.indices {
                let expected = chosen.contains(file) ? byteCounts[file] : 0
                #expect(used[.file(index: file), default: []].count == expected, "seed \(seed)")
            }
        }
    }

    @Test func padBytesGoNowhereAndMakeNoPieceShared() throws {
        let layout = try TorrentBuilder(
            pieceByteCount: 512, .multiple([.init("a", bytes: [1, 2]), .padding(510), .init("b", bytes: [3])])
        ).metainfo().layout
        let files = SelectedFiles(layout: layout, selection: try FileSelection(parsing: "1,2", fileCount: 3))
        #expect(files.parts.slotCount == 0)
        #expect(wanted(files) == [0], "a selected pad file wants nothing")
        #expect(
            files.targets(of: PieceIndex(0)) == [
                .init(place: .file(index: 0), offset: 0, length: 2), .init(place: .nowhere, offset: 0, length: 510),
            ])
        #expect((0..<3).map { files.isCreated($0) } == [true, false, false])
    }

    @Test func selectedEmptyFileIsCreatedAndWantsNoPiece() throws {
        let files = try selected("2", [10, 0, 10])
        #expect(files.wantedPieces.isEmpty)
        #expect(files.wantedByteCount == 0)
        #expect(files.isCreated(1))
    }
}
