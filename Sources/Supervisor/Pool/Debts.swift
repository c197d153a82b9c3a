import BitTorrent
import PoolProtocol

/// An answer that a living process owes the pool, and that no sound one takes long to give: its loop never blocks.
struct Debt: Hashable {
    enum Kind {
        case hello, ready, mapping, adoption, replacementSeen

        var description: String {
            switch self {
            case .hello: "said hello"
            case .ready: "joined the pool"
            case .mapping: "mapped a region"
            case .adoption: "adopted its predecessor's region"
            case .replacementSeen: "answered that a neighbour was replaced"
            }
        }

        /// A start may wait for a slow disk or for a tracer; the rest is a turn of a loop (both are guesses, far beyond
        /// what was ever seen: 0.1 s and some milliseconds).
        var limit: Duration { self == .hello ? .seconds(20) : .seconds(10) }
    }

    let debtor: Incarnation
    let kind: Kind
}

/// Owns since when each answer is owed. A loop that turns and answers nothing would otherwise hold up the pool for ever:
/// `Silence` does not see it.
struct Debts {
    /// A gap between two looks counts for no more than this: we were stopped, and so perhaps was the debtor.
    private static let longestStep: Duration = .seconds(2)

    private var since: [Debt: Duration] = [:]
    /// Time in which answers could be given.
    private var patience: Duration = .zero
    private var lastLook: MonotonicInstant

    init(now: MonotonicInstant) { lastLook = now }

    /// - Parameter owed: everything that is owed now; what is not in it was paid.
    /// - Returns: what is owed for too long, each time that it is looked at.
    mutating func overdue(_ owed: Set<Debt>, now: MonotonicInstant) -> [Debt] {
        patience += min(max(now - lastLook, .zero), Self.longestStep)
        lastLook = now
        since = since.filter { owed.contains($0.key) }
        for debt in owed where since[debt] == nil { since[debt] = patience }
        return since.filter { patience - $0.value >= $0.key.kind.limit }.map(\.key)
    }
}
