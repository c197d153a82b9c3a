extension MagnetLink {
    /// The link to a torrent (BEP 9). Holds the whole URLs of trackers and web seeds, passkeys included.
    package static func text(of metainfo: Metainfo) -> String {
        var text = "magnet:?xt=urn:btih:\(metainfo.infoHash)&dn=\(encoded(metainfo.name.relative))"
        for tracker in metainfo.trackerTiers.joined() { text += "&tr=\(encoded(tracker.text))" }
        for seed in metainfo.webSeeds { text += "&ws=\(encoded(seed.text))" }
        return text
    }

    private static func encoded(_ text: String) -> String { HTTPAnnounce.percentEncoded(text.utf8) }
}
