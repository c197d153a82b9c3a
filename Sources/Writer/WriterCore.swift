import BitTorrent
import PoolProtocol

/// Routes the writer's events to the torrent that they are about, and its orders, one at a time, to the disk thread.
/// Decides nothing about pieces itself.
struct WriterCore {
    enum Action: Equatable {
        case tell(WriterToSupervisor)
        /// These assignments' frames are no longer read.
        case answer(Place, [AssignmentID])
        case perform(DiskOrder)
        /// What this hash-worker handed over makes no sense: it is to be replaced.
        case accuse(Incarnation, PoolCodecError)
    }

    /// Batches that may wait for a region or a torrent: more than all regions have frames at the usual memory. Who sends
    /// more never stops.
    static let mostEarlyCount = 16_384
    /// How often the supervisor hears what was done.
    static let reportInterval: Duration = .seconds(1)

    private var torrents: [UInt16: TorrentWriting] = [:]
    /// By age; the one that was served last is at the end.
    private var turns: [UInt16] = []
    private var regions: [Place: AssemblyGeometry] = [:]
    /// Handed over by a hash-worker before its region was mapped or the torrent was added: a successor of ours joins
    /// first, and hash-workers send at once what its predecessor had not answered.
    private var early: [(sender: Incarnation, batch: FrameBatch, bits: [UInt8]?)] = []
    private var current: DiskOrder?
    private var isDraining = false
    private var isFinishing = false
    private var wasInTrouble = false
    private var report: WriteReport?
    private var toldReport: WriteReport?
    private var lastReport = MonotonicInstant.distantPast

    init() {}

    /// Pieces, or parts of them, whose frames were handed over and not answered.
    var heldCount: Int { torrents.values.reduce(early.count) { $0 + $1.heldCount } }

    // MARK: events

    mutating func torrentAdded(
        _ torrent: UInt16, map: FileMap, sync: SyncMode, now: MonotonicInstant, into actions: inout [Action]
    ) throws(PoolCodecError) {
        guard torrents[torrent] == nil else { throw .invalidField("torrent") }
        torrents[torrent] = TorrentWriting(torrent: torrent, map: map, sync: sync)
        turns.append(torrent)
        takeEarly(now: now, into: &actions)
    }

    mutating func regionMapped(
        _ owner: Incarnation, byteCount: Int, now: MonotonicInstant, into actions: inout [Action]
    ) {
        regions[owner.place] = AssemblyGeometry(byteCount: byteCount)
        actions.append(.tell(.regionMapped(owner)))
        takeEarly(now: now, into: &actions)
    }

    private mutating func takeEarly(now: MonotonicInstant, into actions: inout [Action]) {
        let waiting = early
        early = []
        for entry in waiting {
            do throws(PoolCodecError) {
                try framesReceived(entry.batch, bits: entry.bits, from: entry.sender, now: now, into: &actions)
            } catch { actions.append(.accuse(entry.sender, error)) }
        }
    }

    /// - Parameter bits: the marked blocks of an unfinished piece; nil for a verified one.
    /// - Throws: when no sound hash-worker would say so.
    mutating func framesReceived(
        _ batch: FrameBatch, bits: [UInt8]?, from sender: Incarnation, now: MonotonicInstant,
        into actions: inout [Action]
    ) throws(PoolCodecError) {
        guard let region = regions[sender.place], let torrent = torrents[batch.torrent] else {
            guard early.count < Self.mostEarlyCount else { throw .invalidField("frames") }
            return early.append((sender, batch, bits))
        }
        let content = try Self.content(of: batch, bits: bits, map: torrent.map, region: region)
        guard torrent.isConsistent(batch, content: content) else { throw .invalidField("assignment") }
        perform(batch.torrent, into: &actions) { torrent, actions in
            torrent.received(batch, content: content, from: sender, now: now, into: &actions)
        }
    }

    mutating func syncPendingReceived(
        _ torrent: UInt16, _ pieces: [PieceIndex], now: MonotonicInstant
    ) throws(PoolCodecError) {
        guard let geometry = torrents[torrent]?.map.geometry, pieces.allSatisfy({ $0.value < geometry.pieceCount })
        else { throw .invalidField("torrent") }
        try torrents[torrent]?.piecesInherited(pieces, now: now)
    }

    mutating func uploadedReceived(_ torrent: UInt16, byteCount: UInt64) throws(PoolCodecError) {
        guard torrents[torrent] != nil else { throw .invalidField("torrent") }
        torrents[torrent]?.uploadedReceived(byteCount)
    }

    mutating func syncAllReceived() {
        isDraining = true
        for torrent in turns { torrents[torrent]?.drain() }
    }

    mutating func finishReceived(now: MonotonicInstant) {
        isFinishing = true
        for torrent in turns { torrents[torrent]?.finish(now: now) }
    }

    /// - Returns: the assignments whose frames the disk thread is reading from the dead hash-worker's region.
    mutating func hashWorkerDied(_ place: Place, before generation: UInt32) -> [AssignmentID] {
        early.removeAll { $0.sender.place == place && $0.sender.generation < generation }
        return turns.flatMap { torrents[$0]!.ownerDied(place, before: generation) }
    }

    mutating func orderEnded(_ result: DiskResult, now: MonotonicInstant, into actions: inout [Action]) {
        guard let order = current else { preconditionFailure("an outcome without an order") }
        current = nil
        perform(order.torrent, into: &actions) { torrent, actions in
            torrent.orderEnded(order, result.outcome, now: now, into: &actions)
        }
        let isInTrouble = torrents.values.contains { $0.isInTrouble }
        if wasInTrouble && !isInTrouble { actions.append(.tell(.diskRecovered)) }
        wasInTrouble = isInTrouble
        report = result.report
        tellReport(now: now, into: &actions)
    }

    /// When the supervisor is to hear what it has not been told; nothing more may happen by then.
    private var reportDue: MonotonicInstant {
        report == toldReport ? .distantFuture : lastReport + Self.reportInterval
    }

    private mutating func tellReport(now: MonotonicInstant, into actions: inout [Action]) {
        guard let report, now >= reportDue else { return }
        toldReport = report
        lastReport = now
        actions.append(.tell(.report(report)))
    }

    /// The events of a turn are in: hands the disk thread its next order, if it has none.
    mutating func turnEnded(now: MonotonicInstant, into actions: inout [Action]) throws(PoolCodecError) {
        tellReport(now: now, into: &actions)
        guard current == nil else { return }
        for (index, ordinal) in turns.enumerated() {
            guard let order = try torrents[ordinal]?.nextOrder(now: now, regions: regions) else { continue }
            turns.append(turns.remove(at: index))
            current = order
            return actions.append(.perform(order))
        }
        if isDraining && torrents.values.allSatisfy({ $0.isDrained }) {
            isDraining = false
            for torrent in turns { torrents[torrent]?.drained() }
            actions.append(.tell(.syncedAll))
        }
        if isFinishing && torrents.values.allSatisfy({ $0.isFinished }) {
            isFinishing = false
            lastReport = .distantPast
            tellReport(now: now, into: &actions)
            actions.append(.tell(.finished))
        }
    }

    /// When a turn is due without any event.
    var nextDeadline: MonotonicInstant {
        current == nil ? torrents.values.reduce(reportDue) { min($0, $1.nextDeadline) } : reportDue
    }

    // MARK: parts

    private static func content(
        of batch: FrameBatch, bits: [UInt8]?, map: FileMap, region: AssemblyGeometry
    ) throws(PoolCodecError) -> PieceWrite.Content {
        let geometry = map.geometry
        guard batch.piece.value < geometry.pieceCount, batch.byteCount == geometry.length(of: batch.piece) else {
            throw .invalidField("piece")
        }
        let frameCount = AssemblyGeometry.framesNeeded(pieceByteCount: batch.byteCount)
        guard !batch.frames.isEmpty, Int(batch.firstFrame) + batch.frames.count <= frameCount,
            batch.frames.allSatisfy({ Int($0) < region.frameCount })
        else { throw .invalidField("frames") }
        // A piece that nobody wants has no place in the files.
        _ = try map.spans(offset: geometry.offset(of: batch.piece), byteCount: UInt64(batch.byteCount))
        guard let bits else { return .whole }
        guard let blocks = BlockSet(bits: bits, blockCount: geometry.blockCount(of: batch.piece)) else {
            throw .invalidField("bits")
        }
        return .blocks(blocks)
    }

    /// Lets a torrent act, and gathers the answers for one hash-worker in one list.
    private mutating func perform(
        _ ordinal: UInt16, into actions: inout [Action],
        _ body: (inout TorrentWriting, inout [TorrentWriting.Action]) -> Void
    ) {
        guard var torrent = torrents.removeValue(forKey: ordinal) else { preconditionFailure("an unknown torrent") }
        var produced: [TorrentWriting.Action] = []
        body(&torrent, &produced)
        #if DEBUG
        torrent.checkInvariants()
        #endif
        torrents[ordinal] = torrent
        var answers: [Place: [AssignmentID]] = [:]
        for action in produced {
            switch action {
            case .tell(let news): actions.append(.tell(news))
            case .answer(let place, let assignment): answers[place, default: []].append(assignment)
            }
        }
        for (place, assignments) in answers.sorted(by: { $0.key < $1.key }) {
            actions.append(.answer(place, assignments))
        }
    }
}
