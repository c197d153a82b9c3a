import BitTorrent

extension StatusReport {
    /// The state of `supervisor verify` or `create`.
    init(_ phase: Phase, _ metainfo: Metainfo, _ progress: Recheck.Progress, secondsSinceStart: Double) {
        let rate = secondsSinceStart > 0 ? Double(progress.checkedByteCount) / secondsSinceStart : 0
        let left = progress.totalByteCount - progress.checkedByteCount
        let torrent = Torrent(
            infoHash: metainfo.infoHash, name: TerminalText.escaped(metainfo.name.relative), phase: phase,
            totalByteCount: progress.totalByteCount, completedByteCount: 0,
            checkedByteCount: progress.checkedByteCount, checkTotalByteCount: progress.totalByteCount,
            wastedByteCount: 0, downloadRate: 0, uploadRate: 0, uploadedByteCount: 0, uploadedInAllByteCount: 0,
            downloadedByteCount: 0,
            peerCount: 0, seedCount: 0, pieceCount: metainfo.geometry.pieceCount,
            completedPieceCount: progress.rightPieceCount, secondsLeft: rate < 1 ? nil : Int(Double(left) / rate),
            trouble: nil)
        self.init(torrents: [torrent], workers: [], secondsSinceStart: secondsSinceStart, restartCount: 0)
    }
}
