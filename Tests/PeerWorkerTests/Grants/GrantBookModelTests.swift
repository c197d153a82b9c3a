import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// A supervisor, a few peers and a book, thrown together at random. The model remembers who was asked for what and traps
/// what must never happen: a block asked of the same peer twice, of more peers than it may, delivered twice, lost, or
/// cancelled at a peer that was not asked.
private struct Model {
    var book = GrantBook(geometry: fourPieces)
    var clock = FakeClock()
    var generator: SeededGenerator
    var nextAssignment: AssignmentID = 1
    /// What the supervisor thinks that the worker holds.
    var held: [AssignmentID: (piece: Int, blocks: Set<UInt32>, shared: Set<UInt32>, done: Set<UInt32>)] = [:]
    var asked: [UInt32: Set<BlockAddress>] = [:]

    mutating func step() {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<4: grant()
        case 4..<9: ask()
        case 9..<14: deliver()
        case 14: giveBack()
        case 15: leave()
        case 16: close()
        case 17: notNeeded()
        case 18: double()
        default: sweep()
        }
        book.checkInvariants()
        #expect(book.outstandingCount == held.values.reduce(0) { $0 + $1.blocks.count })
    }

    func assignment(of block: BlockAddress) -> AssignmentID? {
        held.first { $0.value.piece == block.piece.value }?.key
    }

    func isOutstanding(_ block: BlockAddress) -> Bool {
        assignment(of: block).map { held[$0]!.blocks.contains(block.block) } ?? false
    }

    mutating func perform(_ actions: [GrantBook.Action]) {
        for action in actions {
            switch action {
            case .cancel(let block, let peer):
                let wasAsked = asked[peer]?.remove(block) != nil
                #expect(wasAsked, "\(block) cancelled at \(peer), which was not asked")
            case .returnBlocks(let assignment, let ranges, _):
                for range in ranges {
                    for block in range.firstBlock..<range.firstBlock + range.blockCount {
                        let wasHeld = held[assignment]?.blocks.remove(block) != nil
                        #expect(wasHeld, "returned what was not held")
                        held[assignment]?.shared.remove(block)
                    }
                }
            }
        }
    }

    mutating func event(_ body: (inout GrantBook, inout [GrantBook.Action]) -> Void) {
        var actions: [GrantBook.Action] = []
        body(&book, &actions)
        perform(actions)
    }

    mutating func grant() {
        let piece = Int.random(in: 0..<4, using: &generator)
        let open = held.first { $0.value.piece == piece }?.key
        let assignment = open ?? nextAssignment
        if open == nil { nextAssignment += 1 }
        let first = UInt32.random(in: 0..<8, using: &generator)
        let range = first..<UInt32.random(in: first + 1...8, using: &generator)
        let isShared = generator.oneIn(3)
        var entry = held[assignment] ?? (piece, [], [], [])
        if isShared { entry.shared.formUnion(range) }
        entry.blocks.formUnion(Set(range).subtracting(entry.done))
        held[assignment] = entry
        let now = clock.now
        event { book, actions in
            let isSound = book.granted(
                makeGrant(assignment, piece: piece, range, isShared: isShared, isTrial: assignment % 5 == 0), now: now,
                into: &actions)
            #expect(isSound)
        }
    }

    mutating func ask() {
        let peer = UInt32.random(in: 0..<5, using: &generator)
        let pieces = Set((0..<4).filter { _ in !generator.oneIn(3) })
        var blocks: [BlockAddress] = []
        let count = Int.random(in: 1...6, using: &generator)
        book.nextBlocks(
            for: peer, isSlow: peer < 2, count: count, now: clock.now, canServe: { pieces.contains($0.value) },
            into: &blocks)
        for block in blocks { #expect(!asked.values.contains { $0.contains(block) }, "\(block) is asked for already") }
        if blocks.isEmpty {
            book.duplicateBlocks(for: peer, count: count, canServe: { pieces.contains($0.value) }, into: &blocks)
            for block in blocks {
                #expect(asked.values.count { $0.contains(block) } == 1)
                #expect(held[assignment(of: block)!]!.shared.contains(block.block))
            }
        }
        #expect(blocks.count <= count)
        for block in blocks {
            #expect(pieces.contains(block.piece.value) && isOutstanding(block))
            let isNew = asked[peer, default: []].insert(block).inserted
            #expect(isNew)
        }
    }

    mutating func deliver() {
        // A block that was asked for, or a late one that was not.
        let peer = UInt32.random(in: 0..<5, using: &generator)
        let mine = asked[peer, default: []].sorted()
        let any = BlockAddress(
            piece: PieceIndex(Int.random(in: 0..<4, using: &generator)),
            block: UInt32.random(in: 0..<8, using: &generator))
        let block = generator.oneIn(5) ? any : mine.randomElement(using: &generator) ?? any
        let isWanted = isOutstanding(block)
        let bookWants = book.isWanted(block)
        #expect(bookWants == isWanted)
        asked[peer]?.remove(block)
        let expected = isWanted ? assignment(of: block) : nil
        event { book, actions in
            let goal = book.arrived(block, from: peer, into: &actions)
            #expect(goal?.assignment == expected)
        }
        if let expected { done(block.block, expected) }
        #expect(!asked.values.contains { $0.contains(block) }, "nobody owes a block that is here")
    }

    mutating func done(_ block: UInt32, _ assignment: AssignmentID) {
        held[assignment]!.blocks.remove(block)
        held[assignment]!.done.insert(block)
    }

    mutating func giveBack() {
        let peer = UInt32.random(in: 0..<5, using: &generator)
        guard let block = asked[peer, default: []].sorted().randomElement(using: &generator) else { return }
        asked[peer]!.remove(block)
        let isFree = !asked.values.contains { $0.contains(block) }
        let becameFree = book.givenBack(block, by: peer)
        #expect(becameFree == isFree)
    }

    mutating func leave() {
        let peer = UInt32.random(in: 0..<5, using: &generator)
        for block in asked.removeValue(forKey: peer) ?? [] { book.givenBack(block, by: peer) }
        book.peerLeft(peer)
    }

    mutating func close() {
        guard let assignment = held.keys.sorted().randomElement(using: &generator) else { return }
        let piece = held.removeValue(forKey: assignment)!.piece
        event { $0.closed(assignment, into: &$1) }
        #expect(!asked.values.contains { $0.contains { $0.piece.value == piece } })
    }

    mutating func notNeeded() {
        guard let assignment = held.keys.sorted().randomElement(using: &generator) else { return }
        let bits = UInt8.random(in: 0...255, using: &generator)
        for block in UInt32(0)..<8 where bits >> block & 1 == 1 && held[assignment]!.blocks.contains(block) {
            done(block, assignment)
        }
        event { $0.notNeeded(assignment, bits: [bits], into: &$1) }
    }

    /// The supervisor marks everything that the worker holds as shared.
    mutating func double() {
        for (assignment, entry) in held.sorted(by: { $0.key < $1.key }) where !entry.blocks.isEmpty {
            let now = clock.now
            for block in entry.blocks.sorted() {
                held[assignment]!.shared.insert(block)
                let grant = makeGrant(assignment, piece: entry.piece, block..<block + 1, isShared: true)
                event { _ = $0.granted(grant, now: now, into: &$1) }
            }
        }
    }

    mutating func sweep() {
        clock.advance(by: .milliseconds(Int.random(in: 0...4000, using: &generator)))
        let service = [GrantBook.Service.served, .choked, .noSource].randomElement(using: &generator)!
        let now = clock.now
        event { $0.sweep(now: now, service: { _ in service }, into: &$1) }
    }
}

@Suite struct GrantBookModelTests {
    @Test func noBlockIsLostOrFetchedTwiceInARandomLife() {
        var model = Model(generator: .printing())
        for _ in 0..<5000 { model.step() }
        // In the end everything goes back, and the books are even.
        model.event { $0.drained(into: &$1) }
        #expect(model.held.values.allSatisfy { $0.blocks.isEmpty })
        #expect(model.asked.values.allSatisfy { $0.isEmpty })
    }
}
