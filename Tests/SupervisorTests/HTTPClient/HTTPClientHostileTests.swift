import Testing

@testable import Supervisor

/// Servers that are slow, endless, lying or gone (faults.md, R30-R32).
struct HTTPClientHostileTests {
    @Test func oneByteNowAndThenMeetsTheDeadline() throws {
        let server = try ScriptedHTTPServer { visit in
            visit.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while visit.clientStays(milliseconds: 50), visit.send("x") {}
        }
        let talk = try HTTPClientConversation { $0.deadline = .seconds(1) }
        let clock = ContinuousClock()
        let started = clock.now
        #expect(try talk.failure(server.url())?.reason == .timedOut(after: .seconds(1)))
        #expect(clock.now - started < .seconds(10))
    }

    @Test func silentServerMeetsTheDeadline() throws {
        let server = try ScriptedHTTPServer { _ = $0.clientStays() }
        let talk = try HTTPClientConversation { $0.deadline = .seconds(1) }
        #expect(try talk.failure(server.url())?.reason == .timedOut(after: .seconds(1)))
    }

    @Test func bodyWithoutEndMeetsTheSizeLimit() throws {
        let server = try ScriptedHTTPServer { visit in
            visit.send("HTTP/1.1 200 OK\r\n\r\n")
            let block = [UInt8](repeating: 0x64, count: 64 << 10)
            while visit.send(block) {}
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .bodyTooLarge(limit: 1 << 20))
    }

    @Test func announcedBodyOfTwoMebibytesIsRefused() throws {
        let server = try ScriptedHTTPServer { $0.answer([UInt8](repeating: 0x64, count: 2 << 20)) }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .bodyTooLarge(limit: 1 << 20))
    }

    @Test func bodyOfExactlyTheLimitIsTaken() throws {
        let server = try ScriptedHTTPServer { $0.answer([UInt8](repeating: 0x64, count: 1 << 20)) }
        let talk = try HTTPClientConversation()
        #expect(try talk.get(server.url()).get().body.count == 1 << 20)
    }

    @Test func headersWithoutEndMeetTheirLimit() throws {
        let server = try ScriptedHTTPServer { visit in
            visit.send("HTTP/1.1 200 OK\r\n")
            let line = "X-Filler: " + String(repeating: "x", count: 1000) + "\r\n"
            while visit.send(line) {}
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .headersTooLarge(limit: 64 << 10))
    }

    @Test func lengthLargerThanTheBodyIsCutShort() throws {
        let server = try ScriptedHTTPServer {
            $0.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nd8:intervali60ee")
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .cutShort)
    }

    @Test func lengthSmallerThanTheBodyEndsIt() throws {
        let server = try ScriptedHTTPServer { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n4:spam") }
        let talk = try HTTPClientConversation()
        #expect(try talk.get(server.url()).get().body == Array("4:sp".utf8))
    }

    @Test(arguments: ["-1", "99999999999999999999999", "abc"])
    func senselessLengthIsNoCrash(length: String) throws {
        let server = try ScriptedHTTPServer { $0.send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\nde") }
        let talk = try HTTPClientConversation()
        _ = try talk.get(server.url())
    }

    @Test func chunkSizeOverflowIsAnError() throws {
        let server = try ScriptedHTTPServer {
            $0.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nde\r\n0\r\n\r\n")
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url()) != nil)
    }

    @Test func answerThatIsNoHTTPIsAnError() throws {
        let server = try ScriptedHTTPServer { $0.send("SSH-2.0-OpenSSH_9.2\r\n") }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url()) != nil)
    }

    @Test func closeWithoutAnswerIsAnError() throws {
        let server = try ScriptedHTTPServer { _ in }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.origin == "http://127.0.0.1:\(server.port)")
    }

    @Test func gzipIsDecoded() throws {
        let server = try ScriptedHTTPServer {
            $0.answer(Gzip.stored(Array("d8:intervali60ee".utf8)), headers: Gzip.header)
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.get(server.url()).get().body == Array("d8:intervali60ee".utf8))
    }

    @Test func gzipBombMeetsTheSizeLimit() throws {
        let bomb = Gzip.zeros(mebibytes: 64)
        #expect(bomb.count < 1 << 20, "the bomb itself passes")
        let server = try ScriptedHTTPServer { $0.answer(bomb, headers: Gzip.header) }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .bodyTooLarge(limit: 1 << 20))
    }

    @Test func gzipThatDecodesToNothingMeetsTheSizeLimitToo() throws {
        let server = try ScriptedHTTPServer { visit in
            visit.send("HTTP/1.1 200 OK\r\n\(Gzip.header)\r\n")
            visit.send(Gzip.head)
            let emptyBlock: [UInt8] = [0, 0, 0, 0xFF, 0xFF]
            let many = (0..<4096).flatMap { _ in emptyBlock }
            while visit.send(many) {}
        }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .bodyTooLarge(limit: 1 << 20))
    }

    @Test func damagedGzipIsAnError() throws {
        let server = try ScriptedHTTPServer { $0.answer(Array("no gzip at all".utf8), headers: Gzip.header) }
        let talk = try HTTPClientConversation()
        #expect(try talk.failure(server.url())?.reason == .badEncoding)
    }

    @Test func closedPortIsRefusedWithTheSystemsReason() throws {
        let port = try ScriptedHTTPServer.closedPort()
        let talk = try HTTPClientConversation()
        let failure = try #require(try talk.failure("http://127.0.0.1:\(port)/announce"))
        #expect(failure.description == "http://127.0.0.1:\(port): cannot connect (Connection refused)")
    }

    @Test func unknownNameIsNamed() throws {
        // Longer than a label may be (RFC 1035), so that no name server is asked.
        let name = String(repeating: "a", count: 64) + ".invalid"
        let talk = try HTTPClientConversation()
        let failure = try #require(try talk.failure("http://\(name)/announce"))
        #expect(failure.description == "http://\(name):80: cannot resolve the name")
    }

    @Test(arguments: [
        "file:///etc/hostname", "ftp://127.0.0.1/announce", "gopher://127.0.0.1:1/announce", "http://", ":", "",
    ])
    func otherSchemesAndSenselessURLsAreRefused(url: String) throws {
        let talk = try HTTPClientConversation()
        let reason = try talk.failure(url)?.reason
        #expect(reason == .schemeRefused || reason == .badURL)
    }

    @Test func failuresShowNoCredentialsAndNoPasskeys() throws {
        let port = try ScriptedHTTPServer.closedPort()
        let talk = try HTTPClientConversation()
        let failure = try #require(try talk.failure("http://user:secret@127.0.0.1:\(port)/passkey/announce?passkey"))
        #expect(failure.description == "http://127.0.0.1:\(port): cannot connect (Connection refused)")
    }
}

/// Just enough of RFC 1952 and RFC 1951 for tests.
private enum Gzip {
    static let header = "Content-Encoding: gzip\r\n"
    static let head: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]

    /// One stored block.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        let count = UInt16(bytes.count)
        let size = [UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8)]
        return head + [1] + size + bytes + littleEndian(checksum(bytes)) + littleEndian(UInt32(bytes.count))
    }

    /// Zeros in one block with fixed codes, 258 at a time: 13 bits for each copy. Ends without checksum, which nobody
    /// reaches.
    static func zeros(mebibytes: Int) -> [UInt8] {
        var bits: [UInt8] = []
        var current: UInt8 = 0
        var used = 0
        func append(_ value: Int, _ count: Int) {
            for bit in 0..<count {
                current |= UInt8(value >> bit & 1) << UInt8(used)
                used += 1
                if used == 8 {
                    bits.append(current)
                    current = 0
                    used = 0
                }
            }
        }
        append(0b011, 3)
        append(0b0000_1100, 8)
        // Length 258 is symbol 285 (11000101, most significant bit first), distance 1 is symbol 0.
        for _ in 0..<(mebibytes << 20) / 258 {
            append(0b1010_0011, 8)
            append(0, 5)
        }
        return head + bits + [0, 0, 0, 0]
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
    }

    private static func littleEndian(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * $0)) }
    }
}
