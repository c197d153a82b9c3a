import BitTorrent
import Glibc
import TestSupport
import Testing

@testable import Supervisor

struct TerminalScreenTests {
    private let erase = "\r\u{1B}[K"

    @Test func messagesScrollAboveTheStatus() {
        var screen = TerminalScreen()
        func update(_ lines: String, _ status: String) -> String {
            let status = ScreenStatus(lines: status.isEmpty ? [] : [ScreenLine(status)])
            return String(decoding: screen.update(lines: Array(lines.utf8), status: status), as: UTF8.self)
        }
        #expect(update("a\n", "") == "a\n")
        #expect(update("", "10%") == "10%")
        #expect(update("", "10%") == "")
        #expect(update("", "9%") == erase + "9%")
        #expect(update("b\nc\n", "9%") == erase + "b\nc\n9%")
        #expect(update("d\n", "") == erase + "d\n")
        #expect(update("e\n", "") == "e\n")
    }

    /// A terminal that knows what the screen uses, and breaks long lines anew when its width changes.
    private struct Model {
        /// Rows, each with whether it goes on in the next one.
        var lines: [String] = [""]
        var line = 0
        var columns: Int
        private var column = 0

        init(columns: Int) { self.columns = columns }

        mutating func write(_ bytes: [UInt8]) {
            var rest = Substring(String(decoding: bytes, as: UTF8.self))
            while let letter = rest.popFirst() {
                switch letter {
                case "\r": column = 0
                case "\n":
                    line += 1
                    column = 0
                    if line == lines.count { lines.append("") }
                case "\u{1B}":
                    let sequence = rest.prefix { !$0.isLetter }.dropFirst()
                    rest = rest.drop { !$0.isLetter }
                    switch rest.popFirst() {
                    case "A": line = max(0, line - (Int(sequence) ?? 1))
                    case "K": lines[line] = String(lines[line].prefix(column))
                    case "J":
                        lines[line] = String(lines[line].prefix(column))
                        lines.removeSubrange((line + 1)...)
                    default: break
                    }
                default:
                    var letters = Array(lines[line])
                    if column < letters.count { letters[column] = letter } else { letters.append(letter) }
                    lines[line] = String(letters)
                    column += 1
                }
            }
        }

        mutating func narrow(to columns: Int) {
            self.columns = columns
            lines = lines.flatMap { line -> [String] in
                stride(from: 0, to: max(1, line.count), by: columns).map {
                    String(line.dropFirst($0).prefix(columns))
                }
            }
            line = lines.count - 1
            column = lines[line].count
        }
    }

    @Test func manyLinesStandStillWhileMessagesScroll() {
        var (screen, model) = (TerminalScreen(), Model(columns: 20))
        func show(_ message: String, _ status: [String]) {
            let status = ScreenStatus(lines: status.map { ScreenLine($0) }, columns: model.columns)
            model.write(screen.update(lines: Array(message.utf8), status: status))
        }
        show("a\n", ["one", "two", "three"])
        #expect(model.lines == ["a", "one", "two", "three"])
        show("", ["1", "2", "3"])
        #expect(model.lines == ["a", "1", "2", "3"])
        show("b\nc\n", ["one", "two", "three"])
        #expect(model.lines == ["a", "b", "c", "one", "two", "three"])
        show("", ["one", "2"])
        #expect(model.lines == ["a", "b", "c", "one", "2"])
        show("", ["line"])
        #expect(model.lines == ["a", "b", "c", "line"])
        show("", ["one", "two"])
        #expect(model.lines == ["a", "b", "c", "one", "two"])
        show("d\n", [])
        #expect(model.lines == ["a", "b", "c", "d", ""])
    }

    @Test func aNarrowerWindowLeavesNothingBehind() {
        var (screen, model) = (TerminalScreen(), Model(columns: 20))
        let wide = [String(repeating: "x", count: 19), "short", String(repeating: "y", count: 19)]
        model.write(
            screen.update(
                lines: Array("log\n".utf8), status: ScreenStatus(lines: wide.map { ScreenLine($0) }, columns: 20)))
        model.narrow(to: 8)
        #expect(model.lines.count == 8)
        model.write(screen.update(lines: [], status: ScreenStatus(lines: [ScreenLine("n")], columns: 8)))
        #expect(model.lines == ["log", "n"])
    }

    @Test func linesInPlaceAreNotErasedFirst() {
        var screen = TerminalScreen()
        func update(_ text: String) -> String {
            let status = ScreenStatus(lines: [ScreenLine(text), ScreenLine("z")])
            return String(decoding: screen.update(lines: [], status: status), as: UTF8.self)
        }
        _ = update("a")
        #expect(update("b") == "\r\u{1B}[1Ab\u{1B}[K\nz\u{1B}[K\u{1B}[J")
        #expect(update("b") == "")
    }

    @Test func stylesEndWithTheirRun() {
        var line = ScreenLine("a")
        line.append("b")
        line.append("c", .accent)
        line.append("d", .dim)
        #expect(line.text == "abcd" && line.columns == 4 && line.runs.count == 3)
        #expect(line.rendered(hasColour: false) == "abcd")
        #expect(line.rendered(hasColour: true) == "ab\u{1B}[36mc\u{1B}[m\u{1B}[2md\u{1B}[m")
    }

    @Test(arguments: [([:], true), (["NO_COLOR": "1"], false), (["NO_COLOR": ""], true), (["TERM": "dumb"], false)])
    func coloursAreForTerminalsThatWantThem(environment: [String: String], hasColour: Bool) throws {
        var (ours, theirs): (CInt, CInt) = (-1, -1)
        var size = winsize(ws_row: 30, ws_col: 90, ws_xpixel: 0, ws_ypixel: 0)
        try #require(openpty(&ours, &theirs, nil, nil, &size) == 0)
        defer { for end in [ours, theirs] { close(end) } }
        let terminal = Terminal(descriptor: theirs, environment: environment)
        #expect(
            terminal.shape == TerminalShape(columns: 90, rows: 30, isUTF8: false, hasColour: hasColour))
        #expect(!Terminal(descriptor: -1, environment: environment).hasColour)
    }

    @Test func progressHasItsPace() {
        var clock = FakeClock()
        var pace = ProgressPace(every: .seconds(1))
        func isDue() -> Bool { pace.isDue(now: clock.now) }
        #expect(isDue())
        #expect(!isDue())
        #expect(pace.nextDeadline == clock.now + .seconds(1))
        clock.advance(by: .milliseconds(999))
        #expect(!isDue())
        clock.advance(by: .seconds(10))
        #expect(isDue())
        #expect(!isDue(), "no burst after a pause")
    }

    @Test func nobodyAsksForProgressOfNothing() {
        var pace = ProgressPace(every: nil)
        let isDue = pace.isDue(now: FakeClock().now)
        #expect(!isDue)
        #expect(pace.nextDeadline == .distantFuture)
    }

    @Test(arguments: [
        ("", 0), ("abc", 3), ("ü", 1), ("e\u{301}", 1), ("日本", 4), ("😀", 2), ("ｆ", 2), ("한", 2),
    ])
    func wideLettersTakeTwoColumns(text: String, columns: Int) { #expect(TextWidth.columns(text) == columns) }

    @Test func textIsCutAtLetters() {
        #expect(TextWidth.fitted("abcdef", columns: 6, isUTF8: true) == "abcdef")
        #expect(TextWidth.fitted("abcdef", columns: 5, isUTF8: true) == "abcd…")
        #expect(TextWidth.fitted("abcdef", columns: 5, isUTF8: false) == "ab...")
        #expect(TextWidth.fitted("日本語", columns: 4, isUTF8: true) == "日…")
        #expect(TextWidth.fitted("e\u{301}e\u{301}e\u{301}", columns: 2, isUTF8: true) == "e\u{301}…")
        #expect(TextWidth.fitted("abcdef", columns: 2, isUTF8: false) == "ab")
        #expect(TextWidth.fitted("abcdef", columns: 0, isUTF8: true) == "")
    }

    @Test(arguments: [
        (["LANG": "de_DE.UTF-8"], true), (["LANG": "C.utf8"], true), (["LANG": "C"], false), ([:], false),
        (["LANG": "de_DE.UTF-8", "LC_ALL": "C"], false), (["LANG": "C", "LC_CTYPE": "en_GB.UTF-8"], true),
        (["LANG": "C", "LC_ALL": "", "LC_CTYPE": "de_DE.UTF-8@euro"], true), (["LANG": "de_DE.ISO-8859-1"], false),
    ])
    func localeSaysWhetherUTF8IsShown(environment: [String: String], isUTF8: Bool) {
        #expect(Terminal.isUTF8(environment) == isUTF8)
    }
}
