import BitTorrent
import Testing

struct AnnounceTiersTests {
    private func tiers(_ lists: [[String]], seed: UInt64 = 1) -> AnnounceTiers {
        var generator = AnnounceTestGenerator(state: seed)
        return AnnounceTiers(lists, using: &generator)
    }

    private func names(_ tiers: AnnounceTiers) -> [[String]] {
        tiers.tiers.map { $0.map { String($0.text.dropFirst(7)) } }
    }

    @Test func tiersKeepTheirOrderAndTrackersOfATierAreShuffled() {
        let lists = [(0..<4).map { "http://a\($0)" }, ["http://b"], (0..<3).map { "http://c\($0)" }]
        var orders: Set<[String]> = []
        for seed in 0..<64 {
            let read = names(tiers(lists, seed: UInt64(seed)))
            #expect(read.map { $0.sorted() } == [["a0", "a1", "a2", "a3"], ["b"], ["c0", "c1", "c2"]])
            orders.insert(read[0])
        }
        #expect(orders.count > 12, "24 orders are possible, 64 shuffles gave \(orders.count)")
    }

    @Test func trackerThatAnsweredComesToTheFrontOfItsTierOnly() throws {
        var read = tiers([["http://a"], ["http://b0", "http://b1", "http://b2"]])
        let before = names(read)[1]
        read.trackerAnswered(try TrackerURL("http://" + before[2]))
        #expect(names(read) == [["a"], [before[2], before[0], before[1]]])
        read.trackerAnswered(try TrackerURL("http://" + before[0]))
        #expect(names(read) == [["a"], [before[0], before[2], before[1]]])
    }

    @Test func repeatedTrackerKeepsItsFirstPlace() {
        #expect(names(tiers([["http://a"], ["http://b", "http://a"], ["http://b"]])) == [["a"], ["b"]])
    }

    @Test func badEntriesAreLeftOutWithTheirReason() {
        let read = tiers([["file:///etc/passwd"], ["http://a", ""], []])
        #expect(names(read) == [["a"]])
        #expect(read.rejections == [.unsupportedScheme, .empty])
    }

    @Test func udpTrackersKeepTheirPlace() {
        #expect(tiers([["udp://a:1"], ["http://b"]]).order.map(\.scheme) == [.udp, .http])
    }

    @Test func thousandsOfTrackersAreCutAndToldOnce() {
        let one = tiers([(0..<10_000).map { "http://t\($0)" }])
        #expect(one.order.count == AnnounceTiers.mostTrackers)
        #expect(one.rejections == [.tooMany])
        let many = tiers((0..<10_000).map { ["http://t\($0)"] })
        #expect(many.order.count == AnnounceTiers.mostTrackers)
        #expect(many.rejections == [.tooMany])
        #expect(many.order.last?.text == "http://t127")
    }
}
