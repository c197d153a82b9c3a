import BitTorrent
import PoolProtocol

/// The steps of the lanes over the open pieces, and the verdicts.
extension AssemblyTable {
    /// When `runStep` is due; `.distantPast` for at once.
    var hashDeadline: MonotonicInstant {
        if !digestRuns.isEmpty { return .distantPast }
        return steps.deadline(roomIsShort: roomIsShort, companyMayCome: gatheringCount > 0)
    }

    /// Fewer than half of the frames are free or take blocks: complete pieces stand in the way of new ones. Not so while
    /// a quarter of all frames or more wait for others, as a rule for the writer: they come back no sooner for its being
    /// given more.
    private var roomIsShort: Bool {
        (completeFrameCount + hashedFrameCount) * 2 > pool.frameCount && hashedFrameCount * 4 < pool.frameCount
    }

    /// Hashes one step if one is due; milliseconds at most, so that the caller can look after messages in between.
    mutating func runStep(now: MonotonicInstant, into actions: inout [AssemblyAction]) {
        guard hashDeadline <= now else { return }
        if steps.deadline(roomIsShort: roomIsShort, companyMayCome: gatheringCount > 0) <= now {
            advanceLanes(now: now, into: &actions)
        }
        if !digestRuns.isEmpty { advanceDigests(into: &actions) }
    }

    private mutating func advanceLanes(now: MonotonicInstant, into actions: inout [AssemblyAction]) {
        let chosen = steps.nextLanes.compactMap { pieces.position(of: $0) }
        hash(chosen)
        var verified: [AssignmentID] = []
        for position in chosen {
            if pieces[position].isHashedToTail { settle(position, verified: &verified, into: &actions) }
            updateStanding(position, now: now)
        }
        guard !verified.isEmpty else { return }
        actions.append(.tellSupervisor(.piecesVerified(verified)))
        for assignment in verified {
            if let position = pieces.position(of: assignment) { handOver(position, into: &actions) }
        }
    }

    /// Hashes in step until the stride is done, or until half of the lanes have run dry: the rest may find company later.
    private mutating func hash(_ chosen: [Int]) {
        var active = chosen.filter { pieces[$0].readyByteCount > 0 }
        guard !active.isEmpty else { return }
        let startCount = active.count
        var strideLeft = LaneSteps.strideByteCount(laneCount: startCount)
        var lanes = SHA1Lanes()
        repeat {
            var run = strideLeft
            lanes.removeAll()
            for position in active {
                let next = pieces[position].nextRun
                run = min(run, next.byteCount)
                let bytes = region.bytes(ofFrame: next.frame, from: next.offset, byteCount: next.byteCount)
                lanes.append(pieces[position].state, at: bytes.baseAddress!)
            }
            lanes.advance(blockCount: run / SHA1State.blockByteCount)
            for (lane, position) in active.enumerated() { pieces[position].hashed(to: lanes[lane], byteCount: run) }
            counts.hashedByteCount += UInt64(run * active.count)
            counts.stepCount += 1
            counts.laneCount += UInt64(active.count)
            strideLeft -= run
            active.removeAll { pieces[$0].readyByteCount == 0 }
        } while strideLeft > 0 && !active.isEmpty && active.count * 2 > startCount
    }

    /// The verdict goes out at once, unless the supervisor is to compare the blocks first: of a piece that failed always,
    /// of a right one if an earlier attempt failed.
    private mutating func settle(
        _ position: Int, verified: inout [AssignmentID], into actions: inout [AssemblyAction]
    ) {
        let tail = pieces[position].tail
        counts.hashedByteCount += UInt64(tail.byteCount)
        pieces[position].settle(
            pieces[position].state.digest(
                tail: region.bytes(ofFrame: tail.frame, from: tail.offset, byteCount: tail.byteCount),
                messageByteCount: UInt64(pieces[position].byteCount)))
        completeFrameCount -= pieces[position].frames.count
        hashedFrameCount += pieces[position].frames.count
        let assignment = pieces[position].assignment
        if followsBlocks {
            let step: BlockStep = pieces[position].stage == .verified ? .right : .wrong
            for block in 0..<UInt32(pieces[position].blockCount) {
                actions.append(.follow(step, pieces[position].tags(ofBlock: block), slot: nil))
            }
        }
        if pieces[position].stage == .verified && !pieces[position].order.wantsBlockDigests {
            verified.append(assignment)
        } else {
            digestRuns.append(BlockDigestRun(assignment))
        }
    }

    private mutating func advanceDigests(into actions: inout [AssemblyAction]) {
        let assignment = digestRuns[0].assignment
        guard let position = pieces.position(of: assignment) else { preconditionFailure("a closed piece has no run") }
        let digests = digestRuns[0].nextSlice(of: pieces[position], in: region)
        actions.append(.tellSupervisor(.blockDigests(assignment: assignment, digests)))
        guard digestRuns[0].isFinished(pieces[position]) else { return }
        digestRuns.removeFirst()
        guard pieces[position].stage == .verified else {
            actions.append(.tellSupervisor(.pieceFailed(assignment: assignment)))
            return
        }
        actions.append(.tellSupervisor(.piecesVerified([assignment])))
        handOver(position, into: &actions)
    }
}
