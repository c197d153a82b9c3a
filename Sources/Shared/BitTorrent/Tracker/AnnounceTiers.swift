/// The trackers of one torrent in the order in which they are tried (BEP 12, "Order of Processing"): tier by tier,
/// shuffled once within a tier, and the one that answered first in its tier from then on. It remembers no other success
/// or failure.
package struct AnnounceTiers: Hashable, Sendable {
    /// Entries that are read, good or bad. Torrents with some dozens of trackers exist; a list of thousands is an
    /// attack on them or on us.
    package static let mostTrackers = 128

    package private(set) var tiers: [[TrackerURL]]
    /// Why entries were left out, in their order; "too many" is told once.
    package let rejections: [TrackerURLError]

    /// - Parameter lists: `announce-list`, or a single list with `announce`. A tracker that comes twice keeps its first
    ///   place.
    package init(_ lists: [[String]], using generator: inout some RandomNumberGenerator) {
        var seen: Set<TrackerURL> = []
        var tiers: [[TrackerURL]] = []
        var rejections: [TrackerURLError] = []
        var unread = Self.mostTrackers
        for list in lists {
            var tier: [TrackerURL] = []
            for text in list.prefix(unread) {
                do {
                    let tracker = try TrackerURL(text)
                    if seen.insert(tracker).inserted { tier.append(tracker) }
                } catch {
                    rejections.append(error)
                }
            }
            if list.count > unread { rejections.append(.tooMany) }
            if !tier.isEmpty { tiers.append(tier.shuffled(using: &generator)) }
            if list.count > unread { break }
            unread -= list.count
        }
        self.tiers = tiers
        self.rejections = rejections
    }

    /// All trackers, first the one to try first.
    package var order: [TrackerURL] { tiers.flatMap { $0 } }

    /// BEP 12: "if a connection with a tracker is successful, it will be moved to the front of the tier".
    package mutating func trackerAnswered(_ tracker: TrackerURL) {
        for tier in tiers.indices {
            guard let place = tiers[tier].firstIndex(of: tracker) else { continue }
            tiers[tier].remove(at: place)
            tiers[tier].insert(tracker, at: 0)
            return
        }
    }
}
