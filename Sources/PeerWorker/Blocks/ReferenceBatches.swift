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

    /// Longest time a reference waits for company. At 100 MB/s it brings a dozen blocks together, so the messages cost
    /// 0.2 s of CPU a GiB in place of 1.4 (45 µs for a message that goes alone).
    static let hold: Duration = .milliseconds(2)
    /// A piece's worth (1 MiB), at which the company is large enough.
    static let enough = 64

    private struct Line {
        /// nil: the place is empty, or its process has not said hello.
        var receiver: Incarnation?
        var references: [BlockReference] = []
    }

    private var lines: [UInt16: Line] = [:]
    /// When the oldest reference that may leave was added; nil when there is none.
    private var oldest: MonotonicInstant?
    /// When the last batch left: a reference that comes long after it comes alone and leaves at once.
    private var lastDeparture = MonotonicInstant.distantPast

    /// A block is in its slot.
    mutating func added(_ reference: BlockReference, for assembler: UInt16, now: MonotonicInstant) {
        lines[assembler, default: Line()].references.append(reference)
        if oldest == nil, lines[assembler]!.receiver != nil { oldest = now }
    }

    /// The process of this place can be reached.
    /// - Parameter unanswered: all that the place owes an answer for, whether it was ever sent or not.
    mutating func joined(_ receiver: Incarnation, unanswered: [BlockReference], now: MonotonicInstant) {
        lines[receiver.place.ordinal] = Line(receiver: receiver, references: unanswered)
        // Its predecessor's death has held these up long enough.
        if !unanswered.isEmpty { oldest = .distantPast }
    }

    /// The place is empty until the newcomer has joined, if it has not done so before we heard of it.
    mutating func replaced(by newcomer: Incarnation) {
        let assembler = newcomer.place.ordinal
        guard let receiver = lines[assembler]?.receiver, receiver.generation < newcomer.generation else { return }
        lines[assembler] = nil
    }

    /// The place stays empty.
    mutating func gaveUp(_ assembler: UInt16) { lines[assembler] = nil }

    /// When `departures` must be asked even if nothing else happens.
    var deadline: MonotonicInstant? { oldest.map { $0 + Self.hold } }

    /// What leaves at the end of this turn.
    /// - Parameter isShort: slots are short, so nothing waits.
    mutating func departures(isShort: Bool, now: MonotonicInstant, into batches: inout [Batch]) {
        guard let oldest else { return }
        let isStream = now - lastDeparture < Self.hold * 2
        let isDue = isShort || !isStream || now - oldest >= Self.hold
        guard isDue || lines.values.contains(where: { $0.receiver != nil && $0.references.count >= Self.enough }) else {
            return
        }
        for assembler in lines.keys {
            guard let receiver = lines[assembler]!.receiver, !lines[assembler]!.references.isEmpty else { continue }
            batches.append(Batch(receiver: receiver, references: lines[assembler]!.references))
            lines[assembler]!.references = []
        }
        self.oldest = nil
        lastDeparture = now
    }
}
