/// What a client sends to a UDP tracker (BEP 15), as bytes. All numbers are in network order.
package enum UDPTrackerPacket {
    package enum Action: UInt32, Sendable {
        case connect, announce, scrape
        /// In replies only.
        case error
    }

    /// Tells the protocol from others on the same port.
    static let protocolID: UInt64 = 0x417_2710_1980
    /// Torrents that one scrape may name: as many as fit into 1500 bytes with the headers of IPv6. BEP 15 says "about
    /// 74", which is what they are without any headers.
    package static let mostScrapedTorrents = 71
    /// Bytes of URL data in one option (BEP 41): its length is one byte.
    private static let longestOption = 255

    package static func connect(transaction: UInt32) -> [UInt8] {
        var packet: [UInt8] = []
        append(protocolID, to: &packet)
        append(Action.connect.rawValue, to: &packet)
        append(transaction, to: &packet)
        return packet
    }

    /// - Parameter urlData: path and query of the tracker's URL, which the tracker sees in no other way (BEP 41); none
    ///   is sent where there is none.
    package static func announce(
        _ request: AnnounceRequest, urlData: [UInt8], connection: UInt64, transaction: UInt32
    ) -> [UInt8] {
        var packet = head(.announce, connection, transaction)
        packet += request.identity.infoHash.digest.bytes
        packet += request.identity.peerID.bytes
        append(request.counters.downloaded, to: &packet)
        append(request.counters.left, to: &packet)
        append(request.counters.uploaded, to: &packet)
        append(number(of: request.event), to: &packet)
        // Our address: the tracker takes the one it sees.
        append(UInt32(0), to: &packet)
        append(request.identity.key, to: &packet)
        append(UInt32(bitPattern: Int32(clamping: request.peersWanted)), to: &packet)
        append(request.identity.port, to: &packet)
        var rest = urlData[...]
        while !rest.isEmpty {
            let part = rest.prefix(longestOption)
            packet += [2, UInt8(part.count)] + part
            rest = rest.dropFirst(part.count)
        }
        return packet
    }

    /// - Precondition: at most `mostScrapedTorrents` hashes.
    package static func scrape(_ infoHashes: [InfoHash], connection: UInt64, transaction: UInt32) -> [UInt8] {
        precondition(infoHashes.count <= mostScrapedTorrents, "too many torrents for one packet")
        return infoHashes.reduce(into: head(.scrape, connection, transaction)) { $0 += $1.digest.bytes }
    }

    private static func head(_ action: Action, _ connection: UInt64, _ transaction: UInt32) -> [UInt8] {
        var packet: [UInt8] = []
        append(connection, to: &packet)
        append(action.rawValue, to: &packet)
        append(transaction, to: &packet)
        return packet
    }

    private static func number(of event: AnnounceEvent?) -> UInt32 {
        switch event {
        case nil: 0
        case .completed: 1
        case .started: 2
        case .stopped: 3
        }
    }

    private static func append(_ number: some FixedWidthInteger, to packet: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { packet += $0 }
    }
}
