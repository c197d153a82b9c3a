import BitTorrent

/// What `verify` says about files on the disk: text for people, or JSON for scripts (docs/events.md).
struct VerifyText {
    let report: VerifyReport

    /// Lines without newlines: the bad files, and one about all.
    var lines: [String] {
        let name = TerminalText.escaped(report.metainfo.name.relative)
        let pieceCount = report.metainfo.geometry.pieceCount
        let files = report.badFiles.map { file in
            "\(file.path): \(Amounts.counted(file.badPieceCount, "piece")) wrong or missing"
        }
        let all =
            report.isRight
            ? "\(name): \(Amounts.counted(pieceCount, "piece")), all right"
            : "\(name): \(report.rightPieceCount) of \(Amounts.counted(pieceCount, "piece")) right, "
                + "\(report.wrong.count) wrong, \(report.missing.count) missing"
        return files + [all]
    }

    var json: JSONValue {
        let files = report.badFiles.map { file -> JSONValue in
            [
                "path": .string(file.path), "length": .count(file.byteCount),
                "bad_pieces": .count(file.badPieceCount),
            ]
        }
        return [
            "v": .integer(EventStream.version), "info_hash": .string(report.metainfo.infoHash.description),
            "name": .string(report.metainfo.name.relative),
            "num_pieces": .count(report.metainfo.geometry.pieceCount),
            "pieces_right": .count(report.rightPieceCount), "complete": .bool(report.isRight),
            "wrong": .array(report.wrong.map(\.value).sorted().map { .count($0) }),
            "missing": .array(report.missing.map(\.value).sorted().map { .count($0) }),
            "bad_files": .array(files), "reason": .optional(report.reason),
        ]
    }
}
