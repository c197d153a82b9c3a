/// What a tracker answered to an announce (BEP 3, 7, 23, 24), cleaned: intervals are within bounds and every address
/// can be dialled.
package struct AnnounceResponse: Hashable, Sendable {
    /// A regular announce is due after it.
    package var interval: Duration
    /// No announce without event before it, even if peers are wanted.
    package var minInterval: Duration?
    /// To be returned with the next announce.
    package var trackerID: [UInt8]?
    /// One line for the user, safe to print.
    package var warning: String?
    /// Seeders, as far as the tracker tells.
    package var complete: Int?
    /// Leechers, as far as the tracker tells.
    package var incomplete: Int?
    /// How often the torrent was fetched to its end, as far as the tracker tells.
    package var downloaded: Int?
    /// How the tracker sees us (BEP 24): 4 or 16 bytes.
    package var externalAddress: [UInt8]?
    /// Without repetitions, in the tracker's order, at most `mostPeers`.
    package var peers: [PeerAddress]
    /// What was wrong with the answer but did not spoil it.
    package var oddities: [Oddity]

    package init(
        interval: Duration = Self.defaultInterval, minInterval: Duration? = nil, trackerID: [UInt8]? = nil,
        warning: String? = nil,
        complete: Int? = nil, incomplete: Int? = nil, downloaded: Int? = nil, externalAddress: [UInt8]? = nil,
        peers: [PeerAddress] = [], oddities: [Oddity] = []
    ) {
        self.interval = interval
        self.minInterval = minInterval
        self.trackerID = trackerID
        self.warning = warning
        self.complete = complete
        self.incomplete = incomplete
        self.downloaded = downloaded
        self.externalAddress = externalAddress
        self.peers = peers
        self.oddities = oddities
    }

    package var counts: SwarmCounts { SwarmCounts(seeders: complete, leechers: incomplete, downloads: downloaded) }

    package enum Oddity: Hashable, Sendable, CustomStringConvertible {
        case noInterval
        /// Bytes after the last whole entry of a compact list.
        case trailingPeerBytes(key: String, count: Int)
        /// Entries that name no host by number, no port, or a place where no peer can be.
        case unusablePeers(count: Int)
        case tooManyPeers(count: Int)

        package var description: String {
            switch self {
            case .noInterval: "the answer gives no interval"
            case .trailingPeerBytes(let key, let count): "\"\(key)\" ends with \(count) bytes that are no whole entry"
            case .unusablePeers(let count): "\(count) peers have no usable address"
            case .tooManyPeers(let count):
                "\(count) peers are more than anybody asked for, the first \(AnnounceResponse.mostPeers) are kept"
            }
        }
    }
}

extension AnnounceResponse {
    /// Shorter ones would make us a burden, longer ones forget us; trackers give 120 s … 1 h.
    package static let intervals: ClosedRange<Duration> = .seconds(10) ... .seconds(6 * 3600)
    /// Where a tracker gives none; the value that most use.
    package static let defaultInterval: Duration = .seconds(1800)
    /// Of one answer. We ask for 80; trackers cap at 50 … 1000.
    package static let mostPeers = 2000
    /// Longer tracker ids are ignored: they come back in every URL (a guess; real ones have some dozens of bytes).
    static let longestTrackerID = 256
    /// Of texts for the user, in bytes; a line has less.
    private static let longestText = 800

    /// - Parameter body: a bencoded dictionary; what follows it is ignored (some servers add a newline).
    package init(parsing body: [UInt8]) throws(AnnounceError) {
        let root: BencodeView
        do { root = try BencodeDecoder(limits: .message).decode(body).value } catch {
            throw .notBencoded(reason: error.description)
        }
        guard root.kind == .dictionary else { throw .notBencoded(reason: "it is a bencoded \(root.kind.rawValue)") }

        var values: [String: BencodeView] = [:]
        for (key, value) in root.entries! where key.count <= 32 {
            let name = String(decoding: key, as: UTF8.self)
            if values[name] == nil { values[name] = value }
        }
        if let failure = values["failure reason"] {
            throw .refused(reason: Self.text(failure), retry: values["retry in"].flatMap(Self.retry))
        }
        guard values["interval"] != nil || values["peers"] != nil || values["peers6"] != nil else { throw .notAnAnswer }

        self.init()
        if let seconds = values["interval"]?.integer {
            interval = Self.clamped(seconds)
        } else {
            oddities.append(.noInterval)
        }
        minInterval = values["min interval"]?.integer.map(Self.clamped)
        trackerID = values["tracker id"]?.string.flatMap {
            $0.isEmpty || $0.count > Self.longestTrackerID ? nil : Array($0)
        }
        warning = values["warning message"].map(Self.text)
        complete = Self.count(values["complete"])
        incomplete = Self.count(values["incomplete"])
        downloaded = Self.count(values["downloaded"])
        externalAddress = values["external ip"]?.string.flatMap { $0.count == 4 || $0.count == 16 ? Array($0) : nil }

        var list = AnnouncedPeers()
        if let peers = values["peers"] { try list.read(peers, key: "peers", family: .v4) }
        if let peers = values["peers6"] { try list.read(peers, key: "peers6", family: .v6) }
        peers = list.peers
        oddities += list.oddities
    }

    static func clamped(_ seconds: Int64) -> Duration {
        min(max(.seconds(seconds), intervals.lowerBound), intervals.upperBound)
    }

    /// nil for what is no number of peers.
    static func count(_ value: BencodeView?) -> Int? {
        value?.integer.flatMap { Int(exactly: $0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    static func text(_ value: BencodeView) -> String {
        TerminalText.excerpt(String(decoding: (value.string ?? value.rawBytes).prefix(longestText), as: UTF8.self))
    }

    /// BEP 31: minutes, as integer or (in its own examples) as digits, or "never".
    private static func retry(_ value: BencodeView) -> AnnounceError.Retry? {
        if let text = value.text, text == "never" { return .never }
        guard let minutes = value.integer ?? value.text.flatMap({ Int64($0) }), minutes > 0 else { return nil }
        return .after(.seconds(60 * min(minutes, 1 << 24)))
    }
}
