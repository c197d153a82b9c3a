import BitTorrent
import PoolProtocol
import PoolRuntime

/// Owns the descriptors that the supervisor lent for reading, and the jobs that wait for room at the disk thread. How
/// many wait is the supervisor's choice: it orders, and is answered, piece by piece.
struct DiskOrders {
    private let reader: DiskReader
    private var files: [UInt32: OwnedDescriptor] = [:]
    private var waiting: [DiskJob] = []
    /// The parts so far of a piece of many files; nil spans: a descriptor of it never came.
    private var parts: (piece: PieceToHash, spans: [OpenSpan]?)?
    /// Unfinished pieces that are being read back; one portion each is under way.
    private var restores: [AssignmentID: (plan: RestorePlan, spans: [OpenSpan])] = [:]

    init(_ reader: DiskReader) { self.reader = reader }

    /// Queues a piece to be read and hashed, once its last part is here.
    /// - Returns: the answer, when a descriptor is missing and it is known at once.
    mutating func hash(
        _ piece: PieceToHash, _ spans: [DataSpan], isLast: Bool, takeFile: (UInt32) -> OwnedDescriptor?
    ) -> DiskAnswer? {
        var whole = open(spans, takeFile)
        if let parts, parts.piece == piece {
            if let before = parts.spans, let last = whole { whole = before + last } else { whole = nil }
        }
        parts = isLast ? nil : (piece, whole)
        guard isLast else { return nil }
        guard let spans = whole else { return piece.answer(.unreadable(errno: Self.badDescriptor)) }
        submit(DiskJob(purpose: .hash(piece), spans: spans))
        return nil
    }

    /// Queues blocks of an unfinished piece to be read back.
    /// - Parameter spans: those of the whole piece.
    /// - Returns: false when there is nothing to read or no descriptor to read it from.
    mutating func restore(
        _ assignment: AssignmentID, blocks: BlockSet, _ spans: [DataSpan], takeFile: (UInt32) -> OwnedDescriptor?
    ) -> Bool {
        guard !blocks.isEmpty, let spans = open(spans, takeFile) else { return false }
        restores[assignment] = (RestorePlan(assignment, blocks: blocks), spans)
        return submitPortion(of: assignment)
    }

    /// A portion was read (or was not).
    /// - Parameter isWanted: whether the piece is still open.
    /// - Returns: false when it was the last one of its piece.
    mutating func portionAnswered(_ assignment: AssignmentID, isWanted: Bool) -> Bool {
        if !isWanted { restores[assignment] = nil }
        return submitPortion(of: assignment)
    }

    /// The disk thread has room again.
    mutating func feed() {
        var count = 0
        while count < waiting.count, reader.submit(waiting[count]) { count += 1 }
        waiting.removeFirst(count)
    }

    /// Jobs that wait or run keep theirs.
    mutating func close(_ identifiers: [UInt32], takeFile: (UInt32) -> OwnedDescriptor?) {
        for identifier in identifiers where files.removeValue(forKey: identifier) == nil { _ = takeFile(identifier) }
    }

    private mutating func submitPortion(of assignment: AssignmentID) -> Bool {
        guard let spans = restores[assignment]?.spans else { return false }
        guard let blocks = restores[assignment]?.plan.nextPortion() else {
            restores[assignment] = nil
            return false
        }
        submit(DiskJob(purpose: .restore(assignment, blocks: blocks), spans: spans))
        return true
    }

    private mutating func submit(_ job: DiskJob) {
        if !waiting.isEmpty || !reader.submit(job) { waiting.append(job) }
    }

    /// - Returns: nil when a descriptor never came.
    private mutating func open(_ spans: [DataSpan], _ takeFile: (UInt32) -> OwnedDescriptor?) -> [OpenSpan]? {
        var opened: [OpenSpan] = []
        opened.reserveCapacity(spans.count)
        for span in spans {
            var file: OwnedDescriptor?
            if span.descriptor != 0 {
                file = files[span.descriptor] ?? takeFile(span.descriptor)
                guard file != nil else { return nil }
                files[span.descriptor] = file
            }
            opened.append(OpenSpan(file: file, offset: span.offset, byteCount: Int(span.byteCount)))
        }
        return opened
    }

    /// EBADF of Linux.
    private static let badDescriptor: UInt32 = 9
}
