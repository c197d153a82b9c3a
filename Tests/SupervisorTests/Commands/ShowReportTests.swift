import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

/// Golden text and JSON of `show`, and of the result of `verify` (docs/events.md).
struct ShowReportTests {
    private static func torrent() -> TorrentBuilder {
        var builder = TorrentBuilder(
            name: "sample", pieceByteCount: 16384,
            .multiple([
                .init("a\u{1B}[31m.bin", bytes: TorrentBuilder.pattern(byteCount: 20000)), .padding(12768),
                .init("dir", "ü.txt", bytes: [1, 2, 3]),
            ]))
        builder.trackerTiers = [
            ["http://me:secret@tracker.example/passkey/announce", "udp://b.example:80/x"],
            ["https://c.example/announce?key=1"],
        ]
        builder.isPrivate = true
        builder.changeOuter = {
            $0["comment"] = "Hello \u{1B}]0;x\u{7}\u{202E} $(rm)"
            $0["created by"] = "me"
            $0["creation date"] = 1_709_208_000
            $0["url-list"] = "http://seed:pw@seeds.example/x"
        }
        return builder
    }

    private func lines(_ report: ShowReport) -> [String] {
        var text = ""
        report.writeText(to: &text)
        #expect(text.last == "\n")
        return text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private func json(_ report: ShowReport) -> String {
        var text = ""
        report.writeJSON(to: &text)
        #expect(text.last == "\n")
        return String(text.dropLast())
    }

    @Test func textIsSafeAndSaysAll() throws {
        let builder = Self.torrent()
        let report = ShowReport(metainfo: try builder.metainfo())
        #expect(
            lines(report) == [
                "name        sample",
                "info hash   \(builder.infoHash)",
                "size        32.0 KiB (32771 bytes)",
                "pieces      3 of 16.0 KiB",
                "private     yes, peers from its own trackers only",
                "trackers    http://tracker.example (tier 1)",
                "            udp://b.example:80 (tier 1)",
                "            https://c.example (tier 2)",
                "web seeds   http://seeds.example",
                #"comment     Hello \u{1b}]0;x\u{7}\u{202e} $(rm)"#,
                "created by  me",
                "created     2024-02-29 12:00:00 UTC",
                "",
                "2 files:",
                "  1  19.5 KiB  sample/a_[31m.bin",
                "  3       3 B  sample/dir/ü.txt",
            ])
        var files = ""
        report.writeFiles(to: &files)
        #expect(files == lines(report).suffix(2).map { $0 + "\n" }.joined())
    }

    @Test func jsonHasEverythingUnderItsName() throws {
        let builder = Self.torrent()
        let metainfo = try builder.metainfo()
        let padding = metainfo.files[1].path.relative
        #expect(
            json(ShowReport(metainfo: metainfo))
                == #"{"v":1,"info_hash":"\#(builder.infoHash)","name":"sample","total_length":32771,"#
                + #""piece_length":16384,"num_pieces":3,"private":true,"hybrid":false,"multi_file":true,"#
                + #""trackers":[["http://tracker.example","udp://b.example:80"],["https://c.example"]],"#
                + #""web_seeds":["http://seeds.example"],"comment":"Hello \u001b]0;x\u0007\u202e $(rm)","#
                + #""created_by":"me","creation_date":1709208000,"files":["#
                + #"{"index":1,"path":"sample/a_[31m.bin","length":20000,"offset":0,"role":"payload"},"#
                + #"{"index":2,"path":"\#(padding)","length":12768,"offset":20000,"role":"padding"},"#
                + #"{"index":3,"path":"sample/dir/ü.txt","length":3,"offset":32768,"role":"payload"}],"#
                + #""warnings":["info.files[0].path is stored as \"sample/a_[31m.bin\""]}"#)
    }

    @Test func bareTorrentSaysWhatItLacks() throws {
        let report = ShowReport(metainfo: try TorrentBuilder.single(byteCount: 1).metainfo())
        #expect(lines(report).contains("private     no"))
        #expect(lines(report).contains("trackers    none"))
        #expect(lines(report).suffix(2) == ["1 file:", "  1  1 B  sample.bin"])
        #expect(json(report).contains(#""trackers":[],"web_seeds":[],"comment":null,"created_by":null,"#))
    }

    @Test func oneTierNeedsNoNumber() throws {
        var builder = TorrentBuilder.single(byteCount: 1)
        builder.trackerTiers = [["http://a.example/announce"]]
        builder.changeOuter = { $0["creation date"] = .integer(.max) }
        let text = lines(ShowReport(metainfo: try builder.metainfo()))
        #expect(text.contains("trackers    http://a.example"))
        #expect(text.contains("created     9223372036854775807"))
    }

    @Test func selectionIsOfTheNumbersThatShowPrints() throws {
        let metainfo = try Self.torrent().metainfo()
        let one = try ParsedCommandLine().download("a", "--select-file", "3")
        #expect(try one.selection(of: metainfo) == FileSelection(indices: [2], fileCount: 3))
        #expect(try ParsedCommandLine().download("a").selection(of: metainfo).isEverything)
        let beyond = try ParsedCommandLine().download("a", "--select-file", "4")
        let error = #expect(throws: UserError.self) { try beyond.selection(of: metainfo) }
        #expect(error?.code == .badOption)
        #expect(error?.description == #"--select-file: "4" is not within 1-3, the files of this torrent"#)
    }

    // MARK: Verify

    @Test func soundFilesAreOneLine() throws {
        var report = VerifyReport(metainfo: try TorrentBuilder.multiple(byteCounts: [20000, 20000]).metainfo())
        for piece in 0..<3 { report.right(PieceIndex(piece)) }
        #expect(VerifyText(report: report).lines == ["sample: 3 pieces, all right"])
        #expect(VerifyText(report: report).json.text.contains(#""pieces_right":3,"complete":true,"wrong":[],"#))
    }

    @Test func badFilesAreNamed() throws {
        let builder = TorrentBuilder.multiple(byteCounts: [20000, 20000])
        var report = VerifyReport(metainfo: try builder.metainfo())
        report.right(PieceIndex(0))
        report.missing(PieceIndex(2), because: "the files end before it")
        report.wrong(PieceIndex(1))
        #expect(
            VerifyText(report: report).lines == [
                "sample/file0: 1 piece wrong or missing", "sample/file1: 2 pieces wrong or missing",
                "sample: 1 of 3 pieces right, 1 wrong, 1 missing",
            ])
        #expect(
            VerifyText(report: report).json.text
                == #"{"v":1,"info_hash":"\#(builder.infoHash)","name":"sample","num_pieces":3,"pieces_right":1,"#
                + #""complete":false,"wrong":[1],"missing":[2],"bad_files":["#
                + #"{"path":"sample/file0","length":20000,"bad_pieces":1},"#
                + #"{"path":"sample/file1","length":20000,"bad_pieces":2}],"reason":"the files end before it"}"#)
    }
}
