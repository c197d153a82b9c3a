import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

struct TerminalScreenTests {
    private let erase = "\r\u{1B}[K"

    @Test func messagesScrollAboveTheStatus() {
        var screen = TerminalScreen()
        func update(_ lines: String, _ status: String) -> String {
            String(decoding: screen.update(lines: Array(lines.utf8), status: status), as: UTF8.self)
        }
        #expect(update("a\n", "") == "a\n")
        #expect(update("", "10%") == "10%")
        #expect(update("", "10%") == "")
        #expect(update("", "9%") == erase + "9%")
        #expect(update("b\nc\n", "9%") == erase + "b\nc\n9%")
        #expect(update("d\n", "") == erase + "d\n")
        #expect(update("e\n", "") == "e\n")
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
