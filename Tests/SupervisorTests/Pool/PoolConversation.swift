import BitTorrent
import PoolProtocol
import TestSupport

@testable import Supervisor

func writer(_ generation: UInt32 = 1) -> Incarnation { Incarnation(Place(.writer, 0), generation: generation) }
func hash(_ ordinal: Int, _ generation: UInt32 = 1) -> Incarnation {
    Incarnation(Place(.hashWorker, ordinal), generation: generation)
}
func peer(_ ordinal: Int, _ generation: UInt32 = 1) -> Incarnation {
    Incarnation(Place(.peerWorker, ordinal), generation: generation)
}

/// A talk with the keeper: every event returns what it made the keeper do.
struct PoolConversation {
    typealias Action = PoolKeeper.Action

    private(set) var keeper: PoolKeeper
    private var clock = FakeClock()
    var now: MonotonicInstant { clock.now }

    init(hashWorkers: Int = 1, peerWorkers: Int = 1) throws {
        let plan = try PoolPlan(
            peerWorkers: peerWorkers, hashWorkers: hashWorkers, memory: nil, longestPieceByteCount: 16384)
        keeper = PoolKeeper(plan: plan, now: clock.now)
    }

    private mutating func tell(_ event: (inout PoolKeeper, inout [Action]) -> Void) -> [Action] {
        var actions: [Action] = []
        event(&keeper, &actions)
        return actions
    }

    mutating func wait(_ duration: Duration = .zero) -> [Action] {
        clock.advance(by: duration)
        let now = clock.now
        return tell { $0.timerFired(now: now, into: &$1) }
    }

    mutating func hello(_ worker: Incarnation) -> [Action] { tell { $0.helloReceived(from: worker, into: &$1) } }
    mutating func ready(_ worker: Incarnation) -> [Action] { tell { $0.readyReceived(from: worker, into: &$1) } }
    mutating func adopted(_ worker: Incarnation) -> [Action] { tell { $0.adopted(by: worker, into: &$1) } }

    mutating func mapped(_ owner: Incarnation, by reader: Incarnation) -> [Action] {
        tell { $0.regionMapped(RegionReader(reader: reader, owner: owner), into: &$1) }
    }

    mutating func seen(
        _ newcomer: Incarnation, by answerer: Incarnation, stillReading: [AssignmentID] = []
    ) -> [Action] {
        tell { $0.replacementSeen(by: answerer, of: newcomer, stillReading: stillReading, into: &$1) }
    }

    mutating func condemn(_ worker: Incarnation, _ ending: RestartPolicy.Ending = .ownDoing) -> [Action] {
        tell { $0.mustGo(worker, ending: ending, reason: "test", into: &$1) }
    }

    mutating func died(_ worker: Incarnation, _ ending: RestartPolicy.Ending = .killedFromOutside) -> [Action] {
        let now = clock.now
        return tell { $0.died(worker, ending: ending, now: now, into: &$1) }
    }

    mutating func workDone(_ worker: Incarnation) { keeper.workDone(by: worker) }
    mutating func verdictGiven(_ worker: Incarnation) { keeper.verdictGiven(by: worker) }
    mutating func stopping() { keeper.stopping() }

    func phase(_ worker: Incarnation) -> PlaceState.Phase? { keeper.state(of: worker.place)?.phase }

    // MARK: Willing workers

    /// Lets every process do at once what is expected of it, until nothing more is.
    /// - Returns: everything that the keeper did meanwhile.
    @discardableResult mutating func settle(_ first: [Action] = []) -> [Action] {
        var open = first + wait()
        var all: [Action] = []
        while !open.isEmpty {
            let action = open.removeFirst()
            all.append(action)
            switch action {
            case .spawn(let worker, _): open += hello(worker)
            case .join(let worker, _): open += ready(worker)
            case .passRegion(let pair): open += mapped(pair.owner, by: pair.reader)
            case .adopt(let worker, _): open += adopted(worker)
            case .tellReplaced(let place, let newcomer):
                open += seen(newcomer, by: keeper.state(of: place)!.incarnation(at: place))
            case .kill(let worker, _): open += died(worker)
            case .tellGivenUp, .lost, .replacementSeen, .working, .gaveUp, .regionDropped, .failed: break
            }
        }
        return all
    }

    /// A pool in which everybody works.
    static func working(hashWorkers: Int = 1, peerWorkers: Int = 1) throws -> PoolConversation {
        var pool = try PoolConversation(hashWorkers: hashWorkers, peerWorkers: peerWorkers)
        pool.settle()
        return pool
    }

    var everybodyWorks: Bool { keeper.allPlaces.allSatisfy { keeper.isWorking($0) } }
}
