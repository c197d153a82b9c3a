import BitTorrent
import TestSupport
import Testing

@Suite struct LocalAnnouncementTests {
    static let first = InfoHash(Digest(0..<20)), second = InfoHash(Digest(20..<40))

    @Test func datagramIsAsTheSpecificationSpellsIt() {
        let announcement = LocalAnnouncement(port: 6881, infoHashes: [Self.first], cookie: "c0ffee")
        #expect(
            String(decoding: announcement.datagram(to: .v4), as: UTF8.self)
                == "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\n"
                + "Infohash: 000102030405060708090a0b0c0d0e0f10111213\r\ncookie: c0ffee\r\n\r\n\r\n")
        #expect(
            String(decoding: announcement.datagram(to: .v6), as: UTF8.self).contains("Host: [ff15::efc0:988f]:6771"))
    }

    @Test(arguments: LocalAnnouncement.Group.allCases)
    func theFullestDatagramIsReadAsItWasWritten(_ group: LocalAnnouncement.Group) {
        let hashes = (0..<LocalAnnouncement.maximumTorrentCount).map { number in
            InfoHash(Digest((0..<20).map { UInt8($0 + number) }))
        }
        let announcement = LocalAnnouncement(port: 65535, infoHashes: hashes, cookie: String(UInt64.max, radix: 16))
        let datagram = announcement.datagram(to: group)
        #expect(datagram.count <= LocalAnnouncement.maximumByteCount)
        #expect(LocalAnnouncement(datagram: datagram) == announcement)
    }

    @Test func otherClientsWaysAreUnderstood() {
        let hash = Self.first.description.uppercased()
        let text =
            "BT-SEARCH * HTTP/1.1\nhost: x\nINFOHASH:\(hash)\nX-Other: 1\nport:  80 \nInfohash: \(Self.second)\n\nport: 9"
        #expect(
            LocalAnnouncement(datagram: Array(text.utf8))
                == LocalAnnouncement(port: 80, infoHashes: [Self.first, Self.second], cookie: ""))
    }

    @Test(arguments: [
        "", "BT-SEARCH * HTTP/1.1", "BT-SEARCH * HTTP/1.1\r\nPort: 80\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nInfohash: 000102030405060708090a0b0c0d0e0f10111213\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\nPort: 80\r\nInfohash: 000102030405060708090a0b0c0d0e0f10111213\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: 000102030405060708090a0b0c0d0e0f10111213\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: 000102030405060708090a0b0c0d0e0f10111213\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 80\r\nInfohash: 00010203\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 80\r\nInfohash: g00102030405060708090a0b0c0d0e0f10111213\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 80\r\nno colon\r\nInfohash: 000102030405060708090a0b0c0d0e0f10111213\r\n\r\n",
    ]) func whatIsNoAnnouncementIsIgnored(_ text: String) {
        #expect(LocalAnnouncement(datagram: Array(text.utf8)) == nil)
    }

    @Test func aDatagramThatWasCutIsIgnored() {
        let announcement = LocalAnnouncement(port: 1, infoHashes: [Self.first], cookie: "")
        let padding = [UInt8](repeating: 0x20, count: LocalAnnouncement.maximumByteCount)
        #expect(LocalAnnouncement(datagram: announcement.datagram(to: .v4) + padding) == nil)
    }

    @Test func damagedDatagramsNeverTrap() {
        var random = TestSupport.SeededGenerator.printing()
        let sound = LocalAnnouncement(port: 1, infoHashes: [Self.first, Self.second], cookie: "x").datagram(to: .v4)
        for _ in 0..<5000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1..<5, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                if random.oneIn(3) {
                    bytes.removeSubrange(place...)
                    if bytes.isEmpty { break }
                } else {
                    bytes[place] = UInt8.random(in: 0 ... .max, using: &random)
                }
            }
            _ = LocalAnnouncement(datagram: bytes)
        }
    }
}
