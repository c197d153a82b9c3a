import BitTorrent
import PoolProtocol

/// What peers say of themselves and of others in their extensions, and what they are told (BEP 10, BEP 11).
extension PeerWorkerProcess {
    /// The peer's extension handshake came, or one more.
    func extensionsRecorded(_ connection: Connection) {
        announce(connection)
        introduce(connection)
        guard connection.exchange == nil, let torrent = connection.torrent, torrent.exchangesPeers,
            connection.session.peerExtensions.extensions[PeerExchangeMessage.name] != nil
        else { return }
        connection.exchange = PeerExchangeSending(now: clock())
    }

    /// Tells what is new in the peer's word for itself.
    private func introduce(_ connection: Connection) {
        guard let torrent = connection.torrent, connection.isAnnounced, connection.introductionsLeft > 0 else { return }
        let extensions = connection.session.peerExtensions
        let introduction = PeerIntroduction(
            peer: connection.peer, torrent: torrent.ordinal, client: connection.session.clientName ?? "",
            listenPort: extensions.listenPort ?? 0, ourAddress: extensions.yourIP ?? [])
        guard introduction != connection.introduction else { return }
        connection.introduction = introduction
        connection.introductionsLeft -= 1
        parcel.news.append(.peerIntroduced(introduction))
        turnGoesOn()
    }

    /// A message under one of the ids that we announce.
    func extendedReceived(id: UInt8, payload: [UInt8], _ connection: Connection) {
        precondition(id == PeerExchangeMessage.ourID, "we announce no other extension")
        guard let torrent = connection.torrent else { return }
        do throws(PeerWireError) {
            let contacts = try connection.exchanged.received(payload, from: connection.address, now: clock())
            guard !contacts.isEmpty, connection.isAnnounced else { return }
            parcel.news.append(.peersHeard(torrent: torrent.ordinal, from: connection.peer, contacts))
            turnGoesOn()
        } catch {
            connection.session.streamBroke(error, into: &connection.actions)
        }
    }

    func membersChanged(_ ordinal: UInt16, added: [PeerExchangeMessage.Contact], dropped: [PeerAddress]) {
        guard let torrent = torrents[ordinal] else { return }
        for address in dropped { torrent.members.departed(address) }
        for contact in added { torrent.members.arrived(contact) }
    }

    /// Tells the peer of others, if that is due.
    func exchange(_ connection: Connection, now: MonotonicInstant) {
        guard connection.exchange != nil, let torrent = connection.torrent, connection.session.isOpen else { return }
        let peer = connection.address
        let own = connection.session.peerExtensions.listenPort.map { PeerAddress(peer, port: $0) }
        // What the peer cannot reach, and itself, is no news to it.
        let message = connection.exchange!.message(torrent.members, now: now) {
            $0.isKnowable(at: peer) && $0 != peer && $0 != own
        }
        guard let message else { return }
        connection.session.sendExtended(
            PeerExchangeMessage.name, payload: message.payload, now: now, into: &connection.actions)
        perform(connection)
    }
}
