/// What stands beside `info` in a .torrent file: trackers, web seeds, remarks. All of it is optional, so what is wrong
/// is skipped with a warning.
struct OuterFields {
    /// A guess: longer remarks are not for reading.
    static let maximumTextByteCount = 65_536

    var trackerTiers: [[TrackerURL]] = []
    var webSeeds: [WebSeedURL] = []
    var comment: String?
    var creator: String?
    var creationDate: Int64?

    init() {}

    init(_ root: BencodeView, log: inout WarningLog) {
        let root = root.values(of: ["announce", "announce-list", "comment", "created by", "creation date", "url-list"])
        trackerTiers = Self.trackers(root, log: &log)
        webSeeds = Self.webSeeds(root, log: &log)
        comment = Self.text(root, "comment", log: &log)
        creator = Self.text(root, "created by", log: &log)
        if let date = root["creation date"] {
            creationDate = date.integer
            if creationDate == nil { log.add(.fieldIgnored("creation date")) }
        }
    }

    /// BEP 12: `announce` counts only when `announce-list` gives nothing.
    private static func trackers(_ root: [String: BencodeView], log: inout WarningLog) -> [[TrackerURL]] {
        var collector = URLCollector()
        var tiers: [[TrackerURL]] = []
        if let list = root["announce-list"] {
            guard let members = list.elements else {
                log.add(.fieldIgnored("announce-list"))
                return announce(root, collector: &collector, log: &log)
            }
            for (tier, member) in members.enumerated() {
                var urls: [TrackerURL] = []
                if let places = member.elements {
                    for (place, value) in places.enumerated() {
                        let url = collector.tracker(
                            value.string, field: "announce-list[\(tier)][\(place)]", log: &log)
                        if let url { urls.append(url) }
                    }
                } else if let url = collector.tracker(member.string, field: "announce-list[\(tier)]", log: &log) {
                    // Some creators write a flat list; each URL is then a tier.
                    urls.append(url)
                }
                if !urls.isEmpty { tiers.append(urls) }
            }
        }
        return tiers.isEmpty ? announce(root, collector: &collector, log: &log) : tiers
    }

    private static func announce(
        _ root: [String: BencodeView], collector: inout URLCollector, log: inout WarningLog
    ) -> [[TrackerURL]] {
        guard let value = root["announce"] else { return [] }
        return collector.tracker(value.string, field: "announce", log: &log).map { [[$0]] } ?? []
    }

    /// BEP 19: a string or a list of strings; an empty string, as some creators write, is none.
    private static func webSeeds(_ root: [String: BencodeView], log: inout WarningLog) -> [WebSeedURL] {
        guard let list = root["url-list"] else { return [] }
        if let only = list.string, only.isEmpty { return [] }
        var collector = URLCollector()
        guard let members = list.elements else {
            return collector.webSeed(list.string, field: "url-list", log: &log).map { [$0] } ?? []
        }
        var urls: [WebSeedURL] = []
        for (index, member) in members.enumerated() {
            if let url = collector.webSeed(member.string, field: "url-list[\(index)]", log: &log) { urls.append(url) }
        }
        return urls
    }

    private static func text(_ root: [String: BencodeView], _ key: String, log: inout WarningLog) -> String? {
        guard let value = root[key] else { return nil }
        guard let bytes = value.string, bytes.count <= maximumTextByteCount else {
            log.add(.fieldIgnored(key))
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
