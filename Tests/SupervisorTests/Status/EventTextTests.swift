import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

struct EventTextTests {
    @Test func startIsALineForEachTorrentAndOneForThePool() {
        let report = StartReport(
            torrents: [
                .init(
                    infoHash: StatusReportFixture.infoHash, name: "a", totalByteCount: 1000, completedByteCount: 500,
                    pieceCount: 1, pieceByteCount: 1024, directory: "/d"),
                .init(
                    infoHash: StatusReportFixture.infoHash, name: "b", totalByteCount: 2048, completedByteCount: 0,
                    pieceCount: 2, pieceByteCount: 1024, directory: "."),
            ], peerWorkerCount: 1, hashWorkerCount: 2, listenPort: 0, memoryByteCount: 96 << 20)
        #expect(
            EventText.start(report) == [
                "a: 1000 B in 1 piece, 50.0% already there, into /d", "b: 2.0 KiB in 2 pieces, into .",
                "1 peer-worker, 2 hash-workers, 96.0 MiB of memory for pieces, no listening port",
            ])
    }

    @Test func aViolentDeathIsAWarning() {
        var report = StatusReportFixture.worker(Place(.peerWorker, 2), .dead)
        #expect(EventText.lines(.worker(report)).first?.level == .info)
        report.signal = 9
        #expect(
            EventText.lines(.worker(report)) == [
                .init(.warning, "p2.1 (pid 1002) was killed by signal 9")
            ])
        report.signal = nil
        report.status = 70
        report.reason = "lost the supervisor"
        #expect(
            EventText.lines(.worker(report)) == [
                .init(.warning, "p2.1 (pid 1002) ended with exit code 70: lost the supervisor")
            ])
    }

    @Test func trackersAreNamedWithWhatTheySaid() {
        func line(_ state: TrackerEvent.State) -> EventText.Line? {
            EventText.lines(
                .tracker(
                    StatusReportFixture.torrentName,
                    TrackerEvent(url: "http://t", state: state, event: "started", peerCount: 1, text: "so"))
            ).first
        }
        #expect(line(.announced) == .init(.info, "t3 tracker http://t: announced started, 1 peer: so"))
        #expect(line(.failed) == .init(.warning, "t3 tracker http://t: failed started: so"))
        #expect(line(.warning) == .init(.warning, "t3 tracker http://t: warns: so"))
        #expect(line(.scrapeFailed) == .init(.debug, "t3 tracker http://t: tells: so"))
        #expect(line(.scraped) == .init(.info, "t3 tracker http://t: knows: so"))
    }

    @Test func whatNobodyReadsIsNotMade() {
        let piece = Event.piece(StatusReportFixture.torrentName, PieceIndex(1), state: "granted")
        let peer = Event.peer(
            StatusReportFixture.torrentName,
            PeerEvent(
                name: .outgoing(7), address: "192.0.2.1:1", state: .closed, worker: 0, isIncoming: false, text: "late"))
        #expect(EventText.lines(piece, atLeast: .notice) == [])
        #expect(EventText.lines(peer, atLeast: .info) == [])
        #expect(EventText.lines(piece).first?.level == .trace)
        #expect(
            EventText.lines(peer).first
                == .init(.debug, "t3 peer:7 (192.0.2.1:1) at p0: closed (late)"))
    }
}
