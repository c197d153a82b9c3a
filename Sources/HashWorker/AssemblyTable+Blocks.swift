import BitTorrent
import PoolProtocol

/// What no sound peer-worker sends: its process is to be replaced.
enum NeighbourFault: Error, Equatable, CustomStringConvertible {
    /// The intake region has no such slot.
    case slotOutOfRange(UInt32)
    /// The piece has no such block, or the block has another length.
    case blockOutOfRange(UInt32, byteCount: UInt32)
    /// More references without an answer than an intake region has slots.
    case tooManyReferences
    /// A frame that cannot be read.
    case unreadable(PoolCodecError)

    var description: String {
        switch self {
        case .slotOutOfRange(let slot): "no slot \(slot)"
        case .blockOutOfRange(let block, let byteCount): "no block \(block) of \(byteCount) bytes"
        case .tooManyReferences: "more references than slots"
        case .unreadable(let error): "unreadable frame (\(error))"
        }
    }
}

/// The way of a block into its frame. Runs once per 16 KiB of payload: nothing here allocates per block.
extension AssemblyTable {
    /// The worker's intake region is mapped from now on; that of a dead process is of no use, however late it comes.
    mutating func mapped(
        _ intake: IntakeRegion, of owner: Incarnation, now: MonotonicInstant, into actions: inout [AssemblyAction]
    ) {
        let worker = owner.place.ordinal
        guard owner.generation >= peerGenerations[worker, default: 0] else { return }
        peerGenerations[worker] = owner.generation
        intakes[worker] = intake
        answerHeld(of: worker, now: now, into: &actions)
    }

    /// Another process takes the place: what the old one sent is not answered, its region is not read any more.
    mutating func peerWorkerReplaced(by newcomer: Incarnation) {
        let worker = newcomer.place.ordinal
        peerGenerations[worker] = newcomer.generation
        forget(worker)
        broken.remove(worker)
    }

    /// The place stays empty.
    mutating func peerWorkerGivenUp(_ worker: UInt16) {
        peerWorkerReplaced(by: Incarnation(Place(.peerWorker, Int(worker)), generation: .max))
        for position in pieces.indices { pieces[position].dismiss(worker) }
    }

    /// Nothing that the worker sends counts until another process takes its place.
    mutating func peerWorkerBroke(_ worker: UInt16, _ fault: NeighbourFault, into actions: inout [AssemblyAction]) {
        guard broken.insert(worker).inserted else { return }
        forget(worker)
        actions.append(.accuse(worker: worker, fault))
    }

    /// Copies the blocks that are wanted and answers all references but those that must wait, in their order.
    mutating func blocksArrived(
        _ references: [BlockReference], from worker: UInt16, now: MonotonicInstant, into actions: inout [AssemblyAction]
    ) {
        guard !broken.contains(worker) else { return }
        let intake = intakes[worker]
        var answers: [SlotReturn] = []
        answers.reserveCapacity(references.count)
        var found: NeighbourFault?
        do throws(NeighbourFault) {
            for reference in references {
                if let outcome = try outcome(of: reference, from: worker, in: intake, now: now) {
                    if followsBlocks { follow(reference, outcome, from: worker, into: &actions) }
                    answers.append(SlotReturn(slot: reference.slot, lease: reference.lease, outcome: outcome))
                } else if !held.hold(reference, of: worker) {
                    throw .tooManyReferences
                }
            }
        } catch { found = error }
        if !answers.isEmpty { actions.append(.tellPeerWorker(worker, .slotsReturned(answers))) }
        if let found { peerWorkerBroke(worker, found, into: &actions) }
    }

    private mutating func follow(
        _ reference: BlockReference, _ outcome: SlotReturn.Outcome, from worker: UInt16,
        into actions: inout [AssemblyAction]
    ) {
        let step: BlockStep =
            switch outcome {
            case .taken: .copied
            case .duplicate: .duplicate
            case .notNeeded: .unwanted
            }
        var tags = tags(of: reference.assignment)
        tags.block = reference.block
        tags.peer = PeerName(worker: worker, number: reference.peer)
        actions.append(.follow(step, tags, slot: reference.slot))
    }

    /// - Returns: nil when the reference cannot be answered yet.
    private mutating func outcome(
        of reference: BlockReference, from worker: UInt16, in intake: IntakeRegion?, now: MonotonicInstant
    ) throws(NeighbourFault) -> SlotReturn.Outcome? {
        guard adoption == nil else { return nil }
        guard let position = pieces.position(of: reference.assignment) else { return .notNeeded }
        guard let intake, pieces[position].isAdmitted(worker) else { return nil }
        guard reference.block < pieces[position].blockCount,
            reference.byteCount == pieces[position].byteCount(ofBlock: reference.block)
        else { throw .blockOutOfRange(reference.block, byteCount: reference.byteCount) }
        guard let bytes = intake.block(inSlot: reference.slot, byteCount: reference.byteCount) else {
            throw .slotOutOfRange(reference.slot)
        }
        let contributor = Contributor(worker: worker, peer: reference.peer)
        return store(bytes, at: reference.block, of: position, from: contributor, now: now) ? .taken : .duplicate
    }

    /// - Returns: false when the block is there already; the first complete copy wins.
    private mutating func store(
        _ bytes: UnsafeRawBufferPointer, at block: UInt32, of position: Int, from contributor: Contributor,
        now: MonotonicInstant
    ) -> Bool {
        guard !pieces[position].present.contains(block) else {
            counts.duplicateBlockCount += 1
            return false
        }
        let (frame, place) = pieces[position].place(ofBlock: block)
        region.store(block: bytes, at: place, inFrame: frame, from: contributor)
        pieces[position].blockStored(block)
        counts.storedByteCount += UInt64(bytes.count)
        if pieces[position].stage == .complete {
            gatheringCount -= 1
            completeFrameCount += pieces[position].frames.count
        }
        markReportable(position)
        updateStanding(position, now: now)
        return true
    }

    /// Neighbouring blocks of an unfinished piece were read back from disk. A block that has come from a peer meanwhile
    /// stays as it is.
    mutating func blocksRestored(
        _ bytes: [UInt8], at blocks: Range<UInt32>, of assignment: AssignmentID, now: MonotonicInstant
    ) {
        guard let position = pieces.position(of: assignment) else { return }
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            for block in blocks {
                let byteCount = Int(pieces[position].byteCount(ofBlock: block))
                guard byteCount <= rest.count else { return }
                let part = UnsafeRawBufferPointer(rebasing: rest.prefix(byteCount))
                _ = store(part, at: block, of: position, from: .disk, now: now)
                rest = rest.dropFirst(byteCount)
            }
        }
    }

    /// Answers what can be answered since an order came; the rest waits on.
    mutating func answerHeld(of worker: UInt16, now: MonotonicInstant, into actions: inout [AssemblyAction]) {
        let references = held.take(of: worker)
        if !references.isEmpty { blocksArrived(references, from: worker, now: now, into: &actions) }
    }

    private mutating func forget(_ worker: UInt16) {
        intakes[worker] = nil
        _ = held.take(of: worker)
    }
}
