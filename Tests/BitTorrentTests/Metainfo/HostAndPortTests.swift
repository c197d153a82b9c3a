import BitTorrent
import Testing

struct HostAndPortTests {
    @Test(
        arguments: [
            ("192.0.2.1:6881", "192.0.2.1", 6881), ("[2001:DB8::1]:1", "2001:db8::1", 1),
            ("a-b.Example:65535", "a-b.example", 65535),
            ("[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", 80),
        ] as [(String, String, UInt16)])
    func hostAndPortAreRead(text: String, host: String, port: UInt16) throws {
        let endpoint = try #require(HostAndPort(text))
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(HostAndPort(endpoint.description) == endpoint)
    }

    @Test(arguments: [
        "", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "host:1x", "ho st:1", "host:1:2", "[::1]",
        "[::1:1",
        "::1:1", "[host]:1", "[fe80::1%eth0]:1", "user@host:1", "host:+1", "http://host:1", "ho\u{0}st:1", "höst:1",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(HostAndPort(text) == nil)
    }
}
