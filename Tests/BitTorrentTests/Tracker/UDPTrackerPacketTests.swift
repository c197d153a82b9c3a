import BitTorrent
import Testing

/// Byte for byte as in BEP 15 and BEP 41.
struct UDPTrackerPacketTests {
    @Test func connectHasTheMagicNumber() {
        #expect(
            UDPTrackerPacket.connect(transaction: 0x0102_0304) == [
                0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4,
            ])
    }

    @Test func announceHasEveryFieldInItsPlace() {
        let packet = UDPTrackerPacket.announce(
            UDPTrackerScript.request(), urlData: [], connection: 0x1112_1314_1516_1718, transaction: 9)
        var expected: [UInt8] = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0, 0, 0, 1, 0, 0, 0, 9]
        expected += Array(1...20) + Array("-SK0100-abcdefghijkl".utf8)
        expected += [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 2] + [0, 0, 0, 0, 0, 0, 0, 3]
        expected += [0, 0, 0, 2] + [0, 0, 0, 0] + [7, 8, 9, 10] + [0, 0, 0, 80] + [0x1A, 0xE1]
        #expect(packet == expected)
        #expect(packet.count == 98)
    }

    @Test(arguments: [(nil, 0), (.completed, 1), (.started, 2), (.stopped, 3)] as [(AnnounceEvent?, UInt32)])
    func eventsHaveTheirNumbers(event: AnnounceEvent?, number: UInt32) {
        let packet = UDPTrackerPacket.announce(
            UDPTrackerScript.request(event), urlData: [], connection: 1, transaction: 2)
        #expect(UDPTrackerScript.word(packet, at: 80) == number)
    }

    @Test func pathAndQueryFollowAsAnOption() throws {
        // The example of BEP 41.
        let tracker = try TrackerURL("udp://tracker.example.com:80/dir?a=b&c=d")
        let packet = UDPTrackerPacket.announce(
            UDPTrackerScript.request(), urlData: tracker.pathAndQuery, connection: 1, transaction: 2)
        #expect(Array(packet[98...]) == [2, 0x0C] + Array("/dir?a=b&c=d".utf8))
    }

    @Test(arguments: [1, 254, 255, 256, 510, 511, 4000])
    func longPathsAreCutIntoOptions(count: Int) {
        let data = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var options = UDPTrackerPacket.announce(
            UDPTrackerScript.request(), urlData: data, connection: 1, transaction: 2)[98...]
        var read: [UInt8] = []
        while options.count >= 2, options.first == 2 {
            let length = Int(options[options.startIndex + 1])
            #expect(length > 0)
            read += options.dropFirst(2).prefix(length)
            options = options.dropFirst(2 + length)
        }
        #expect(options.isEmpty && read == data)
    }

    @Test func scrapeNamesTheTorrents() {
        let hashes = [InfoHash(Digest(1...20)), InfoHash(Digest(21...40))]
        let packet = UDPTrackerPacket.scrape(hashes, connection: 5, transaction: 6)
        #expect(packet == [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 6] + Array(1...40))
        let most = Array(repeating: hashes[0], count: UDPTrackerPacket.mostScrapedTorrents)
        let headers = 40 + 8
        #expect(headers + UDPTrackerPacket.scrape(most, connection: 5, transaction: 6).count <= 1500)
    }

    @Test(arguments: [
        ("udp://t.example:6969/announce", "t.example:6969"), ("udp://t.example", "t.example:80"),
        ("udp://[2001:db8::1]:7", "[2001:db8::1]:7"), ("udp://[2001:db8::1]", "[2001:db8::1]:80"),
        ("udp://user:secret@T.example:1", "t.example:1"), ("http://t.example:1/announce", nil), ("udp://t$:1", nil),
    ])
    func urlsSayWhereDatagramsGo(url: String, endpoint: String?) throws {
        #expect(try TrackerURL(url).udpEndpoint?.description == endpoint)
    }
}
