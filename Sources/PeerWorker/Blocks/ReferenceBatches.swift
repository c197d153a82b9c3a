import BitTorrent
import PoolProtocol

/// Owns the references that have not left for their hash-workers: gathers them into batches, since a message that goes
/// alone costs twenty times its share of a full stream, and keeps them while a hash-worker has not joined.
struct ReferenceBatches {
    /// References to one process, sent as one message or a few.
    struct Batch: Equatable, Sendable {
        let receiver: Incarnation
        let references: [BlockReference]
    }

    /// Longest time a reference waits for company: four rests of a fast worker (`ReadPace`). At 100 MB/s it brings four dozen
    /// blocks together; a message that goes alone costs 45 µs of CPU (measured with eight workers: 4 ms and 12 ms cost 6 and
    /// 7 % more CPU than 8).
    static let hold: Duration = .milliseconds(8)
    /// Most references that wait for company, however many slots there are (3 MiB).
    static let mostHeld = 192

    private let slotCount: Int
    /// References to one process that are company enough. To the only one, three eighths of the slots, so that as many again
    /// can be on their way and a quarter is free (a quarter costs 12 % more messages); where there are several, a quarter.
    private var enough: Int {
        min(Self.mostHeld, max(1, slotCount * (lines.count == 1 ? 3 : 2) / 8))
    }

    private struct Line {
        /// nil: the place is empty, or its process has not said hello.
        var receiver: Incarnation?
        var references: [BlockReference] = []
    }

    /// By ordinal of the hash-worker.
    private var lines: [Line] = []
    /// When the oldest reference that may leave was added; nil when there is none.
    private var oldest: MonotonicInstant?
    /// When the last batch left: a reference that comes long after it comes alone and leaves at once.
    private var lastDeparture = MonotonicInstant.distantPast

    init(slotCount: Int) { self.slotCount = slotCount }

    private mutating func makeLine(_ assembler: UInt16) -> Int {
        while lines.count <= Int(assembler) { lines.append(Line()) }
        return Int(assembler)
    }

    /// A block is in its slot.
    mutating func added(_ reference: BlockReference, for assembler: UInt16, now: MonotonicInstant) {
        let line = makeLine(assembler)
        lines[line].references.append(reference)
        if oldest == nil, lines[line].receiver != nil { oldest = now }
    }

    /// The process of this place can be reached.
    /// - Parameter unanswered: all that the place owes an answer for, whether it was ever sent or not.
    mutating func joined(_ receiver: Incarnation, unanswered: [BlockReference], now: MonotonicInstant) {
        lines[makeLine(receiver.place.ordinal)] = Line(receiver: receiver, references: unanswered)
        // Its predecessor's death has held these up long enough.
        if !unanswered.isEmpty { oldest = .distantPast }
    }

    /// The place is empty until the newcomer has joined, if it has not done so before we heard of it.
    mutating func replaced(by newcomer: Incarnation) {
        let line = makeLine(newcomer.place.ordinal)
        guard let receiver = lines[line].receiver, receiver.generation < newcomer.generation else { return }
        lines[line] = Line()
    }

    /// The place stays empty.
    mutating func gaveUp(_ assembler: UInt16) { lines[makeLine(assembler)] = Line() }

    /// When `departures` must be asked even if nothing else happens.
    var deadline: MonotonicInstant? { oldest.map { $0 + Self.hold } }

    /// What leaves at the end of this turn.
    /// - Parameters:
    ///   - isShort: slots are short, so less company is enough.
    ///   - isOut: there are none, so nothing waits.
    mutating func departures(isShort: Bool, isOut: Bool, now: MonotonicInstant, into batches: inout [Batch]) {
        guard let oldest else { return }
        let isStream = now - lastDeparture < Self.hold * 2
        let isDue = isOut || !isStream || now - oldest >= Self.hold
        let enough = isShort ? max(1, enough / 2) : enough
        guard isDue || lines.contains(where: { $0.receiver != nil && $0.references.count >= enough }) else { return }
        for line in lines.indices where !lines[line].references.isEmpty {
            guard let receiver = lines[line].receiver else { continue }
            batches.append(Batch(receiver: receiver, references: lines[line].references))
            lines[line].references = []
        }
        self.oldest = nil
        lastDeparture = now
    }
}
