import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Writer

@Suite struct WritePlanTests {
    private func source(_ offset: UInt64, _ regionOffset: Int, _ byteCount: Int, region: UInt16 = 0) -> WritePlan.Source
    {
        WritePlan.Source(offset: offset, region: region, regionOffset: regionOffset, byteCount: byteCount)
    }

    @Test func scatteredFramesOfOneFileAreOneCall() throws {
        let map = try FileMap(WriterFixture.oneFile)
        let plan = try WritePlan([source(65536, 0, 34464), source(0, 200_000, 65536)], map: map)
        #expect(plan.calls.count == 1)
        #expect(plan.calls[0].offset == 0)
        #expect(plan.calls[0].vectors.map(\.regionOffset) == [200_000, 0])
        #expect(plan.byteCount == 100_000)
    }

    @Test func adjacentFramesAreOneVector() throws {
        let map = try FileMap(WriterFixture.oneFile)
        let plan = try WritePlan([source(0, 0, 65536), source(65536, 65536, 34464)], map: map)
        #expect(plan.calls.map(\.vectors.count) == [1])
        let otherRegion = try WritePlan([source(0, 0, 65536), source(65536, 65536, 34464, region: 1)], map: map)
        #expect(otherRegion.calls.map(\.vectors.count) == [2])
    }

    @Test func callNeverHasMoreVectorsThanTheKernelTakes() throws {
        let map = try FileMap(WriterFixture.table([(.wanted, 4000)], pieceByteCount: 4000))
        let plan = try WritePlan((0..<2000).map { source(UInt64($0 * 2), $0 * 4, 2) }, map: map)
        #expect(plan.calls.map(\.vectors.count) == [1024, 976])
        #expect(plan.calls.map(\.offset) == [0, 2048])
    }

    @Test func padsAreDroppedAndEmptyFilesNeverAppear() throws {
        let map = try FileMap(
            WriterFixture.table([(.wanted, 10), (.pad, 6), (.wanted, 0), (.wanted, 16)], pieceByteCount: 16))
        let plan = try WritePlan([source(0, 0, 32)], map: map)
        #expect(plan.calls.map(\.file) == [0, 3])
        #expect(plan.calls.map(\.byteCount) == [10, 16])
        #expect(plan.calls[1].vectors == [.init(region: 0, regionOffset: 16, byteCount: 16)])
    }

    @Test func byteWithoutAPlaceIsRefused() throws {
        var table = WriterFixture.table([(.unselected, 16), (.wanted, 16)], pieceByteCount: 16)
        table.partsRuns[0].byteCount = 8
        let map = try FileMap(table)
        #expect(throws: PoolCodecError.invalidField("partsRuns")) { try WritePlan([source(0, 0, 16)], map: map) }
        #expect(throws: PoolCodecError.invalidField("range")) { try WritePlan([source(30, 0, 16)], map: map) }
    }

    @Test func tableWithGapsIsRefused() {
        var table = WriterFixture.table([(.wanted, 16), (.wanted, 16)], pieceByteCount: 16)
        table.files[1].offset = 17
        #expect(throws: PoolCodecError.invalidField("files")) { try FileMap(table) }
        table = WriterFixture.oneFile
        table.files[0].path = ""
        #expect(throws: PoolCodecError.invalidField("files")) { try FileMap(table) }
        table = WriterFixture.oneFile
        table.files[0].byteCount -= 1
        #expect(throws: PoolCodecError.invalidField("files")) { try FileMap(table) }
    }

    /// The plan's calls, carried out on arrays, must put every byte of a random torrent where a byte-by-byte walk over
    /// its files puts it.
    @Test func randomTorrentsLandByteForByte() throws {
        var generator = SeededGenerator.printing()
        for _ in 0..<300 {
            let files = (0..<Int.random(in: 1..<12, using: &generator)).map { _ in
                (
                    kind: FileTable.Entry.Kind.allCases.randomElement(using: &generator)!,
                    byteCount: UInt64(Bool.random(using: &generator) ? 0 : Int.random(in: 1..<900, using: &generator))
                )
            }
            guard files.contains(where: { $0.byteCount > 0 }) else { continue }
            let table = WriterFixture.table(files, pieceByteCount: UInt32.random(in: 1..<300, using: &generator))
            try check(table, with: &generator)
        }
    }

    private func check(_ table: FileTable, with generator: inout SeededGenerator) throws {
        let map = try FileMap(table)
        let total = Int(table.geometry.totalByteCount)
        let torrent = (0..<total).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var memory: [UInt8] = []
        var sources: [WritePlan.Source] = []
        var start = 0
        while start < total {
            let count = min(Int.random(in: 1..<200, using: &generator), total - start)
            memory += [UInt8](repeating: 0xEE, count: Int.random(in: 0..<3, using: &generator))
            sources.append(source(UInt64(start), memory.count, count))
            memory += torrent[start..<start + count]
            start += count
        }
        var disk: [Int: [Int: UInt8]] = [:]
        for call in try WritePlan(sources.shuffled(using: &generator), map: map).calls {
            var offset = Int(call.offset)
            for vector in call.vectors {
                for byte in memory[vector.regionOffset..<vector.regionOffset + vector.byteCount] {
                    #expect(disk[call.file, default: [:]].updateValue(byte, forKey: offset) == nil)
                    offset += 1
                }
            }
        }
        var expected: [Int: [Int: UInt8]] = [:]
        for (number, file) in table.files.enumerated() {
            for position in 0..<Int(file.byteCount) {
                let byte = torrent[Int(file.offset) + position]
                switch file.kind {
                case .wanted: expected[number, default: [:]][position] = byte
                case .pad: break
                case .unselected:
                    let run = table.partsRuns.last { $0.offset <= file.offset + UInt64(position) }!
                    let place = Int(run.partsOffset) + Int(file.offset) + position - Int(run.offset)
                    expected[map.partsFile, default: [:]][place] = byte
                }
            }
        }
        #expect(disk == expected)
    }
}
