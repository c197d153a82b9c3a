/// How a scrape travels over HTTP (BEP 48).
package enum HTTPScrape {
    /// Torrents that one request may name: the URL stays below the 4 KiB that every server takes, with a path of usual
    /// length.
    package static let mostTorrents = 40

    /// The URL to fetch; nil where the tracker's URL does not say where scrapes go: the last part of its path must
    /// begin with `announce`, and `scrape` stands in its place.
    package static func url(of infoHashes: [InfoHash], at tracker: TrackerURL) -> String? {
        guard let base = url(at: tracker) else { return nil }
        let query = infoHashes.map { "info_hash=" + HTTPAnnounce.percentEncoded($0.digest.bytes) }
        return base + HTTPAnnounce.separator(after: base) + query.joined(separator: "&")
    }

    private static func url(at tracker: TrackerURL) -> String? {
        let text = Array(tracker.text.utf8)
        let pathEnd = text.firstIndex(of: UInt8(ascii: "?")) ?? text.endIndex
        let pathStart = tracker.text.utf8.count - tracker.pathAndQuery.count
        guard pathStart < pathEnd, let slash = text[pathStart..<pathEnd].lastIndex(of: UInt8(ascii: "/")),
            text[(slash + 1)..<pathEnd].starts(with: "announce".utf8)
        else { return nil }
        let rest = text[(slash + 1 + "announce".utf8.count)...]
        return String(decoding: text[...slash] + Array("scrape".utf8) + rest, as: UTF8.self)
    }

    /// - Parameter body: after removal of any content encoding.
    /// - Returns: what the tracker tells of the torrents that were asked for; others are left out.
    package static func counts(
        of infoHashes: [InfoHash], status: Int, body: [UInt8]
    ) throws(AnnounceError) -> [InfoHash: SwarmCounts] {
        let root: BencodeView
        do { root = try BencodeDecoder(limits: .message).decode(body).value } catch {
            guard (200..<300).contains(status) else { throw .httpStatus(status) }
            throw .notBencoded(reason: error.description)
        }
        if let failure = root["failure reason"] {
            throw .refused(reason: AnnounceResponse.text(failure), retry: nil)
        }
        guard (200..<300).contains(status) else { throw .httpStatus(status) }
        guard let files = root["files"] else { throw .notAnAnswer }
        guard let entries = files.entries else { throw .wrongType(key: "files") }
        let wanted = Set(infoHashes)
        var counts: [InfoHash: SwarmCounts] = [:]
        for (key, value) in entries where key.count == Digest.byteCount {
            let infoHash = InfoHash(Digest(key))
            guard wanted.contains(infoHash) else { continue }
            counts[infoHash] = SwarmCounts(
                seeders: AnnounceResponse.count(value["complete"]),
                leechers: AnnounceResponse.count(value["incomplete"]),
                downloads: AnnounceResponse.count(value["downloaded"]))
        }
        return counts
    }
}
