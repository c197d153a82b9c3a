import Testing

@testable import Supervisor

/// Where a server may send us (faults.md, R32). 127.0.0.2 plays a public address here.
struct HTTPClientRedirectTests {
    private func talkWithPublicAddress() throws -> HTTPClientConversation {
        try HTTPClientConversation { $0.targets = HTTPTargetRule { $0 != [127, 0, 0, 2] } }
    }

    @Test func fiveRedirectsAreFollowedAndSixAreNot() throws {
        let server = try ScriptedHTTPServer { visit in
            let hop = Int(visit.request.split(separator: " ")[1].dropFirst("/announce".count)) ?? 0
            if hop == 0 { visit.answer("x") } else { visit.redirect(to: "/announce\(hop - 1)") }
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.get(server.url("/announce5")).get() == HTTPResponse(status: 200, body: Array("x".utf8)))
        #expect(try talk.failure(server.url("/announce6"))?.reason == .tooManyRedirects(limit: 5))
    }

    @Test func redirectLoopEnds() throws {
        let server = try ScriptedHTTPServer { $0.redirect(to: "/announce") }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .tooManyRedirects(limit: 5))
        #expect(server.requests.count == 6)
    }

    @Test(arguments: [
        "file:///etc/hostname", "ftp://127.0.0.1/announce", "dict://127.0.0.1:11211/stats", "unix:///run/docker.sock",
        "file:/etc/hostname",
        "gopher://127.0.0.1:6379/_x", "ldap://127.0.0.1/announce",
    ])
    func redirectToAnotherSchemeIsRefused(location: String) throws {
        let server = try ScriptedHTTPServer { $0.redirect(to: location) }
        let talk = try HTTPClientConversation()
        let failure = try #require(try talk.failure(server.url()))
        #expect(failure.reason == .schemeRefused)
        #expect(failure.description.hasSuffix(": only http and https are followed"))
        #expect(!failure.description.contains("hostname"))
    }

    @Test func redirectFromAPublicToALocalAddressIsRefusedBeforeItConnects() throws {
        let local = try ScriptedHTTPServer { $0.answer("secret") }
        let target = local.url()
        let open = try ScriptedHTTPServer(host: "127.0.0.2") { $0.redirect(to: target) }
        let talk = try talkWithPublicAddress()
        let failure = try #require(try talk.failure(open.url(host: "127.0.0.2")))
        #expect(failure.reason == .targetRefused(.localAfterPublic))
        #expect(failure.origin == "http://127.0.0.1:\(local.port)")
        #expect(local.requests == [])
    }

    @Test func redirectFromALocalToAPublicAddressAndBetweenLocalOnesIsFollowed() throws {
        let open = try ScriptedHTTPServer(host: "127.0.0.2") { $0.answer("open") }
        let target = open.url("/anything", host: "127.0.0.2")
        let second = try ScriptedHTTPServer { $0.redirect(to: target) }
        let secondURL = second.url("/key/announce.php")
        let first = try ScriptedHTTPServer { $0.redirect(to: secondURL) }
        let talk = try talkWithPublicAddress()
        #expect(try talk.get(first.url()).get().body == Array("open".utf8))
    }

    @Test func onlyAnnouncePathsAreAskedForOnLocalAddresses() throws {
        let server = try ScriptedHTTPServer { visit in
            if visit.request.contains("/announce ") {
                visit.redirect(to: "/shutdown?x=/announce")
            } else {
                visit.answer("done")
            }
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url("/shutdown"))?.reason == .targetRefused(.localPath))
        #expect(try talk.failure(server.url("/announce/.."))?.reason == .targetRefused(.localPath))
        #expect(server.requests == [])
        #expect(try talk.failure(server.url())?.reason == .targetRefused(.localPath))
        #expect(server.requests.count == 1)
    }

    @Test func redirectBodyWithoutEndIsNotRead() throws {
        let server = try ScriptedHTTPServer { visit in
            if visit.request.contains("/announce2") { return visit.answer("x") }
            visit.send("HTTP/1.1 302 Found\r\nLocation: /announce2\r\n\r\n")
            let block = [UInt8](repeating: 0x64, count: 64 << 10)
            while visit.send(block) {}
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.get(server.url()).get().body == Array("x".utf8))
    }

    @Test func credentialsOfTheURLDoNotTravelToAnotherHost() throws {
        let other = try ScriptedHTTPServer(host: "127.0.0.2") { $0.answer("x") }
        let target = other.url(host: "127.0.0.2")
        let server = try ScriptedHTTPServer { $0.redirect(to: target) }
        let talk = try HTTPClientConversation()
        _ = try talk.get("http://user:secret@127.0.0.1:\(server.port)/announce").get()
        #expect(try #require(server.requests.first).contains("Authorization: Basic"))
        #expect(!(try #require(other.requests.first).contains("Authorization")))
    }

    @Test(
        arguments: [
            ([127, 0, 0, 1], true), ([10, 1, 2, 3], true), ([172, 16, 0, 1], true), ([172, 32, 0, 1], false),
            ([192, 168, 0, 1], true), ([192, 169, 0, 1], false), ([169, 254, 169, 254], true), ([100, 64, 0, 1], true),
            ([100, 128, 0, 1], false), ([0, 0, 0, 0], true), ([224, 0, 0, 1], true), ([8, 8, 8, 8], false),
            ([192, 0, 2, 1], false),
        ] as [([UInt8], Bool)])
    func localIPv4AddressesAreKnown(address: [UInt8], isLocal: Bool) {
        #expect(HTTPTargetRule.isLocalAddress(address) == isLocal)
        let zeros = [UInt8](repeating: 0, count: 10)
        #expect(HTTPTargetRule.isLocalAddress(zeros + [0xFF, 0xFF] + address) == isLocal, "mapped")
        #expect(HTTPTargetRule.isLocalAddress([0, 0x64, 0xFF, 0x9B] + zeros.prefix(8) + address) == isLocal, "NAT64")
        #expect(HTTPTargetRule.isLocalAddress([0x20, 0x02] + address + zeros) == isLocal, "6to4")
    }

    @Test(
        arguments: [
            ([0x20, 0x01, 0x0D, 0xB8], 1, false), ([0, 0, 0, 0], 1, true), ([0, 0, 0, 0], 0, true),
            ([0xFD, 0, 0, 0], 1, true),
            ([0xFC, 0, 0, 0], 1, true), ([0xFE, 0x80, 0, 0], 1, true), ([0xFE, 0xC0, 0, 0], 1, true),
            ([0xFF, 2, 0, 0], 1, true),
            ([0x2A, 0, 0, 0], 1, false),
        ] as [([UInt8], UInt8, Bool)])
    func localIPv6AddressesAreKnown(head: [UInt8], last: UInt8, isLocal: Bool) {
        #expect(HTTPTargetRule.isLocalAddress(head + [UInt8](repeating: 0, count: 11) + [last]) == isLocal)
    }

    @Test(arguments: [
        ("/announce", true), ("/announce.php", true), ("/key/announce", true), ("/", false), ("", false),
        ("/announce/", false),
        ("/announce/x", false), ("/xannounce", false), ("/shutdown", false), ("/key/scrape.php", true),
        ("/xscrape", false),
    ])
    func pathsOfTrackersAreKnown(path: String, isTracker: Bool) {
        #expect(HTTPTargetRule.isTrackerPath(path) == isTracker)
    }
}
