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
}
