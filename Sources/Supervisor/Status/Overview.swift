import BitTorrent
import PoolProtocol

/// All torrents of a run as if they were one: what fits on one line.
struct Overview: Equatable {
    var name: String
    var phase: StatusReport.Phase
    /// Bytes; of what was looked at while checking, else of what is wanted.
    var doneByteCount: UInt64
    var totalByteCount: UInt64
    var downloadRate: Double
    var uploadRate: Double
    var downloadedByteCount: UInt64
    var wastedByteCount: UInt64
    var uploadedByteCount: UInt64
    var uploadedInAllByteCount: UInt64
    var peerCount: Int
    var completedPieceCount: Int
    var pieceCount: Int
    /// nil: unknown.
    var secondsLeft: Int?
    var trouble: String?
    /// Those that the user counts: peer-workers, or hash-workers where there are no others.
    var workerCount: Int
    var readyWorkerCount: Int

    init(_ report: StatusReport) {
        let torrents = report.torrents
        phase = Self.phases.first { phase in torrents.contains { $0.phase == phase } } ?? .downloading
        name = torrents.count == 1 ? torrents[0].name : Amounts.counted(torrents.count, "torrent")
        let isChecking = phase == .checking || phase == .hashing
        doneByteCount = Self.sum(torrents) { isChecking ? $0.checkedByteCount : $0.completedByteCount }
        totalByteCount = Self.sum(torrents) { isChecking ? $0.checkTotalByteCount : $0.totalByteCount }
        downloadRate = torrents.reduce(0) { $0 + $1.downloadRate }
        uploadRate = torrents.reduce(0) { $0 + $1.uploadRate }
        downloadedByteCount = Self.sum(torrents, \.downloadedByteCount)
        wastedByteCount = Self.sum(torrents, \.wastedByteCount)
        uploadedByteCount = Self.sum(torrents, \.uploadedByteCount)
        uploadedInAllByteCount = Self.sum(torrents, \.uploadedInAllByteCount)
        peerCount = torrents.reduce(0) { $0 + $1.peerCount }
        completedPieceCount = torrents.reduce(0) { $0 + $1.completedPieceCount }
        pieceCount = torrents.reduce(0) { $0 + $1.pieceCount }
        // The last of them decides; as long as one of them stands still, nobody knows.
        let unfinished = torrents.filter { $0.completedByteCount < $0.totalByteCount }
        let estimates = unfinished.compactMap(\.secondsLeft)
        secondsLeft = estimates.count == unfinished.count ? estimates.max() ?? 0 : nil
        trouble = torrents.lazy.compactMap(\.trouble).first
        let role: Role = report.workers.contains { $0.place.role == .peerWorker } ? .peerWorker : .hashWorker
        let workers = report.workers.filter { $0.place.role == role }
        workerCount = Set(workers.map(\.place)).count
        readyWorkerCount = workers.count { $0.state == .ready }
    }

    /// What the whole run does: the first of these that any torrent does.
    private static let phases: [StatusReport.Phase] = [.stopping, .paused, .downloading, .checking, .hashing, .seeding]

    private static func sum(
        _ torrents: [StatusReport.Torrent], _ value: (StatusReport.Torrent) -> UInt64
    ) -> UInt64 { torrents.reduce(0) { $0 + value($1) } }
}
