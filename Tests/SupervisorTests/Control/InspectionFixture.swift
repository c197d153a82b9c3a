import BitTorrent
import PoolProtocol

@testable import Supervisor

/// A run as somebody may see it.
enum InspectionFixture {
    static func inspection() -> Inspection {
        var inspection = Inspection()
        var supervisor = Inspection.Process(
            name: .supervisor, role: .supervisor, ordinal: 0, generation: 1, pid: 100, state: "running")
        supervisor.turnCount = 7
        var peer = Inspection.Process(
            name: .process(Place(.peerWorker, 0)), role: .peerWorker, ordinal: 0, generation: 2, pid: 101,
            state: "working")
        peer.turnCount = 12_345
        peer.sentMessageCount = 77
        peer.messageCPUSeconds = 0.5
        peer.cpuSeconds = 1.25
        peer.residentByteCount = 20 << 20
        peer.queueCount = 3
        peer.bytesPerSecond = 1_572_864
        peer.restartCount = 1
        peer.beatAge = .milliseconds(250)
        peer.handler = .orders
        peer.turnAge = .milliseconds(300)
        peer.room = WorkerReport.Room(heldCount: 5, totalCount: 64, reservedCount: nil)
        peer.turnTimes.add(.microseconds(100))
        peer.turnTimes.add(.milliseconds(40))
        peer.resentBlockCount = 9
        peer.sandbox = SandboxState(inForce: .all, missing: [])
        peer.slowHandlers = [
            SlowHandler(.orders, count: 2, longest: .milliseconds(150)),
            SlowHandler(.timer, count: 1, longest: .milliseconds(101)),
        ]
        let empty = Inspection.Process(
            name: .process(Place(.writer, 0)), role: .writer, ordinal: 0, generation: 4, pid: nil, state: "vacant")
        inspection.processes = [supervisor, peer, empty]
        inspection.torrents = [
            Inspection.Torrent(
                ordinal: 0, report: StatusReportFixture.torrent(name: "a name \"x\""), state: "downloading",
                age: .seconds(36), unsyncedPieceCount: 2, uploadSlotCount: 8, failedPieceCount: 1, bannedCount: 1,
                knownCount: 40)
        ]
        inspection.peers = [
            Inspection.Peer(
                name: .peer(torrent: 0, .outgoing(1)), worker: .process(Place(.peerWorker, 0)),
                address: "192.0.2.1:6881",
                isIncoming: true, state: "serving", age: .seconds(10), deadline: nil, downloadRate: 1024, uploadRate: 0,
                downloadedByteCount: 2048, uploadedByteCount: 0, requestCount: 7, isSeed: true, isInterested: true,
                isUnchoked: true, client: "some client 1.0")
        ]
        inspection.trackers = [
            Inspection.Tracker(
                name: .tracker(torrent: 0, number: 0), url: "http://t.example:80", state: "failed", age: .seconds(1),
                deadline: .seconds(14), failureCount: 2, lastWord: "cannot connect")
        ]
        inspection.pieces = [
            Inspection.Piece(
                name: .piece(torrent: 0, index: 17), state: "open", assembler: .process(Place(.hashWorker, 1)),
                assignment: 4, age: .milliseconds(1500), deadline: .seconds(4), rate: 1_048_576, blockCount: 16,
                hereCount: 12, ungrantedCount: 3,
                holders: [.process(Place(.peerWorker, 0)), .process(Place(.peerWorker, 1))])
        ]
        inspection.stages.receivedByteCount = 4096
        inspection.stages.laneStepCount = 10
        inspection.stages.laneCount = 123
        return inspection
    }
}
