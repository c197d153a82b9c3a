import BitTorrent
import PoolProtocol
import PoolRuntime

/// A block on its way in. Not more than one at a time: the peer wire does not interleave them.
enum ArrivingBlock {
    /// No block, or one whose head has not come.
    case none
    /// Its bytes are skipped.
    case dropped
    case inSlot(SlotLedger.Lease, BlockAddress)
    case inOwnBuffer(BlockAddress)
    /// It lies whole in what was received; no byte of it is used before a slot is free.
    case awaitsSlot(BlockAddress)
}

/// From the receive buffer into the region: each byte is copied once, or twice for a block that begins while slots are
/// short.
extension Connection {
    /// - Returns: false when reading must stop until a slot is free.
    func blockBegins(
        _ span: BlockSpan, in view: TorrentView, isWhole: Bool, isResumed: Bool, now: MonotonicInstant
    ) -> Bool {
        arriving = .dropped
        switch session.blockBegan(span, in: view, now: now, into: &actions) {
        case .drop: return true
        case .take(let block), .takeLate(let block):
            guard let torrent, torrent.book.isWanted(block) else { return true }
            switch process.intake.blockBegins(isWhole: isWhole, isResumed: isResumed) {
            case .slot(let lease): arriving = .inSlot(lease, block)
            case .ownBuffer:
                ownBuffer.reserveCapacity(IntakeGeometry.slotByteCount)
                arriving = .inOwnBuffer(block)
            case .nowhere:
                arriving = .awaitsSlot(block)
                return false
            }
            if process.chronicle.followsBlocks {
                process.chronicle.follow(.begun, process.tags(of: block, from: self))
            }
        }
        return true
    }

    func blockBytes(_ bytes: UnsafeRawBufferPointer, at offset: Int, now: MonotonicInstant) {
        session.blockBytesReceived(bytes.count, now: now)
        downloadedByteCount += UInt64(bytes.count)
        torrent?.totals.downloadedByteCount += UInt64(bytes.count)
        process.received(byteCount: bytes.count)
        switch arriving {
        case .inSlot(let lease, _): process.region.write(bytes, slot: lease.slot, offset: offset)
        case .inOwnBuffer: ownBuffer.append(contentsOf: bytes)
        case .dropped: torrent?.totals.wastedByteCount += UInt64(bytes.count)
        case .none, .awaitsSlot: preconditionFailure("a block's bytes before its head, or before its slot")
        }
    }

    /// - Returns: as `blockBegins`.
    func blockEnds(isResumed: Bool, now: MonotonicInstant) -> Bool {
        switch arriving {
        case .inSlot(let lease, let block): deliver(block, lease, now: now)
        case .inOwnBuffer(let block): return moveIntoSlot(block, isResumed: isResumed, now: now)
        case .dropped, .none, .awaitsSlot:
            arriving = .none
            session.blockEnded(wasDropped: true, now: now, into: &actions)
            wantsBlocks = true
        }
        return true
    }

    /// The connection's turn to take a slot has come.
    /// - Returns: as `blockBegins`.
    func slotIsFree(now: MonotonicInstant) -> Bool {
        guard let torrent else { return true }
        switch arriving {
        case .awaitsSlot(let block):
            arriving = .dropped
            guard torrent.book.isWanted(block) else { return true }
            guard let lease = process.intake.takeSlot(isResumed: true) else {
                arriving = .awaitsSlot(block)
                return false
            }
            arriving = .inSlot(lease, block)
            return true
        case .inOwnBuffer(let block): return moveIntoSlot(block, isResumed: true, now: now)
        case .none, .dropped, .inSlot: return true
        }
    }

    private func moveIntoSlot(_ block: BlockAddress, isResumed: Bool, now: MonotonicInstant) -> Bool {
        guard let lease = process.intake.takeSlot(isResumed: isResumed) else { return false }
        ownBuffer.withUnsafeBytes { process.region.write($0, slot: lease.slot, offset: 0) }
        ownBuffer = []
        deliver(block, lease, now: now)
        return true
    }

    private func deliver(_ block: BlockAddress, _ lease: SlotLedger.Lease, now: MonotonicInstant) {
        arriving = .none
        session.blockEnded(wasDropped: false, now: now, into: &actions)
        wantsBlocks = true
        process.blockArrived(block, lease, from: self, now: now)
    }

    /// The connection ends: the slot that was being filled is free again.
    func abandonArriving() {
        if case .inSlot(let lease, _) = arriving { process.intake.abandon(lease) }
        arriving = .none
    }
}
