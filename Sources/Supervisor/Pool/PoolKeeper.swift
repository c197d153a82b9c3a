import BitTorrent
import PoolProtocol

/// Owns who sits where: starts processes, lets them join one at a time, and walks every death through the barrier of
/// docs/architecture.md ("Replacement") before the successor gets work. Spawns and sends nothing itself.
struct PoolKeeper {
    enum Action: Equatable {
        case spawn(Incarnation, adoptsRegion: Bool)
        /// SIGKILL; `died` follows when it was reaped.
        case kill(Incarnation, reason: String)
        case join(Incarnation, incumbents: [Incarnation])
        case tellReplaced(Place, by: Incarnation)
        case tellGivenUp(Place, of: Place)
        /// Pass the region over the lifeline, then tell `mapRegion`.
        case passRegion(RegionReader)
        /// Hand the successor the list of open assignments, then wait for `adopted`.
        case adopt(Incarnation, stillReading: [AssignmentID])
        /// The dead process's work goes back; said as soon as it was reaped.
        case lost(Incarnation)
        /// Everyone who dealt with the dead process has seen that it is gone: what it owned may be shared out again.
        case replacementSeen(Place)
        /// The process may be given work.
        case working(Incarnation)
        case gaveUp(Place)
        /// What the dead hash-worker held is not taken over: its pieces are missing again. Said before the successor that
        /// starts empty is spawned.
        case regionDropped(Place)
        /// The pool cannot go on: exit 40.
        case failed(Role)
    }

    private var places: [Place: PlaceState] = [:]
    private let order: [Place]
    /// Start nobody any more; deaths are only noted.
    private var isStopping = false
    private var debts: Debts

    init(plan: PoolPlan, now: MonotonicInstant) {
        order = plan.places
        debts = Debts(now: now)
        for place in order { places[place] = PlaceState(phase: .vacant(until: now)) }
    }

    // MARK: Queries

    func state(of place: Place) -> PlaceState? { places[place] }
    var allPlaces: [Place] { order }
    func isWorking(_ place: Place) -> Bool { places[place]?.phase == .working }
    func workingOrdinals(of role: Role) -> [Int] {
        order.filter { $0.role == role && isWorking($0) }.map { Int($0.ordinal) }
    }
    var livingCount: Int { places.values.count { $0.isAlive } }
    var restartCount: Int { places.values.reduce(0) { $0 + $1.restartCount } }
    var nextDeadline: MonotonicInstant {
        places.values.reduce(.distantFuture) { earliest, state in
            if case .vacant(let until) = state.phase, !isStopping { min(earliest, until) } else { earliest }
        }
    }

    /// Whether a message from this process counts: it is the one that sits there now.
    func isCurrent(_ incarnation: Incarnation) -> Bool {
        guard let state = places[incarnation.place] else { return false }
        return state.isAlive && state.generation == incarnation.generation
    }

    // MARK: Events

    /// Call it at every heartbeat, and at `nextDeadline`.
    mutating func timerFired(now: MonotonicInstant, into actions: inout [Action]) {
        guard !isStopping else { return }
        for debt in debts.overdue(owed, now: now) {
            let limit = Int(debt.kind.limit.inSeconds)
            mustGo(
                debt.debtor, ending: .ownDoing, reason: "it has not \(debt.kind.description) within \(limit) s",
                into: &actions)
        }
        for place in order {
            guard let state = places[place], case .vacant(let until) = state.phase, until <= now else { continue }
            var filled = state
            filled.phase = .starting
            // The generation of a successor was fixed when the death was told to the neighbours.
            if state.generation == 0 { filled.generation = 1 }
            filled.wasReady = false
            filled.didWork = false
            filled.isBeingKilled = nil
            filled.isAdopting = false
            places[place] = filled
            let adopts = place.role == .hashWorker && filled.generation > 1 && filled.adoptionDeaths < 2
            if place.role == .hashWorker && filled.generation > 1 && !adopts { actions.append(.regionDropped(place)) }
            actions.append(.spawn(filled.incarnation(at: place), adoptsRegion: adopts))
        }
    }

    mutating func helloReceived(from worker: Incarnation, into actions: inout [Action]) {
        guard isExpected(worker), places[worker.place]!.phase == .starting else { return }
        places[worker.place]!.phase = .waitingToJoin
        letNextJoin(into: &actions)
    }

    mutating func readyReceived(from worker: Incarnation, into actions: inout [Action]) {
        guard isExpected(worker), places[worker.place]!.phase == .joining else { return }
        places[worker.place]!.phase = .settling
        places[worker.place]!.wasReady = true
        for pair in regionPairs(with: worker) {
            places[worker.place]!.unmapped.insert(pair)
            actions.append(.passRegion(pair))
        }
        if worker.place.role == .hashWorker && worker.generation > 1 {
            places[worker.place]!.isAdopting = true
            actions.append(.adopt(worker, stillReading: places[worker.place]!.stillReading))
            places[worker.place]!.stillReading = []
        }
        checkSettled(worker.place, into: &actions)
        letNextJoin(into: &actions)
    }

    mutating func regionMapped(_ pair: RegionReader, into actions: inout [Action]) {
        for place in order where places[place]!.unmapped.remove(pair) != nil { checkSettled(place, into: &actions) }
    }

    mutating func adopted(by worker: Incarnation, into actions: inout [Action]) {
        guard isCurrent(worker) else { return }
        places[worker.place]!.isAdopting = false
        checkSettled(worker.place, into: &actions)
    }

    /// The process moved payload or answered an order: its deaths so far are forgiven.
    mutating func workDone(by worker: Incarnation) {
        guard isCurrent(worker) else { return }
        places[worker.place]!.didWork = true
    }

    /// A hash-worker gave a verdict: its region is worth adopting again.
    mutating func verdictGiven(by worker: Incarnation) {
        guard isCurrent(worker) else { return }
        places[worker.place]!.didWork = true
        places[worker.place]!.adoptionDeaths = 0
    }

    mutating func replacementSeen(
        by answerer: Incarnation, of newcomer: Incarnation, stillReading: [AssignmentID], into actions: inout [Action]
    ) {
        guard isCurrent(answerer), places[newcomer.place]?.generation == newcomer.generation else { return }
        guard places[newcomer.place]!.unseenBy.remove(answerer) != nil else { return }
        places[newcomer.place]!.stillReading += stillReading
        barrierMoved(at: newcomer.place, into: &actions)
    }

    /// The worker's loop stands still, it breaks the pool's protocol, or a user wants it replaced: fence it first.
    mutating func mustGo(
        _ worker: Incarnation, ending: RestartPolicy.Ending, reason: String, into actions: inout [Action]
    ) {
        guard isCurrent(worker), places[worker.place]!.isBeingKilled == nil else { return }
        places[worker.place]!.isBeingKilled = ending
        actions.append(.kill(worker, reason: reason))
    }

    /// A process could not be started at all.
    mutating func spawnFailed(_ worker: Incarnation, now: MonotonicInstant, into actions: inout [Action]) {
        died(worker, ending: .ownDoing, now: now, into: &actions)
    }

    /// The process was reaped: only now may anything of it be used again.
    mutating func died(
        _ worker: Incarnation, ending: RestartPolicy.Ending, now: MonotonicInstant, into actions: inout [Action]
    ) {
        guard isCurrent(worker), var state = places[worker.place] else { return }
        let place = worker.place
        let hadJoined = state.isJoined
        let blame = state.isBeingKilled ?? ending
        actions.append(.lost(worker))
        state.unmapped = []
        state.generation += 1
        // Who never joined has adopted nothing; who was replaced on purpose, or killed from outside, did not die of what
        // it adopted.
        if place.role == .hashWorker && hadJoined && blame == .ownDoing { state.adoptionDeaths += 1 }
        // The answers for the successor say it anew.
        state.stillReading = []
        let newcomer = Incarnation(place, generation: state.generation)
        if isStopping {
            state.phase = .givenUp
            places[place] = state
            return
        }
        state.restartCount += 1
        switch state.policy.died(blame, wasReady: state.wasReady, didWork: state.didWork) {
        case .restart(let delay): state.phase = .vacant(until: now + delay)
        case .giveUp:
            state.phase = .givenUp
            state.unseenBy = []
        }
        places[place] = state
        if place.role == .writer { forgetReads() }
        forgetAnswers(of: worker, into: &actions)
        if hadJoined { restartJoiners(waitingFor: place, into: &actions) }
        if state.phase == .givenUp {
            gaveUp(place, into: &actions)
        } else {
            let neighbours = joinedNeighbours(of: place)
            places[place]!.unseenBy.formUnion(neighbours.map { places[$0]!.incarnation(at: $0) })
            for neighbour in neighbours { actions.append(.tellReplaced(neighbour, by: newcomer)) }
            barrierMoved(at: place, into: &actions)
        }
        letNextJoin(into: &actions)
    }

    /// From now on nobody is started; what dies stays dead.
    mutating func stopping() { isStopping = true }

    // MARK: Steps

    /// What the pool waits for, and from whom.
    private var owed: Set<Debt> {
        var owed: Set<Debt> = []
        for (place, state) in places {
            switch state.phase {
            case .starting: owed.insert(Debt(debtor: state.incarnation(at: place), kind: .hello))
            case .joining: owed.insert(Debt(debtor: state.incarnation(at: place), kind: .ready))
            case .settling:
                for pair in state.unmapped { owed.insert(Debt(debtor: pair.reader, kind: .mapping)) }
                if state.isAdopting { owed.insert(Debt(debtor: state.incarnation(at: place), kind: .adoption)) }
            case .vacant, .waitingToJoin, .working, .givenUp: break
            }
            for neighbour in state.unseenBy { owed.insert(Debt(debtor: neighbour, kind: .replacementSeen)) }
        }
        return owed
    }

    /// Whether the process may still go on to the next phase: it lives and was not condemned.
    private func isExpected(_ worker: Incarnation) -> Bool {
        isCurrent(worker) && places[worker.place]!.isBeingKilled == nil
    }

    /// A death counts as an answer, and as a region that need not be mapped any more.
    private mutating func forgetAnswers(of dead: Incarnation, into actions: inout [Action]) {
        for place in order where places[place]!.unseenBy.remove(dead) != nil { barrierMoved(at: place, into: &actions) }
        for place in order {
            let before = places[place]!.unmapped.count
            places[place]!.unmapped = places[place]!.unmapped.filter { $0.reader != dead && $0.owner != dead }
            if places[place]!.unmapped.count != before { checkSettled(place, into: &actions) }
        }
    }

    /// A dead writer reads nothing, and would never answer.
    private mutating func forgetReads() { for place in order { places[place]!.stillReading = [] } }

    /// A newcomer that waits for a welcome from a dead incumbent would wait for ever: it starts anew, without blame.
    private mutating func restartJoiners(waitingFor dead: Place, into actions: inout [Action]) {
        for place in order
        where places[place]!.phase == .joining && Topology.neighbours(of: place.role).contains(dead.role) {
            mustGo(
                places[place]!.incarnation(at: place), ending: .orderly, reason: "\(dead) died during its join",
                into: &actions)
        }
    }

    private mutating func barrierMoved(at place: Place, into actions: inout [Action]) {
        guard places[place]!.unseenBy.isEmpty else { return }
        actions.append(.replacementSeen(place))
        letNextJoin(into: &actions)
    }

    private mutating func gaveUp(_ place: Place, into actions: inout [Action]) {
        for neighbour in joinedNeighbours(of: place) { actions.append(.tellGivenUp(neighbour, of: place)) }
        actions.append(.gaveUp(place))
        if !order.contains(where: { $0.role == place.role && places[$0]!.phase != .givenUp }) {
            actions.append(.failed(place.role))
        }
    }

    /// One join at a time, in the order writer, hash-workers, peer-workers.
    private mutating func letNextJoin(into actions: inout [Action]) {
        guard !isStopping, !order.contains(where: { places[$0]!.phase == .joining }) else { return }
        for role in Topology.startOrder {
            let seats = order.filter { $0.role == role && places[$0]!.phase != .givenUp }
            if let next = seats.first(where: { mayJoin($0) }) {
                places[next]!.phase = .joining
                let incumbents = joinedNeighbours(of: next).map { places[$0]!.incarnation(at: $0) }
                actions.append(.join(places[next]!.incarnation(at: next), incumbents: incumbents))
                return
            }
            // Later roles wait until this one has all its seats filled.
            if seats.contains(where: { !places[$0]!.isJoined }) { return }
        }
    }

    private func mayJoin(_ place: Place) -> Bool {
        let state = places[place]!
        return state.phase == .waitingToJoin && state.unseenBy.isEmpty && state.isBeingKilled == nil
    }

    private func joinedNeighbours(of place: Place) -> [Place] {
        let roles = Topology.neighbours(of: place.role)
        return order.filter { roles.contains($0.role) && places[$0]!.isJoined }
    }

    /// Which mappings come into being with this process: hash-workers read peer-workers' intake, the writer reads
    /// hash-workers' assembly.
    private func regionPairs(with worker: Incarnation) -> [RegionReader] {
        joinedNeighbours(of: worker.place).compactMap { neighbour in
            let other = places[neighbour]!.incarnation(at: neighbour)
            return switch (worker.place.role, neighbour.role) {
            case (.peerWorker, .hashWorker), (.hashWorker, .writer): RegionReader(reader: other, owner: worker)
            case (.hashWorker, .peerWorker), (.writer, .hashWorker): RegionReader(reader: worker, owner: other)
            default: nil
            }
        }
    }

    private mutating func checkSettled(_ place: Place, into actions: inout [Action]) {
        guard let state = places[place], state.phase == .settling, state.unmapped.isEmpty, !state.isAdopting else {
            return
        }
        places[place]!.phase = .working
        actions.append(.working(state.incarnation(at: place)))
    }
}
