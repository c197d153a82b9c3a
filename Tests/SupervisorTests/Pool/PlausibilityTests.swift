import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

private let worker = Incarnation(Place(.peerWorker, 3), generation: 2)

/// One worker in a run of two torrents: one of 192 pieces, and the largest that may be.
private struct Talk {
    var clock = FakeClock()
    var plausibility: Plausibility

    init(peerCapacity: Int = 125) {
        plausibility = Plausibility(
            pieceCounts: [192, TorrentGeometry.maximumPieceCount], peerCapacity: peerCapacity)
        #expect(says(.hello(Hello(who: worker, pid: 7))) == nil)
    }

    mutating func says(_ message: PeerWorkerToSupervisor) -> Plausibility.Nonsense? {
        plausibility.nonsense(in: message, from: worker, now: clock.now)
    }

    mutating func reports(
        _ downloaded: UInt64, wasted: UInt64 = 0, uploaded: UInt64 = 0, torrent: UInt16 = 0, peers: [PeerReport] = []
    ) -> Plausibility.Nonsense? {
        says(
            .report(
                torrent: torrent,
                TransferReport(
                    downloadedByteCount: downloaded, wastedByteCount: wasted, uploadedByteCount: uploaded,
                    freeSlotCount: 3, waitingSocketCount: 0), peers))
    }

    mutating func connects(_ peer: UInt32, isIncoming: Bool = true, torrent: UInt16 = 0) -> Plausibility.Nonsense? {
        says(
            .peerConnected(
                PeerConnected(
                    peer: peer, torrent: torrent, address: PeerAddress(v4: 0x7F00_0001, port: 6881),
                    isIncoming: isIncoming, remoteID: PeerID(1...20), client: "")))
    }

    mutating func closes(_ peer: UInt32, downloaded: UInt64 = 0) -> Plausibility.Nonsense? {
        says(.peerClosed(PeerClosed(peer: peer, cause: .lost, text: "", downloadedByteCount: downloaded)))
    }
}

private func report(peer: UInt32, _ downloaded: UInt64) -> PeerReport {
    PeerReport(
        peer: peer, downloadedByteCount: downloaded, uploadedByteCount: 0, downloadRate: .max, uploadRate: .max,
        outstandingRequestCount: .max, isChokingUs: true, isSeed: false, isSnubbed: false, isInterested: true,
        isUnchoked: true)
}

@Suite struct PlausibilityTests {
    @Test func torrentsPiecesAndBlocksThatAreNotAreRefused() {
        var talk = Talk()
        #expect(talk.says(.wantBlocks(torrent: 2, byteCount: 1)) == .unknownTorrent(2))
        #expect(talk.says(.seedCount(torrent: .max, 1)) == .unknownTorrent(.max))
        #expect(talk.says(.sourceCounts(torrent: 2, [])) == .unknownTorrent(2))
        #expect(talk.connects(1 << 31, torrent: 9) == .unknownTorrent(9))
        #expect(talk.reports(0, torrent: 9) == .unknownTorrent(9))
        for piece in [192, Int(UInt32.max)] {
            let counts = [0, piece].map { SourceCount(piece: PieceIndex($0), count: 1) }
            #expect(talk.says(.sourceCounts(torrent: 0, counts)) == .unknownPiece)
        }
        let wrong: [(first: UInt32, count: UInt32)] = [
            (32_768, 1), (32_767, 2), (1, 32_768), (0, .max), (.max, 0), (.max, .max),
        ]
        for (first, count) in wrong {
            let ranges = [BlockRange(firstBlock: 0, blockCount: 1), BlockRange(firstBlock: first, blockCount: count)]
            #expect(talk.says(.grantReturned(assignment: 1, ranges, .slow)) == .impossibleBlocks)
        }
        #expect(
            talk.says(.grantReturned(assignment: .max, [BlockRange(firstBlock: 0, blockCount: 32_768)], .slow)) == nil)
    }

    @Test func everyPieceOfTheLargestTorrentMayBeTold() {
        var talk = Talk()
        let pieceCount = TorrentGeometry.maximumPieceCount
        for first in stride(from: 0, to: pieceCount, by: Topology.maximumListCount) {
            let pieces = first..<min(pieceCount, first + Topology.maximumListCount)
            let counts = pieces.map { SourceCount(piece: PieceIndex($0), count: .max) }
            #expect(talk.says(.sourceCounts(torrent: 1, counts)) == nil)
        }
        #expect(talk.says(.seedCount(torrent: 1, .max)) == nil)
        #expect(talk.says(.wantBlocks(torrent: 1, byteCount: .max)) == nil)
    }

    /// Half a day at 10 GB/s, with a thousand peers that come and go.
    @Test func busyWorkerMaySayAllThatItHasDone() {
        var talk = Talk(peerCapacity: 1000)
        var moved: UInt64 = 0
        for round in 0..<1000 as Range<UInt32> {
            talk.clock.advance(by: .seconds(43))
            moved += 430_000_000_000
            let number = round % 500
            for peer in [1 << 31 + 2 * number, 1 << 31 + 2 * number + 1] {
                if round >= 500 { #expect(talk.closes(peer, downloaded: moved / 2) == nil) }
                #expect(talk.connects(peer) == nil)
            }
            #expect(talk.connects(round, isIncoming: false) == nil)
            let peers = (0..<512 as Range<UInt32>).map { report(peer: $0, moved / 600) }
            #expect(talk.reports(moved, wasted: moved / 9, uploaded: moved, peers: peers) == nil)
            #expect(talk.reports(moved, wasted: moved / 9, uploaded: moved, peers: []) == nil, "said in two parts")
            #expect(talk.reports(moved / 3, torrent: 1) == nil, "each torrent has its own totals")
        }
    }

    @Test func moreThanCanHaveBeenMovedIsRefused() {
        let second = Plausibility.mostBytesPerSecond
        var talk = Talk()
        #expect(talk.reports(second) == nil)
        #expect(talk.reports(second + 1) == .impossibleAmount)
        talk.clock.advance(by: .seconds(1))
        #expect(talk.reports(2 * second) == nil)
        #expect(talk.reports(2 * second, wasted: .max) == .impossibleAmount)
        #expect(talk.reports(2 * second, uploaded: 1 << 63) == .impossibleAmount)
        #expect(talk.reports(2 * second, peers: [report(peer: 1, .max)]) == .impossibleAmount)
        #expect(talk.closes(1, downloaded: .max) == .impossibleAmount)
        // However long it has lived, its numbers can be added up.
        talk.clock.advance(by: .seconds(1 << 33))
        #expect(talk.reports(1 << 63) == .impossibleAmount)
    }

    @Test func totalsNeverShrinkWithinAGeneration() {
        var talk = Talk()
        #expect(talk.reports(100, wasted: 10, uploaded: 5) == nil)
        #expect(talk.reports(99, wasted: 10, uploaded: 5) == .shrinkingTotal)
        #expect(talk.reports(100, wasted: 9, uploaded: 5) == .shrinkingTotal)
        #expect(talk.reports(100, wasted: 10, uploaded: 4) == .shrinkingTotal)
        talk.plausibility.forget(worker)
        #expect(talk.says(.hello(Hello(who: worker, pid: 8))) == nil)
        #expect(talk.reports(0) == nil)
    }

    @Test func peersThatCameAreNamedOnceAndAreNotTooMany() {
        var talk = Talk(peerCapacity: 1)
        let first: UInt32 = 1 << 31
        #expect(talk.connects(first - 1) == .impossibleName, "a name that we give")
        #expect(talk.connects(first, isIncoming: false) == .impossibleName)
        #expect(talk.connects(first) == nil)
        #expect(talk.connects(first) == .impossibleName)
        #expect(talk.closes(first) == nil)
        for peer in 0..<66 { #expect(talk.connects(first + UInt32(peer)) == nil) }
        #expect(talk.connects(first + 66) == .tooManyPeers)
    }

    /// It would have the successor of a dead hash-worker wait for answers that never come.
    @Test func memoryThatOnlyTheWriterReadsIsNotItsBusiness() {
        var talk = Talk()
        let assembler = Incarnation(Place(.hashWorker, 0), generation: 2)
        #expect(talk.says(.replacementSeen(ReplacementSeen(newcomer: assembler))) == nil)
        #expect(
            talk.says(.replacementSeen(ReplacementSeen(newcomer: assembler, stillReading: [1]))) == .notItsBusiness)
        let writer = Incarnation(Place(.writer, 0), generation: 2)
        #expect(talk.says(.replacementSeen(ReplacementSeen(newcomer: writer))) == .notItsBusiness)
    }

    /// Before its hello a worker has done nothing.
    @Test func nothingWasMovedBeforeTheHello() {
        var talk = Talk()
        talk.plausibility.forget(worker)
        #expect(talk.reports(1) == .impossibleAmount)
        #expect(talk.connects(1 << 31) == .impossibleName)
    }
}
