import Testing

@testable import Supervisor

struct UserPathTests {
    @Test(arguments: [
        ("a", "."), ("a/b", "a"), ("/a", "/"), ("/a/b", "/a"), ("./a/b.c", "./a"), ("", "."),
    ])
    func parentHoldsWhatThePathNames(path: String, parent: String) {
        #expect(UserPath(path).parent == UserPath(parent))
    }

    @Test(arguments: [
        ("a", ["a"]), ("a/b/c", ["a", "a/b", "a/b/c"]), ("/a/b", ["/a", "/a/b"]), ("/", []), ("", []),
        ("a//b/", ["a", "a//b"]), ("./x", [".", "./x"]),
    ])
    func prefixesAreWhatMustBeMade(path: String, prefixes: [String]) {
        #expect(UserPath(path).prefixes == prefixes.map { UserPath($0) })
    }

    @Test func messagesAreSafeToShow() {
        #expect("\(UserPath("a\u{1B}[31m"))" == "a\\u{1b}[31m")
        #expect("\(UserPath(argument: ArgumentText.encoded([0x2F, 0xFE])) + ".new")" == "/\u{FFFD}.new")
    }
}
