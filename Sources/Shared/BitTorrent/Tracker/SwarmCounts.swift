/// How many peers a tracker knows for one torrent (BEP 48, BEP 15); nil where it does not tell.
package struct SwarmCounts: Hashable, Sendable {
    /// Peers that have everything.
    package var seeders: Int?
    /// Peers that still fetch.
    package var leechers: Int?
    /// How often the torrent was fetched to its end.
    package var downloads: Int?

    package init(seeders: Int? = nil, leechers: Int? = nil, downloads: Int? = nil) {
        self.seeders = seeders
        self.leechers = leechers
        self.downloads = downloads
    }

    /// What `self` lacks is taken from `other`; of two numbers the larger counts, for nobody knows a whole swarm.
    package func merged(with other: Self) -> Self {
        func larger(_ one: Int?, _ two: Int?) -> Int? { one.map { max($0, two ?? $0) } ?? two }
        return Self(
            seeders: larger(seeders, other.seeders), leechers: larger(leechers, other.leechers),
            downloads: larger(downloads, other.downloads))
    }
}
