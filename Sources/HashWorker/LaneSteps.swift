import BitTorrent

/// Owns when the lanes make their next step, which pieces share it, and how far each goes. Touches no bytes.
///
/// One piece alone costs about four times the CPU per byte of sixteen in step, so a step waits for company while nobody
/// waits for it (docs/decisions/0001-lanes-may-wait.md).
struct LaneSteps {
    /// What a piece has for the lanes.
    enum Standing: Equatable {
        /// Less than `ripeByteCount`, and more blocks to come.
        case idle
        /// Blocks are missing, and there is enough to fill a lane for a step.
        case ripe
        /// Nothing but the digest is missing: somebody waits for it.
        case complete
    }

    /// Least that a piece with missing blocks brings into a step: a frame (architecture.md, "Data path").
    static let ripeByteCount = 65536
    /// Most that one step hashes over all its lanes, so that the loop answers blocks in between: 0.15 ms with sixteen
    /// AVX-512 lanes, 0.6 ms with SHA-NI, 2 ms with the portable kernel (measured with scripts/bench-sha1).
    static let stepByteCount = 1 << 20
    /// Longest that a complete piece waits for company, so HAVE is late by so much at most. Sixteen pieces of a MiB
    /// come within it from 320 MB/s on (chosen).
    static let completeWait: Duration = .milliseconds(50)
    /// Longest that ripe data of a piece with missing blocks waits. Nobody waits for it; the bound keeps short what is
    /// left to do when a long piece completes (chosen).
    static let ripeWait: Duration = .milliseconds(250)

    private struct Entry {
        let assignment: AssignmentID
        let since: MonotonicInstant
    }
    /// Both in the order in which they came.
    private var complete: [Entry] = []
    private var ripe: [Entry] = []

    init() {}

    var isIdle: Bool { complete.isEmpty && ripe.isEmpty }

    /// A piece has come to `new`.
    mutating func moved(_ assignment: AssignmentID, from old: Standing, to new: Standing, now: MonotonicInstant) {
        guard old != new else { return }
        switch old {
        case .idle: break
        case .ripe: ripe.removeAll { $0.assignment == assignment }
        case .complete: complete.removeAll { $0.assignment == assignment }
        }
        switch new {
        case .idle: break
        case .ripe: ripe.append(Entry(assignment: assignment, since: now))
        case .complete: complete.append(Entry(assignment: assignment, since: now))
        }
    }

    /// When the next step is due; `.distantPast` for at once.
    /// - Parameters:
    ///   - roomIsShort: complete pieces hold so many frames that blocks may soon find none.
    ///   - companyMayCome: pieces are open whose blocks are missing.
    func deadline(roomIsShort: Bool, companyMayCome: Bool) -> MonotonicInstant {
        if complete.count + ripe.count >= SHA1Lanes.width { return .distantPast }
        var deadline = MonotonicInstant.distantFuture
        if let first = complete.first {
            if roomIsShort || !companyMayCome { return .distantPast }
            deadline = first.since + Self.completeWait
        }
        if let first = ripe.first { deadline = min(deadline, first.since + Self.ripeWait) }
        return deadline
    }

    /// The pieces of the next step: complete ones first, those that have waited longest first.
    var nextLanes: [AssignmentID] {
        var lanes = complete.prefix(SHA1Lanes.width).map(\.assignment)
        lanes += ripe.prefix(SHA1Lanes.width - lanes.count).map(\.assignment)
        return lanes
    }

    /// Most bytes that each of so many lanes reads in one step: whole SHA-1 blocks.
    static func strideByteCount(laneCount: Int) -> Int {
        stepByteCount / laneCount / SHA1State.blockByteCount * SHA1State.blockByteCount
    }
}
