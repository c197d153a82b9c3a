import BitTorrent

/// Which addresses a request may reach. A torrent or a web server that a stranger controls must not make us ask
/// services inside our own network (faults.md, R32; CVE list of "local SSRF"): from a public address no redirect leads
/// to a local one, and a local one is asked for announces and scrapes only.
struct HTTPTargetRule: Sendable {
    enum Refusal: Equatable, CustomStringConvertible {
        case localAfterPublic
        case localPath

        var description: String {
            switch self {
            case .localAfterPublic: "a public server redirects to a local address"
            case .localPath: "on a local address only paths that end in /announce… or /scrape… are asked for"
            }
        }
    }

    /// - Parameter address: 4 or 16 bytes in network order.
    var isLocal: @Sendable (_ address: [UInt8]) -> Bool = Self.isLocalAddress

    /// Follows one request over its redirects.
    struct Walk {
        private let rule: HTTPTargetRule
        private var reachedPublic = false
        private(set) var refusal: Refusal?

        init(_ rule: HTTPTargetRule) { self.rule = rule }

        /// - Parameter path: of the URL for which the connection is made.
        /// - Returns: whether the connection may be made.
        mutating func mayConnect(to address: [UInt8], path: String) -> Bool {
            guard rule.isLocal(address) else {
                reachedPublic = true
                return true
            }
            if reachedPublic {
                refusal = .localAfterPublic
            } else if !HTTPTargetRule.isTrackerPath(path) {
                refusal = .localPath
            } else {
                return true
            }
            return false
        }

        /// The proxy connects for us, to a server that we cannot see.
        mutating func proxyConnects() { reachedPublic = true }
    }

    /// `/announce`, and what trackers with passkeys and scripts make of it: `/KEY/announce`, `/announce.php`; the same
    /// with `scrape` (BEP 48).
    static func isTrackerPath(_ path: String) -> Bool {
        let last = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last
        return last.map { $0.starts(with: "announce".utf8) || $0.starts(with: "scrape".utf8) } ?? false
    }

    /// Loopback, private, link-local, shared and unspecified addresses, also where IPv6 wraps them.
    static func isLocalAddress(_ address: [UInt8]) -> Bool {
        if address.count == 4 {
            switch (address[0], address[1]) {
            case (0, _), (10, _), (127, _), (169, 254), (172, 16...31), (192, 168), (100, 64...127): return true
            default: return address[0] >= 224
            }
        }
        guard address.count == 16 else { return true }
        if address[0] & 0xFE == 0xFC || address[0] == 0xFF { return true }
        if address[0] == 0xFE && address[1] & 0x80 == 0x80 { return true }
        if address[0..<12].allSatisfy({ $0 == 0 }) { return true }
        if address[0..<10].allSatisfy({ $0 == 0 }), address[10] == 0xFF, address[11] == 0xFF {
            return isLocalAddress(Array(address[12...]))
        }
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address inside.
        if address.starts(with: [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) {
            return isLocalAddress(Array(address[12...]))
        }
        if address.starts(with: [0x20, 0x02]) { return isLocalAddress(Array(address[2..<6])) }
        return false
    }
}
