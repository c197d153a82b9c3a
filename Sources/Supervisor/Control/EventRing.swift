import BitTorrent

/// The last things that happened to one process, peer, tracker or piece: changes of its state, never single blocks.
struct EventRing {
    struct Entry: Equatable {
        let time: MonotonicInstant
        let text: String
    }

    static let capacity = 20

    private var entries: [Entry] = []
    /// Where the next one goes once the ring is full.
    private var next = 0

    mutating func add(_ text: String, now: MonotonicInstant) {
        let entry = Entry(time: now, text: text)
        if entries.count < Self.capacity {
            entries.append(entry)
        } else {
            entries[next] = entry
            next = (next + 1) % Self.capacity
        }
    }

    /// Oldest first.
    var all: [Entry] { Array(entries[next...] + entries[..<next]) }
    var last: Entry? { entries.isEmpty ? nil : entries[(next + entries.count - 1) % entries.count] }
    /// The oldest that is remembered.
    var first: Entry? { entries.isEmpty ? nil : entries[next] }
}
