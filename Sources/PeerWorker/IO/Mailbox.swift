import CLinux
import Glibc
import PoolProtocol
import Synchronization

/// The way between the two threads of a peer-worker: the message thread, which owns the ZeroMQ sockets, and the loop
/// that owns the connections. Each side gathers what it has in plain arrays and hands them over whole, under one lock
/// and with at most one wake; the order within a direction is kept.
///
/// Bounds: towards the loop, what one turn of the message thread received (64 messages a socket); towards the message
/// thread, one reference for each slot and what one turn of the loop has to tell.
final class Mailbox: Sendable {
    /// What the loop hears.
    enum Event: Sendable, Equatable {
        /// All neighbours have welcomed us: work may begin.
        case ready
        case order(SupervisorToPeerWorker)
        /// `addTorrent`, with the contents of its state descriptor.
        case torrentAdded(PeerTorrentSetup, state: [UInt8])
        case slotsReturned(assembler: UInt16, [SlotReturn])
        /// This process has the place and can be sent to.
        case assemblerJoined(Incarnation)
        /// This process is to have the place; its predecessor is dead.
        case assemblerReplaced(Incarnation)
        /// Answered by `answer(ping:)`.
        case ping(UInt64)

        fileprivate var isSlots: Bool {
            if case .slotsReturned = self { true } else { false }
        }
    }

    /// What the message thread sends on.
    struct Parcel: Sendable {
        var news: [PeerWorkerToSupervisor] = []
        var batches: [ReferenceBatches.Batch] = []
        /// Payload that came in.
        var movedByteCount = 0
        /// Nothing follows: the process ends when this is sent.
        var isLast = false

        /// Whether it holds more than a count of bytes.
        var isWorthAWake: Bool { !news.isEmpty || !batches.isEmpty || isLast }
        var isEmpty: Bool { !isWorthAWake && movedByteCount == 0 }

        /// Puts a later parcel behind this one.
        mutating func append(_ later: Parcel) {
            news += later.news
            batches += later.batches
            movedByteCount += later.movedByteCount
            isLast = isLast || later.isLast
        }

        mutating func removeAll() {
            news.removeAll(keepingCapacity: true)
            batches.removeAll(keepingCapacity: true)
            movedByteCount = 0
        }
    }

    private struct Outbound {
        var parcel = Parcel()
        /// The descriptor is readable, or is about to be.
        var isAnnounced = false
    }

    private struct Inbound {
        var events: [Event] = []
        /// The loop was woken for them.
        var isAwaited = false
        /// The loop is to be woken for slots too.
        var needsSlots = false
    }

    private let inbound = Mutex(Inbound())
    private let outbound = Mutex(Outbound())
    private let answeredPing = Atomic<UInt64>(0)
    /// Readable when a parcel waits for the message thread.
    let wakeDescriptor: CInt

    /// - Parameter wakeDescriptor: an eventfd that lives as long as the mailbox.
    init(wakeDescriptor: CInt) { self.wakeDescriptor = wakeDescriptor }

    // MARK: Towards the loop

    /// Hands over everything in `events` and empties it.
    /// - Returns: whether the loop must be woken: false when it was woken already and has not come, and when all that
    ///   waits is slots that it is in no need of. Those it takes at the end of its next turn.
    func post(_ events: inout [Event]) -> Bool {
        guard !events.isEmpty else { return false }
        let mustWake = inbound.withLock { waiting in
            waiting.events += events
            guard !waiting.isAwaited else { return false }
            waiting.isAwaited = waiting.needsSlots || events.contains { !$0.isSlots }
            return waiting.isAwaited
        }
        events.removeAll(keepingCapacity: true)
        return mustWake
    }

    /// Takes everything that was posted; `events` must be empty.
    func take(into events: inout [Event]) {
        inbound.withLock { waiting in
            swap(&waiting.events, &events)
            waiting.isAwaited = false
        }
    }

    /// The loop goes to wait.
    /// - Parameter needsSlots: whether it is to be woken for slots.
    /// - Returns: whether there is something that it must take first.
    func loopWaits(needsSlots: Bool) -> Bool {
        inbound.withLock { waiting in
            waiting.needsSlots = needsSlots
            return needsSlots && !waiting.isAwaited && !waiting.events.isEmpty
        }
    }

    // MARK: Towards the message thread

    /// Hands over the parcel and empties it; wakes the message thread unless it is awake for an earlier one.
    func post(_ parcel: inout Parcel) {
        guard !parcel.isEmpty else { return }
        let mustWake = outbound.withLock { waiting in
            if waiting.parcel.isEmpty { swap(&waiting.parcel, &parcel) } else { waiting.parcel.append(parcel) }
            defer { waiting.isAnnounced = true }
            return !waiting.isAnnounced
        }
        parcel.removeAll()
        if mustWake {
            var one: UInt64 = 1
            // An eventfd of which only ones are written takes this without waiting.
            _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
        }
    }

    /// Takes everything that was posted; `parcel` must be empty. Call it also when the descriptor is not readable: what
    /// is taken early needs no turn of its own.
    func take(into parcel: inout Parcel) {
        // The wake first: one that came after the parcel was taken belongs to the next parcel and must stay.
        if outbound.withLock({ $0.isAnnounced }) { silence() }
        outbound.withLock { waiting in
            swap(&waiting.parcel, &parcel)
            waiting.isAnnounced = false
        }
    }
    /// Makes the descriptor unreadable until the next wake. To be called whenever it was readable: a wake may come after
    /// its parcel was taken.
    func silence() {
        var count: UInt64 = 0
        _ = read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
    }

    // MARK: Pings

    func answer(ping: UInt64) { answeredPing.store(ping, ordering: .releasing) }
    /// The newest ping that the loop has answered.
    var lastAnsweredPing: UInt64 { answeredPing.load(ordering: .acquiring) }
}
