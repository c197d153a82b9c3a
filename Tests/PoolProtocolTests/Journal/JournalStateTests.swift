import BitTorrent
import TestSupport
import Testing

@testable import PoolProtocol

@Suite struct JournalStateTests {
    private func state(_ records: JournalRecord...) -> JournalState {
        var state = JournalState(subject: JournalFixture.subject)
        for record in records { state.apply(record) }
        return state
    }
    private let piece = PieceIndex(5)

    @Test func cleanStopCountsOnlyAsTheLastRecord() {
        let facts = [FileFact(file: 0, byteCount: 1, modified: 2, inode: 3)]
        #expect(state(.cleanStop(facts)).cleanStop == facts)
        #expect(state(.cleanStop(facts), .beat).cleanStop == nil)
        #expect(state(.cleanStop(facts), .beat).inodes == [0: 3])
    }

    @Test func theLastCountOfUploadsIsTheOneThatCounts() {
        #expect(state(.uploaded(7), .beat, .uploaded(9)).uploadedByteCount == 9)
        #expect(state(.beat).uploadedByteCount == 0)
    }

    @Test func syncedPieceForgetsItsBlocksAndItsLoss() {
        let after = state(.partial(piece, JournalFixture.blocks), .piecesSynced([piece]))
        #expect(after.partials.isEmpty && after.synced.contains(piece))
        let rewritten = state(.piecesSynced([piece]), .piecesLost([piece]), .piecesSynced([piece]))
        #expect(rewritten.lost.isEmpty && rewritten.synced.contains(piece))
    }

    @Test func lostPieceIsNoLongerClaimed() {
        let after = state(.piecesSynced([piece]), .piecesLost([piece]), .partial(piece, JournalFixture.blocks))
        #expect(after.synced.isEmpty && after.lost.contains(piece) && after.partials.isEmpty)
    }

    @Test func compactionSaysTheSameInFewerBytes() throws {
        var generator = SeededGenerator.printing()
        for _ in 0..<200 {
            var records: [JournalRecord] = []
            for _ in 0..<Int.random(in: 0..<20, using: &generator) {
                let piece = PieceIndex(Int.random(in: 0..<10, using: &generator))
                switch Int.random(in: 0..<7, using: &generator) {
                case 0, 1: records.append(.piecesSynced([piece]))
                case 2: records.append(.partial(piece, JournalFixture.blocks))
                case 3: records.append(.piecesLost([piece]))
                case 4: records.append(.filesKnown([FileIdentity(file: piece.rawValue % 4, inode: 9)]))
                case 5: records.append(.uploaded(.random(in: 0...9, using: &generator)))
                default: records.append(.cleanStop([FileFact(file: 1, byteCount: 5, modified: -6, inode: 7)]))
                }
            }
            let long = JournalFixture.journal(records)
            let reading = try JournalReader.read(long, subject: JournalFixture.subject)
            let short = JournalWriter.compacted(reading.state)
            let again = try JournalReader.read(short, subject: JournalFixture.subject)
            #expect(again.state == reading.state)
            #expect(again.damage == nil)
        }
    }

    @Test func largestTorrentFitsInAMap() throws {
        let count = TorrentGeometry.maximumPieceCount
        let subject = JournalSubject(
            infoHash: InfoHash(Digest(1...20)),
            geometry: TorrentGeometry(totalByteCount: UInt64(count) * 16384, pieceByteCount: 16384), fileCount: 1)
        var state = JournalState(subject: subject)
        state.apply(.syncedMap(.full(pieceCount: count)))
        let bytes = JournalWriter.compacted(state)
        #expect(bytes.count < count / 8 + 100)
        #expect(try JournalReader.read(bytes, subject: subject).state == state)
    }
}
