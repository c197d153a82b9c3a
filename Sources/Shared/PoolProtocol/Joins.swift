/// An order of the supervisor, as far as every role must understand it.
package protocol SupervisorOrder: PoolMessage {
    /// The incumbents to join, when the message is `join`.
    var joinOrder: JoinOrder? { get }
}

/// What every worker tells the supervisor while it starts.
package protocol WorkerNews: PoolMessage {
    static func hello(_ hello: Hello) -> Self
    static var joined: Self { get }
    static var ready: Self { get }
    static func descriptorReceived(_ descriptor: UInt32) -> Self
    /// The neighbour broke the pool's protocol, or its connection is broken: it shall go. nil when this role is not
    /// believed: whoever talks to strangers accuses nobody.
    static func accusation(of neighbour: Incarnation, _ text: String) -> Self?
}

extension SupervisorToPeerWorker: SupervisorOrder {
    package var joinOrder: JoinOrder? { if case .join(let order) = self { order } else { nil } }
}
extension SupervisorToHashWorker: SupervisorOrder {
    package var joinOrder: JoinOrder? { if case .join(let order) = self { order } else { nil } }
}
extension SupervisorToWriter: SupervisorOrder {
    package var joinOrder: JoinOrder? { if case .join(let order) = self { order } else { nil } }
}
extension PeerWorkerToSupervisor: WorkerNews {
    package static func accusation(of neighbour: Incarnation, _ text: String) -> Self? { nil }
}
extension HashWorkerToSupervisor: WorkerNews {
    /// Of peer-workers only: the writer is trusted more.
    package static func accusation(of neighbour: Incarnation, _ text: String) -> Self? {
        neighbour.place.role == .peerWorker ? .neighbourBroke(neighbour, text: text) : nil
    }
}
extension WriterToSupervisor: WorkerNews {
    package static func accusation(of neighbour: Incarnation, _ text: String) -> Self? {
        .neighbourBroke(neighbour, text: text)
    }
}

/// The first message on a data connection, one a frame and the same on every edge: kind 1 asks, kind 2 answers. Kind 0 is
/// said every heartbeat from then on.
package enum Greeting: Equatable, Sendable {
    case hello(Hello)
    case welcome(Hello)
    /// How many frames the sender has sent on this connection before: see `EdgeWatch`.
    case probe(framesBefore: UInt64)

    package var encoded: [UInt8] {
        var writer = FrameWriter()
        switch self {
        case .hello(let hello):
            writer.put(UInt8(1))
            hello.encode(into: &writer)
        case .welcome(let hello):
            writer.put(UInt8(2))
            hello.encode(into: &writer)
        case .probe(let count):
            writer.put(UInt8(0))
            writer.put(count)
        }
        return writer.take()
    }

    /// nil when the frame holds no greeting but data.
    package init?(frame: UnsafeRawBufferPointer) throws(PoolCodecError) {
        guard let kind = frame.first, kind <= 2 else { return nil }
        var reader = FrameReader(UnsafeRawBufferPointer(rebasing: frame.dropFirst()))
        switch kind {
        case 0: self = .probe(framesBefore: try reader.get())
        case 1: self = .hello(try Hello(from: &reader))
        default: self = .welcome(try Hello(from: &reader))
        }
        guard reader.isAtEnd else { throw .invalidField("greeting") }
    }
}

/// Owns whom a worker's data socket talks to: which generation of each place counts, and whether a join is complete.
/// A frame from any other generation is dropped, whatever it says.
package struct Neighbours {
    private var generations: [Place: UInt32] = [:]
    private var connected: Set<Incarnation> = []
    /// Incumbents that have not welcomed us yet; nil before the `join` order.
    private var awaited: Set<Incarnation>?

    package init() {}

    /// The `join` order came. An empty one is complete at once.
    package mutating func joining(_ incumbents: [Incarnation]) {
        awaited = Set(incumbents)
        for incumbent in incumbents { generations[incumbent.place] = incumbent.generation }
    }

    package var isJoined: Bool { awaited?.isEmpty ?? false }

    /// An incumbent answered our hello.
    package mutating func welcomed(by incumbent: Incarnation) {
        guard awaited?.remove(incumbent) != nil else { return }
        connected.insert(incumbent)
    }

    /// A newcomer said hello.
    /// - Returns: whether it is to be welcomed: false for a generation that was replaced already.
    package mutating func greeted(by newcomer: Incarnation) -> Bool {
        guard newcomer.generation >= generations[newcomer.place, default: 0] else { return false }
        generations[newcomer.place] = newcomer.generation
        connected = connected.filter { $0.place != newcomer.place }
        connected.insert(newcomer)
        return true
    }

    /// The supervisor said that this generation takes the place: older ones are dead to us.
    package mutating func replaced(by newcomer: Incarnation) {
        generations[newcomer.place] = newcomer.generation
        connected = connected.filter { $0.place != newcomer.place || $0.generation == newcomer.generation }
    }

    /// The place stays empty.
    package mutating func gaveUp(_ place: Place) {
        generations[place] = .max
        connected = connected.filter { $0.place != place }
    }

    /// All that have joined and were not replaced.
    package var all: Set<Incarnation> { connected }

    /// Whether a frame from this process counts.
    package func isCurrent(_ sender: Incarnation) -> Bool { connected.contains(sender) }

    /// The living process of a place, once it has joined.
    package func current(_ place: Place) -> Incarnation? {
        guard let generation = generations[place] else { return nil }
        let incarnation = Incarnation(place, generation: generation)
        return connected.contains(incarnation) ? incarnation : nil
    }
}
