import BitTorrent
import TestSupport
import Testing

/// Trackers (BEP 12) and web seeds (BEP 19) beside `info`.
struct MetainfoSourcesTests {
    private func metainfo(_ change: @escaping @Sendable (inout BencodeValue) -> Void) throws -> Metainfo {
        var builder = TorrentBuilder.single(byteCount: 10)
        builder.changeOuter = change
        return try builder.metainfo()
    }

    private func trackers(_ metainfo: Metainfo) -> [[String]] { metainfo.trackerTiers.map { $0.map(\.text) } }

    @Test func tiersKeepTheirOrder() throws {
        let metainfo = try metainfo {
            $0["announce"] = "http://ignored.example/announce"
            $0["announce-list"] = [["http://a.example/x", "udp://b.example:6969"], ["https://c.example/announce"]]
        }
        #expect(
            trackers(metainfo) == [["http://a.example/x", "udp://b.example:6969"], ["https://c.example/announce"]])
        #expect(metainfo.warnings.isEmpty)
    }

    @Test func announceCountsWhenTheListGivesNothing() throws {
        for list: BencodeValue? in [nil, [], [[]], [["file:///etc/passwd"]], "http://x", 7] {
            let metainfo = try metainfo {
                $0["announce"] = "http://a.example/announce"
                $0["announce-list"] = list
            }
            #expect(trackers(metainfo) == [["http://a.example/announce"]])
        }
    }

    @Test func noTrackerIsNoError() throws {
        #expect(try metainfo { $0["announce"] = nil }.trackerTiers.isEmpty)
        #expect(try metainfo { $0["announce"] = 7 }.warnings == [.fieldIgnored("announce")])
    }

    @Test(arguments: [
        "file:///etc/passwd", "javascript:alert(1)", "ftp://a.example/x", "", "   ", "http://", "not a url",
        "http://a b/",
    ])
    func unusableTrackersAreSkippedWithAWarning(url: String) throws {
        let metainfo = try metainfo { $0["announce-list"] = [[.text(url), "http://good.example/announce"]] }
        #expect(trackers(metainfo) == [["http://good.example/announce"]])
        #expect(metainfo.warnings.count == 1)
        #expect(metainfo.warnings.first?.description.hasPrefix("announce-list[0][0] is skipped") == true)
    }

    @Test func flatListIsATierPerTracker() throws {
        let metainfo = try metainfo { $0["announce-list"] = ["http://a.example/", "http://b.example/"] }
        #expect(trackers(metainfo) == [["http://a.example/"], ["http://b.example/"]])
    }

    @Test func repeatedTrackersAreTakenOnce() throws {
        let metainfo = try metainfo {
            $0["announce-list"] = [["http://a.example/"], [" http://a.example/\n", "http://b.example/"]]
        }
        #expect(trackers(metainfo) == [["http://a.example/"], ["http://b.example/"]])
    }

    @Test func tenThousandTrackersAreBoundedWithOneWarning() throws {
        let metainfo = try metainfo {
            $0["announce-list"] = .list((0..<10_000).map { [.text("http://t\($0).example/announce")] })
        }
        #expect(metainfo.trackerTiers.count == AnnounceTiers.mostTrackers)
        #expect(metainfo.warnings.count == 1)
    }

    @Test func credentialsNeverReachAMessage() throws {
        let metainfo = try metainfo {
            $0["announce-list"] = [
                ["http://user:secret@a.example/secretpasskey/announce", "ftp://user:secret@a.example/"]
            ]
            $0["url-list"] = ["http://user:secret@w.example/secret", "ftp://secret@w.example/"]
        }
        #expect(trackers(metainfo) == [["http://user:secret@a.example/secretpasskey/announce"]])
        let messages =
            metainfo.warnings.map(\.description) + metainfo.trackerTiers.flatMap { $0.map(\.description) }
            + metainfo.webSeeds.map(\.description)
        #expect(messages.count == 4)
        #expect(messages.allSatisfy { !$0.contains("secret") })
    }

    @Test func webSeedsAreAStringOrAList() throws {
        #expect(
            try metainfo { $0["url-list"] = "http://w.example/file" }.webSeeds.map(\.text) == ["http://w.example/file"])
        let list = try metainfo {
            $0["url-list"] = ["https://w.example/a", "udp://w.example:1/", 7, "http://v.example/b"]
        }
        #expect(list.webSeeds.map(\.text) == ["https://w.example/a", "http://v.example/b"])
        #expect(list.warnings == [.webSeedSkipped(field: "url-list[1]"), .fieldIgnored("url-list[2]")])
        let none = try metainfo { $0["url-list"] = "" }
        #expect(none.webSeeds.isEmpty && none.warnings.isEmpty)
    }
}
