import TestSupport
import Testing

@testable import Supervisor

/// Words of the command line that are no text (a file system takes any bytes for a name).
struct ArgumentTextTests {
    @Test(arguments: ["", "a", "--dir", "größer", "日本語", "e\u{301}", "\u{10FF7F}", "a=b c"])
    func textStaysAsItIs(_ text: String) {
        #expect(ArgumentText.encoded(Array(text.utf8)).unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(ArgumentText.repaired(text) == text)
    }

    private static let odd: [[UInt8]] = [
        [0xFF], [0x61, 0xFF, 0x62], [0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xF0, 0x9F, 0x98, 0x61], [0xC0, 0xAE],
        [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80, 0x80, 0x80],
        // What stands for bytes elsewhere, as a word of its own.
        Array("\u{10FFFF}".utf8), Array("a\u{10FF80}b\u{10FFFE}".utf8), Array("\u{10FFFF}".utf8) + [0xFF],
    ]

    @Test(arguments: odd) func bytesComeBack(_ bytes: [UInt8]) {
        let text = ArgumentText.encoded(bytes)
        #expect(ArgumentText.bytes(of: text) == bytes)
        #expect(ArgumentText.repaired(text) == String(decoding: bytes, as: UTF8.self))
    }

    @Test func noTwoWordsHaveOneText() {
        #expect(ArgumentText.encoded([0xFF]) != ArgumentText.encoded(Array("\u{10FFFF}".utf8)))
    }

    @Test func randomBytesComeBack() {
        var generator = SeededGenerator.printing()
        for _ in 0..<2000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let some = ["a", "ü", "€", "😀", "\u{10FFAB}"].randomElement(using: &generator)!
                if generator.oneIn(2) { bytes += some.utf8 }
                bytes += generator.bytes(Int.random(in: 0...3, using: &generator))
                if generator.oneIn(3) { bytes = bytes.dropLast() }
            }
            #expect(ArgumentText.bytes(of: ArgumentText.encoded(bytes)) == bytes, "\(bytes)")
        }
    }

    @Test func pathsKeepTheirBytesAndAreShownRepaired() throws {
        let word = ArgumentText.encoded([0x61, 0xFF, 0x2F, 0x62])
        let options = try ParsedCommandLine().download(word, "-d", word, "--state-dir=\(word)", "--log", word)
        let path = UserPath(argument: word)
        #expect(options.torrents == [path] && options.directory == path)
        #expect(options.stateDirectory == path && options.output.logFile == path)
        let bytes = path.withCString { pointer in (0..<5).map { UInt8(bitPattern: pointer[$0]) } }
        #expect(bytes == [0x61, 0xFF, 0x2F, 0x62, 0])
        #expect(path.description == "a\u{FFFD}/b" && path.text == "a\u{FFFD}/b")
        #expect(try ParsedCommandLine().verify(word, "--dir=\(word)").directory == path)
    }

    @Test func whatIsNoPathIsRepairedBeforeItIsShown() {
        let word = ArgumentText.encoded([0x61, 0xFF])
        #expect {
            try ParsedCommandLine().parse("a", "--workers", word)
        } throws: {
            "\($0)" == "--workers: \"a\u{FFFD}\" is not a whole number (1 to 256)"
        }
        #expect {
            try ParsedCommandLine().parse("a", "--\(word)")
        } throws: {
            "\($0)".contains("--a\u{FFFD}")
        }
    }

    /// There a character is what it says.
    @Test func environmentAndFileMeanWhatTheySay() throws {
        let name = "\u{10FFFF}"
        let byEnvironment = try ParsedCommandLine(environment: ["SWARMKEEPER_DIR": name]).download("a")
        #expect(byEnvironment.directory == UserPath(name))
        #expect(try ParsedCommandLine(configuration: "dir = \(name)").download("a").directory == UserPath(name))
    }
}
