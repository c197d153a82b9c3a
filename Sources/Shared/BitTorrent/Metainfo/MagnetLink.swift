/// A magnet URI of BEP 9: which torrent, and where to ask for its metadata.
package struct MagnetLink: Hashable, Sendable {
    /// Why a text is no magnet link that we can follow (exit code 27).
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case notAMagnetLink
        case tooLong(limit: Int)
        case missingInfoHash
        case malformedInfoHash(String)
        case twoInfoHashes
        case versionTwoOnly

        package var description: String {
            switch self {
            case .notAMagnetLink: "does not begin with \"magnet:?\""
            case .tooLong(let limit): "is longer than \(limit) bytes"
            case .missingInfoHash: "has no \"xt=urn:btih:\""
            case .malformedInfoHash(let text): "xt: \"\(text)\" is neither 40 hexadecimal nor 32 base32 digits"
            case .twoInfoHashes: "xt: names two different torrents"
            case .versionTwoOnly: "xt: is BitTorrent v2 only, which is not supported"
            }
        }
    }

    /// A guess: room for some hundred trackers.
    package static let maximumByteCount = 65_536

    package let infoHash: InfoHash
    /// `dn`: written by strangers, never a path; the metadata's name counts once it is there.
    package let displayName: String?
    /// `tr`, in their order, without repetitions.
    package let trackers: [TrackerURL]
    /// `ws`.
    package let webSeeds: [WebSeedURL]
    /// `x.pe`.
    package let peers: [HostAndPort]
    /// What was unusable in `tr`, `ws` and `x.pe`.
    package let warnings: [MetainfoWarning]

    package init(_ text: String) throws(Refusal) {
        guard text.utf8.count <= Self.maximumByteCount else { throw .tooLong(limit: Self.maximumByteCount) }
        guard text.prefix(8).lowercased() == "magnet:?" else { throw .notAMagnetLink }
        var log = WarningLog()
        var hashes: Set<InfoHash> = []
        var hasVersionTwo = false
        var name: String?
        var trackerCollector = URLCollector()
        var webSeedCollector = URLCollector()
        var trackers: [TrackerURL] = []
        var webSeeds: [WebSeedURL] = []
        var peers: [HostAndPort] = []
        for parameter in text.dropFirst(8).split(separator: "&") {
            let key = parameter.prefix { $0 != "=" }
            let value = PercentDecoding.bytes(parameter[key.endIndex...].dropFirst())
            switch Self.withoutNumber(key).lowercased() {
            case "xt":
                let topic = String(decoding: value, as: UTF8.self)
                if topic.lowercased().hasPrefix("urn:btmh:") { hasVersionTwo = true }
                guard topic.lowercased().hasPrefix("urn:btih:") else { continue }
                hashes.insert(try Self.infoHash(topic.dropFirst(9)))
            case "dn": name = name ?? String(decoding: value, as: UTF8.self)
            case "tr":
                if let url = trackerCollector.tracker(value[...], field: "tr", log: &log) { trackers.append(url) }
            case "ws":
                if let url = webSeedCollector.webSeed(value[...], field: "ws", log: &log) { webSeeds.append(url) }
            case "x.pe":
                if let peer = HostAndPort(String(decoding: value, as: UTF8.self)) {
                    if peers.count < URLCollector.limit { peers.append(peer) }
                } else {
                    log.add(.fieldIgnored("x.pe"))
                }
            default: break
            }
        }
        guard hashes.count <= 1 else { throw .twoInfoHashes }
        guard let infoHash = hashes.first else { throw hasVersionTwo ? .versionTwoOnly : .missingInfoHash }
        self.infoHash = infoHash
        displayName = name
        self.trackers = trackers
        self.webSeeds = webSeeds
        self.peers = peers
        warnings = log.warnings
    }

    /// `tr.1` and `xt.2` mean `tr` and `xt`.
    private static func withoutNumber(_ key: Substring) -> Substring {
        guard let dot = key.lastIndex(of: "."), Int(key[key.index(after: dot)...]) != nil else { return key }
        return key[..<dot]
    }

    private static func infoHash(_ text: Substring) throws(Refusal) -> InfoHash {
        let digits = Array(text.utf8)
        let bytes: [UInt8]? =
            switch digits.count {
            case 40: packed(digits.map(PercentDecoding.hexDigit), bitsPerDigit: 4)
            case 32: packed(digits.map(base32Digit), bitsPerDigit: 5)
            default: nil
            }
        guard let bytes else { throw .malformedInfoHash(TerminalText.excerpt(text, limit: 60)) }
        return InfoHash(Digest(bytes))
    }

    /// nil when one of the digits is none.
    private static func packed(_ digits: [UInt8?], bitsPerDigit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount = 0
        for digit in digits {
            guard let digit else { return nil }
            bits = bits << UInt32(bitsPerDigit) | UInt32(digit)
            bitCount += bitsPerDigit
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        return bytes
    }

    /// RFC 4648, either case.
    private static func base32Digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a")
        case UInt8(ascii: "2")...UInt8(ascii: "7"): byte - UInt8(ascii: "2") + 26
        default: nil
        }
    }
}
