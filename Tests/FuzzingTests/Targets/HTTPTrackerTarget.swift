import BitTorrent

/// Bodies that HTTP trackers answer with, to announces and scrapes. The first byte chooses the status.
enum HTTPTrackerTarget: FuzzTarget {
    static let name = "tracker-http"
    private static let infoHashes = [InfoHash(Digest(Array(100..<120))), InfoHash(Digest(Array(1..<21)))]

    static let seeds: [[UInt8]] = {
        let compact: BencodeValue = [
            "interval": 1800, "min interval": 60, "complete": 3, "incomplete": 4, "downloaded": 5, "tracker id": "abc",
            "external ip": .string([1, 2, 3, 4]), "warning message": "\u{1B}[31mred",
            "peers": .string([1, 2, 3, 4, 0, 80, 5, 6, 7, 8, 0, 81, 9]),
            "peers6": .string([0x20, 1] + [UInt8](repeating: 0, count: 13) + [1, 0, 80]),
        ]
        let listed: BencodeValue = [
            "interval": 5,
            "peers": [["ip": "10.0.0.1", "port": 80], ["ip": "::1", "port": 0], ["ip": "a.b", "port": 1]],
        ]
        let scrape: BencodeValue = [
            "files": .dictionary([.init(infoHashes[0].digest.bytes, ["complete": 1, "incomplete": 2, "downloaded": 3])])
        ]
        let refusals: [BencodeValue] = [
            ["failure reason": "no", "retry in": 5], ["failure reason": "no", "retry in": "never"], ["peers": 1],
        ]
        return ([compact, listed, scrape] + refusals).flatMap { value in
            [[0] + BencodeEncoder().encode(value), [1] + BencodeEncoder().encode(value)]
        }
    }()

    static func run(_ input: [UInt8]) throws {
        guard let first = input.first else { return }
        let status = [200, 400, 204, 999][Int(first % 4)]
        let body = Array(input.dropFirst())
        do {
            try check(try HTTPAnnounce.response(status: status, body: body))
            try promise((200..<300).contains(status), "an error is taken for an answer")
        } catch let error as AnnounceError { try checkText("\(error)") }
        do {
            let counts = try HTTPScrape.counts(of: infoHashes, status: status, body: body)
            try promise(Set(counts.keys).isSubset(of: Set(infoHashes)), "counts that nobody asked for")
        } catch let error as AnnounceError { try checkText("\(error)") }
    }

    static func check(_ response: AnnounceResponse) throws {
        try promise(AnnounceResponse.intervals.contains(response.interval), "the interval")
        try promise(response.minInterval.map { AnnounceResponse.intervals.contains($0) } ?? true, "min interval")
        try promise(response.peers.count <= AnnounceResponse.mostPeers, "more peers than are kept")
        try promise(Set(response.peers).count == response.peers.count, "a peer twice")
        try promise(response.peers.allSatisfy(\.canBeDialled), "a peer that cannot be dialled")
        try promise(response.trackerID?.count ?? 0 <= 256, "a tracker id of \(response.trackerID!.count) bytes")
        for count in [response.complete, response.incomplete, response.downloaded] {
            try promise(count ?? 0 >= 0, "a negative count")
        }
        try checkText(response.warning ?? "")
        for oddity in response.oddities { try checkText("\(oddity)") }
    }

    /// Fit for a terminal, and short.
    static func checkText(_ text: String) throws {
        try promise(text.utf8.count <= 1000, "a text of \(text.utf8.count) bytes")
        try promise(
            text.unicodeScalars.allSatisfy {
                switch $0.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: false
                default: true
                }
            }, "a text that moves cursors")
    }
}
