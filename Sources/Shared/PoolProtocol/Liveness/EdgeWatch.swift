package import BitTorrent

/// Owns whether a worker's connections to its neighbours still carry everything. Both ends send a probe once a
/// heartbeat that says how many frames went before it; so a connection that broke, that carries nothing any more or that
/// lost a frame is found within some heartbeats. Nobody sends a lost message again while both processes live: the pool
/// replaces one of them instead.
package struct EdgeWatch {
    /// What is wrong with a connection.
    package enum Fault: Equatable, CustomStringConvertible {
        /// Nothing can be sent.
        case broken
        /// Nothing comes.
        case quiet
        /// Fewer frames came than were sent.
        case lostFrames

        package var description: String {
            switch self {
            case .broken: "the connection is broken"
            case .quiet: "nothing comes over the connection"
            case .lostFrames: "frames were lost on the connection"
            }
        }
    }

    /// Heartbeats that a neighbour may be quiet: longer than the supervisor waits for a silent process, since its word
    /// goes first.
    package static let patience = 2 * Silence.missedBeats

    private struct Edge {
        var receivedFrameCount: UInt64 = 0
        /// On the clock of `patience`.
        var lastHeard: Duration
        var brokenSince: Duration?
        var hasLostFrames = false
    }

    private let heartbeat: Duration
    private var edges: [Incarnation: Edge] = [:]
    /// Time in which the other side had a fair chance: a gap between two looks means that we were stopped ourselves, and
    /// counts for little.
    private var clock: Duration = .zero
    private var lastLook: MonotonicInstant?

    package init(heartbeat: Duration) { self.heartbeat = heartbeat }

    /// When `look` is due; call it at least that often.
    package var nextLook: MonotonicInstant { lastLook.map { $0 + heartbeat } ?? .distantPast }

    /// Any frame of a neighbour, the probe included.
    package mutating func frameReceived(from neighbour: Incarnation) {
        edges[neighbour, default: Edge(lastHeard: clock)].receivedFrameCount += 1
        edges[neighbour]!.lastHeard = clock
    }

    /// - Parameter count: frames that the neighbour sent before this probe.
    package mutating func probeReceived(from neighbour: Incarnation, framesBefore count: UInt64) {
        // The probe was counted as a frame itself.
        if edges[neighbour]?.receivedFrameCount != count + 1 { edges[neighbour]?.hasLostFrames = true }
    }

    /// Nothing can be sent to this neighbour. Its death does that, too, and is told soon.
    package mutating func broke(_ neighbour: Incarnation) {
        guard edges[neighbour]?.brokenSince == nil else { return }
        edges[neighbour, default: Edge(lastHeard: clock)].brokenSince = clock
    }

    /// Once a heartbeat, and before the caller sends its probes.
    /// - Parameter current: neighbours that live, as far as the supervisor has said; others are forgotten.
    /// - Returns: what is wrong, each time that it is looked at.
    package mutating func look(
        at current: Set<Incarnation>, now: MonotonicInstant
    ) -> [(neighbour: Incarnation, fault: Fault)] {
        if let lastLook { clock += min(max(now - lastLook, .zero), heartbeat * 2) }
        lastLook = now
        edges = edges.filter { current.contains($0.key) }
        for neighbour in current where edges[neighbour] == nil { edges[neighbour] = Edge(lastHeard: clock) }
        let limit = heartbeat * Self.patience
        return edges.compactMap { neighbour, edge in
            if edge.hasLostFrames { return (neighbour, .lostFrames) }
            if let since = edge.brokenSince, clock - since >= limit { return (neighbour, .broken) }
            return clock - edge.lastHeard >= limit ? (neighbour, .quiet) : nil
        }
    }
}
