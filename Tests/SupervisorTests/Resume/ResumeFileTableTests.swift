import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

@Suite struct ResumeFileTableTests {
    @Test func unselectedBytesOfWantedPiecesGetTheirSlots() throws {
        let table = FileTable(infoHash: ResumeFixture.infoHash, selected: try ResumeFixture.selected([0, 2]))
        #expect(table.files.map(\.kind) == [.wanted, .unselected, .wanted])
        // Bytes 40..<48 share piece 2 with the first file; 48..<64 are in a piece of their own, which nobody wants.
        #expect(table.partsRuns == [FileTable.PartsRun(offset: 40, byteCount: 8, partsOffset: 8)])
        #expect(table.partsPath == PartsFile.name(of: ResumeFixture.infoHash))
    }

    @Test func nothingUnselectedMeansNoPartsFile() throws {
        let table = FileTable(infoHash: ResumeFixture.infoHash, selected: try ResumeFixture.selected())
        #expect(table.partsPath.isEmpty && table.partsRuns.isEmpty)
        #expect(table.files.map(\.offset) == [0, 40, 64])
    }

    /// The table must say of every byte of every wanted piece what `SelectedFiles` says.
    @Test func tableAgreesWithTheSelectionByteForByte() throws {
        var generator = SeededGenerator.printing()
        for _ in 0..<300 {
            let lengths = (0..<Int.random(in: 1..<10, using: &generator)).map { _ in
                UInt64.random(in: 0..<60, using: &generator)
            }
            guard lengths.contains(where: { $0 > 0 }) else { continue }
            let layout = try ResumeFixture.layout(lengths, pieceByteCount: UInt32.random(in: 1..<50, using: &generator))
            let selected = try ResumeFixture.selected(
                lengths.indices.filter { _ in Bool.random(using: &generator) }, layout: layout)
            let table = FileTable(infoHash: ResumeFixture.infoHash, selected: selected)
            for (before, after) in zip(table.partsRuns, table.partsRuns.dropFirst()) {
                #expect(before.offset + before.byteCount <= after.offset)
            }
            selected.wantedPieces.forEach { piece in
                var offset = layout.geometry.offset(of: piece)
                for target in selected.targets(of: piece) {
                    if target.place == .parts {
                        let run = table.partsRuns.last { $0.offset <= offset }
                        #expect(run.map { $0.partsOffset + (offset - $0.offset) } == target.offset)
                        #expect(run.map { $0.offset + $0.byteCount >= offset + target.length } == true)
                    }
                    offset += target.length
                }
            }
        }
    }
}
