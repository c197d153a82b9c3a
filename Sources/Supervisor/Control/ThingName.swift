import PoolProtocol

/// How people, and all logs (`Tags`), name what can be seen of a run: `s`, `p0`, `h1`, `w`, `t0`, `peer:12`, `tracker:0`,
/// `piece:17`; of several torrents with the torrent in front, `t1/peer:12`. A name means the same thing for as long as the
/// run lives.
enum ThingName: Hashable {
    case supervisor
    case process(Place)
    case torrent(Int)
    case peer(torrent: Int, PeerName)
    case tracker(torrent: Int, number: Int)
    case piece(torrent: Int, index: Int)

    /// - Parameter torrentCount: of the run; of one torrent only, nobody has to name it.
    func text(torrentCount: Int) -> String {
        func within(_ torrent: Int, _ name: String) -> String { torrentCount == 1 ? name : "t\(torrent)/\(name)" }
        return switch self {
        case .supervisor: "s"
        case .process(let place): place.description
        case .torrent(let ordinal): "t\(ordinal)"
        case .peer(let torrent, let name): within(torrent, "peer:\(name)")
        case .tracker(let torrent, let number): within(torrent, "tracker:\(number)")
        case .piece(let torrent, let index): within(torrent, "piece:\(index)")
        }
    }

    /// Reads what `text` writes; whether there is such a thing is another question.
    init(_ text: String, torrentCount: Int) throws(ControlFault) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1, let process = Self.process(parts[0]) {
            self = process
        } else if parts.count == 1, let ordinal = Self.number(parts[0], after: "t") {
            self = .torrent(ordinal)
        } else {
            guard let named = Self.part(parts[parts.count - 1]) else { throw .noName(text) }
            let torrent = parts.count == 1 ? nil : Self.number(parts[0], after: "t")
            if parts.count == 2, torrent == nil { throw .noName(text) }
            guard torrent != nil || torrentCount == 1 else { throw .whichTorrent(text) }
            self = named.in(torrent ?? 0)
        }
    }

    private static func process(_ text: Substring) -> ThingName? {
        guard let place = Place(text) else { return nil }
        if place.role == .supervisor { return text == "s" ? .supervisor : nil }
        return .process(place)
    }

    private static func part(_ text: Substring) -> ThingName? {
        if text.hasPrefix("peer:") { return PeerName(text.dropFirst("peer:".count)).map { .peer(torrent: 0, $0) } }
        if let number = number(text, after: "tracker:") { return .tracker(torrent: 0, number: number) }
        return number(text, after: "piece:").map { .piece(torrent: 0, index: $0) }
    }

    private func `in`(_ torrent: Int) -> ThingName {
        switch self {
        case .supervisor, .process, .torrent: self
        case .peer(_, let name): .peer(torrent: torrent, name)
        case .tracker(_, let number): .tracker(torrent: torrent, number: number)
        case .piece(_, let index): .piece(torrent: torrent, index: index)
        }
    }

    /// Digits behind a prefix; places are numbered by 16 bits and everything else by less than 32.
    private static func number(_ text: Substring, after prefix: String) -> Int? {
        guard text.hasPrefix(prefix) else { return nil }
        let digits = text.dropFirst(prefix.count)
        guard digits.utf8.count <= 10, let number = Int(digits: digits),
            number <= (prefix.hasSuffix(":") ? Int(UInt32.max) : Int(UInt16.max))
        else { return nil }
        return number
    }
}

/// Why a command is refused, in one line for the one who gave it.
enum ControlFault: Error, Equatable, CustomStringConvertible {
    case malformed
    case lineTooLong
    case unknownCommand(String)
    case usage(String)
    case noName(String)
    case whichTorrent(String)
    /// There is none, or none any more.
    case unknown(String)
    case notPossible(String)

    var description: String {
        switch self {
        case .malformed: "the line holds what is no text"
        case .lineTooLong: "the line is longer than \(ControlSession.longestLine) bytes"
        case .unknownCommand(let word): "unknown command \"\(word)\" (try help)"
        case .usage(let usage): "usage: \(usage)"
        case .noName(let text): "\"\(text)\" names nothing (such as s, p0, h1, w, t0, peer:12, tracker:0, piece:17)"
        case .whichTorrent(let text): "there are several torrents (such as t0/\(text))"
        case .unknown(let text): "\(text): there is none"
        case .notPossible(let text): text
        }
    }
}
