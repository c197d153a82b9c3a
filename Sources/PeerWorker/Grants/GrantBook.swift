import BitTorrent
import PoolProtocol

/// Owns the grants of one torrent: what this worker may fetch, and which peer is asked for which block. Hears of
/// requests that were given up and of blocks that came; hands back what nobody here can serve. Knows no connection:
/// peers are numbers, and what they have is asked of the caller.
struct GrantBook {
    enum Action: Equatable {
        /// The peer need not send the block any more.
        case cancel(BlockAddress, at: UInt32)
        /// These blocks go back to the supervisor; the list keeps to `Topology.maximumListCount`.
        case returnBlocks(AssignmentID, [BlockRange], PoolProtocol.ReturnReason)
    }

    /// What the peers of this worker can do for a piece.
    enum Service: Equatable {
        /// A peer has it and takes requests.
        case served
        /// Peers have it, but all choke us, or some do and the others are silent.
        case choked
        /// Peers have it and take requests, but none answers.
        case silent
        case noSource
    }

    /// Blocks for which no peer could be found go back after so long (docs/architecture.md, "Who decides what").
    static let patience: Duration = .seconds(10)
    /// The same when no peer has the piece, or none that answers: long enough for one that was just replaced by another
    /// connection.
    static let patienceWithoutSource: Duration = .seconds(1)
    /// Blocks in flight twice that one idle peer may add at a time; libtorrent's end game asks for one.
    static let mostDuplicates = 4

    private let geometry: TorrentGeometry
    /// Places are stable; `order` lists those in use, oldest grant first.
    private var places: [HeldAssignment?] = []
    private var unused: [Int] = []
    private var order: [Int] = []
    private var byAssignment: [AssignmentID: Int] = [:]
    private var byPiece: [PieceIndex: Int] = [:]
    /// The piece that was looked up last, and its place: blocks come in runs.
    private var hot: (piece: PieceIndex, place: Int)?
    /// The assignment that a peer was asked for last: it goes on with it, so that pieces complete early.
    private var latest: [UInt32: AssignmentID] = [:]
    private(set) var isDraining = false
    /// Granted blocks that are neither here nor handed back.
    private(set) var outstandingCount = 0
    /// Those that nobody was asked for.
    private(set) var unassignedCount = 0
    /// Whether blocks may be asked of two peers.
    private(set) var hasSharedBlocks = false

    init(geometry: TorrentGeometry) { self.geometry = geometry }

    var isEmpty: Bool { order.isEmpty }

    // MARK: What the supervisor says

    /// - Returns: false when the grant makes no sense: its blocks lie outside the torrent.
    mutating func granted(_ grant: Grant, now: MonotonicInstant, into actions: inout [Action]) -> Bool {
        guard let piece = geometry.piece(grant.piece.rawValue), grant.blockCount > 0,
            grant.firstBlock < UInt32(geometry.blockCount(of: piece)),
            grant.blockCount <= UInt32(geometry.blockCount(of: piece)) - grant.firstBlock
        else { return false }
        let range = grant.firstBlock..<grant.firstBlock + grant.blockCount
        if isDraining {
            let back = BlockRange(firstBlock: grant.firstBlock, blockCount: grant.blockCount)
            actions.append(.returnBlocks(grant.assignment, [back], .draining))
            return true
        }
        let place = place(of: grant, piece, now: now, into: &actions)
        let added = places[place]!.granted(range, isShared: grant.isShared, now: now)
        outstandingCount += added
        unassignedCount += added
        if grant.isShared { hasSharedBlocks = true }
        return true
    }

    private mutating func place(
        of grant: Grant, _ piece: PieceIndex, now: MonotonicInstant, into actions: inout [Action]
    ) -> Int {
        if let place = byAssignment[grant.assignment] { return place }
        // A new attempt at the piece: whatever is left of the old one is over, even if its end was not told yet.
        if let old = byPiece[piece] { closed(places[old]!.assignment, into: &actions) }
        let place = unused.popLast() ?? places.count
        if place == places.count { places.append(nil) }
        places[place] = HeldAssignment(
            assignment: grant.assignment, assembler: grant.assembler, piece: piece,
            blockCount: geometry.blockCount(of: piece), isTrial: grant.isTrial, now: now)
        order.append(place)
        byAssignment[grant.assignment] = place
        byPiece[piece] = place
        return place
    }

    /// The assignment ended; what peers still send of it is not wanted.
    mutating func closed(_ assignment: AssignmentID, into actions: inout [Action]) {
        guard let place = byAssignment.removeValue(forKey: assignment) else { return }
        _ = takeAll(place, into: &actions)
        byPiece[places[place]!.piece] = nil
        hot = nil
        places[place] = nil
        unused.append(place)
        order.removeAll { $0 == place }
        if order.isEmpty { hasSharedBlocks = false }
    }

    /// Blocks of a shared assignment that came to the hash-worker by another way; bit i % 8 of byte i / 8 is block i.
    mutating func notNeeded(_ assignment: AssignmentID, bits: [UInt8], into actions: inout [Action]) {
        guard let place = byAssignment[assignment],
            let blocks = BlockSet(bits: bits, blockCount: places[place]!.blockCount)
        else { return }
        for run in blocks.runs() {
            for block in run { deliver(block, place, from: nil, into: &actions) }
        }
    }

    /// Blocks that were delivered and are gone since: they may be granted again.
    mutating func dropped(_ assignment: AssignmentID, bits: [UInt8]) {
        guard let place = byAssignment[assignment],
            let blocks = BlockSet(bits: bits, blockCount: places[place]!.blockCount)
        else { return }
        places[place]!.dropped(blocks)
    }

    /// The hash-worker's place stays empty: all that was to go there goes back.
    mutating func assemblerGone(_ assembler: UInt16, into actions: inout [Action]) {
        for place in order where places[place]!.assembler == assembler { returnAll(place, .sourceGone, into: &actions) }
    }

    /// Nothing is fetched from now on; every grant goes back.
    mutating func drained(into actions: inout [Action]) {
        isDraining = true
        for place in order { returnAll(place, .draining, into: &actions) }
    }

    // MARK: Choosing blocks

    /// Chooses up to `count` blocks for a peer: from the piece that it was asked for last; else from one that peers of
    /// its pace work on; else from a new one. The fast take the oldest grants and the slow the newest, so that the two
    /// share a piece only when there is nothing else.
    /// - Parameter canServe: whether the peer would answer a request for a block of the piece.
    mutating func nextBlocks(
        for peer: UInt32, isSlow: Bool, count: Int, now: MonotonicInstant, canServe: (PieceIndex) -> Bool,
        into blocks: inout [BlockAddress]
    ) {
        let end = blocks.count + count
        while blocks.count < end, unassignedCount > 0,
            let place = bestPlace(for: peer, isSlow: isSlow, canServe: canServe)
        {
            let before = blocks.count
            places[place]!.assign(upTo: end - blocks.count, to: peer, isSlow: isSlow, now: now, into: &blocks)
            unassignedCount -= blocks.count - before
            latest[peer] = places[place]!.assignment
        }
    }

    /// The end game, for a peer that waits for nothing: shared blocks that another peer was asked for, oldest grants
    /// first.
    mutating func duplicateBlocks(
        for peer: UInt32, count: Int, canServe: (PieceIndex) -> Bool, into blocks: inout [BlockAddress]
    ) {
        guard hasSharedBlocks else { return }
        let end = blocks.count + min(count, Self.mostDuplicates)
        for place in order where blocks.count < end && canServe(places[place]!.piece) {
            places[place]!.assignTwice(upTo: end - blocks.count, to: peer, into: &blocks)
        }
    }

    private func bestPlace(for peer: UInt32, isSlow: Bool, canServe: (PieceIndex) -> Bool) -> Int? {
        let latest = latest[peer]
        var best: Int?
        var bestRank = Int.max
        for place in order {
            guard let held = places[place], held.unassignedCount > 0, held.isOpen(to: peer) else { continue }
            let rank: Int
            if held.assignment == latest {
                rank = 0
            } else {
                switch held.pace {
                case .fast: rank = isSlow ? 3 : 1
                case .slow: rank = isSlow ? 1 : 3
                case .untouched: rank = 2
                }
            }
            guard isSlow && rank > 1 ? rank <= bestRank : rank < bestRank, canServe(held.piece) else { continue }
            best = place
            bestRank = rank
            if rank == 0 { break }
        }
        return best
    }

    // MARK: What becomes of requests

    /// Whether the block is granted and has not come: a block that begins now is worth a slot.
    mutating func isWanted(_ block: BlockAddress) -> Bool {
        guard let place = place(of: block.piece) else { return false }
        return places[place]!.outstanding.contains(block.block)
    }

    /// The peer will not send the block: it choked us, refused, let the deadline pass, or left.
    /// - Returns: whether the block waits for another peer now.
    @discardableResult
    mutating func givenBack(_ block: BlockAddress, by peer: UInt32) -> Bool {
        guard let place = place(of: block.piece), places[place]!.givenBack(block.block, by: peer) else { return false }
        unassignedCount += 1
        return true
    }

    /// A whole block came.
    /// - Returns: where it goes; nil when it is not wanted (any more).
    mutating func arrived(
        _ block: BlockAddress, from peer: UInt32, into actions: inout [Action]
    ) -> (assignment: AssignmentID, assembler: UInt16)? {
        guard let place = place(of: block.piece), deliver(block.block, place, from: peer, into: &actions) else {
            return nil
        }
        return (places[place]!.assignment, places[place]!.assembler)
    }

    mutating func peerLeft(_ peer: UInt32) {
        latest[peer] = nil
        for place in order { places[place]!.peerLeft(peer) }
    }

    // MARK: Time

    /// Hands back blocks that waited too long for a peer.
    mutating func sweep(now: MonotonicInstant, service: (PieceIndex) -> Service, into actions: inout [Action]) {
        for place in order where places[place]!.unassignedCount > 0 {
            let wait = now - places[place]!.lastProgress
            guard wait >= Self.patienceWithoutSource else { continue }
            let (reason, patience): (PoolProtocol.ReturnReason, Duration)
            switch service(places[place]!.piece) {
            case .noSource: (reason, patience) = (.sourceGone, Self.patienceWithoutSource)
            case .silent: (reason, patience) = (.slow, Self.patienceWithoutSource)
            case .choked: (reason, patience) = (.choked, Self.patience)
            case .served: (reason, patience) = (.slow, Self.patience)
            }
            guard wait >= patience else { continue }
            let blocks = places[place]!.returnUnassigned()
            outstandingCount -= blocks.count
            unassignedCount -= blocks.count
            append(blocks, of: places[place]!.assignment, reason, into: &actions)
        }
    }

    /// How the oldest grants get on, as many as a list holds.
    /// - Parameter deadlines: of requests, the earliest of each piece.
    func reports(deadlines: [PieceIndex: MonotonicInstant]) -> [GrantReport] {
        order.lazy.compactMap { places[$0] }.filter { $0.outstandingCount > 0 }.prefix(Topology.maximumListCount).map {
            var deadline = deadlines[$0.piece] ?? .distantFuture
            if $0.unassignedCount > 0 { deadline = min(deadline, $0.lastProgress + Self.patience) }
            return GrantReport(
                assignment: $0.assignment, outstandingCount: UInt32($0.outstandingCount),
                deadline: deadline == .distantFuture ? 0 : UInt64(max(0, deadline.nanoseconds)))
        }
    }

    // MARK: Parts

    private mutating func place(of piece: PieceIndex) -> Int? {
        if let hot, hot.piece == piece { return hot.place }
        guard let place = byPiece[piece] else { return nil }
        hot = (piece, place)
        return place
    }

    /// - Returns: whether the block was wanted.
    @discardableResult
    private mutating func deliver(
        _ block: UInt32, _ place: Int, from peer: UInt32?, into actions: inout [Action]
    ) -> Bool {
        let before = places[place]!.unassignedCount
        guard let requesters = places[place]!.delivered(block) else { return false }
        outstandingCount -= 1
        unassignedCount -= before - places[place]!.unassignedCount
        let address = BlockAddress(piece: places[place]!.piece, block: block)
        cancel(address, requesters, except: peer, into: &actions)
        return true
    }

    private func cancel(
        _ block: BlockAddress, _ requesters: Requesters, except peer: UInt32?, into actions: inout [Action]
    ) {
        if let first = requesters.first, first != peer { actions.append(.cancel(block, at: first)) }
        if let second = requesters.second, second != peer { actions.append(.cancel(block, at: second)) }
    }

    private mutating func takeAll(_ place: Int, into actions: inout [Action]) -> BlockSet {
        outstandingCount -= places[place]!.outstandingCount
        unassignedCount -= places[place]!.unassignedCount
        var cancels: [(BlockAddress, Requesters)] = []
        let blocks = places[place]!.returnAll { cancels.append(($0, $1)) }
        for (block, requesters) in cancels { cancel(block, requesters, except: nil, into: &actions) }
        return blocks
    }

    private mutating func returnAll(
        _ place: Int, _ reason: PoolProtocol.ReturnReason, into actions: inout [Action]
    ) {
        append(takeAll(place, into: &actions), of: places[place]!.assignment, reason, into: &actions)
    }

    private func append(
        _ blocks: BlockSet, of assignment: AssignmentID, _ reason: PoolProtocol.ReturnReason,
        into actions: inout [Action]
    ) {
        let ranges = blocks.runs().map { BlockRange(firstBlock: $0.lowerBound, blockCount: UInt32($0.count)) }
        for part in ranges.parts(ofAtMost: Topology.maximumListCount) {
            actions.append(.returnBlocks(assignment, part, reason))
        }
    }

    func checkInvariants() {
        precondition(Set(order).count == order.count && order.count == byAssignment.count)
        precondition(byPiece.count == order.count && places.count == order.count + unused.count)
        for place in order {
            let held = places[place]!
            held.checkInvariants()
            precondition(byAssignment[held.assignment] == place && byPiece[held.piece] == place)
        }
        precondition(outstandingCount == order.reduce(0) { $0 + places[$1]!.outstandingCount })
        precondition(unassignedCount == order.reduce(0) { $0 + places[$1]!.unassignedCount })
    }
}
