import PoolProtocol
import Testing

@testable import Supervisor

/// Golden lines at usual widths; a line is never wider than its terminal, whatever it says.
struct ProgressLineTests {
    let report = StatusReportFixture.report()

    @Test func wideTerminalShowsEverythingInWords() {
        #expect(
            line(200)
                == "debian-12.iso  42.3%  1.2/2.8 GiB  down 35.1 MiB/s  up 512 B/s  12 peers  5024/11879 pieces  "
                + "8 workers  ETA 1m23s")
    }

    @Test func hundredColumnsShowEverything() {
        #expect(
            line(100)
                == "debian-12.iso 42.3% 1.2/2.8 GiB DL:35.1M UL:512 12 peers 5024/11879 pcs 8 workers ETA 1m23s")
    }

    @Test func eightyColumnsShowEverythingInShort() {
        #expect(line(80) == "debian-12.iso 42.3% 1.2/2.8G DL:35.1M UL:512 12p 5024/11879 8w 1m23s")
    }

    @Test func fortyColumnsShowWhatMattersMost() {
        #expect(line(40) == "debian-1… 42.3% 1.2/2.8G DL:35.1M 1m23s")
    }

    @Test func twentyColumnsShowTheShare() { #expect(line(20) == "debian-12.iso 42.3%") }

    @Test(arguments: 0...220) func noLineIsWiderThanItsTerminal(columns: Int) {
        var names = [
            "", "a", "debian-12.iso", String(repeating: "n", count: 300), "日本語のとても長い名前のファイル.iso", "e\u{301}e\u{301}",
        ]
        names.append(names.joined())
        for name in names {
            for phase in [StatusReport.Phase.checking, .hashing, .downloading, .seeding, .stopping, .paused] {
                for trouble in [nil, "out/file.bin: pwritev: No space left on device"] {
                    var torrent = StatusReportFixture.torrent(name: name)
                    torrent.phase = phase
                    torrent.trouble = trouble
                    for isUTF8 in [true, false] {
                        let text = ProgressLine.text(
                            StatusReportFixture.report([torrent]), columns: columns, isUTF8: isUTF8)
                        #expect(TextWidth.columns(text) <= max(0, columns - 1), "\(text)")
                        #expect(isUTF8 || text.utf8.allSatisfy { $0 < 0x80 }, "\(text)")
                    }
                }
            }
        }
    }

    @Test func plainLineIsWhole() {
        #expect(
            ProgressLine.text(report, columns: nil, isUTF8: true)
                == "debian-12.iso: 42.3%  1.2/2.8 GiB  down 35.1 MiB/s  up 512 B/s  12 peers  5024/11879 pieces  "
                + "8 workers  ETA 1m23s")
    }

    @Test func asciiTerminalGetsNoOtherLetters() {
        let report = StatusReportFixture.report([StatusReportFixture.torrent(name: "Füße über Äcker.bin")])
        #expect(
            ProgressLine.text(report, columns: 70, isUTF8: false)
                == "F??e ?ber ?... 42.3% 1.2/2.8G DL:35.1M UL:512 12p 5024/11879 8w 1m23s")
    }

    @Test func missingWorkersShow() {
        let report = StatusReportFixture.report(readyWorkers: 7)
        #expect(ProgressLine.text(report, columns: 200, isUTF8: true).contains("7/8 workers"))
        #expect(ProgressLine.text(report, columns: 80, isUTF8: true).contains(" 7/8w "))
    }

    @Test func unknownEndIsSaid() {
        var torrent = StatusReportFixture.torrent()
        torrent.secondsLeft = nil
        #expect(
            ProgressLine.text(StatusReportFixture.report([torrent]), columns: nil, isUTF8: true).hasSuffix("ETA --"))
    }

    @Test func checkingShowsWhatWasLookedAt() {
        var torrent = StatusReportFixture.torrent()
        torrent.phase = .checking
        torrent.checkedByteCount = 1 << 20
        torrent.checkTotalByteCount = 4 << 20
        #expect(
            ProgressLine.text(StatusReportFixture.report([torrent]), columns: 80, isUTF8: true)
                == "debian-12.iso  checking 25.0%  1.0/4.0 MiB  8 workers")
        let alone = StatusReport(torrents: [torrent], workers: [], secondsSinceStart: 1, restartCount: 0)
        #expect(
            ProgressLine.text(alone, columns: nil, isUTF8: true) == "debian-12.iso: checking 25.0%  1.0/4.0 MiB")
    }

    @Test func troubleTakesThePlaceOfRates() {
        var torrent = StatusReportFixture.torrent()
        torrent.phase = .paused
        torrent.trouble = "a.bin: pwritev: No space left on device"
        #expect(
            ProgressLine.text(StatusReportFixture.report([torrent]), columns: nil, isUTF8: true)
                == "debian-12.iso: 42.3%  paused: a.bin: pwritev: No space left on device  1.2/2.8 GiB")
    }

    @Test func severalTorrentsAreSummedUp() {
        var second = StatusReportFixture.torrent(name: "other")
        second.completedByteCount = second.totalByteCount
        second.phase = .seeding
        second.secondsLeft = 0
        second.downloadRate = 0
        let report = StatusReportFixture.report([StatusReportFixture.torrent(), second])
        #expect(
            ProgressLine.text(report, columns: nil, isUTF8: true)
                == "2 torrents: 71.1%  4.1/5.7 GiB  down 35.1 MiB/s  up 1.0 KiB/s  24 peers  10048/23758 pieces  "
                + "8 workers  ETA 1m23s")
        var stuck = second
        stuck.completedByteCount = 0
        stuck.secondsLeft = nil
        #expect(Overview(StatusReportFixture.report([StatusReportFixture.torrent(), stuck])).secondsLeft == nil)
    }

    @Test func lastLineSaysHowItWent() {
        #expect(
            ProgressLine.summary(report, code: .interrupted)
                == "debian-12.iso: stopped at 42.3%, 1.2/2.8 GiB, 1.2 GiB fetched in 36s, 34.8 MiB/s on average, "
                + "4.0 KiB uploaded at 113 B/s on average, ratio 0.34, 16.0 KiB wasted, 1 worker restart")
        #expect(
            ProgressLine.summary(report, code: .complete)
                == "debian-12.iso: complete, 2.8 GiB, 1.2 GiB fetched in 36s, 34.8 MiB/s on average, "
                + "4.0 KiB uploaded at 113 B/s on average, ratio 0.34, 16.0 KiB wasted, 1 worker restart")
    }

    @Test func emptyReportsAreShownToo() {
        let empty = StatusReport(torrents: [], workers: [], secondsSinceStart: 0, restartCount: 0)
        #expect(ProgressLine.text(empty, columns: nil, isUTF8: true).hasPrefix("0 torrents: 100.0%"))
        #expect(ProgressLine.summary(empty, code: .internalError).contains("0 B/s on average"))
    }

    private func line(_ columns: Int) -> String { ProgressLine.text(report, columns: columns, isUTF8: true) }
}
