import BitTorrent

/// Owns when a place is filled again after a death, and when it is given up (docs/architecture.md, "Restart limit").
package struct RestartPolicy {
    package enum Decision: Equatable {
        case restart(after: Duration)
        case giveUp
    }

    /// How a process ended, as far as blame goes.
    package enum Ending: Equatable, Sendable {
        /// It exited, or died of a fault of its own (SEGV, ILL, TRAP, ABRT, BUS, FPE, SYS), or we killed it for silence.
        case ownDoing
        /// A signal from outside (KILL, TERM …).
        case killedFromOutside
        /// We replaced it on purpose.
        case orderly
    }

    /// Deaths in a row that count, until the place is given up.
    package static let limit = 5
    private static let firstDelay: Duration = .milliseconds(100)
    private static let longestDelay: Duration = .seconds(5)

    private var deathsInARow = 0

    package init() {}

    /// - Parameters:
    ///   - wasReady: the process had said `ready`.
    ///   - didWork: it had moved a byte of payload, or answered an order.
    package mutating func died(_ ending: Ending, wasReady: Bool, didWork: Bool) -> Decision {
        if didWork { deathsInARow = 0 }
        let counts = ending != .orderly && (!wasReady || (ending == .ownDoing && !didWork))
        guard counts else { return .restart(after: .zero) }
        deathsInARow += 1
        if deathsInARow >= Self.limit { return .giveUp }
        return .restart(after: min(Self.firstDelay * (1 << (deathsInARow - 1)), Self.longestDelay))
    }
}
