import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import HashWorker

/// Files in memory, which are read like any other.
private func file(_ bytes: [UInt8]) throws -> OwnedDescriptor { try RegionMapping.makeSealed(name: "test", bytes) }

private func makeStatus() throws -> StatusPageWriter {
    try StatusPageWriter.makeOwn().writer
}

private func span(_ file: OwnedDescriptor?, _ range: Range<Int>) -> OpenSpan {
    OpenSpan(file: file, offset: UInt64(range.lowerBound), byteCount: range.count)
}

@Suite struct SpanReaderTests {
    private func read(_ reader: inout SpanReader, _ byteCount: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            try reader.read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: byteCount))
            count = byteCount
        }
    }

    @Test func bytesOfManyFilesAndPadsAreReadInOrder() throws {
        let first = try file(Array(0..<100)), second = try file(Array(100..<200))
        let spans = [span(first, 90..<100), span(nil, 0..<3), span(first, 7..<7), span(second, 0..<5)]
        let whole = Array(90..<100) + [0, 0, 0] + Array(100..<105).map { UInt8($0) }
        for cut in 0...whole.count {
            var reader = SpanReader(spans)
            #expect(try read(&reader, cut) + read(&reader, whole.count - cut) == whole)
            #expect(reader.remainingByteCount == 0)
            reader = SpanReader(spans)
            reader.skip(byteCount: cut)
            #expect(try read(&reader, whole.count - cut) == Array(whole[cut...]))
        }
    }

    @Test func fileThatEndsTooEarlyIsShort() throws {
        var reader = SpanReader([span(try file([1, 2, 3]), 1..<5)])
        #expect(throws: SpanReader.Failure.short) { try read(&reader, 4) }
        reader = SpanReader([span(nil, 0..<4)])
        #expect(throws: SpanReader.Failure.short) { try read(&reader, 5) }
    }

    @Test func errorOfTheDiskIsTold() throws {
        let directory = OwnedDescriptor(open("/", O_RDONLY))
        var reader = SpanReader([span(directory, 0..<5)])
        #expect(throws: SpanReader.Failure.unreadable(errno: EISDIR)) { try read(&reader, 5) }
    }
}

@Suite struct RecheckLanesTests {
    @Test func piecesOfAnyLengthGetTheirVerdict() throws {
        let status = try makeStatus()
        var generator = SeededGenerator(seed: 4)
        let lengths = [1, 63, 64, 65, 32767, 32768, 32769, 65536, 100_000, 1 << 20] + (0..<40).map { $0 * 1511 + 1 }
        let bytes = generator.bytes(2 << 20)
        let data = try file(bytes)
        var lanes = RecheckLanes(status: status)
        var answers: [DiskAnswer] = []
        var next = 0
        while next < lengths.count || !lanes.isEmpty {
            while lanes.freeCount > 0, next < lengths.count {
                let start = next * 311
                var digest = SHA1.hash(of: Array(bytes[start..<start + lengths[next]]))
                if next % 3 == 0 { digest = Digest(1...20) }
                lanes.take(
                    .recheck(torrent: 1, PieceIndex(next), expected: digest),
                    SpanReader([span(data, start..<start + lengths[next])]))
                next += 1
            }
            lanes.turn(into: &answers)
        }
        let verdicts = answers.map { answer -> RecheckVerdict in
            guard case .rechecked(1, let verdict) = answer else {
                return RecheckVerdict(piece: PieceIndex(0), outcome: .short)
            }
            return verdict
        }
        #expect(
            verdicts.sorted { $0.piece < $1.piece }
                == lengths.indices.map { index in
                    RecheckVerdict(piece: PieceIndex(index), outcome: index % 3 == 0 ? .wrong : .right)
                })
        #expect(lanes.takeCounts().hashedByteCount == UInt64(lengths.reduce(0, +)))
        #expect(lanes.freeCount == 16)
    }

    @Test func digestsOfANewTorrentAreTold() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let data = try file(bytes)
        let directory = OwnedDescriptor(open("/", O_RDONLY))
        var lanes = RecheckLanes(status: nil)
        lanes.take(.create(PieceIndex(0)), SpanReader([span(data, 0..<150_001)]))
        lanes.take(.create(PieceIndex(1)), SpanReader([span(data, 150_001..<200_000), span(nil, 0..<1)]))
        lanes.take(.create(PieceIndex(2)), SpanReader([span(data, 150_001..<200_001)]))
        lanes.take(.create(PieceIndex(3)), SpanReader([span(directory, 0..<1)]))
        var answers: [DiskAnswer] = []
        while !lanes.isEmpty { lanes.turn(into: &answers) }
        let hashed = answers.compactMap { answer -> HashedPiece? in
            guard case .hashed(let piece) = answer else { return nil }
            return piece
        }
        #expect(
            hashed.sorted { $0.piece < $1.piece } == [
                HashedPiece(piece: PieceIndex(0), outcome: .digest(SHA1.hash(of: Array(bytes[..<150_001])))),
                HashedPiece(piece: PieceIndex(1), outcome: .digest(SHA1.hash(of: Array(bytes[150_001...]) + [0]))),
                HashedPiece(piece: PieceIndex(2), outcome: .short),
                HashedPiece(piece: PieceIndex(3), outcome: .unreadable(errno: UInt32(EISDIR))),
            ])
    }

    @Test func troubleOfOnePieceLeavesTheOthersAlone() throws {
        let status = try makeStatus()
        let bytes = [UInt8](repeating: 3, count: 100_000)
        let data = try file(bytes)
        let directory = OwnedDescriptor(open("/", O_RDONLY))
        let digest = SHA1.hash(of: bytes)
        let zeros = SHA1.hash(of: [UInt8](repeating: 0, count: 70_000))
        var lanes = RecheckLanes(status: status)
        lanes.take(.recheck(torrent: 1, PieceIndex(0), expected: digest), SpanReader([span(data, 0..<100_000)]))
        lanes.take(.recheck(torrent: 1, PieceIndex(1), expected: digest), SpanReader([span(data, 50_000..<150_000)]))
        lanes.take(.recheck(torrent: 1, PieceIndex(2), expected: digest), SpanReader([span(directory, 0..<100_000)]))
        lanes.take(.recheck(torrent: 1, PieceIndex(3), expected: zeros), SpanReader([span(nil, 0..<70_000)]))
        var answers: [DiskAnswer] = []
        while !lanes.isEmpty { lanes.turn(into: &answers) }
        var outcomes: [PieceIndex: RecheckVerdict] = [:]
        for case .rechecked(_, let verdict) in answers { outcomes[verdict.piece] = verdict }
        #expect(outcomes[PieceIndex(0)]?.outcome == .right)
        #expect(outcomes[PieceIndex(1)]?.outcome == .short)
        #expect(outcomes[PieceIndex(2)]?.outcome == .unreadable && outcomes[PieceIndex(2)]?.errno == UInt32(EISDIR))
        #expect(outcomes[PieceIndex(3)]?.outcome == .right)
    }
}

@Suite struct DiskReaderTests {
    /// Waits for answers, ten seconds at most.
    private func answers(of reader: DiskReader, count: Int) -> [DiskAnswer] {
        var all: [DiskAnswer] = []
        while all.count < count {
            var item = pollfd(fd: reader.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, 10_000) > 0 else { return all }
            all += reader.takeAnswers().answers
        }
        return all
    }

    @Test func jobsThatFindNoFreeLaneAreTakenUpLater() throws {
        let reader = try DiskReader(status: makeStatus(), threadCount: 2)
        defer { reader.stop() }
        let bytes = [UInt8](repeating: 5, count: 3 * RecheckLanes.strideByteCount)
        let data = try file(bytes)
        let purpose = DiskJob.Purpose.hash(
            .recheck(torrent: 2, PieceIndex(1), expected: SHA1.hash(of: bytes)))
        for _ in 0..<48 {
            #expect(reader.submit(DiskJob(purpose: purpose, spans: [span(data, 0..<bytes.count)])))
        }
        #expect(answers(of: reader, count: 48).count == 48)
    }

    @Test func jobsAreBoundedUntilTheirAnswersAreTaken() throws {
        let reader = try DiskReader(status: makeStatus(), threadCount: 2)
        defer { reader.stop() }
        let bytes = [UInt8](repeating: 5, count: 5000)
        let data = try file(bytes)
        let digest = SHA1.hash(of: bytes)
        func submit(_ piece: Int) -> Bool {
            reader.submit(
                DiskJob(
                    purpose: .hash(.recheck(torrent: 2, PieceIndex(piece), expected: digest)),
                    spans: [span(data, 0..<5000)]))
        }
        for piece in 0..<DiskReader.capacity { #expect(submit(piece)) }
        #expect(!submit(99))
        let verdicts = answers(of: reader, count: DiskReader.capacity).compactMap { answer -> PieceIndex? in
            guard case .rechecked(2, let verdict) = answer, verdict.outcome == .right else { return nil }
            return verdict.piece
        }
        #expect(Set(verdicts) == Set((0..<DiskReader.capacity).map { PieceIndex($0) }))
        #expect(submit(99))
        #expect(answers(of: reader, count: 1).count == 1)
    }

    @Test func blocksAreReadBackFromWhereverTheyLie() throws {
        let reader = try DiskReader(status: makeStatus(), threadCount: 2)
        defer { reader.stop() }
        var generator = SeededGenerator(seed: 6)
        let bytes = generator.bytes(100_000)
        let front = try file(Array(bytes[..<40_000])), back = try file(Array(bytes[40_000...]))
        let spans = [span(front, 0..<40_000), span(back, 0..<60_000)]
        for blocks in [UInt32(1)..<4, 6..<7] {
            #expect(reader.submit(DiskJob(purpose: .restore(9, blocks: blocks), spans: spans)))
            guard case .restored(9, blocks, let read) = answers(of: reader, count: 1).first else {
                Issue.record("no answer for \(blocks)")
                return
            }
            let end = min(bytes.count, Int(blocks.upperBound) * 16384)
            #expect(read == Array(bytes[Int(blocks.lowerBound) * 16384..<end]))
        }
        #expect(reader.submit(DiskJob(purpose: .restore(9, blocks: 0..<1), spans: [span(front, 39_999..<60_000)])))
        guard case .restored(9, _, nil) = answers(of: reader, count: 1).first else {
            Issue.record("a short file has no blocks")
            return
        }
    }
}
