import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// What the user sees of the torrent.
extension TorrentRun {
    /// - Parameter mapsPieces: the output is going to show which pieces are there.
    func report(now: MonotonicInstant, mapsPieces: Bool = false) -> StatusReport.Torrent {
        let pieces = coordinator.pieces
        let checked = recheck?.progress ?? Recheck.Progress()
        let rate = downloadRate.bytesPerSecond(now: now)
        let left = pieces.wantedByteCount - pieces.completedByteCount
        return StatusReport.Torrent(
            infoHash: metainfo.infoHash, name: name, phase: reportedPhase, totalByteCount: pieces.wantedByteCount,
            completedByteCount: pieces.completedByteCount, checkedByteCount: checked.checkedByteCount,
            checkTotalByteCount: checked.totalByteCount,
            wastedByteCount: totals.wastedByteCount + coordinator.failedByteCount, downloadRate: rate,
            uploadRate: uploadRate.bytesPerSecond(now: now), uploadedByteCount: totals.uploadedByteCount,
            uploadedInAllByteCount: uploadedInAll, downloadedByteCount: totals.downloadedByteCount,
            peerCount: book.connectedCount, seedCount: book.seedCount,
            pieceCount: pieces.wantedPieceCount, completedPieceCount: pieces.completedPieceCount,
            secondsLeft: left == 0 ? 0 : rate < 1 ? nil : Int(Double(left) / rate), trouble: diskTroubleText,
            map: mapsPieces ? PieceMap(pieces) : nil)
    }

    private var reportedPhase: StatusReport.Phase {
        switch phase {
        case .checking: .checking
        case .preparing, .downloading: diskTrouble == nil ? .downloading : .paused
        case .complete: .seeding
        case .stopping, .cancelled: .stopping
        }
    }

    /// `a/b: no space left on device (pwritev)`.
    var diskTroubleText: String? {
        guard let trouble = diskTrouble?.trouble else { return nil }
        let errno = SystemCallError(trouble.call, CInt(truncatingIfNeeded: trouble.errno), subject: trouble.path)
        return TerminalText.escaped(errno.description)
    }

    /// Why files that were complete are not so any more.
    var foreignChange: String? { diskTrouble?.trouble.errno == UInt32(ESTALE) ? diskTroubleText : nil }

    var startReport: StartReport.Torrent {
        StartReport.Torrent(
            infoHash: metainfo.infoHash, name: name, totalByteCount: coordinator.pieces.wantedByteCount,
            completedByteCount: coordinator.pieces.completedByteCount, pieceCount: metainfo.geometry.pieceCount,
            pieceByteCount: metainfo.geometry.pieceByteCount, directory: storage.directoryPath)
    }
}
