import BitTorrent

/// Owns which files this worker holds open for answering requests, which it has asked the supervisor for, and which
/// cannot be opened. A bounded number; the file that was longest of no use is let go.
struct HeldFiles<Descriptor> {
    struct File: Hashable {
        let torrent: UInt16
        /// Number in the file table.
        let number: UInt32
    }

    enum Standing {
        case open(Descriptor)
        /// It comes over the lifeline, or the supervisor says that it cannot.
        case awaited
        /// Nobody has asked for it.
        case unknown
        /// It could not be opened a moment ago.
        case unavailable
    }

    /// Descriptors that a worker holds.
    static var limit: Int { 256 }
    /// How long a file that could not be opened is not asked for again, and how long an answer may take: the supervisor
    /// loses no message, but it may refuse to open more just now.
    static var patience: Duration { .seconds(5) }

    private struct Held {
        let descriptor: Descriptor
        var lastUse: UInt64
    }
    private var held: [File: Held] = [:]
    private var useCount: UInt64 = 0
    private var awaited: [File: MonotonicInstant] = [:]
    private var unavailable: [File: MonotonicInstant] = [:]

    /// A use of the file, if it is open.
    mutating func use(_ file: File, now: MonotonicInstant) -> Standing {
        if let index = held.index(forKey: file) {
            useCount += 1
            held.values[index].lastUse = useCount
            return .open(held.values[index].descriptor)
        }
        if let since = awaited[file], now - since < Self.patience { return .awaited }
        if let until = unavailable[file] {
            if now < until { return .unavailable }
            unavailable[file] = nil
        }
        return .unknown
    }

    mutating func asked(for file: File, now: MonotonicInstant) { awaited[file] = now }

    /// - Parameter descriptor: nil when the file cannot be opened.
    mutating func answered(_ file: File, _ descriptor: Descriptor?, now: MonotonicInstant) {
        awaited[file] = nil
        guard let descriptor else {
            unavailable[file] = now + Self.patience
            return
        }
        useCount += 1
        held[file] = Held(descriptor: descriptor, lastUse: useCount)
        if held.count > Self.limit, let oldest = held.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            held[oldest.key] = nil
        }
    }

    mutating func removeAll(of torrent: UInt16) {
        held = held.filter { $0.key.torrent != torrent }
        awaited = awaited.filter { $0.key.torrent != torrent }
        unavailable = unavailable.filter { $0.key.torrent != torrent }
    }
}
