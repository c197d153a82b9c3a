import BitTorrent

/// What `show` says about a torrent: text for people, or JSON for scripts (docs/events.md). Trackers and web seeds are
/// named without what may be secret in their addresses. Of a long list of files no more than a line is in memory.
struct ShowReport {
    let metainfo: Metainfo

    // MARK: Text

    /// Safe to show on a terminal.
    func writeText(to stream: inout some TextOutputStream) {
        for line in heading { stream.write(line + "\n") }
        writeFiles(to: &stream)
    }

    private var heading: [String] {
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
        lines += ["", "\(Amounts.counted(shownFiles.reduce(0) { count, _ in count + 1 }, "file")):"]
        return lines
    }

    /// A line for each file that is downloaded: its number for `--select-file`, its size and its path.
    func writeFiles(to stream: inout some TextOutputStream) {
        let numberWidth = String(metainfo.files.count).count
        let sizeWidth = shownFiles.reduce(0) { max($0, Amounts.bytes($1.element.length).count) }
        for (index, file) in shownFiles {
            let number = Self.padded("\(index + 1)", to: numberWidth)
            let size = Self.padded(Amounts.bytes(file.length), to: sizeWidth)
            stream.write("  \(number)  \(size)  \(TerminalText.escaped(file.path.relative))\n")
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
    private var shownFiles: some Sequence<(offset: Int, element: TorrentFile)> {
        metainfo.files.enumerated().lazy.filter { $0.element.role == .payload }
    }

    private func row(_ label: String, _ value: String) -> String {
        label + String(repeating: " ", count: max(1, 12 - label.count)) + value
    }

    private static func padded(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    // MARK: JSON

    /// One line.
    func writeJSON(to stream: inout some TextOutputStream) {
        var object = JSONObjectWriter(to: stream)
        object.add("v", .integer(EventStream.version))
        object.add("info_hash", .string(metainfo.infoHash.description))
        object.add("name", .string(metainfo.name.relative))
        object.add("total_length", .count(metainfo.geometry.totalByteCount))
        object.add("piece_length", .count(metainfo.geometry.pieceByteCount))
        object.add("num_pieces", .count(metainfo.geometry.pieceCount))
        object.add("private", .bool(metainfo.isPrivate))
        object.add("hybrid", .bool(metainfo.isHybrid))
        object.add("multi_file", .bool(metainfo.isMultiFile))
        object.add("trackers", list: metainfo.trackerTiers.lazy.map { .array($0.map { .string($0.origin) }) })
        object.add("web_seeds", list: metainfo.webSeeds.lazy.map { .string($0.origin) })
        object.add("comment", .optional(metainfo.comment))
        object.add("created_by", .optional(metainfo.creator))
        object.add("creation_date", .optional(metainfo.creationDate))
        object.add("files", list: metainfo.files.enumerated().lazy.map { Self.file($1, number: $0 + 1) })
        object.add("warnings", list: metainfo.warnings.lazy.map { .string($0.description) })
        stream = object.finished()
        stream.write("\n")
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
