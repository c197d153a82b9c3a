import BitTorrent

/// Owns the order of an orderly end, and how long each step may take: peers are let go, unfinished pieces are put on
/// disk, the writer syncs and signs off, trackers hear `stopped`, and only then the processes end. Ten seconds in all,
/// since `docker stop` gives no more: a step may take its limit as far as those behind it keep what they need at least.
struct StopSequence {
    enum Step: Int, Comparable, CaseIterable {
        /// Peer-workers hand their grants back; what is on its way is still taken.
        case draining
        /// Hash-workers hand the blocks of unfinished pieces to the writer.
        case savingPartials
        /// The writer syncs and writes the clean-stop record.
        case finishing
        /// Trackers are told; they had all the time so far, too.
        case sayingGoodbye
        /// The processes were asked to end.
        case endingWorkers
        case done

        static func < (left: Step, right: Step) -> Bool { left.rawValue < right.rawValue }

        /// The longest that a step may take.
        var limit: Duration {
            switch self {
            case .draining: .milliseconds(1500)
            case .savingPartials: .milliseconds(2000)
            case .finishing: .milliseconds(3500)
            case .sayingGoodbye: AnnounceSchedule.stopLimit
            case .endingWorkers: .milliseconds(800)
            case .done: .zero
            }
        }

        /// What is left for the step when all before it took their limits; the sum of all is `whole`.
        fileprivate var least: Duration { self == .sayingGoodbye ? .milliseconds(2000) : limit }
    }

    /// The promise of ten seconds, and a moment for the end of the process.
    static let whole: Duration = .milliseconds(9800)

    private(set) var step = Step.draining
    private let end: MonotonicInstant
    private var deadline: MonotonicInstant
    /// A step that overran: what the user should hear of at the end.
    private(set) var overran: [Step] = []

    init(now: MonotonicInstant) {
        end = now + Self.whole
        deadline = now + Step.draining.limit
    }

    var nextDeadline: MonotonicInstant { step == .done ? .distantFuture : deadline }

    /// The step's work is done.
    /// - Returns: the next step, whose work is to be started now; nil when `finished` is not the present one.
    mutating func completed(_ finished: Step, now: MonotonicInstant) -> Step? {
        guard finished == step, step != .done else { return nil }
        return advance(now: now)
    }

    /// - Returns: the next step when the present one took too long.
    mutating func timerFired(now: MonotonicInstant) -> Step? {
        guard step != .done, now >= deadline else { return nil }
        overran.append(step)
        return advance(now: now)
    }

    private mutating func advance(now: MonotonicInstant) -> Step {
        step = Step(rawValue: step.rawValue + 1)!
        let after = Step.allCases.filter { $0 > step }.map(\.least).reduce(.zero, +)
        deadline = min(now + step.limit, end + (.zero - after))
        return step
    }
}
