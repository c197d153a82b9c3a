import BitTorrent

/// The download limit: connections whose bytes may not come now are left unread, and TCP slows their peers.
extension PeerWorkerProcess {
    /// With a limit a read brings less, so that more connections get their part of it.
    var mostBlocksPerRead: Int { downloadLimit.bytesPerSecond == nil ? ReceiveArea.blockLimit : 1 }

    /// - Returns: false when the connection has to wait; it is told when it need not any more.
    func mayRead(_ connection: Connection) -> Bool {
        guard let next = downloadLimit.nextAllowed(now: clock()) else { return true }
        nextRead = next
        throttled.append(connection.peer)
        return false
    }

    func resumeThrottled(now: MonotonicInstant) {
        nextRead = .distantFuture
        let waiting = throttled
        throttled = []
        for peer in waiting { table[peer]?.setThrottled(false) }
    }
}
