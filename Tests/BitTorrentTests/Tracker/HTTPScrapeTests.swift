import BitTorrent
import Testing

struct HTTPScrapeTests {
    private let one = InfoHash(Digest(Array("xxxxxxxxxxxxxxxxxxxx".utf8)))
    private let two = InfoHash(Digest(Array("yyyyyyyyyyyyyyyyyyyy".utf8)))

    @Test(arguments: [
        ("http://t/announce", "http://t/scrape"), ("http://t/x/announce", "http://t/x/scrape"),
        ("http://t/announce.php", "http://t/scrape.php"), ("http://t/announce?x2%0644", "http://t/scrape?x2%0644"),
        ("https://u:p@t:8/announce/announce?a=/b", "https://u:p@t:8/announce/scrape?a=/b"),
        ("http://t/a", nil), ("http://t/x%064announce", nil), ("http://t/announce/x", nil), ("http://t", nil),
        ("http://announce", nil), ("http://t?/announce", nil), ("http://t/a?announce=x/announce", nil),
    ])
    func lastPartOfThePathIsReplaced(announce: String, scrape: String?) throws {
        let url = HTTPScrape.url(of: [one], at: try TrackerURL(announce))
        #expect(url == scrape.map { $0 + ($0.contains("?") ? "&" : "?") + "info_hash=xxxxxxxxxxxxxxxxxxxx" })
    }

    @Test func severalTorrentsAreNamedInOneURL() throws {
        let url = HTTPScrape.url(of: [one, two], at: try TrackerURL("http://t/announce"))
        #expect(url == "http://t/scrape?info_hash=xxxxxxxxxxxxxxxxxxxx&info_hash=yyyyyyyyyyyyyyyyyyyy")
        let worst = Array(repeating: InfoHash(Digest([UInt8](repeating: 0, count: 20))), count: HTTPScrape.mostTorrents)
        #expect(try #require(HTTPScrape.url(of: worst, at: try TrackerURL("http://t/announce"))).utf8.count < 4096)
    }

    @Test func answerOfTheSpecificationIsRead() throws {
        let body =
            "d5:filesd20:xxxxxxxxxxxxxxxxxxxxd8:completei11e10:downloadedi13772e10:incompletei19ee"
            + "20:yyyyyyyyyyyyyyyyyyyyd8:completei21e10:downloadedi206e10:incompletei20eeee"
        let counts = try HTTPScrape.counts(of: [one, two], status: 200, body: Array(body.utf8))
        #expect(counts[one] == SwarmCounts(seeders: 11, leechers: 19, downloads: 13772))
        #expect(counts[two] == SwarmCounts(seeders: 21, leechers: 20, downloads: 206))
        #expect(try HTTPScrape.counts(of: [two], status: 200, body: Array(body.utf8)).count == 1)
    }

    @Test func oddValuesAreUnknown() throws {
        let body = "d5:filesd3:abcd8:completei1ee20:xxxxxxxxxxxxxxxxxxxxd8:completei-1e10:downloaded1:xeee"
        #expect(try HTTPScrape.counts(of: [one], status: 200, body: Array(body.utf8)) == [one: SwarmCounts()])
        let flat = "d5:filesd20:xxxxxxxxxxxxxxxxxxxxi1eee"
        #expect(try HTTPScrape.counts(of: [one], status: 200, body: Array(flat.utf8)) == [one: SwarmCounts()])
    }

    @Test(
        arguments: [
            (200, "d14:failure reason4:nonee", .refused(reason: "none", retry: nil)),
            (400, "d14:failure reason4:nonee", .refused(reason: "none", retry: nil)),
            (404, "<html>", .httpStatus(404)), (500, "d5:filesdee", .httpStatus(500)),
            (200, "de", .notAnAnswer), (200, "i1e", .notAnAnswer), (200, "d5:filesi1ee", .wrongType(key: "files")),
        ] as [(Int, String, AnnounceError)])
    func failuresAreNamed(status: Int, body: String, error: AnnounceError) {
        #expect(throws: error) { try HTTPScrape.counts(of: [one], status: status, body: Array(body.utf8)) }
    }
}
