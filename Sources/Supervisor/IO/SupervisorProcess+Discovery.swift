import BitTorrent
import PoolRuntime

/// Peers on the local network (BEP 14).
extension SupervisorProcess {
    /// Begins to listen for neighbours, unless nobody could reach us or no torrent may be told of.
    func discoverLocally() {
        guard options.discoversLocally, context.listenPort != 0,
            torrents.contains(where: { !$0.metainfo.isPrivate })
        else { return }
        var generator = SystemRandomNumberGenerator()
        discovery = LocalDiscovery(port: context.listenPort, using: &generator)
        networks = LocalNetworks(poll: poll, bindAddress: options.bindAddress, logger: output.logger()) {
            [unowned self] datagram, sender in
            discover { $0.received(datagram, from: sender, now: MonotonicClock.now, into: &$1) }
        }
    }

    /// Announces who wants peers, and nobody else.
    func announceLocally(now: MonotonicInstant) {
        guard discovery != nil else { return }
        for torrent in torrents where !torrent.metainfo.isPrivate {
            if torrent.isActive {
                discovery!.added(torrent.metainfo.infoHash, now: now)
            } else {
                discovery!.removed(torrent.metainfo.infoHash)
            }
        }
        discover { $0.timerFired(now: now, into: &$1) }
    }

    private func discover(_ event: (inout LocalDiscovery, inout [LocalDiscovery.Action]) -> Void) {
        guard discovery != nil else { return }
        var actions: [LocalDiscovery.Action] = []
        event(&discovery!, &actions)
        for action in actions {
            switch action {
            case .send(let announcement): networks?.send(announcement)
            case .learn(let address, let infoHash):
                for torrent in torrents
                where torrent.metainfo.infoHash == infoHash && torrent.isActive
                    && !torrent.metainfo.isPrivate
                {
                    torrent.peers {
                        $0.learned(
                            [address], from: .localDiscovery, by: address, now: MonotonicClock.now, into: &$1)
                    }
                }
            }
        }
    }
}
