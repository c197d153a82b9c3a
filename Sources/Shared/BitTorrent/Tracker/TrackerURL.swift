/// The address of a tracker as a torrent or a person gave it, checked before anything is sent there. It names the
/// tracker in messages without what is secret in it. Resolving the host is not its business.
package struct TrackerURL: Hashable, Sendable {
    package enum Scheme: String, Sendable {
        case http, https
        /// BEP 15.
        case udp
    }

    /// What servers and proxies accept at least (RFC 9110 asks for 8000 in all; the announce adds some 400).
    package static let longestByteCount = 4096

    package let scheme: Scheme
    /// The URL without surrounding white space and without fragment; may hold credentials and passkeys, so it is never
    /// logged.
    package let text: String
    /// `https://tracker.example:8443`: what messages name. No user, password, path or query: passkeys live there.
    package let origin: String
    /// What follows the authority, as it is; the empty text where nothing does. Secret.
    package let pathAndQuery: [UInt8]

    package init(_ raw: String) throws(TrackerURLError) {
        let bytes = Self.trimmed(Array(raw.utf8))
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Self.longestByteCount else { throw .tooLong }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else { throw .illegalCharacter }

        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(rawValue: String(decoding: bytes[..<colon], as: UTF8.self).lowercased()),
            bytes[(colon + 1)...].starts(with: "//".utf8)
        else { throw .unsupportedScheme }
        let rest = bytes[(colon + 3)...].prefix { $0 != UInt8(ascii: "#") }
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        let afterCredentials = authority.lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 } ?? authority.startIndex

        self.scheme = scheme
        self.text = String(decoding: bytes[..<rest.endIndex], as: UTF8.self)
        self.pathAndQuery = Array(rest[authority.endIndex...])
        self.origin = "\(scheme.rawValue)://\(try Self.hostAndPort(authority[afterCredentials...]))"
    }

    /// `host` or `host:port` in lower case.
    private static func hostAndPort(_ bytes: ArraySlice<UInt8>) throws(TrackerURLError) -> String {
        var hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { throw .noHost }
            hostEnd = bracket + 1
        }
        let host = bytes[..<hostEnd]
        guard !host.isEmpty, host != Array("[]".utf8)[...] else { throw .noHost }
        let name = String(decoding: host, as: UTF8.self).lowercased()
        let tail = bytes[hostEnd...]
        if tail.isEmpty || tail.elementsEqual(":".utf8) { return name }
        let digits = String(decoding: tail.dropFirst(), as: UTF8.self)
        guard tail.first == UInt8(ascii: ":"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits), port != 0
        else { throw .badPort }
        return "\(name):\(port)"
    }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return [] }
        return bytes[first...last]
    }
}

extension TrackerURL {
    /// Where URLs of UDP trackers without a port lead, as other clients have it (no specification says).
    private static let udpPort = 80

    /// Where to send datagrams; nil for other schemes and for hosts that no name server can know.
    package var udpEndpoint: HostAndPort? {
        guard scheme == .udp else { return nil }
        let authority = origin.dropFirst("udp://".count)
        return HostAndPort(authority) ?? HostAndPort("\(authority):\(Self.udpPort)")
    }
}

extension TrackerURL: CustomStringConvertible {
    /// The origin: a URL that is printed by accident gives no secret away.
    package var description: String { origin }
}

/// Why a text is not the URL of a tracker. None of the cases repeats the text, which may hold a password.
package enum TrackerURLError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case tooLong
    /// White space, a control character or a backslash inside.
    case illegalCharacter
    /// Neither `http`, `https` nor `udp`, or no URL at all.
    case unsupportedScheme
    case noHost
    case badPort
    /// The list holds more trackers than `AnnounceTiers` keeps; this is the first of those left out.
    case tooMany

    package var description: String {
        switch self {
        case .empty: "tracker URL is empty"
        case .tooLong: "tracker URL is longer than \(TrackerURL.longestByteCount) bytes"
        case .illegalCharacter: "tracker URL holds a space, a control character or a backslash"
        case .unsupportedScheme: "tracker URL is neither http, https nor udp"
        case .noHost: "tracker URL names no host"
        case .badPort: "tracker URL has no valid port"
        case .tooMany: "more than \(AnnounceTiers.mostTrackers) trackers, the others are ignored"
        }
    }
}
