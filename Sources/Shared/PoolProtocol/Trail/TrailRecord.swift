package import BitTorrent

/// One entry of a worker's trail: four words of 64 bits in the status page's memory. The trail outlives its process, so
/// that the supervisor can write out what came before a crash; it believes nothing in it but that these are numbers.
package struct TrailRecord: Equatable, Sendable {
    package static let wordCount = 4

    package let time: MonotonicInstant
    package let event: TrailEvent
    package let tags: Tags
    /// What it says depends on the event: a count, an errno, a place (`numbered`).
    package let number: UInt32

    package init(_ event: TrailEvent, _ tags: Tags = Tags(), number: UInt32 = 0, time: MonotonicInstant) {
        self.time = time
        self.event = event
        self.tags = tags
        self.number = number
    }

    /// A place as a number.
    package static func number(of place: Place) -> UInt32 { UInt32(place.role.rawValue) << 16 | UInt32(place.ordinal) }

    // MARK: Words

    /// Blocks have no room here, and the peer's worker is the one that remembers, or none.
    package var words: (UInt64, UInt64, UInt64, UInt64) {
        let subject =
            UInt64(event.rawValue) | UInt64(tags.torrent ?? .max) << 16 | UInt64(tags.peer?.number ?? .max) << 32
        let place = UInt64(tags.piece?.rawValue ?? .max) | UInt64(number) << 32
        return (UInt64(bitPattern: time.nanoseconds), subject, place, tags.assignment ?? 0)
    }

    /// - Parameters:
    ///   - words: whatever lies there.
    ///   - place: of the worker whose trail it is.
    /// - Returns: nil for what no worker writes.
    package init?(words: (UInt64, UInt64, UInt64, UInt64), of place: Place) {
        guard let event = TrailEvent(rawValue: UInt16(truncatingIfNeeded: words.1)), words.0 <= UInt64(Int64.max) else {
            return nil
        }
        let torrent = UInt16(truncatingIfNeeded: words.1 >> 16), peer = UInt32(words.1 >> 32)
        let piece = UInt32(truncatingIfNeeded: words.2)
        self.init(
            event,
            Tags(
                torrent: torrent == .max ? nil : torrent, piece: piece == .max ? nil : PieceIndex(Int(piece)),
                peer: peer == .max ? nil : PeerName(worker: place.ordinal, number: peer),
                assignment: words.3 == 0 ? nil : words.3),
            number: UInt32(words.2 >> 32), time: MonotonicInstant(nanoseconds: Int64(words.0)))
    }

    // MARK: Text

    /// One line without the time.
    package var text: String {
        let tags = tags.description
        return (tags.isEmpty ? "" : "\(tags): ") + event.text + numberText
    }

    private var numberText: String {
        switch event.numberMeaning {
        case .none: return ""
        case .plain: return " \(number)"
        case .place:
            guard let role = Role(rawValue: UInt8(truncatingIfNeeded: number >> 16)) else { return " nobody" }
            return " \(Place(role, Int(number & 0xFFFF)))"
        }
    }
}
