import BitTorrent
import PoolProtocol

/// One seat of the pool as the keeper sees it.
struct PlaceState {
    /// Each case says what the place waits for.
    enum Phase: Equatable {
        /// Nobody is here; the next process is started at this moment.
        case vacant(until: MonotonicInstant)
        /// A process was started; its `hello` has not come.
        case starting
        /// It said hello and waits for its turn: neighbours must have seen the replacement, earlier roles must be here.
        case waitingToJoin
        /// The `join` order is out; `ready` has not come.
        case joining
        /// It is ready; regions are being mapped, and a successor's adoption runs.
        case settling
        /// It has its work.
        case working
        /// Dead too often. Nothing follows.
        case givenUp
    }

    var phase: Phase
    /// Of the process that is here, or was here last; 0 before the first.
    var generation: UInt32 = 0
    var policy = RestartPolicy()
    /// A `pidfd` spoke or a kill was sent: the process counts as dead as soon as it is reaped.
    var isBeingKilled: RestartPolicy.Ending?
    var wasReady = false
    var didWork = false
    /// Neighbours that have not answered `workerReplaced` for the coming generation.
    var unseenBy: Set<Incarnation> = []
    /// Assignments that a writer still reads from the dead hash-worker's region.
    var stillReading: [AssignmentID] = []
    /// Regions that must be mapped before this process gets work: whose, and by whom.
    var unmapped: Set<RegionReader> = []
    /// A successor hash-worker has not told `adopted`.
    var isAdopting = false
    /// Deaths by its own doing since the last piece was verified after an adoption; at two the next one starts empty.
    var adoptionDeaths = 0
    /// Replacements so far, for the user.
    var restartCount = 0

    func incarnation(at place: Place) -> Incarnation { Incarnation(place, generation: generation) }

    /// Connected to its neighbours, so that they must hear of others' deaths and it must hear of theirs.
    var isJoined: Bool { phase == .settling || phase == .working }

    var isAlive: Bool {
        switch phase {
        case .vacant, .givenUp: false
        case .starting, .waitingToJoin, .joining, .settling, .working: true
        }
    }
}

/// "`reader` maps the region of `owner`."
struct RegionReader: Hashable {
    let reader: Incarnation
    let owner: Incarnation
}
