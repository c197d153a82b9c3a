import Testing

@testable import Supervisor

struct WordSplitterTests {
    @Test(
        arguments: [
            ("", []), ("  ", []), ("a", ["a"]), (" a  b\t\nc ", ["a", "b", "c"]),
            ("'a b' c", ["a b", "c"]), ("\"a b\"c d", ["a bc", "d"]), ("a\\ b", ["a b"]), ("''", [""]),
            ("a '' b", ["a", "", "b"]),
            ("'a\\b'", ["a\\b"]), ("\"a\\\"b\"", ["a\"b"]), ("\"a\\\\b\"", ["a\\b"]), ("\"a\\nb\"", ["a\\nb"]),
            ("'\"'", ["\""]), ("\"'\"", ["'"]), ("$HOME *", ["$HOME", "*"]),
            (
                "strace -D -f -qq -o /dev/null -e inject=pwrite64:error=ENOSPC:when=3",
                ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject=pwrite64:error=ENOSPC:when=3"]
            ),
        ] as [(String, [String])])
    func wordsAreThoseOfAShell(text: String, words: [String]) throws {
        #expect(try WordSplitter.words(text) == words)
    }

    @Test func whatIsLeftOpenIsRefused() {
        #expect(throws: WordSplitter.Refusal.unclosedQuote) { try WordSplitter.words("a 'b") }
        #expect(throws: WordSplitter.Refusal.unclosedQuote) { try WordSplitter.words("\"") }
        #expect(throws: WordSplitter.Refusal.nothingAfterBackslash) { try WordSplitter.words("a \\") }
    }
}
