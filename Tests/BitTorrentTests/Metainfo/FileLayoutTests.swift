import BitTorrent
import TestSupport
import Testing

struct FileLayoutTests {
    private func layout(_ byteCounts: [Int], pieceByteCount: Int) throws -> FileLayout {
        try TorrentBuilder.multiple(byteCounts: byteCounts, pieceByteCount: pieceByteCount).metainfo().layout
    }

    @Test func pieceThatSpansFiveFilesIsSplitAtTheirEnds() throws {
        let layout = try layout([300, 10, 0, 20, 1, 2, 1000], pieceByteCount: 512)
        #expect(
            layout.spans(of: PieceIndex(0)) == [
                FileSpan(fileIndex: 0, fileOffset: 0, length: 300), FileSpan(fileIndex: 1, fileOffset: 0, length: 10),
                FileSpan(fileIndex: 3, fileOffset: 0, length: 20), FileSpan(fileIndex: 4, fileOffset: 0, length: 1),
                FileSpan(fileIndex: 5, fileOffset: 0, length: 2), FileSpan(fileIndex: 6, fileOffset: 0, length: 179),
            ])
        #expect(layout.spans(of: PieceIndex(1)) == [FileSpan(fileIndex: 6, fileOffset: 179, length: 512)])
        #expect(layout.spans(of: PieceIndex(2)) == [FileSpan(fileIndex: 6, fileOffset: 691, length: 309)])
    }

    @Test func rangeWithinAPieceIsItsPartOfTheFiles() throws {
        let layout = try layout([300, 10, 2000], pieceByteCount: 512)
        #expect(
            layout.spans(of: PieceIndex(0), begin: 305, length: 10) == [
                FileSpan(fileIndex: 1, fileOffset: 5, length: 5), FileSpan(fileIndex: 2, fileOffset: 0, length: 5),
            ])
        #expect(layout.spans(offset: 2310, length: 0).isEmpty)
        #expect(layout.spans(offset: 0, length: 0).isEmpty)
    }

    @Test func emptyFilesAtBothEndsHaveNoBytes() throws {
        let layout = try layout([0, 0, 5, 0], pieceByteCount: 512)
        #expect(layout.spans(offset: 0, length: 5) == [FileSpan(fileIndex: 2, fileOffset: 0, length: 5)])
        #expect(layout.files.indices.map { layout.pieces(of: $0).count } == [0, 0, 1, 0])
    }

    @Test func padFilesAreMarked() throws {
        let layout = try TorrentBuilder(
            pieceByteCount: 512, .multiple([.init("a", bytes: [1, 2]), .padding(510), .init("b", bytes: [3])])
        ).metainfo().layout
        #expect(
            layout.spans(of: PieceIndex(0)) == [
                FileSpan(fileIndex: 0, fileOffset: 0, length: 2),
                FileSpan(fileIndex: 1, fileOffset: 0, length: 510, isPadding: true),
            ])
    }

    @Test func piecesOfAFileAreThoseWithItsBytes() throws {
        let layout = try layout([511, 1, 1, 1023, 1], pieceByteCount: 512)
        #expect(layout.files.indices.map { layout.pieces(of: $0) } == [0..<1, 0..<1, 1..<2, 1..<3, 3..<4])
    }

    @Test func bytesReadThroughSpansAreThePayload() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("file layout: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        for _ in 0..<50 {
            let byteCounts =
                (0..<Int.random(in: 1..<12, using: &generator)).map { _ in
                    Bool.random(using: &generator)
                        ? Int.random(in: 0..<4, using: &generator) : Int.random(in: 0..<3000, using: &generator)
                } + [1]
            let pieceByteCount = Int.random(in: 256..<1500, using: &generator)
            let builder = TorrentBuilder.multiple(byteCounts: byteCounts, pieceByteCount: pieceByteCount)
            guard case .multiple(let files) = builder.content else { return }
            let layout = try builder.metainfo().layout
            let payload = builder.payload
            for index in 0..<layout.geometry.pieceCount {
                let piece = PieceIndex(index)
                let read = layout.spans(of: piece).flatMap { span in
                    files[span.fileIndex].bytes[Int(span.fileOffset)..<Int(span.fileOffset + span.length)]
                }
                let start = Int(layout.geometry.offset(of: piece))
                #expect(read == Array(payload[start..<start + Int(layout.geometry.length(of: piece))]), "seed \(seed)")
                for file in layout.files.indices {
                    let touches = layout.spans(of: piece).contains { $0.fileIndex == file }
                    #expect(layout.pieces(of: file).contains(index) == touches, "seed \(seed)")
                }
            }
        }
    }
}
