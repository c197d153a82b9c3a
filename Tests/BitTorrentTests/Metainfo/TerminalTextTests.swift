import BitTorrent
import Testing

struct TerminalTextTests {
    @Test(arguments: [
        ("plain text 1~", "plain text 1~"), ("größe 大小 😀", "größe 大小 😀"), ("\u{1B}[2J", "\\u{1b}[2J"),
        ("a\r\nb\t", "a\\u{d}\\u{a}b\\u{9}"), ("\u{9B}31m", "\\u{9b}31m"), ("x\u{202E}y", "x\\u{202e}y"),
        ("z\u{200B}\u{FEFF}", "z\\u{200b}\\u{feff}"), ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ("\u{E0041}", "\\u{e0041}"),
        ("\u{7F}\u{0}", "\\u{7f}\\u{0}"),
    ])
    func nothingInvisibleIsLeft(text: String, shown: String) {
        #expect(TerminalText.escaped(text) == shown)
    }

    @Test func bytesThatAreNoTextAreShownAsReplaced() {
        #expect(TerminalText.escaped(bytes: [0x61, 0xFF, 0x1B]) == "a\u{FFFD}\\u{1b}")
    }

    @Test func longTextIsCut() {
        #expect(TerminalText.excerpt("abcdef", limit: 6) == "abcdef")
        #expect(TerminalText.excerpt("abcdefg", limit: 6) == "abcdef…")
        #expect(TerminalText.excerpt("größe", limit: 4) == "grö…")
        #expect(TerminalText.excerpt("ab\u{1B}c", limit: 5) == "ab\\u{…")
    }

    @Test func oneCharacterOfAThousandAccentsIsCutToo() {
        let text = "a" + String(repeating: "\u{301}", count: 1000)
        #expect(text.count == 1)
        #expect(TerminalText.excerpt(text, limit: 200).utf8.count <= 200 + "…".utf8.count)
    }
}
