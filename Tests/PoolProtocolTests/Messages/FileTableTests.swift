import BitTorrent
import PoolProtocol
import TestSupport
import Testing

struct FileTableTests {
    private static let table = FileTable(
        infoHash: InfoHash(Digest(1...20)), geometry: TorrentGeometry(totalByteCount: 100_000, pieceByteCount: 32768),
        files: [
            FileTable.Entry(kind: .wanted, path: "a/ä b", offset: 0, byteCount: 40_000),
            FileTable.Entry(kind: .pad, path: "", offset: 40_000, byteCount: 25_536),
            FileTable.Entry(kind: .unselected, path: "c", offset: 65_536, byteCount: 34_464),
            FileTable.Entry(kind: .wanted, path: "empty", offset: 100_000, byteCount: 0),
        ], partsPath: ".swarmkeeper-parts",
        partsRuns: [FileTable.PartsRun(offset: 65_536, byteCount: 100, partsOffset: 7)])

    private func decode(_ bytes: [UInt8]) throws -> FileTable {
        try bytes.withUnsafeBytes { try FileTable(decoding: $0) }
    }

    @Test func tableSurvivesTheJourney() throws { #expect(try decode(Self.table.encoded()) == Self.table) }

    @Test func tableLongerThanAnyMessageSurvivesTheJourney() throws {
        var table = Self.table
        table.files = (0..<20_000).map { index in
            FileTable.Entry(kind: .wanted, path: "folder/\(index)", offset: UInt64(index) * 5, byteCount: 5)
        }
        table.geometry = TorrentGeometry(totalByteCount: 100_000, pieceByteCount: 16384)
        table.partsRuns = (0..<2000).map {
            FileTable.PartsRun(offset: UInt64($0), byteCount: 1, partsOffset: UInt64($0))
        }
        #expect(try decode(table.encoded()) == table)
    }

    @Test func truncatedTableIsAnError() {
        let bytes = Self.table.encoded()
        for count in bytes.indices {
            #expect(throws: PoolCodecError.truncated) { try decode(Array(bytes.prefix(count))) }
        }
    }

    @Test func countsBeyondTheTableAreAnError() {
        var bytes = Self.table.encoded()
        bytes.replaceSubrange(32..<36, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: PoolCodecError.self) { try decode(bytes) }
    }

    /// Found by `scripts/fuzz pool-frames`.
    @Test func runsThatEndBeyondAllNumbersAreRefused() {
        let runs = [
            FileTable.PartsRun(offset: 65_536, byteCount: .max, partsOffset: 7),
            FileTable.PartsRun(offset: .max, byteCount: 1, partsOffset: 7),
            FileTable.PartsRun(offset: 65_536, byteCount: 100, partsOffset: .max - 99),
        ]
        for run in runs {
            var table = Self.table
            table.partsRuns = [run]
            #expect(throws: PoolCodecError.invalidField("partsRuns")) { try FileMap(table) }
        }
    }

    @Test func randomTablesNeverTrap() {
        var generator = SeededGenerator.printing()
        let sound = Self.table.encoded()
        for _ in 0..<10_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0 ... .max, using: &generator)
            }
            _ = try? decode(bytes)
        }
    }
}
