import BitTorrent

/// Packets as a tracker would make them, and questions to one.
enum UDPTrackerScript {
    static let identity = AnnounceIdentity(
        infoHash: InfoHash(Digest(1...20)), peerID: PeerID(Array("-SK0100-abcdefghijkl".utf8)), key: 0x0708_090A,
        port: 6881)

    static func request(_ event: AnnounceEvent? = .started) -> AnnounceRequest {
        AnnounceRequest(
            identity: identity, counters: TransferCounters(uploaded: 3, downloaded: 1, left: 2), event: event,
            peersWanted: 80)
    }

    static func announce(_ event: AnnounceEvent? = .started) -> UDPTrackerQuestion {
        .announce(request(event), urlData: Array("/announce".utf8))
    }

    static func connected(_ transaction: UInt32, _ id: UInt64) -> [UInt8] {
        words(0, transaction, UInt32(id >> 32), UInt32(truncatingIfNeeded: id))
    }

    /// - Parameter peers: compact, as they go into the packet.
    static func announced(
        _ transaction: UInt32, interval: UInt32 = 1800, leechers: UInt32 = 4, seeders: UInt32 = 5, peers: [UInt8] = []
    ) -> [UInt8] {
        words(1, transaction, interval, leechers, seeders) + peers
    }

    static func scraped(_ transaction: UInt32, _ rows: [[UInt32]]) -> [UInt8] {
        words(2, transaction) + rows.flatMap { $0.flatMap { words($0) } }
    }

    static func error(_ transaction: UInt32, _ text: String) -> [UInt8] { words(3, transaction) + Array(text.utf8) }

    static func words(_ numbers: UInt32...) -> [UInt8] {
        numbers.flatMap { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    }

    /// Of a request.
    static func word(_ packet: [UInt8], at offset: Int) -> UInt32 {
        packet[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func connection(_ packet: [UInt8]) -> UInt64 {
        UInt64(word(packet, at: 0)) << 32 | UInt64(word(packet, at: 4))
    }

    static func action(_ packet: [UInt8]) -> UInt32 { word(packet, at: 8) }
    static func transaction(_ packet: [UInt8]) -> UInt32 { word(packet, at: 12) }
}
