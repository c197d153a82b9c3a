/// What a new .torrent file is to say (BEP 3), and the one form in which it says it: keys sorted, nothing optional that
/// was not asked for, so that equal contents make equal bytes. Checks nothing: `TorrentDraft` does.
package struct NewTorrent: Sendable {
    package struct File: Sendable {
        /// Names below the torrent's folder, joined by `/`.
        package var path: String
        package var byteCount: UInt64

        package init(path: String, byteCount: UInt64) {
            self.path = path
            self.byteCount = byteCount
        }
    }

    package enum Content: Sendable {
        case file(byteCount: UInt64)
        /// In the order in which their bytes make up the torrent.
        case folder([File])

        package var byteCount: UInt64 {
            switch self {
            case .file(let byteCount): byteCount
            case .folder(let files): files.reduce(0) { $0 &+ $1.byteCount }
            }
        }
    }

    /// Longest comment that readers like ours show, in bytes.
    package static let longestText = OuterFields.maximumTextByteCount

    package var name: String
    package var content: Content
    package var pieceByteCount: UInt32
    /// BEP 27.
    package var isPrivate = false
    /// Tells torrents of the same files at several trackers apart; in no BEP, but many private trackers ask for it.
    package var source: String?
    /// BEP 12.
    package var trackerTiers: [[TrackerURL]] = []
    /// BEP 19.
    package var webSeeds: [WebSeedURL] = []
    package var comment: String?
    package var creator: String?
    /// Seconds since 1970.
    package var creationDate: Int64?

    package init(name: String, content: Content, pieceByteCount: UInt32) {
        self.name = name
        self.content = content
        self.pieceByteCount = pieceByteCount
    }

    /// The whole file with hashes of zeros.
    /// - Parameter pieceCount: as many as the content makes.
    /// - Returns: also where the hashes lie.
    func encoded(pieceCount: Int) -> (bytes: [UInt8], hashes: Range<Int>) {
        var writer = BencodeWriter()
        writer.begin(Bencode.dictionary)
        let trackers = trackerTiers.flatMap { $0 }
        if let first = trackers.first {
            writer.put("announce")
            writer.put(first.text)
        }
        // As BEP 12 is usually written: one tracker needs no list.
        if trackers.count > 1 {
            writer.put("announce-list")
            writer.begin(Bencode.list)
            for tier in trackerTiers where !tier.isEmpty { writer.put(list: tier.lazy.map(\.text)) }
            writer.end()
        }
        writer.put("comment", comment)
        writer.put("created by", creator)
        writer.put("creation date", creationDate)
        writer.put("info")
        let hashes = encodeInfo(into: &writer, pieceCount: pieceCount)
        if !webSeeds.isEmpty {
            writer.put("url-list")
            writer.put(list: webSeeds.lazy.map(\.text))
        }
        writer.end()
        return (writer.bytes, hashes)
    }

    private func encodeInfo(into writer: inout BencodeWriter, pieceCount: Int) -> Range<Int> {
        writer.begin(Bencode.dictionary)
        switch content {
        case .folder(let files):
            writer.put("files")
            writer.begin(Bencode.list)
            for file in files {
                writer.begin(Bencode.dictionary)
                writer.put("length", Int64(clamping: file.byteCount))
                writer.put("path")
                writer.put(list: file.path.split(separator: "/").lazy.map { String($0) })
                writer.end()
            }
            writer.end()
        case .file(let byteCount): writer.put("length", Int64(clamping: byteCount))
        }
        writer.put("name", name)
        writer.put("piece length", Int64(pieceByteCount))
        writer.put("pieces")
        let hashes = writer.put(zeros: pieceCount * Digest.byteCount)
        writer.put("private", isPrivate ? 1 : nil)
        writer.put("source", source)
        writer.end()
        return hashes
    }
}

/// Writes bencoded values one after another, without a tree of them: a torrent may have half a million files.
private struct BencodeWriter {
    private(set) var bytes: [UInt8] = []

    mutating func begin(_ container: UInt8) { bytes.append(container) }
    mutating func end() { bytes.append(Bencode.end) }

    mutating func put(_ text: String) {
        bytes += String(text.utf8.count).utf8
        bytes.append(Bencode.colon)
        bytes += text.utf8
    }

    mutating func put(list texts: some Sequence<String>) {
        begin(Bencode.list)
        for text in texts { put(text) }
        end()
    }

    /// An entry of a dictionary, if there is one.
    mutating func put(_ key: String, _ value: String?) {
        guard let value else { return }
        put(key)
        put(value)
    }

    mutating func put(_ key: String, _ value: Int64?) {
        guard let value else { return }
        put(key)
        bytes.append(Bencode.integer)
        bytes += String(value).utf8
        end()
    }

    /// - Returns: where they are.
    mutating func put(zeros count: Int) -> Range<Int> {
        bytes += String(count).utf8
        bytes.append(Bencode.colon)
        bytes += repeatElement(0, count: count)
        return bytes.count - count..<bytes.count
    }
}
