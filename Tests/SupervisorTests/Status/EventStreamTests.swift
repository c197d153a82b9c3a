import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

/// Golden lines: scripts rely on every name (docs/events.md).
struct EventStreamTests {
    static let hash = StatusReportFixture.infoHash.description
    static let head = #"{"v":1,"ts":1700000000.250,"event":"#

    private func lines(_ event: Event) -> [String] { EventStream.lines(event, time: 1_700_000_000.25) }

    @Test func startTellsTorrentsAndPool() {
        let report = StartReport(
            torrents: [
                .init(
                    infoHash: StatusReportFixture.infoHash, name: "n", totalByteCount: 100, completedByteCount: 40,
                    pieceCount: 7, pieceByteCount: 16, directory: "/d\"")
            ], peerWorkerCount: 8, hashWorkerCount: 4, listenPort: 6881, memoryByteCount: 1 << 20)
        #expect(
            lines(.start(report)) == [
                Self.head + #""start","torrents":[{"info_hash":"\#(Self.hash)","name":"n","total_length":100,"#
                    + #""completed_length":40,"num_pieces":7,"piece_length":16,"dir":"/d\""}],"workers":8,"#
                    + #""hash_workers":4,"listen_port":6881,"memory":1048576}"#
            ])
    }

    @Test func progressHasALineForEachTorrent() {
        var second = StatusReportFixture.torrent(name: "b")
        second.secondsLeft = nil
        second.trouble = "full"
        second.downloadRate = .infinity
        let report = StatusReport(
            torrents: [StatusReportFixture.torrent(name: "a"), second],
            workers: [StatusReportFixture.worker(Place(.hashWorker, 1), generation: 3)], secondsSinceStart: 2,
            restartCount: 2)
        let worker =
            #"{"role":"hash","ordinal":1,"generation":3,"pid":1001,"state":"ready","signal":null,"status":null,"#
            + #""rss":20971520,"cpu":1.500,"held":null,"total":null,"reserved":null,"sandbox":null}"#
        func line(_ name: String, speed: Int, eta: String, trouble: String) -> String {
            Self.head + #""progress","info_hash":"\#(Self.hash)","name":"\#(name)","phase":"downloading","#
                + #""total_length":3113851289,"completed_length":1317224448,"wasted_length":16384,"#
                + #""download_length":1317240832,"download_speed":\#(speed),"upload_speed":512,"upload_length":4096,"#
                + #""checked_length":0,"check_length":0,"num_peers":12,"num_seeders":3,"num_pieces":11879,"#
                + #""pieces_done":5024,"eta_seconds":\#(eta),"trouble":\#(trouble),"#
                + #""average_download_speed":658620416,"average_upload_speed":2048,"total_upload_length":1073741824,"#
                + #""ratio":0.344,"workers":[\#(worker)]}"#
        }
        #expect(
            lines(.progress(report)) == [
                line("a", speed: 36_909_875, eta: "83", trouble: "null"),
                line("b", speed: 0, eta: "null", trouble: #""full""#),
            ])
    }

    @Test func pieceTellsItsState() {
        #expect(
            lines(.piece(StatusReportFixture.torrentName, PieceIndex(5), state: "verified")) == [
                Self.head + #""piece","info_hash":"\#(Self.hash)","index":5,"state":"verified"}"#
            ])
    }

    @Test func deadWorkerTellsItsSignal() {
        var report = StatusReportFixture.worker(Place(.peerWorker, 2), .dead)
        report.signal = 9
        report.residentByteCount = 0
        report.cpuSeconds = 0
        let common = #""role":"peer","ordinal":2,"generation":1,"pid":1002,"state":"dead","signal":9,"status":null,"#
        let nothing = #""rss":0,"cpu":0.000,"held":null,"total":null,"reserved":null,"sandbox":null"#
        #expect(lines(.worker(report)) == [Self.head + #""worker",\#(common)\#(nothing)}"#])
        report.reason = "last words"
        #expect(lines(.worker(report)) == [Self.head + #""worker",\#(common)\#(nothing),"reason":"last words"}"#])
    }

    @Test func deadWorkerTellsWhatItStillHeld() throws {
        var report = StatusReportFixture.worker(Place(.hashWorker, 0), .dead)
        report.room = WorkerReport.Room(heldCount: 7, totalCount: 9, reservedCount: 2)
        #expect(lines(.worker(report))[0].hasSuffix(#""held":7,"total":9,"reserved":2,"sandbox":null}"#))
        report.room?.reservedCount = nil
        #expect(lines(.worker(report))[0].hasSuffix(#""held":7,"total":9,"reserved":null,"sandbox":null}"#))
    }

    @Test func readyWorkerTellsItsSandbox() {
        var report = StatusReportFixture.worker(Place(.hashWorker, 0), .ready)
        report.sandbox = SandboxState(inForce: .all, missing: [])
        #expect(lines(.worker(report))[0].hasSuffix(#""sandbox":"full","sandbox_missing":[]}"#))
        report.sandbox = SandboxState(inForce: [.files, .calls], missing: [.ports, .signals])
        #expect(lines(.worker(report))[0].hasSuffix(#""sandbox":"partial","sandbox_missing":["ports","signals"]}"#))
        report.sandbox = SandboxState(inForce: [], missing: [])
        #expect(lines(.worker(report))[0].hasSuffix(#""sandbox":"off","sandbox_missing":[]}"#))
    }

    @Test func peerTellsWhoAndWhy() {
        let peer = PeerEvent(address: "[::1]:1", state: .banned, worker: 3, isIncoming: true, text: "bad data")
        #expect(
            lines(.peer(StatusReportFixture.torrentName, peer)) == [
                Self.head + #""peer","info_hash":"\#(Self.hash)","address":"[::1]:1","state":"banned","worker":3,"#
                    + #""incoming":true,"text":"bad data"}"#
            ])
    }

    @Test func trackerTellsWhatItWasTold() {
        let tracker = TrackerEvent(
            url: "http://t", state: .announced, event: "started", peerCount: 50, counts: SwarmCounts(seeders: 7),
            text: "")
        #expect(
            lines(.tracker(StatusReportFixture.torrentName, tracker)) == [
                Self.head + #""tracker","info_hash":"\#(Self.hash)","url":"http://t","state":"announced","#
                    + #""announce":"started","num_peers":50,"seeders":7,"leechers":null,"downloads":null,"text":""}"#
            ])
    }

    @Test func messagesAreEscaped() {
        #expect(lines(.warning("a\nb\u{1B}")) == [Self.head + #""warning","message":"a\nb\u001b"}"#])
        #expect(lines(.error("x")) == [Self.head + #""error","message":"x"}"#])
    }

    @Test func theEndTellsItsCode() {
        #expect(
            lines(.complete(StatusReportFixture.torrentName, name: "n")) == [
                Self.head + #""complete","info_hash":"\#(Self.hash)","name":"n"}"#
            ])
        #expect(
            lines(.exit(.workersCrash, reason: "r")) == [Self.head + #""exit","code":40,"reason":"r"}"#])
    }
}
