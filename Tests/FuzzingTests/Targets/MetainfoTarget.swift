import BitTorrent
import TestSupport

/// .torrent files, `info` dictionaries as peers hand them out, and magnet links.
enum MetainfoTarget: FuzzTarget {
    static let name = "metainfo"

    static var seeds: [[UInt8]] {
        var multiple = TorrentBuilder(
            pieceByteCount: 512,
            .multiple([
                .init("a", bytes: TorrentBuilder.pattern(byteCount: 700)), .padding(324),
                .init("b", "c", bytes: TorrentBuilder.pattern(byteCount: 100)), .init("d", bytes: [], attributes: "l"),
            ]))
        multiple.trackerTiers = [["http://a.example/announce", "udp://b.example:80"], ["https://c.example/x?k=1"]]
        var private_ = TorrentBuilder.single(byteCount: 300, pieceByteCount: 256)
        private_.isPrivate = true
        private_.changeOuter = {
            $0["comment"] = "a comment"
            $0["url-list"] = ["http://seed.example/"]
            $0["creation date"] = 1_700_000_000
        }
        var escaping = TorrentBuilder.multiple(byteCounts: [10, 20], pieceByteCount: 256)
        escaping.changeInfo = { $0["name"] = "..\u{1B}[2J" }
        let builders = [multiple, private_, escaping]
        let links = [
            "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=a%20b&tr=udp%3A%2F%2Ft.example%3A80",
            "magnet:?xt=urn:btih:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&x.pe=127.0.0.1:80&ws=http://a/",
        ]
        return builders.map(\.bytes) + builders.map { BencodeEncoder().encode($0.info) } + links.map { Array($0.utf8) }
    }

    static func run(_ input: [UInt8]) throws {
        if let metainfo = try? MetainfoParser.parse(input) {
            try check(metainfo)
            // `info` is the same torrent however it came.
            let alone = try MetainfoParser.parse(infoDictionary: Array(metainfo.infoBytes))
            try promise(alone.infoHash == metainfo.infoHash && alone.layout == metainfo.layout, "info alone differs")
        }
        if let metainfo = try? MetainfoParser.parse(infoDictionary: input) { try check(metainfo) }
        if let link = try? MagnetLink(String(decoding: input, as: UTF8.self)) {
            try promise(link.trackers.count + link.webSeeds.count + link.peers.count <= 3000, "a list without bound")
        }
    }

    private static func check(_ metainfo: Metainfo) throws {
        try promise(metainfo.infoHash.digest == SHA1.hash(of: Array(metainfo.infoBytes)), "the info-hash")
        let geometry = metainfo.geometry
        let total = metainfo.files.reduce(UInt64(0)) { $0 + $1.length }
        try promise(total == geometry.totalByteCount && total > 0, "the files are not the torrent")
        for file in metainfo.files where file.role == .payload { try check(file.path) }
        try check(metainfo.name)
        try checkClashes(metainfo.files.filter { $0.role == .payload }.map(\.path))
        for piece in Set([0, geometry.pieceCount / 2, geometry.pieceCount - 1]) {
            let piece = PieceIndex(piece)
            let spans = metainfo.layout.spans(of: piece)
            let covered = spans.reduce(UInt64(0)) { $0 + $1.length }
            try promise(covered == UInt64(geometry.length(of: piece)), "the spans are not the piece")
            for span in spans {
                try promise(
                    span.fileOffset + span.length <= metainfo.files[span.fileIndex].length, "a span leaves its file")
            }
            try promise(metainfo.hash(of: piece).digest.bytes.count == Digest.byteCount, "a hash is missing")
        }
        let link = MagnetLink.text(of: metainfo)
        if link.utf8.count <= MagnetLink.maximumByteCount {
            try promise(try MagnetLink(link).infoHash == metainfo.infoHash, "the magnet link names another torrent")
        }
    }

    /// Whatever it says, it stays below the directory.
    private static func check(_ path: SafePath) throws {
        let bytes = Array(path.relative.utf8)
        try promise(!bytes.contains(0) && bytes.count <= SafePath.maximumByteCount, "no path of Linux: \(path)")
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        try promise(parts.count <= SafePath.maximumDepth + 1, "too deep")
        for part in parts {
            try promise((1...SafePath.maximumComponentByteCount).contains(part.count), "a name of \(part.count) bytes")
            try promise(part != Array(".".utf8)[...] && part != Array("..".utf8)[...], "leaves its directory: \(path)")
        }
        let shown = path.description
        try promise(!shown.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }, "shows controls")
    }

    /// No path comes twice, and none is the folder of another.
    private static func checkClashes(_ paths: [SafePath]) throws {
        let all = Set(paths)
        try promise(all.count == paths.count, "two files have one path")
        let texts = Set(paths.map { Array($0.relative.utf8) })
        for text in texts {
            for (index, byte) in text.enumerated() where byte == UInt8(ascii: "/") {
                try promise(!texts.contains(Array(text[..<index])), "a file is the folder of another")
            }
        }
    }
}
