import BitTorrent

/// What `show` says about a torrent: text for people, or JSON for scripts (docs/events.md). Trackers and web seeds are
/// named without what may be secret in their addresses.
struct ShowReport {
    let metainfo: Metainfo

    // MARK: Text

    /// Lines without newlines; safe to show on a terminal.
    var text: [String] {
        let geometry = metainfo.geometry
        var lines = [
            row("name", TerminalText.escaped(metainfo.name.relative)),
            row("info hash", metainfo.infoHash.description),
            row("size", "\(Amounts.bytes(geometry.totalByteCount)) (\(geometry.totalByteCount) bytes)"),
            row(
                "pieces",
                "\(geometry.pieceCount) of \(Amounts.bytes(UInt64(geometry.pieceByteCount)))"),
            row("private", metainfo.isPrivate ? "yes, peers from its own trackers only" : "no"),
        ]
        if metainfo.isHybrid { lines.append(row("version", "1 and 2; version 1 is used")) }
        lines += trackers
        for (index, seed) in metainfo.webSeeds.enumerated() {
            lines.append(row(index == 0 ? "web seeds" : "", TerminalText.escaped(seed.origin)))
        }
        if let comment = metainfo.comment {
            lines.append(row("comment", TerminalText.excerpt(comment, limit: 1000)))
        }
        if let creator = metainfo.creator { lines.append(row("created by", TerminalText.excerpt(creator))) }
        if let date = metainfo.creationDate { lines.append(row("created", CivilTime.text(date) ?? "\(date)")) }
        lines += ["", "\(Amounts.counted(shownFiles.count, "file")):"] + fileList
        return lines
    }

    /// A line for each file that is downloaded: its number for `--select-file`, its size and its path.
    var fileList: [String] {
        let sizes = shownFiles.map { Amounts.bytes($0.file.length) }
        let numberWidth = String(metainfo.files.count).count
        let sizeWidth = sizes.map(\.count).max() ?? 0
        return zip(shownFiles, sizes).map { entry, size in
            "  \(Self.padded("\(entry.number)", to: numberWidth))  \(Self.padded(size, to: sizeWidth))  "
                + TerminalText.escaped(entry.file.path.relative)
        }
    }

    private var trackers: [String] {
        if metainfo.trackerTiers.isEmpty { return [row("trackers", "none")] }
        let hasTiers = metainfo.trackerTiers.count > 1
        var lines: [String] = []
        for (tier, trackers) in metainfo.trackerTiers.enumerated() {
            for tracker in trackers {
                let suffix = hasTiers ? " (tier \(tier + 1))" : ""
                lines.append(row(lines.isEmpty ? "trackers" : "", TerminalText.escaped(tracker.origin) + suffix))
            }
        }
        return lines
    }

    /// Pad files and links are counted, but never appear on the disk.
    private var shownFiles: [(number: Int, file: TorrentFile)] {
        metainfo.files.enumerated().compactMap { $1.role == .payload ? ($0 + 1, $1) : nil }
    }

    private func row(_ label: String, _ value: String) -> String {
        label + String(repeating: " ", count: max(1, 12 - label.count)) + value
    }

    private static func padded(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    // MARK: JSON

    var json: JSONValue {
        [
            "v": .integer(EventStream.version), "info_hash": .string(metainfo.infoHash.description),
            "name": .string(metainfo.name.relative), "total_length": .count(metainfo.geometry.totalByteCount),
            "piece_length": .count(metainfo.geometry.pieceByteCount),
            "num_pieces": .count(metainfo.geometry.pieceCount), "private": .bool(metainfo.isPrivate),
            "hybrid": .bool(metainfo.isHybrid), "multi_file": .bool(metainfo.isMultiFile),
            "trackers": .array(metainfo.trackerTiers.map { .array($0.map { .string($0.origin) }) }),
            "web_seeds": .array(metainfo.webSeeds.map { .string($0.origin) }),
            "comment": .optional(metainfo.comment), "created_by": .optional(metainfo.creator),
            "creation_date": .optional(metainfo.creationDate),
            "files": .array(metainfo.files.enumerated().map { Self.file($1, number: $0 + 1) }),
            "warnings": .array(metainfo.warnings.map { .string($0.description) }),
        ]
    }

    private static func file(_ file: TorrentFile, number: Int) -> JSONValue {
        let role =
            switch file.role {
            case .payload: "payload"
            case .padding: "padding"
            case .link: "link"
            }
        return [
            "index": .count(number), "path": .string(file.path.relative), "length": .count(file.length),
            "offset": .count(file.offset), "role": .string(role),
        ]
    }
}
