import BitTorrent
import PoolProtocol

@testable import Supervisor

/// Reports for tests of what is shown.
enum StatusReportFixture {
    static let infoHash = InfoHash(SHA1.hash(of: Array("swarm".utf8)))

    static let torrentName = TorrentName(ordinal: 3, infoHash: infoHash)

    static func torrent(name: String = "debian-12.iso") -> StatusReport.Torrent {
        StatusReport.Torrent(
            infoHash: infoHash, name: name, phase: .downloading, totalByteCount: 3_113_851_289,
            completedByteCount: 1_317_224_448, checkedByteCount: 0, checkTotalByteCount: 0, wastedByteCount: 16_384,
            downloadRate: 36_909_875.2, uploadRate: 512, uploadedByteCount: 4096,
            uploadedInAllByteCount: 1 << 30, downloadedByteCount: 1_317_240_832,
            peerCount: 12, seedCount: 3, pieceCount: 11_879, completedPieceCount: 5024, secondsLeft: 83, trouble: nil)
    }

    static func worker(
        _ place: Place, _ state: WorkerReport.State = .ready, generation: UInt32 = 1
    ) -> WorkerReport {
        WorkerReport(
            place: place, generation: generation, pid: 1000 + Int32(place.ordinal), state: state, signal: nil,
            status: nil, residentByteCount: 20 << 20, cpuSeconds: 1.5)
    }

    static func report(
        _ torrents: [StatusReport.Torrent] = [torrent()], readyWorkers: Int = 8
    ) -> StatusReport {
        let workers =
            (0..<8).map { worker(Place(.peerWorker, $0), $0 < readyWorkers ? .ready : .spawned) }
            + [worker(Place(.hashWorker, 0)), worker(Place(.writer, 0))]
        return StatusReport(torrents: torrents, workers: workers, secondsSinceStart: 36, restartCount: 1)
    }
}
