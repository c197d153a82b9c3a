/// One datagram of local service discovery (BEP 14): somebody on this network listens on a port for peers of torrents.
package struct LocalAnnouncement: Hashable, Sendable {
    /// BEP 14: longer ones may be cut into fragments on their way. Longer ones are not read either.
    package static let maximumByteCount = 1400
    /// So many names of torrents fit beside the rest.
    package static let maximumTorrentCount = 20
    /// Bytes of a cookie that are remembered.
    static let maximumCookieByteCount = 64

    /// Where everybody listens who takes part.
    package enum Group: CaseIterable, Sendable {
        case v4, v6

        package static let port: UInt16 = 6771

        package var address: PeerAddress {
            switch self {
            case .v4: PeerAddress(v4: 239 << 24 | 192 << 16 | 152 << 8 | 143, port: Self.port)
            case .v6: PeerAddress(v6High: 0xFF15 << 48, v6Low: 0xEFC0_988F, port: Self.port)
            }
        }

        /// BEP 14 spells it so.
        var host: String {
            switch self {
            case .v4: "239.192.152.143:6771"
            case .v6: "[ff15::efc0:988f]:6771"
            }
        }
    }

    /// Where the sender listens, never 0; its address is that of the datagram.
    package var port: UInt16
    package var infoHashes: [InfoHash]
    /// By which a sender knows its own datagrams; empty: there is none.
    package var cookie: String

    package init(port: UInt16, infoHashes: [InfoHash], cookie: String) {
        self.port = port
        self.infoHashes = infoHashes
        self.cookie = cookie
    }

    /// - Returns: nil for what is no announcement. Header names count in any case, and unknown headers for nothing.
    package init?(datagram: [UInt8]) {
        guard datagram.count <= Self.maximumByteCount else { return nil }
        var lines = datagram.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }[...]
        guard let first = lines.popFirst(), String(decoding: first, as: UTF8.self) == "BT-SEARCH * HTTP/1.1" else {
            return nil
        }
        var port: UInt16?
        infoHashes = []
        cookie = ""
        for line in lines {
            // Behind the empty line there is nothing that means anything.
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let value = Self.trimmed(line[(colon + 1)...])
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "port": port = UInt16(value)
            case "infohash":
                guard let hash = InfoHash(hex: value), infoHashes.count < Self.maximumTorrentCount else { continue }
                if !infoHashes.contains(hash) { infoHashes.append(hash) }
            case "cookie": cookie = String(value.prefix(Self.maximumCookieByteCount))
            default: break
            }
        }
        guard let port, port != 0, !infoHashes.isEmpty else { return nil }
        self.port = port
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let start = bytes.drop(while: isBlank)
        return String(
            decoding: start.prefix(start.count - start.reversed().prefix(while: isBlank).count), as: UTF8.self)
    }

    /// As it is sent to a group.
    package func datagram(to group: Group) -> [UInt8] {
        var text = "BT-SEARCH * HTTP/1.1\r\nHost: \(group.host)\r\nPort: \(port)\r\n"
        for hash in infoHashes { text += "Infohash: \(hash)\r\n" }
        if !cookie.isEmpty { text += "cookie: \(cookie)\r\n" }
        return Array((text + "\r\n\r\n").utf8)
    }
}

extension InfoHash {
    /// - Returns: nil unless there are forty hexadecimal digits.
    fileprivate init?(hex text: String) {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 2 * Digest.byteCount, digits.allSatisfy({ $0 != nil }) else { return nil }
        self.init(Digest(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0]! << 4 | digits[$0 + 1]!) }))
    }
}
