import BitTorrent
import Testing

@testable import Supervisor

/// What the table at the bottom of a wide terminal looks like; never wider or higher than it may be, whatever it says.
struct ProgressPanelTests {
    private func torrent(_ name: String, pieceCount: Int = 100, have: Range<Int> = 0..<40) -> StatusReport.Torrent {
        var torrent = StatusReportFixture.torrent(name: name)
        var set = PieceSet(pieceCount: pieceCount)
        for index in have { set.insert(PieceIndex(index)) }
        let inFlight = (have.upperBound..<min(pieceCount, have.upperBound + 10)).map { PieceIndex($0) }
        torrent.map = PieceMap(have: set, inFlight: inFlight)
        return torrent
    }

    private func history() -> RateHistory {
        var history = RateHistory()
        for second in 0..<20 { history.note(Double(second) * 1_000_000, atSeconds: Double(second)) }
        return history
    }

    private func table(
        _ torrents: [StatusReport.Torrent], columns: Int, rows: Int = 24, isUTF8: Bool = true
    ) -> [String]? {
        ProgressPanel.lines(
            StatusReportFixture.report(torrents), history: history(),
            shape: TerminalShape(columns: columns, rows: rows, isUTF8: isUTF8, hasColour: true))?.map(\.text)
    }

    @Test func eightyColumnsHaveTheMapsBelow() {
        let cells = String(repeating: "█", count: 32) + String(repeating: "░", count: 8)
        let map = cells + String(repeating: "·", count: 79 - cells.count)
        #expect(
            table([torrent("debian-12.iso"), torrent("a-name-that-is-longer.iso")], columns: 80) == [
                "TORRENT                 DONE            SIZE     DOWN       UP  PEERS       ETA",
                "debian-12.iso          42.3%        1.2/2.8G    35.1M      512     12     1m23s",
                map,
                "a-name-that-is-long…   42.3%        1.2/2.8G    35.1M      512     12     1m23s",
                map,
                "2 torrents             42.3%        2.4/5.7G    70.3M     1.0K     24     1m23s",
                "8 workers, peak 18.1 MiB/s        ▁▂▂▃▃▃▄▄▄▅▅▆▆▆▇▇▇███",
            ])
    }

    @Test func twoHundredColumnsHaveTheMapsBeside() throws {
        let lines = try #require(table([torrent("debian-12.iso", have: 0..<100), torrent("b")], columns: 200))
        #expect(lines.count == 5)
        #expect(lines[1].hasSuffix("1m23s  " + String(repeating: "█", count: 199 - 13 - 59 - 2)))
        #expect(lines[2].count == 199)
        #expect(lines[4].hasPrefix("8 workers, peak") && Array(lines[4])[74] == "▁", "below the maps")
        #expect(lines[2].contains("█░"))
    }

    @Test(arguments: [(0, "░·"), (1, "▒░"), (2, "▓░"), (3, "█░")])
    func aCellOfThreePiecesTellsHowManyAreThere(haveCount: Int, start: String) throws {
        var torrent = torrent("a")
        var have = PieceSet(pieceCount: 79 * 3)
        for index in 0..<haveCount { have.insert(PieceIndex(index)) }
        torrent.map = PieceMap(have: have, inFlight: [PieceIndex(haveCount == 0 ? 2 : 3)])
        let lines = try #require(table([torrent], columns: 80))
        #expect(lines[2] == start + String(repeating: "·", count: 77))
    }

    @Test func asciiTerminalGetsNoOtherLetters() throws {
        let lines = try #require(table([torrent("Füße"), torrent("b")], columns: 80, isUTF8: false))
        #expect(lines.joined().utf8.allSatisfy { $0 < 0x80 })
        #expect(lines[1].hasPrefix("F??e "))
        #expect(lines[2] == String(repeating: "#", count: 32) + "::::::::" + String(repeating: ".", count: 39))
        #expect(lines[6].contains("_..:::---"))
    }

    @Test func narrowOrLowTerminalsHaveNoTable() {
        #expect(table([torrent("a")], columns: 40) == nil)
        #expect(table([torrent("a")], columns: 79) == nil)
        #expect(table([torrent("a")], columns: 80, rows: 11) == nil)
        #expect(table([], columns: 80) == nil)
    }

    @Test func oneTorrentHasNoSum() throws {
        let lines = try #require(table([torrent("a")], columns: 80))
        #expect(lines.count == 4 && !lines.joined().contains("1 torrent"))
    }

    @Test func thoseWithPeersStayAndThoseThatAreDoneGoFirst() throws {
        var torrents = (0..<50).map { torrent("name \($0)") }
        for index in 0..<10 { torrents[index].phase = .seeding }
        for index in 10..<48 { torrents[index].peerCount = 0 }
        let lines = try #require(table(torrents, columns: 80))
        #expect(lines.count == 16)
        #expect(lines[1].hasPrefix("name 10 ") && lines[10].hasPrefix("name 19 "))
        #expect(lines[11].hasPrefix("name 48 ") && lines[12].hasPrefix("name 49 "))
        #expect(lines[13] == "38 more")
        #expect(lines[14].hasPrefix("50 torrents"))
        #expect(try #require(table(torrents, columns: 80, rows: 100)).count == 53, "all, without maps")
        #expect(try #require(table(torrents, columns: 80, rows: 160)).count == 103, "all, with maps")
    }

    @Test func namesAreEscapedAndCutAtTheirWidth() throws {
        let lines = try #require(
            table([torrent("evil \u{1B}[2J\u{7}\n.iso"), torrent("日本語のとても長い名前のファイル.iso")], columns: 80))
        #expect(!lines.joined().unicodeScalars.contains { $0.value < 0x20 })
        #expect(lines[1].hasPrefix(#"evil \u{1b}"#))
        #expect(TextWidth.columns(lines[3]) == 79)
        #expect(lines[3].hasPrefix("日本語のとても長い…"))
    }

    @Test func troubleTakesThePlaceOfTheMap() throws {
        var torrent = torrent("a")
        torrent.phase = .paused
        torrent.trouble = "out/ä.bin: no space left on device (pwritev)"
        for columns in [80, 200] {
            let text = try #require(table([torrent], columns: columns)).joined(separator: "\n")
            #expect(text.contains("paused") && text.contains(torrent.trouble ?? "") && !text.contains("·"))
            let plain = try #require(table([torrent], columns: columns, isUTF8: false)).joined()
            #expect(plain.contains("out/?.bin: no space"))
        }
    }

    @Test func checkingShowsWhatWasLookedAt() throws {
        var torrent = torrent("a")
        torrent.phase = .checking
        torrent.checkedByteCount = 1 << 20
        torrent.checkTotalByteCount = 4 << 20
        let line = try #require(table([torrent], columns: 80))[1]
        #expect(line.contains(" 25.0%") && line.contains(" 1.0/4.0M") && line.hasSuffix(" checking"))
    }

    @Test(arguments: [80, 81, 99, 100, 113, 114, 120, 159, 200, 333, 1000])
    func nothingIsWiderOrHigherThanItMayBe(columns: Int) throws {
        for count in [1, 3, 50] {
            for name in ["", "a", String(repeating: "n", count: 300), String(repeating: "語", count: 50)] {
                for rows in [12, 24, 60] {
                    for isUTF8 in [true, false] {
                        let torrents = (0..<count).map { torrent(name, pieceCount: 1 + 37 * $0, have: 0..<1) }
                        let lines = try #require(table(torrents, columns: columns, rows: rows, isUTF8: isUTF8))
                        #expect(lines.count <= rows * 2 / 3)
                        #expect(lines.allSatisfy { TextWidth.columns($0) < columns })
                        #expect(isUTF8 || lines.joined().utf8.allSatisfy { $0 < 0x80 })
                    }
                }
            }
        }
    }

    @Test func displayTakesTheTableWhereItIsWanted() {
        let shape = TerminalShape(columns: 80, rows: 24, isUTF8: true, hasColour: false)
        func count(_ torrents: [StatusReport.Torrent], _ prefersPanel: Bool, columns: Int = 80) -> Int {
            var shape = shape
            shape.columns = columns
            return ProgressDisplay(prefersPanel: prefersPanel).lines(
                StatusReportFixture.report(torrents), shape: shape
            ).count
        }
        #expect(count([torrent("a")], false) == 1)
        #expect(count([torrent("a")], true) == 4)
        #expect(count([torrent("a"), torrent("b")], false) == 7)
        #expect(count([torrent("a"), torrent("b")], true, columns: 40) == 1)
        #expect(count([StatusReportFixture.torrent()], true) == 1, "verify has no maps")
    }
}

struct PieceMapTests {
    private func map(_ have: [Int], of pieceCount: Int, wanted: [Int]? = nil, inFlight: [Int] = []) -> PieceMap {
        func set(_ members: [Int]) -> PieceSet {
            var set = PieceSet(pieceCount: pieceCount)
            for index in members { set.insert(PieceIndex(index)) }
            return set
        }
        return PieceMap(have: set(have), wanted: wanted.map(set), inFlight: inFlight.map { PieceIndex($0) })
    }

    @Test(arguments: [1, 2, 7, 64, 100, 1000]) func everyPieceIsInOneCell(pieceCount: Int) {
        let have = (0..<pieceCount).filter { $0 % 3 == 0 }
        for cellCount in 1...pieceCount {
            let cells = map(have, of: pieceCount).cells(cellCount)
            #expect(cells.count == cellCount)
            #expect(cells.reduce(0) { $0 + $1.haveCount } == have.count)
            #expect(cells.reduce(0) { $0 + $1.missingCount } == pieceCount - have.count)
        }
    }

    @Test func fewPiecesAreStretched() {
        let cells = map([1], of: 2, inFlight: [0]).cells(5)
        #expect(cells.map(\.haveCount) == [0, 0, 0, 1, 1])
        #expect(cells.map(\.isInFlight) == [true, true, true, false, false])
    }

    @Test func unwantedPiecesAreNotMissing() {
        let cells = map([0, 3], of: 4, wanted: [0, 1]).cells(4)
        #expect(cells.map(\.haveCount) == [1, 0, 0, 1])
        #expect(cells.map(\.missingCount) == [0, 1, 0, 0])
    }

    @Test func theLedgerIsMapped() {
        let geometry = TorrentGeometry(totalByteCount: 10 * 16384, pieceByteCount: 16384)
        var wanted = PieceSet.full(pieceCount: 10)
        wanted.remove(PieceIndex(9))
        var ledger = PieceLedger(geometry: geometry, wanted: wanted)
        ledger.restored(PieceIndex(0))
        ledger.opening(PieceIndex(4), assignment: AssignmentID(1))
        let cells = PieceMap(ledger).cells(10)
        #expect(cells.map(\.haveCount) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(cells.map(\.missingCount) == [0, 1, 1, 1, 1, 1, 1, 1, 1, 0])
        #expect(cells.map(\.isInFlight) == (0..<10).map { $0 == 4 })
    }

    @Test func nothingHasNoCells() { #expect(map([], of: 3).cells(0).isEmpty) }
}

struct RateHistoryTests {
    @Test func thereIsASampleForEachSecond() {
        var history = RateHistory()
        for seconds in [0, 0.25, 0.9, 1, 1.5, 4] { history.note(seconds * 10, atSeconds: seconds) }
        #expect(history.samples == [0, 10, 40, 40, 40])
        history.note(7, atSeconds: 2)
        #expect(history.samples.count == 5, "time goes on")
        history.note(7, atSeconds: 1e9)
        #expect(history.samples == Array(repeating: 7, count: RateHistory.limit))
        for odd in [-1, Double.nan, .infinity] { history.note(9, atSeconds: odd) }
        #expect(history.samples.last == 7)
    }

    @Test func theNewestIsLastAndTheOldestGoFirst() {
        var history = RateHistory()
        #expect(history.sparkline(columns: 3, isUTF8: true) == "")
        for (second, rate) in [0, 100.0, 50, .nan, 0].enumerated() { history.note(rate, atSeconds: Double(second)) }
        #expect(history.sparkline(columns: 7, isUTF8: true) == "▁█▅▁▁")
        #expect(history.sparkline(columns: 4, isUTF8: false) == "#=__")
        #expect(history.peak(columns: 7) == 100 && history.peak(columns: 1) == 0)
        #expect(history.sparkline(columns: -1, isUTF8: true) == "")
    }
}
