import BitTorrent
import TestSupport

/// Datagrams of the local network (BEP 14).
enum LocalDiscoveryTarget: FuzzTarget {
    static let name = "local-discovery"
    private static let ours = InfoHash(Digest(Array(100..<120)))

    static let seeds: [[UInt8]] = {
        let announcement = LocalAnnouncement(
            port: 6881, infoHashes: [ours, InfoHash(Digest(Array(1..<21)))], cookie: "abc")
        return LocalAnnouncement.Group.allCases.map { announcement.datagram(to: $0) } + [
            Array("BT-SEARCH * HTTP/1.1\nPORT:\t1 \nINFOHASH: \(ours)\ncookie\n\n".utf8),
            Array("BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: \(ours)\r\n\r\n\r\n".utf8),
        ]
    }()

    static func run(_ input: [UInt8]) throws {
        if let announcement = LocalAnnouncement(datagram: input) {
            try promise(input.count <= LocalAnnouncement.maximumByteCount, "a long datagram was read")
            try promise(announcement.port != 0 && !announcement.infoHashes.isEmpty, "nobody, or nothing")
            let hashes = announcement.infoHashes
            try promise(hashes.count <= LocalAnnouncement.maximumTorrentCount, "torrents without bound")
            try promise(Set(hashes).count == hashes.count, "a torrent twice")
            for group in LocalAnnouncement.Group.allCases {
                let again = LocalAnnouncement(datagram: announcement.datagram(to: group))
                try promise(again?.infoHashes == hashes && again?.port == announcement.port, "written otherwise")
            }
        }
        try checkDiscovery(input)
    }

    private static func checkDiscovery(_ input: [UInt8]) throws {
        var generator = SeededGenerator(seed: 1)
        let clock = FakeClock()
        var discovery = LocalDiscovery(port: 6881, using: &generator)
        discovery.added(ours, now: clock.now)
        var actions: [LocalDiscovery.Action] = []
        let sender = PeerAddress(v4: 0x0A00_0002, port: 9)
        for _ in 0..<150 { discovery.received(input, from: sender, now: clock.now, into: &actions) }
        try promise(actions.count <= 100, "a flood is believed")
        for action in actions {
            guard case .learn(let address, let hash) = action else {
                throw BrokenPromise(description: "a stranger makes us speak")
            }
            try promise(hash == ours && address.addressBytes == sender.addressBytes, "learned of somebody else")
        }
    }
}
