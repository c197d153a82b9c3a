/// What a UDP tracker answers (BEP 15). Replies may be longer than they need be: extensions append to them.
package enum UDPTrackerReply: Hashable, Sendable {
    /// The id to name in every request of the next minute.
    case connected(UInt64)
    case announced(AnnounceResponse)
    /// In the order of the request; a tracker may leave out the last ones.
    case scraped([SwarmCounts])
    /// The tracker's own words, safe to print; may be empty.
    case refused(String)

    /// - Parameters:
    ///   - action: what was asked for; an error is an answer to everything.
    ///   - transaction: of the request. What carries another one is no answer of the tracker's.
    ///   - family: of the address that the packet came from; it says how long a peer's address is.
    package init(
        parsing packet: [UInt8], to action: UDPTrackerPacket.Action, transaction: UInt32, family: CompactPeers.Family
    ) throws(UDPTrackerReplyError) {
        guard packet.count >= 8 else { throw .tooShort(byteCount: packet.count, needed: 8) }
        guard Self.number(at: 4, of: packet) == transaction else { throw .wrongTransaction }
        let found = Self.number(at: 0, of: packet)
        switch UDPTrackerPacket.Action(rawValue: found) {
        case .error: self = .refused(Self.text(packet[8...]))
        case .connect where action == .connect:
            guard packet.count >= 16 else { throw .tooShort(byteCount: packet.count, needed: 16) }
            self = .connected(UInt64(Self.number(at: 8, of: packet)) << 32 | UInt64(Self.number(at: 12, of: packet)))
        case .announce where action == .announce:
            guard packet.count >= 20 else { throw .tooShort(byteCount: packet.count, needed: 20) }
            self = .announced(Self.response(packet, family))
        case .scrape where action == .scrape:
            self = .scraped(
                stride(from: 8, through: packet.count - 12, by: 12).map { row in
                    SwarmCounts(
                        seeders: Self.count(at: row, of: packet), leechers: Self.count(at: row + 8, of: packet),
                        downloads: Self.count(at: row + 4, of: packet))
                })
        case .connect, .announce, .scrape, nil: throw .wrongAction(found)
        }
    }

    private static func response(_ packet: [UInt8], _ family: CompactPeers.Family) -> AnnounceResponse {
        var response = AnnounceResponse(
            interval: AnnounceResponse.clamped(Int64(number(at: 8, of: packet))),
            complete: count(at: 16, of: packet), incomplete: count(at: 12, of: packet))
        var list = AnnouncedPeers()
        list.read(compact: packet[20...], key: "peers", family: family)
        response.peers = list.peers
        response.oddities = list.oddities
        return response
    }

    private static func number(at offset: Int, of packet: [UInt8]) -> UInt32 {
        packet[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// nil for what only a negative number in disguise can be.
    private static func count(at offset: Int, of packet: [UInt8]) -> Int? {
        let number = number(at: offset, of: packet)
        return number > UInt32(Int32.max) ? nil : Int(number)
    }

    /// Some trackers end the text as C does.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        TerminalText.excerpt(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
    }
}

/// Why a packet is no answer to what was asked. It is ignored: anybody can send one.
package enum UDPTrackerReplyError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooShort(byteCount: Int, needed: Int)
    case wrongTransaction
    case wrongAction(UInt32)

    package var description: String {
        switch self {
        case .tooShort(let byteCount, let needed): "a reply of \(byteCount) bytes where \(needed) are the least"
        case .wrongTransaction: "a reply to another request"
        case .wrongAction(let action): "a reply with action \(action)"
        }
    }
}
