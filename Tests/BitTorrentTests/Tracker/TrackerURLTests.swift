import BitTorrent
import Testing

struct TrackerURLTests {
    @Test(arguments: [
        ("http://tracker.example/announce", TrackerURL.Scheme.http, "http://tracker.example"),
        ("HTTPS://Tracker.Example:8443/a?b=c", .https, "https://tracker.example:8443"),
        ("udp://tracker.example:6969", .udp, "udp://tracker.example:6969"),
        ("http://[2001:DB8::1]:80/announce", .http, "http://[2001:db8::1]:80"),
        ("http://[::1]/announce", .http, "http://[::1]"),
        ("http://tracker.example:/announce", .http, "http://tracker.example"),
        ("http://tracker.example?info", .http, "http://tracker.example"),
    ])
    func schemeAndOriginAreRead(text: String, scheme: TrackerURL.Scheme, origin: String) throws {
        let tracker = try TrackerURL(text)
        #expect(tracker.scheme == scheme)
        #expect(tracker.origin == origin)
        #expect(tracker.text == text)
    }

    @Test(arguments: [
        "http://user:secret@tracker.example/passkey/announce", "http://us@er:secret@tracker.example/a?passkey",
    ])
    func descriptionNamesNoSecret(text: String) throws {
        #expect("\(try TrackerURL(text))" == "http://tracker.example")
    }

    @Test func spaceAroundAndFragmentAreRemoved() throws {
        #expect(try TrackerURL(" \thttp://tracker.example/announce#top\r\n").text == "http://tracker.example/announce")
    }

    @Test(arguments: [
        ("", TrackerURLError.empty), (" \n", .empty),
        ("file:///etc/passwd", .unsupportedScheme), ("javascript:alert(1)", .unsupportedScheme),
        ("http:tracker", .unsupportedScheme),
        ("tracker.example/announce", .unsupportedScheme), ("ftp://tracker.example/", .unsupportedScheme),
        ("wss://t.example", .unsupportedScheme),
        ("http://", .noHost), ("http:///announce", .noHost), ("http://user@/announce", .noHost),
        ("http://:80/", .noHost),
        ("http://[]/", .noHost), ("http://[::1/announce", .noHost),
        ("http://t.example:0/", .badPort), ("http://t.example:65536/", .badPort), ("http://t.example:8x/", .badPort),
        ("http://t.example:+80/", .badPort), ("http://[::1]80/", .badPort),
        ("http://t.example/a b", .illegalCharacter), ("http://t.example/a\nHost: x", .illegalCharacter),
        ("http://t.example\\@x/", .illegalCharacter),
        ("http://t.example/\u{0}", .illegalCharacter), ("http://t.example/\u{7f}", .illegalCharacter),
        ("http://t.example/" + String(repeating: "a", count: 4096), .tooLong),
    ])
    func whatIsNoTrackerIsRejectedByName(text: String, error: TrackerURLError) {
        #expect(throws: error) { try TrackerURL(text) }
    }
}
