import PoolProtocol

/// The limits of the whole run, as each worker is told its part.
extension SupervisorProcess {
    func tell(_ shares: [Int: BandwidthLimits.Share]) {
        for (worker, share) in shares {
            context.shell.tell(
                Place(.peerWorker, worker),
                SupervisorToPeerWorker.setLimits(download: share.download, upload: share.upload))
        }
    }

    /// Torrents that are at work share the run's connections.
    func shareConnections() {
        let active = torrents.filter(\.isActive)
        guard torrents.count > 1 else { return }
        let shares = ConnectionShares.shares(of: active.map(\.book.wish), limit: options.maximumPeers)
        for (torrent, share) in zip(active, shares) { torrent.peers { $0.mayHave(share, into: &$1) } }
    }
}
