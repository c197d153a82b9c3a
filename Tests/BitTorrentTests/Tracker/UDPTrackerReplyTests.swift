import BitTorrent
import Testing

struct UDPTrackerReplyTests {
    private typealias Script = UDPTrackerScript

    @Test func eachKindIsRead() throws {
        let connected = try UDPTrackerReply(
            parsing: Script.connected(7, 0x0102_0304_0506_0708), to: .connect, transaction: 7, family: .v4)
        #expect(connected == .connected(0x0102_0304_0506_0708))
        let scraped = try UDPTrackerReply(
            parsing: Script.scraped(7, [[1, 2, 3], [4, 5, 6]]), to: .scrape, transaction: 7, family: .v4)
        #expect(
            scraped
                == .scraped([
                    SwarmCounts(seeders: 1, leechers: 3, downloads: 2),
                    SwarmCounts(seeders: 4, leechers: 6, downloads: 5),
                ]))
        for action in [UDPTrackerPacket.Action.connect, .announce, .scrape] {
            let refused = try UDPTrackerReply(
                parsing: Script.error(7, "no\u{1B}t here\0"), to: action, transaction: 7, family: .v4)
            #expect(refused == .refused("no\\u{1b}t here") || refused == .refused("no\\x1bt here"))
        }
    }

    @Test func addressesAreAsLongAsThoseOfTheTracker() throws {
        let v4: [UInt8] = [192, 0, 2, 1, 0x1A, 0xE1]
        let v6: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1, 0x1A, 0xE1]
        func peers(_ bytes: [UInt8], _ family: CompactPeers.Family) throws -> [String]? {
            guard
                case .announced(let response) = try UDPTrackerReply(
                    parsing: Script.announced(7, peers: bytes), to: .announce, transaction: 7, family: family)
            else { return nil }
            #expect(response.counts == SwarmCounts(seeders: 5, leechers: 4))
            #expect(response.interval == .seconds(1800))
            return response.peers.map(\.description)
        }
        #expect(try peers(v4 + v4, .v4) == ["192.0.2.1:6881"])
        #expect(try peers(v6 + v6, .v6) == ["[2001:db8:0:0:0:0:0:1]:6881"])
        #expect(try peers([], .v4) == [])
    }

    @Test func oddNumbersAreTamed() throws {
        let bytes: [UInt8] = [192, 0, 2, 1, 0, 0] + [224, 0, 0, 1, 0, 80] + [192, 0, 2, 2, 0, 80, 9]
        let packet = Script.announced(7, interval: 0, leechers: .max, seeders: 0x8000_0000, peers: bytes)
        guard
            case .announced(let response) = try UDPTrackerReply(
                parsing: packet, to: .announce, transaction: 7, family: .v4)
        else { return #expect(Bool(false), "no announce") }
        #expect(response.interval == AnnounceResponse.intervals.lowerBound)
        #expect(response.counts == SwarmCounts())
        #expect(response.peers.map(\.description) == ["192.0.2.2:80"])
        #expect(response.oddities == [.trailingPeerBytes(key: "peers", count: 1), .unusablePeers(count: 2)])
    }

    @Test func whatIsNoAnswerIsNamed() {
        func error(
            _ packet: [UInt8], _ action: UDPTrackerPacket.Action = .announce
        ) -> UDPTrackerReplyError? {
            do throws(UDPTrackerReplyError) {
                _ = try UDPTrackerReply(parsing: packet, to: action, transaction: 7, family: .v4)
                return nil
            } catch { return error }
        }
        #expect(error(Script.announced(8)) == .wrongTransaction)
        #expect(error(Script.error(8, "")) == .wrongTransaction)
        #expect(error(Script.connected(7, 1)) == .wrongAction(0))
        #expect(error(Script.words(99, 7)) == .wrongAction(99))
        for count in 0..<8 {
            #expect(error(Array(Script.announced(7).prefix(count))) == .tooShort(byteCount: count, needed: 8))
        }
        for count in 8..<20 {
            #expect(error(Array(Script.announced(7).prefix(count))) == .tooShort(byteCount: count, needed: 20))
        }
        for count in 8..<16 {
            #expect(
                error(Array(Script.connected(7, 1).prefix(count)), .connect) == .tooShort(byteCount: count, needed: 16))
        }
    }

    @Test func cutScrapesKeepTheWholeRows() throws {
        let whole = Script.scraped(7, [[1, 2, 3], [4, 5, 6]])
        for count in 8...whole.count {
            let reply = try UDPTrackerReply(
                parsing: Array(whole.prefix(count)), to: .scrape, transaction: 7, family: .v4)
            guard case .scraped(let rows) = reply else { return #expect(Bool(false), "\(reply)") }
            #expect(rows.count == (count - 8) / 12)
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = AnnounceTestGenerator(state: 1)
        for _ in 0..<20_000 {
            var packet = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let action = UDPTrackerPacket.Action(rawValue: .random(in: 0...3, using: &generator))!
            if packet.count >= 8 { packet.replaceSubrange(0..<8, with: Script.words(action.rawValue, 7)) }
            for family in [CompactPeers.Family.v4, .v6] {
                let reply = try? UDPTrackerReply(parsing: packet, to: action, transaction: 7, family: family)
                #expect(packet.count < 20 || reply != nil)
            }
        }
    }
}
