/// The upload as the owner sees it: the peer's interest, our choke, and the requests to answer. `nextRequest` is called
/// for every block, so it allocates nothing.
extension PeerSession {
    /// Tells the peer, if that is news to it.
    package mutating func setChoking(_ isChoking: Bool, now: MonotonicInstant, into actions: inout [SessionAction]) {
        guard state == .open else { return }
        let before = actions.count
        upload.setChoking(isChoking, isFast: isFast, now: now, into: &actions)
        noteSends(since: before, in: actions, now: now)
    }

    /// - Returns: the request that is to be answered next, in the order in which they came; nil when there is none. The
    ///   owner answers it with `requestAnswered` or `refuseNext`; a choke or a cancel may come before.
    package mutating func nextRequest(
        in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) -> BlockSpan? {
        guard state == .open else { return nil }
        let before = actions.count
        defer { if actions.count > before { noteSends(since: before, in: actions, now: now) } }
        return upload.nextRequest(in: torrent, isFast: isFast, into: &actions)
    }

    /// The bytes of what `nextRequest` gave are on their way.
    package mutating func requestAnswered(now: MonotonicInstant) {
        upload.requestAnswered()
        keepAlive.messageSent(now: now)
    }

    /// What `nextRequest` gave cannot be answered. A peer without the fast extension has to find out by itself.
    package mutating func refuseNext(now: MonotonicInstant, into actions: inout [SessionAction]) {
        guard state == .open else { return }
        let before = actions.count
        upload.refuseNext(isFast: isFast, into: &actions)
        noteSends(since: before, in: actions, now: now)
    }

    // MARK: For the owner's eyes

    package var isPeerInterested: Bool { upload.isPeerInterested }
    package var isChokingPeer: Bool { upload.isChokingPeer }
    /// Requests of the peer that wait for an answer.
    package var requestCount: Int { state == .open ? upload.requestCount : 0 }
}
