import BitTorrent
import PoolProtocol
import TestSupport

@testable import Supervisor

/// A pool of make-believe processes that does what the keeper says, a little later and in an order that a seed decides,
/// and notes every action that a real pool could not carry out.
struct ModelPool {
    /// One process: what it was told and what it said.
    private struct Process {
        let who: Incarnation
        var isRunning = true
        /// `hello` was delivered to the keeper.
        var wasGreeted = false
        /// Incumbents that have not welcomed it; nil before `join`.
        var awaited: Set<Incarnation>?
        var saidReady = false
        /// `ready` was delivered.
        var isReady = false
        var works = false
        var didWork = false
        var wasAdopted = false
        var mustAdopt = false
        /// Regions that it maps, its neighbours' owners.
        var passed: Set<Incarnation> = []
        /// Oldest generation of each place that it still listens to.
        var heard: [Place: UInt32] = [:]
        /// Messages of the keeper on their way to it, and its own to the keeper.
        var orders: [PoolKeeper.Action] = []
        var news: [News] = []
    }

    private enum News {
        case hello, ready, adopted
        case mapped(owner: Incarnation)
        case seen(Incarnation)
    }

    private(set) var keeper: PoolKeeper
    private(set) var clock = FakeClock()
    private var generator: SeededGenerator
    private var processes: [Place: Process] = [:]
    private var latest: [Place: UInt32] = [:]
    private(set) var givenUp: Set<Place> = []
    private(set) var failedRoles: Set<Role> = []
    private(set) var complaints: [String] = []
    /// Deaths since the last work that a fair judge would count, by place.
    private var blamed: [Place: Int] = [:]
    /// They died of a fault of their own.
    private var crashed: Set<Incarnation> = []
    /// The keeper had them killed, which it does only to joiners whose incumbents died: nobody is to blame.
    private var excused: Set<Incarnation> = []
    private(set) var deathCount = 0

    init(plan: PoolPlan, seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        keeper = PoolKeeper(plan: plan, now: clock.now)
    }

    private mutating func complain(_ text: String) { if complaints.count < 5 { complaints.append(text) } }

    private func require(_ worker: Incarnation) -> Process? {
        guard let process = processes[worker.place], process.who == worker else { return nil }
        return process
    }

    // MARK: Time

    enum Strike { case nobody, outside, crash }

    /// One step of the world: a message is delivered, a timer fires, a dead process is reaped, or somebody is struck.
    mutating func step(_ strike: Strike) {
        switch strike {
        case .nobody: break
        case .outside, .crash: return self.strike(strike)
        }
        let busy = processes.values.filter { !$0.orders.isEmpty || !$0.news.isEmpty || !$0.isRunning }
            .map(\.who.place).sorted()
        guard let place = busy.randomElement(using: &generator), !generator.oneIn(20) else { return passTime() }
        let process = processes[place]!
        // What a dead process said before may still be read, until it is reaped.
        switch Int.random(in: 0..<3, using: &generator) {
        case 0 where process.isRunning && !process.orders.isEmpty: obey(place)
        case 1 where !process.news.isEmpty: deliver(place)
        case 2 where !process.isRunning: reap(place)
        default: break
        }
    }

    var isQuiet: Bool {
        processes.values.allSatisfy { $0.isRunning && $0.orders.isEmpty && $0.news.isEmpty }
            && keeper.nextDeadline == .distantFuture
    }

    private mutating func passTime() {
        let deadline = keeper.nextDeadline
        clock.advance(by: .milliseconds(Int.random(in: 0..<20, using: &generator)))
        if deadline != .distantFuture, generator.oneIn(2) { clock.advance(to: deadline) }
        let now = clock.now
        tell { $0.timerFired(now: now, into: &$1) }
    }

    // MARK: Deaths

    private mutating func strike(_ strike: Strike) {
        let running = processes.values.filter(\.isRunning).map(\.who.place).sorted()
        guard let place = running.randomElement(using: &generator) else { return }
        if strike == .crash { crashed.insert(processes[place]!.who) }
        processes[place]!.isRunning = false
    }

    private mutating func reap(_ place: Place) {
        let process = processes.removeValue(forKey: place)!
        deathCount += 1
        let ending = crashed.contains(process.who) ? RestartPolicy.Ending.ownDoing : .killedFromOutside
        if process.didWork { blamed[place] = 0 }
        let isBlamed = !process.isReady || (ending == .ownDoing && !process.didWork)
        if isBlamed && !excused.contains(process.who) { blamed[place, default: 0] += 1 }
        let now = clock.now
        tell { $0.died(process.who, ending: ending, now: now, into: &$1) }
    }

    // MARK: Messages

    private mutating func obey(_ place: Place) {
        switch processes[place]!.orders.removeFirst() {
        case .join(_, let incumbents):
            processes[place]!.awaited = Set(incumbents)
            for incumbent in incumbents { processes[place]!.heard[incumbent.place] = incumbent.generation }
        case .tellReplaced(_, let newcomer):
            processes[place]!.heard[newcomer.place] = newcomer.generation
            processes[place]!.news.append(.seen(newcomer))
        case .passRegion(let pair): processes[place]!.news.append(.mapped(owner: pair.owner))
        case .adopt:
            processes[place]!.wasAdopted = true
            processes[place]!.news.append(.adopted)
        case .tellGivenUp(_, let gone): processes[place]!.heard[gone] = .max
        case .spawn, .kill, .lost, .replacementSeen, .working, .gaveUp, .regionDropped, .failed: break
        }
        welcomeJoiners()
    }

    /// Incumbents that live welcome whoever joins.
    private mutating func welcomeJoiners() {
        for place in processes.keys.sorted() {
            guard let process = processes[place], process.isRunning, let awaited = process.awaited, !process.saidReady
            else { continue }
            let missing = awaited.filter { incumbent in
                guard let host = require(incumbent), host.isRunning, host.saidReady else { return true }
                if host.heard[place, default: 0] > process.who.generation {
                    complain("\(process.who) joins \(incumbent), which takes it for dead")
                }
                return false
            }
            processes[place]!.awaited = missing
            guard missing.isEmpty else { continue }
            processes[place]!.saidReady = true
            processes[place]!.news.append(.ready)
        }
    }

    private mutating func deliver(_ place: Place) {
        let who = processes[place]!.who
        switch processes[place]!.news.removeFirst() {
        case .hello:
            processes[place]!.wasGreeted = true
            tell { $0.helloReceived(from: who, into: &$1) }
        case .ready:
            // Whom we have killed already has not come.
            processes[place]!.isReady = keeper.state(of: place)?.isBeingKilled == nil
            tell { $0.readyReceived(from: who, into: &$1) }
        case .adopted: tell { $0.adopted(by: who, into: &$1) }
        case .mapped(let owner): tell { $0.regionMapped(RegionReader(reader: who, owner: owner), into: &$1) }
        case .seen(let newcomer):
            tell { $0.replacementSeen(by: who, of: newcomer, stillReading: [], into: &$1) }
        }
    }

    private mutating func tell(_ event: (inout PoolKeeper, inout [PoolKeeper.Action]) -> Void) {
        var actions: [PoolKeeper.Action] = []
        event(&keeper, &actions)
        for action in actions { perform(action) }
        welcomeJoiners()
    }

    // MARK: What the keeper wants

    private mutating func perform(_ action: PoolKeeper.Action) {
        switch action {
        case .spawn(let worker, _): spawn(worker)
        case .kill(let worker, _):
            guard require(worker) != nil else { return complain("\(worker) is killed and is not there") }
            excused.insert(worker)
            processes[worker.place]!.isRunning = false
        case .join(let worker, let incumbents):
            checkJoin(worker, incumbents)
            order(action, to: worker.place)
        case .tellReplaced(let place, let newcomer):
            if processes[place]?.isReady != true { complain("\(place) hears of \(newcomer) before it has joined") }
            if processes[newcomer.place] != nil { complain("\(newcomer) is announced while another lives") }
            order(action, to: place)
        case .tellGivenUp(let place, _):
            if processes[place]?.isReady != true { complain("\(place) hears of a given-up place before it has joined") }
            order(action, to: place)
        case .passRegion(let pair): checkRegion(pair)
        case .adopt(let worker, _):
            guard let process = require(worker), process.isReady, !process.mustAdopt, worker.generation > 1,
                worker.place.role == .hashWorker
            else { return complain("\(worker) is to adopt") }
            processes[worker.place]!.mustAdopt = true
            order(action, to: worker.place)
        case .lost(let worker):
            if require(worker) != nil { complain("\(worker) is lost and lives") }
        case .replacementSeen(let place): checkSeen(place)
        case .working(let worker): checkWorking(worker)
        case .gaveUp(let place):
            if blamed[place, default: 0] < RestartPolicy.limit { complain("\(place) is given up without need") }
            givenUp.insert(place)
        case .regionDropped(let place):
            if processes[place] != nil || place.role != .hashWorker { complain("\(place) lives and loses its region") }
        case .failed(let role):
            if !keeper.allPlaces.allSatisfy({ $0.role != role || givenUp.contains($0) }) {
                complain("\(role) failed while a place lives")
            }
            failedRoles.insert(role)
        }
    }

    private mutating func order(_ action: PoolKeeper.Action, to place: Place) {
        guard processes[place] != nil else { return complain("a message to nobody: \(action)") }
        processes[place]!.orders.append(action)
    }

    private mutating func spawn(_ worker: Incarnation) {
        if processes[worker.place] != nil { complain("two living processes in \(worker.place)") }
        if worker.generation != latest[worker.place, default: 0] + 1 { complain("\(worker) comes out of turn") }
        if givenUp.contains(worker.place) { complain("\(worker) is started in a place that was given up") }
        if blamed[worker.place, default: 0] >= RestartPolicy.limit { complain("\(worker) is started once too often") }
        latest[worker.place] = worker.generation
        processes[worker.place] = Process(who: worker, news: [.hello])
    }

    private mutating func checkJoin(_ worker: Incarnation, _ incumbents: [Incarnation]) {
        guard let process = require(worker), process.wasGreeted, process.awaited == nil,
            !process.orders.contains(where: { if case .join = $0 { true } else { false } })
        else { return complain("\(worker) is to join before its hello, or twice") }
        for other in processes.values where other.who != worker && !other.isReady {
            let isJoining = other.awaited != nil || other.orders.contains { if case .join = $0 { true } else { false } }
            if isJoining { complain("\(worker) joins while \(other.who) does") }
        }
        let roles = Topology.neighbours(of: worker.place.role)
        let expected = processes.values.filter { roles.contains($0.who.place.role) && $0.isReady }.map(\.who)
        if Set(expected) != Set(incumbents) { complain("\(worker) joins \(incumbents), not \(expected)") }
    }

    private mutating func checkRegion(_ pair: RegionReader) {
        guard let reader = require(pair.reader), require(pair.owner)?.isReady == true, reader.isReady else {
            return complain("a region is passed from or to nobody: \(pair)")
        }
        if !processes[pair.reader.place]!.passed.insert(pair.owner).inserted { complain("passed twice: \(pair)") }
        order(.passRegion(pair), to: pair.reader.place)
    }

    /// Everybody who could still hear the dead process must have turned away from it.
    private mutating func checkSeen(_ place: Place) {
        let generation = keeper.state(of: place)!.generation
        for process in processes.values where Topology.neighbours(of: place.role).contains(process.who.place.role) {
            if process.isReady && process.heard[place, default: generation] < generation {
                complain("\(process.who) still listens to the old \(place)")
            }
        }
    }

    private mutating func checkWorking(_ worker: Incarnation) {
        guard let process = require(worker), process.isReady, !process.works else {
            return complain("\(worker) is to work")
        }
        if process.mustAdopt != process.wasAdopted { complain("\(worker) works before it has adopted") }
        if worker.place.role == .hashWorker, worker.generation > 1, !process.wasAdopted {
            complain("\(worker) works without having adopted")
        }
        processes[worker.place]!.works = true
    }

    /// The keeper learns that a worker did what it is for.
    mutating func work() {
        for place in processes.keys.sorted() {
            guard let process = processes[place], process.isRunning, process.works else { continue }
            processes[place]!.didWork = true
            if place.role == .hashWorker {
                keeper.verdictGiven(by: process.who)
            } else {
                keeper.workDone(by: process.who)
            }
        }
    }
}
