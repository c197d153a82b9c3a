/// Owns which blocks were requested of one peer: those that are awaited, oldest first, and those that were given up but
/// may still come. Every step on one block costs the same however many there are; room is reused.
struct RequestLedger {
    enum Standing: Hashable {
        /// Requested; whoever gave us the block counts on it.
        case awaited
        /// Given back; if it comes all the same it is welcome.
        case late
        /// Not wanted any more; if it comes all the same it is nobody's fault.
        case unwanted
    }

    struct Entry: Equatable {
        let block: BlockAddress
        fileprivate(set) var standing: Standing
        /// When it was requested, the last time if more often.
        fileprivate(set) var sentAt: MonotonicInstant
        /// Never earlier than the deadline of an awaited block that was requested before it.
        fileprivate(set) var deadline: MonotonicInstant
        /// Rises with every request of this ledger.
        fileprivate(set) var sequence: UInt64
        /// Requests for the block that the peer has not answered.
        fileprivate(set) var answersDue: UInt8
        fileprivate var previous = RequestLedger.none
        fileprivate var next = RequestLedger.none
    }

    /// Given-up requests that are remembered, at least a window of them; beyond that the oldest is forgotten.
    static let releasedLimit = RequestWindow.maximum
    fileprivate static let none: Int32 = -1

    /// First and last entry of one order of entries.
    private struct Chain {
        var first = RequestLedger.none
        var last = RequestLedger.none
        var count = 0
    }

    private var entries: [Entry] = []
    private var unused: [Int32] = []
    private var places = BlockIndex()
    private var awaited = Chain()
    private var released = Chain()
    private var nextSequence: UInt64 = 0
    /// The highest sequence that was answered: what was requested before it was passed over.
    private var newestAnswered: UInt64 = 0
    /// The first awaited block that is not passed over, or none.
    private var firstQueued = RequestLedger.none
    /// Awaited blocks in front of `firstQueued`.
    private var passedOverCount = 0

    /// Awaited blocks.
    var count: Int { awaited.count }
    var isEmpty: Bool { awaited.count == 0 }
    /// Awaited blocks that the peer has not passed over: what it seems to have in its queue.
    var queuedCount: Int { awaited.count - passedOverCount }

    /// The awaited block that was requested first, which has the earliest deadline.
    var oldest: Entry? { awaited.count == 0 ? nil : entries[Int(awaited.first)] }

    /// The awaited blocks, oldest first.
    func forEachAwaited(_ body: (Entry) -> Void) {
        var place = awaited.first
        while place != Self.none {
            body(entries[Int(place)])
            place = entries[Int(place)].next
        }
    }

    subscript(block: BlockAddress) -> Entry? { place(of: block).map { entries[Int($0)] } }

    /// Most peers answer in order, so the oldest is looked at before anything is hashed.
    private func place(of block: BlockAddress) -> Int32? {
        if awaited.count > 0, entries[Int(awaited.first)].block == block { return awaited.first }
        return places[block]
    }

    /// Whether the peer has answered a later request but not this one.
    func isPassedOver(_ entry: Entry) -> Bool { entry.sequence < newestAnswered }

    /// Of the awaited blocks that were passed over, the one that was requested last.
    var newestPassedOver: Entry? {
        guard passedOverCount > 0 else { return nil }
        return entries[Int(firstQueued == Self.none ? awaited.last : entries[Int(firstQueued)].previous)]
    }

    /// - Returns: false, and nothing has happened, when the block is awaited already.
    mutating func requested(_ block: BlockAddress, deadline: MonotonicInstant, now: MonotonicInstant) -> Bool {
        let fresh = unused.last ?? Int32(entries.count)
        let known = places[block]
        if let known {
            guard entries[Int(known)].standing != .awaited else { return false }
            Self.unlink(known, from: &released, in: &entries)
        } else {
            places.insert(block, at: fresh)
        }
        nextSequence += 1
        let answersDue = known.map { entries[Int($0)].answersDue.saturatingSuccessor } ?? 1
        let entry = Entry(
            block: block, standing: .awaited, sentAt: now,
            deadline: max(deadline, awaited.count == 0 ? deadline : entries[Int(awaited.last)].deadline),
            sequence: nextSequence, answersDue: answersDue)
        if let known {
            entries[Int(known)] = entry
        } else if unused.popLast() != nil {
            entries[Int(fresh)] = entry
        } else {
            entries.append(entry)
        }
        enqueue(known ?? fresh)
        return true
    }

    /// The peer has answered one request for the block, with its bytes or a refusal.
    /// - Parameter rest: how the block stands while more requests for it are unanswered; nil: as it stood.
    /// - Returns: how the block stood; nil when it was never requested, or so long ago that it is forgotten.
    mutating func answered(_ block: BlockAddress, leaving rest: Standing?) -> Entry? {
        guard let place = place(of: block) else { return nil }
        let entry = entries[Int(place)]
        passOver(to: entry.sequence)
        entries[Int(place)].answersDue -= 1
        if entries[Int(place)].answersDue == 0 {
            forget(place)
        } else if let rest {
            release(place, as: rest)
        }
        return entry
    }

    /// Gives up an awaited block, or changes why it is given up. Does nothing for others.
    mutating func release(_ block: BlockAddress, as standing: Standing) {
        if let place = places[block] { release(place, as: standing) }
    }

    private mutating func release(_ place: Int32, as standing: Standing) {
        precondition(standing != .awaited)
        if entries[Int(place)].standing == .awaited {
            dequeue(place)
            Self.append(place, to: &released, in: &entries)
            if released.count > Self.releasedLimit { forget(released.first) }
        }
        entries[Int(place)].standing = standing
    }

    private mutating func forget(_ place: Int32) {
        if entries[Int(place)].standing == .awaited {
            dequeue(place)
        } else {
            Self.unlink(place, from: &released, in: &entries)
        }
        places.remove(entries[Int(place)].block)
        unused.append(place)
    }

    private mutating func enqueue(_ place: Int32) {
        Self.append(place, to: &awaited, in: &entries)
        if firstQueued == Self.none { firstQueued = place }
    }

    private mutating func dequeue(_ place: Int32) {
        if firstQueued == place {
            firstQueued = entries[Int(place)].next
        } else if isPassedOver(entries[Int(place)]) {
            passedOverCount -= 1
        }
        Self.unlink(place, from: &awaited, in: &entries)
    }

    /// Moves `firstQueued` behind everything older than `sequence`; each entry is stepped over once in its life.
    private mutating func passOver(to sequence: UInt64) {
        guard sequence > newestAnswered else { return }
        newestAnswered = sequence
        while firstQueued != Self.none, isPassedOver(entries[Int(firstQueued)]) {
            firstQueued = entries[Int(firstQueued)].next
            passedOverCount += 1
        }
    }

    private static func append(_ place: Int32, to chain: inout Chain, in entries: inout [Entry]) {
        entries[Int(place)].previous = chain.last
        entries[Int(place)].next = none
        if chain.last == none { chain.first = place } else { entries[Int(chain.last)].next = place }
        chain.last = place
        chain.count += 1
    }

    private static func unlink(_ place: Int32, from chain: inout Chain, in entries: inout [Entry]) {
        let (previous, next) = (entries[Int(place)].previous, entries[Int(place)].next)
        if previous == none { chain.first = next } else { entries[Int(previous)].next = next }
        if next == none { chain.last = previous } else { entries[Int(next)].previous = previous }
        chain.count -= 1
    }
}

extension RequestLedger {
    /// Walks everything; for tests.
    func checkInvariants() {
        var deadline = MonotonicInstant.distantPast
        var sequence: UInt64 = 0
        var place = awaited.first
        var count = 0
        var passedOver = 0
        while place != Self.none {
            let entry = entries[Int(place)]
            if isPassedOver(entry) { passedOver += 1 }
            precondition((passedOver == count + 1) == isPassedOver(entry), "the passed over are the oldest")
            precondition(entry.standing == .awaited && entry.answersDue > 0)
            precondition(entry.deadline >= deadline && entry.sequence > sequence, "oldest first")
            (deadline, sequence, place, count) = (entry.deadline, entry.sequence, entry.next, count + 1)
        }
        precondition(passedOver == passedOverCount && (firstQueued == Self.none) == (passedOver == count))
        precondition(count == awaited.count && released.count <= Self.releasedLimit)
        precondition(places.count == awaited.count + released.count)
        precondition(places.count + unused.count == entries.count)
    }
}

extension UInt8 {
    fileprivate var saturatingSuccessor: UInt8 { self == .max ? .max : self + 1 }
}
