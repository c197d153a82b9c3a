import BitTorrent
import TestSupport
import Testing

@testable import PoolProtocol

@Suite struct JournalReaderTests {
    typealias Fixture = JournalFixture

    @Test func everyRecordIsReadBack() throws {
        let bytes = Fixture.journal()
        let reading = try JournalReader.read(bytes, subject: Fixture.subject)
        #expect(reading.damage == nil)
        #expect(reading.validByteCount == bytes.count)
        #expect(reading.state.synced.contains(PieceIndex(1)) && reading.state.synced.contains(PieceIndex(9)))
        #expect(reading.state.synced.count == 2)
        #expect(reading.state.lost.count == 1 && reading.state.lost.contains(PieceIndex(4)))
        #expect(reading.state.partials == [PieceIndex(5): Fixture.blocks])
        #expect(reading.state.inodes == [0: 77, 3: 79])
        #expect(reading.state.wantedFiles == [true, false, true])
        #expect(reading.state.cleanStop?.first?.modified == 1_700_000_000_123_456_789)
    }

    @Test func journalCutAtAnyByteKeepsEveryWholeRecord() throws {
        let bytes = Fixture.journal(), ends = Fixture.ends
        for length in 0...bytes.count {
            let cut = Array(bytes.prefix(length))
            guard length >= JournalWriter.headerByteCount else {
                #expect(throws: JournalRefusal.self) { try JournalReader.read(cut, subject: Fixture.subject) }
                continue
            }
            let reading = try JournalReader.read(cut, subject: Fixture.subject)
            let whole = ends.lastIndex { $0 <= length }!
            #expect(reading.validByteCount == ends[whole])
            #expect(reading.damage == (ends[whole] == length ? nil : .torn))
            #expect(reading.state == Fixture.state(after: whole))
        }
    }

    @Test func flippedByteAnywhereEndsReadingAtItsRecord() throws {
        let bytes = Fixture.journal(), ends = Fixture.ends
        for offset in bytes.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var garbled = bytes
                garbled[offset] ^= mask
                if offset < JournalWriter.headerByteCount {
                    #expect(throws: JournalRefusal.self) { try JournalReader.read(garbled, subject: Fixture.subject) }
                    continue
                }
                let reading = try JournalReader.read(garbled, subject: Fixture.subject)
                let sound = ends.lastIndex { $0 <= offset }!
                #expect(reading.damage != nil)
                #expect(reading.validByteCount == ends[sound])
                #expect(reading.state == Fixture.state(after: sound))
            }
        }
    }

    @Test func foreignJournalsAreRefusedByName() {
        let bytes = Fixture.journal()
        var subject = Fixture.subject
        subject.infoHash = InfoHash(Digest(2...21))
        #expect(throws: JournalRefusal.otherTorrent(Fixture.subject.infoHash)) {
            try JournalReader.read(bytes, subject: subject)
        }
        subject = Fixture.subject
        subject.geometry = TorrentGeometry(totalByteCount: 399_999, pieceByteCount: 50_000)
        #expect(throws: JournalRefusal.otherGeometry) { try JournalReader.read(bytes, subject: subject) }
        subject = Fixture.subject
        subject.fileCount = 4
        #expect(throws: JournalRefusal.otherGeometry) { try JournalReader.read(bytes, subject: subject) }
        #expect(throws: JournalRefusal.notAJournal) { try JournalReader.read([], subject: Fixture.subject) }
        #expect(throws: JournalRefusal.notAJournal) {
            try JournalReader.read([UInt8](repeating: 0, count: 500), subject: Fixture.subject)
        }
        var newer = bytes
        newer[3] = 2
        #expect(throws: JournalRefusal.unknownVersion(2)) { try JournalReader.read(newer, subject: Fixture.subject) }
    }

    @Test func tailOfZerosIsDamage() throws {
        // What a file system may leave behind a power cut: the length grew, the bytes did not arrive.
        let bytes = Fixture.journal()
        let reading = try JournalReader.read(bytes + [UInt8](repeating: 0, count: 100), subject: Fixture.subject)
        #expect(reading.validByteCount == bytes.count)
        #expect(reading.damage != nil)
    }

    @Test func soundChecksumAroundNonsenseIsDamage() throws {
        let nonsense: [[UInt8]] = [
            [], [0], [9], [1, 10, 0, 0, 0], [1, 1, 0], [2, 0], [2, 0xFF, 0xFF], [3, 1, 0, 0, 0, 0xFF],
            [3, 10, 0, 0, 0, 1], [4, 0], [5, 1], [7, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], [8],
        ]
        for body in nonsense {
            var head = FrameWriter()
            head.put(UInt32(body.count))
            head.put(JournalChecksum.of(head.bytes + body))
            let reading = try JournalReader.read(
                Fixture.journal() + head.bytes + body, subject: Fixture.subject)
            #expect(reading.damage == .unreadable, "\(body)")
            #expect(reading.state == Fixture.state(after: Fixture.records.count))
        }
    }

    @Test func randomBytesNeverCrash() {
        var generator = SeededGenerator.printing()
        for _ in 0..<2_000 {
            var bytes = (0..<Int.random(in: 0..<300, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { bytes = Fixture.journal([]) + bytes }
            let reading = try? JournalReader.read(bytes, subject: Fixture.subject)
            #expect((reading?.validByteCount ?? 0) <= bytes.count)
        }
    }

    @Test func checksumIsThePublishedOne() {
        // RFC 3720, appendix B.4: 32 bytes of zeros; and the usual check value of CRC-32C.
        #expect(JournalChecksum.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(JournalChecksum.of(Array("123456789".utf8)) == 0xE306_9283)
    }
}
