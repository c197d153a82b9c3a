import BitTorrent
import PoolProtocol

/// An order of the supervisor, to whichever role.
enum PoolOrder {
    case peer(SupervisorToPeerWorker)
    case hash(SupervisorToHashWorker)
    case writer(SupervisorToWriter)

    var join: JoinOrder? {
        switch self {
        case .peer(let order): order.joinOrder
        case .hash(let order): order.joinOrder
        case .writer(let order): order.joinOrder
        }
    }
}

/// News for the supervisor, from whichever role.
enum PoolNews {
    case peer(PeerWorkerToSupervisor)
    case hash(HashWorkerToSupervisor)
    case writer(WriterToSupervisor)
}

/// What travels between two workers.
enum PoolFrame {
    case greeting(Greeting)
    case blocks([BlockReference])
    case slots([SlotReturn])
    case pieces(HashWorkerToWriter)
    case answers([AssignmentID])
}

/// One direction of one connection: keeps the order, takes its time, and loses what is on the way when an end dies.
final class Line<Message> {
    private unowned let swarm: Swarm
    private let deliver: (Message) -> Void
    private var lastArrival = MonotonicInstant.distantPast
    private var sentCount = 0
    private var deliveredCount = 0
    /// From this message on nothing arrives.
    private var firstLost = Int.max

    /// - Parameter opensAt: nothing arrives earlier.
    init(_ swarm: Swarm, opensAt: MonotonicInstant = .distantPast, deliver: @escaping (Message) -> Void) {
        self.swarm = swarm
        self.deliver = deliver
        lastArrival = opensAt
    }

    func send(_ message: Message) {
        let number = sentCount
        sentCount += 1
        lastArrival = max(lastArrival, swarm.queue.now + swarm.messageDelay())
        swarm.queue.plan(at: lastArrival) { [self] in
            guard number < firstLost else { return }
            deliveredCount = number + 1
            deliver(message)
        }
    }

    /// The sender died: some of what it had sent last was never handed to the kernel.
    func senderDied() { firstLost = Int.random(in: deliveredCount...sentCount, using: &swarm.dice) }
    func receiverDied() { firstLost = deliveredCount }
}

/// A process's shared memory; lives as long as anybody maps it.
final class SharedMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        base = .allocate(byteCount: max(byteCount, 64), alignment: 4096)
        base.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 64))
    }

    deinit { base.deallocate() }
}
