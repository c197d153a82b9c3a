import BitTorrent

/// What `create` made: a line for people, or JSON for scripts (docs/events.md).
struct CreateReport {
    let metainfo: Metainfo
    /// nil: it went to stdout.
    let file: UserPath?

    var line: String {
        let geometry = metainfo.geometry
        return "\(file?.description ?? "stdout"): \(TerminalText.escaped(metainfo.name.relative)), "
            + "\(Amounts.counted(metainfo.files.count, "file")), \(Amounts.bytes(geometry.totalByteCount)) in "
            + "\(Amounts.counted(geometry.pieceCount, "piece")) of \(Amounts.bytes(UInt64(geometry.pieceByteCount))), "
            + "info hash \(metainfo.infoHash)"
    }

    var json: JSONValue {
        [
            "v": .integer(EventStream.version), "info_hash": .string(metainfo.infoHash.description),
            "name": .string(metainfo.name.relative), "total_length": .count(metainfo.geometry.totalByteCount),
            "piece_length": .count(metainfo.geometry.pieceByteCount),
            "num_pieces": .count(metainfo.geometry.pieceCount), "num_files": .count(metainfo.files.count),
            "private": .bool(metainfo.isPrivate), "path": .optional(file?.text),
            "magnet": .string(MagnetLink.text(of: metainfo)),
        ]
    }
}
