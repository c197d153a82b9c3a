/// One connection to one peer, from the first byte to the last: routes each event to the part that owns it, and is the
/// one place where a peer's fault turns into a close. Holds no socket, no clock and no payload; chooses no blocks.
///
/// Order of calls: `connected`; then per read `bytesReceived` and what the decoder yields; `timerFired` at
/// `nextDeadline`; the owner's own wishes at any time. After `.close` every event is ignored and `pieces` stays
/// readable, so that the owner can take the peer's share out of its counts.
package struct PeerSession {
    package enum Role: Hashable, Sendable {
        /// We connected, for this torrent.
        case outgoing(InfoHash)
        /// The peer connected to us.
        case incoming
    }

    enum State: Equatable {
        /// Until both handshakes are done; goes to `open`, `closed`.
        case shakingHands
        /// Goes to `closed`.
        case open
        /// For good.
        case closed(CloseReason)
    }

    private let identity: SessionIdentity
    private let remote: PeerAddress
    var state = State.shakingHands
    private var handshake: HandshakePhase
    private var silence: SilenceLimit
    var keepAlive: KeepAlive
    /// nil until the torrent is known.
    var download: DownloadSide?
    var upload = UploadSide()
    /// What both handshakes carried.
    private var extensions: Handshake.Extensions = []
    /// Both sides know BEP 6.
    var isFast: Bool { extensions.contains(.fast) }
    /// The peer believes that we want nothing of anybody.
    private var saidUploadOnly = false
    /// nil until the peer's handshake has come.
    package private(set) var peerID: PeerID?
    /// Everything the peer's extension handshakes said so far (BEP 10); empty before the first.
    package private(set) var peerExtensions = ExtensionHandshake()

    /// - Parameter remote: the peer's end of the connection; told to it as `yourip`.
    package init(role: Role, identity: SessionIdentity, remote: PeerAddress, now: MonotonicInstant) {
        self.identity = identity
        self.remote = remote
        handshake = HandshakePhase(role: role, peerID: identity.peerID)
        silence = SilenceLimit(now: now)
        keepAlive = KeepAlive(now: now)
    }

    // MARK: Handshake

    /// First event of either role.
    package mutating func connected(now: MonotonicInstant, into actions: inout [SessionAction]) {
        guard state == .shakingHands else { return }
        handshake.connected(into: &actions)
        keepAlive.messageSent(now: now)
    }

    /// Answered by `.identifyTorrent`, or by `.close` for another torrent than ours.
    package mutating func handshakeReceived(_ theirs: Handshake, into actions: inout [SessionAction]) {
        guard state == .shakingHands else { return }
        do throws(PeerWireError) {
            try handshake.handshakeReceived(theirs, into: &actions)
            peerID = theirs.peerID
        } catch {
            close(.peerBroke(error), into: &actions)
        }
    }

    /// The torrent of `.identifyTorrent` is the owner's; says what we have (BEP 3, BEP 6) and who we are (BEP 10).
    package mutating func torrentIdentified(
        in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .shakingHands else { return }
        let theirs = handshake.torrentIdentified(into: &actions)
        precondition(theirs.infoHash == torrent.infoHash, "the torrent that the peer named")
        guard theirs.peerID != identity.peerID else { return close(.selfConnection, into: &actions) }
        state = .open
        extensions = theirs.extensions.intersection(.ours)
        silence.handshakeCompleted(now: now)
        keepAlive.messageSent(now: now)
        download = DownloadSide(in: torrent, isFast: isFast, now: now)
        actions.append(.reportOpened(theirs.peerID))
        if let ours = Self.availability(torrent.ours, isFast: isFast) {
            actions.append(.send(ours))
        }
        if extensions.contains(.extensionProtocol) {
            actions.append(
                .send(.extended(id: ExtensionHandshake.messageID, payload: ourExtensions(for: torrent).payload)))
        }
    }

    /// The torrent of `.identifyTorrent` is none of the owner's.
    package mutating func torrentUnknown(into actions: inout [SessionAction]) { close(.torrentUnknown, into: &actions) }

    private static func availability(_ ours: PieceSet, isFast: Bool) -> PeerMessage? {
        if isFast && ours.isFull { return .haveAll }
        if ours.isEmpty { return isFast ? .haveNone : nil }
        return .bitfield(ours.wireBytes)
    }

    private mutating func ourExtensions(for torrent: TorrentView) -> ExtensionHandshake {
        saidUploadOnly = torrent.needed.isEmpty
        return ExtensionHandshake(
            extensions: torrent.extensions, client: identity.client, listenPort: identity.listenPort,
            yourIP: remote.unmapped.addressBytes, requestQueue: SessionIdentity.requestQueue,
            isUploadOnly: saidUploadOnly ? true : nil)
    }

    /// BEP 21: tells the peer when we have begun or ceased to want nothing of anybody, as a seed or a partial one. A later
    /// handshake changes what it names and nothing else (BEP 10).
    mutating func updateUploadOnly(in torrent: TorrentView, into actions: inout [SessionAction]) {
        guard extensions.contains(.extensionProtocol), saidUploadOnly != torrent.needed.isEmpty else { return }
        saidUploadOnly = torrent.needed.isEmpty
        let update = ExtensionHandshake(extensions: torrent.extensions, isUploadOnly: saidUploadOnly)
        actions.append(.send(.extended(id: ExtensionHandshake.messageID, payload: update.payload)))
    }

    // MARK: The stream

    /// Before the decoder sees what was read.
    package mutating func bytesReceived(now: MonotonicInstant) { silence.bytesReceived(now: now) }

    package mutating func messageReceived(
        _ message: PeerMessage, in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .open else { return }
        let before = actions.count
        do throws(PeerWireError) {
            try route(message, in: torrent, now: now, into: &actions)
        } catch {
            close(.peerBroke(error), into: &actions)
        }
        noteSends(since: before, in: actions, now: now)
    }

    private mutating func route(
        _ message: PeerMessage, in torrent: TorrentView, now: MonotonicInstant, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        switch message {
        case .choke: download?.chokeReceived(now: now, into: &actions)
        case .unchoke: download?.unchokeReceived(into: &actions)
        case .interested: upload.interestedReceived(into: &actions)
        case .notInterested: upload.notInterestedReceived(into: &actions)
        case .have(let index): try download?.haveReceived(index, in: torrent, into: &actions)
        case .bitfield(let bits): try download?.bitfieldReceived(bits, in: torrent, into: &actions)
        case .request(let span):
            try upload.requestReceived(span, in: torrent, isFast: isFast, now: now, into: &actions)
        case .cancel(let span): try upload.cancelReceived(span, in: torrent, isFast: isFast, into: &actions)
        case .suggestPiece(let index): try download?.suggestPieceReceived(index, in: torrent)
        case .haveAll: try download?.haveAllReceived(in: torrent, into: &actions)
        case .haveNone: try download?.haveNoneReceived()
        case .rejectRequest(let span): try download?.rejectReceived(span, in: torrent, now: now, into: &actions)
        case .allowedFast(let index): try download?.allowedFastReceived(index, in: torrent, into: &actions)
        case .extended(let id, let payload): try extendedReceived(id: id, payload, in: torrent, into: &actions)
        // A DHT port is for those who set the DHT bit, which we do not; unknown messages are ignored by their length.
        case .keepAlive, .port, .unknown: break
        }
    }

    private mutating func extendedReceived(
        id: UInt8, _ payload: [UInt8], in torrent: TorrentView, into actions: inout [SessionAction]
    ) throws(PeerWireError) {
        guard extensions.contains(.extensionProtocol) else { return }
        if id == ExtensionHandshake.messageID {
            peerExtensions.merge(try ExtensionHandshake(payload: payload))
            if let count = peerExtensions.requestQueue { download?.peerLimitReceived(count) }
            actions.append(.recordExtensions)
        } else if torrent.extensions.values.contains(id) {
            actions.append(.deliverExtended(id: id, payload: payload))
        }
    }

    /// A message of an extension, under the peer's id for it. Does nothing when the peer has not named the extension.
    package mutating func sendExtended(
        _ name: String, payload: [UInt8], now: MonotonicInstant, into actions: inout [SessionAction]
    ) {
        guard state == .open, let id = peerExtensions.extensions[name] else { return }
        actions.append(.send(.extended(id: id, payload: payload)))
        keepAlive.messageSent(now: now)
    }

    // MARK: The end

    /// The decoder threw.
    package mutating func streamBroke(_ error: PeerWireError, into actions: inout [SessionAction]) {
        close(.peerBroke(error), into: &actions)
    }

    /// The peer sent its last byte. It may still read (half-closed), but a peer that says nothing more is of no use.
    package mutating func streamEnded(_ end: StreamEnd, into actions: inout [SessionAction]) {
        close(.peerClosed(end), into: &actions)
    }

    /// A read or write failed.
    package mutating func connectionLost(_ end: StreamEnd, into actions: inout [SessionAction]) {
        close(.connectionLost(end), into: &actions)
    }

    /// The owner's wish.
    package mutating func closeRequested(into actions: inout [SessionAction]) { close(.ownerClosed, into: &actions) }

    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    mutating func close(_ reason: CloseReason, into actions: inout [SessionAction]) {
        guard !isClosed else { return }
        download?.returnAll(because: .closed, into: &actions)
        state = .closed(reason)
        actions.append(.close(reason))
    }

    // MARK: Time

    /// The earliest moment at which `timerFired` has something to do; moves with every event, in either direction.
    package var nextDeadline: MonotonicInstant {
        switch state {
        case .shakingHands: silence.nextDeadline
        case .open:
            min(silence.nextDeadline, keepAlive.nextDeadline, download?.nextDeadline ?? .distantFuture)
        case .closed: .distantFuture
        }
    }

    /// Early calls do nothing; late ones do what is due now.
    package mutating func timerFired(now: MonotonicInstant, into actions: inout [SessionAction]) {
        guard !isClosed else { return }
        if let reason = silence.timerFired(now: now) { return close(reason, into: &actions) }
        guard state == .open else { return }
        let before = actions.count
        download?.timerFired(now: now, into: &actions)
        keepAlive.timerFired(now: now, into: &actions)
        noteSends(since: before, in: actions, now: now)
    }

    /// Tells the keep-alive clock about the messages that an event appended behind the first `count` actions.
    mutating func noteSends(since count: Int, in actions: [SessionAction], now: MonotonicInstant) {
        let hasSent = actions[min(count, actions.count)...].contains { if case .send = $0 { true } else { false } }
        if hasSent { keepAlive.messageSent(now: now) }
    }

    // MARK: For the owner's eyes

    package var isOpen: Bool { state == .open }
    /// How the peer's client calls itself, in its extension handshake or else by its peer id; nil when neither says. Text of
    /// a stranger, for people only.
    package var clientName: String? {
        if let name = peerExtensions.client, name.contains(where: { !$0.isWhitespace }) { return name }
        return peerID.flatMap(ClientName.of)
    }
}
