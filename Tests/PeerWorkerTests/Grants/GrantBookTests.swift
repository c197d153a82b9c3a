import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import PeerWorker

/// Four pieces of 128 KiB: eight blocks each.
let fourPieces = TorrentGeometry(totalByteCount: 4 * 131_072, pieceByteCount: 131_072)

func makeGrant(
    _ assignment: AssignmentID, piece: Int, _ blocks: Range<UInt32>, isShared: Bool = false, isTrial: Bool = false,
    assembler: UInt16 = 0
) -> Grant {
    Grant(
        assignment: assignment, torrent: 0, assembler: assembler, piece: PieceIndex(piece),
        firstBlock: blocks.lowerBound, blockCount: UInt32(blocks.count), isShared: isShared, isTrial: isTrial)
}

/// A book, its clock, and the actions of its last event.
struct BookConversation {
    var book = GrantBook(geometry: fourPieces)
    var clock = FakeClock()
    private(set) var actions: [GrantBook.Action] = []

    @discardableResult
    mutating func grant(
        _ assignment: AssignmentID, piece: Int, _ blocks: Range<UInt32>, isShared: Bool = false,
        isTrial: Bool = false, assembler: UInt16 = 0
    ) -> Bool {
        let grant = makeGrant(
            assignment, piece: piece, blocks, isShared: isShared, isTrial: isTrial, assembler: assembler)
        let now = clock.now
        return event { $0.granted(grant, now: now, into: &$1) }
    }

    @discardableResult
    mutating func event<Result>(_ body: (inout GrantBook, inout [GrantBook.Action]) -> Result) -> Result {
        actions = []
        defer { book.checkInvariants() }
        return body(&book, &actions)
    }

    /// - Parameter has: the pieces that the peer has; nil: all.
    mutating func next(_ peer: UInt32, _ count: Int, isSlow: Bool = false, has: Set<Int>? = nil) -> [String] {
        var blocks: [BlockAddress] = []
        book.nextBlocks(
            for: peer, isSlow: isSlow, count: count, now: clock.now,
            canServe: { has?.contains($0.value) ?? true }, into: &blocks)
        book.checkInvariants()
        return blocks.map(\.description)
    }

    mutating func duplicates(_ peer: UInt32, _ count: Int) -> [String] {
        var blocks: [BlockAddress] = []
        book.duplicateBlocks(for: peer, count: count, canServe: { _ in true }, into: &blocks)
        book.checkInvariants()
        return blocks.map(\.description)
    }

    mutating func arrive(_ piece: Int, _ block: UInt32, from peer: UInt32) -> AssignmentID? {
        event { $0.arrived(BlockAddress(piece: PieceIndex(piece), block: block), from: peer, into: &$1) }?.assignment
    }

    mutating func giveBack(_ piece: Int, _ number: UInt32, by peer: UInt32) -> Bool {
        event { book, _ in book.givenBack(block(piece, number), by: peer) }
    }

    mutating func sweep(_ service: GrantBook.Service) {
        let now = clock.now
        event { $0.sweep(now: now, service: { _ in service }, into: &$1) }
    }
}

func block(_ piece: Int, _ block: UInt32) -> BlockAddress { BlockAddress(piece: PieceIndex(piece), block: block) }

@Suite struct GrantBookTests {
    @Test func grantsAreReportedWithTheNextDeadline() {
        var talk = BookConversation()
        let start = talk.clock.now
        talk.grant(1, piece: 2, 0..<8)
        talk.grant(2, piece: 3, 0..<4)
        talk.grant(3, piece: 0, 0..<1)
        _ = talk.next(7, 8)
        _ = talk.arrive(2, 0, from: 7)
        let request = start + .seconds(5)
        func nanoseconds(_ instant: MonotonicInstant) -> UInt64 { UInt64(instant.nanoseconds) }
        #expect(
            talk.book.reports(deadlines: [PieceIndex(2): request, PieceIndex(1): start]) == [
                GrantReport(assignment: 1, outstandingCount: 7, deadline: nanoseconds(request)),
                // Nobody was asked for these.
                GrantReport(assignment: 2, outstandingCount: 4, deadline: nanoseconds(start + GrantBook.patience)),
                GrantReport(assignment: 3, outstandingCount: 1, deadline: nanoseconds(start + GrantBook.patience)),
            ])
        for block in 1..<8 { _ = talk.arrive(2, UInt32(block), from: 7) }
        #expect(talk.book.reports(deadlines: [:]).map(\.assignment) == [2, 3])
    }

    @Test func peerIsAskedForTheOldestGrantFromItsStart() {
        var talk = BookConversation()
        talk.grant(1, piece: 2, 0..<8)
        talk.grant(2, piece: 0, 0..<8)
        #expect(talk.next(7, 3) == ["2/0", "2/1", "2/2"])
        #expect(talk.next(7, 2) == ["2/3", "2/4"])
        #expect(talk.book.unassignedCount == 11 && talk.book.outstandingCount == 16)
    }

    @Test func peerStaysOnItsPieceWhileAnotherGrantIsOlder() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8)
        talk.grant(2, piece: 1, 0..<8)
        #expect(talk.next(7, 2, has: [1]) == ["1/0", "1/1"])
        #expect(talk.next(7, 2) == ["1/2", "1/3"], "it now has piece 0 as well, but goes on where it is")
    }

    @Test func onlyPiecesOfThePeerAreChosen() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8)
        #expect(talk.next(7, 8, has: [1, 2, 3]).isEmpty)
        talk.grant(2, piece: 3, 4..<6)
        #expect(talk.next(7, 8, has: [1, 2, 3]) == ["3/4", "3/5"])
    }

    @Test func slowPeerGetsAPieceOfItsOwnWhileThereIsOne() {
        var talk = BookConversation()
        for piece in 0..<3 { talk.grant(AssignmentID(piece + 1), piece: piece, 0..<8) }
        #expect(talk.next(1, 1) == ["0/0"])
        #expect(talk.next(2, 1, isSlow: true) == ["2/0"], "the newest, so that the fast one finishes the oldest")
        #expect(talk.next(3, 1, isSlow: true) == ["2/1"], "slow ones share")
        #expect(talk.next(4, 8) == ["0/1", "0/2", "0/3", "0/4", "0/5", "0/6", "0/7", "1/0"], "so do fast ones")
        #expect(talk.next(5, 8).prefix(7) == ["1/1", "1/2", "1/3", "1/4", "1/5", "1/6", "1/7"])
        #expect(talk.next(6, 8, isSlow: true) == ["2/3", "2/4", "2/5", "2/6", "2/7"])
    }

    @Test func blockThatAPeerGivesBackGoesToTheNext() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<2)
        #expect(talk.next(1, 2) == ["0/0", "0/1"])
        #expect(talk.next(2, 2).isEmpty)
        #expect(talk.giveBack(0, 1, by: 1) == true)
        #expect(talk.next(2, 2) == ["0/1"])
        #expect(talk.giveBack(0, 1, by: 1) == false, "it is not the first peer's any more")
    }

    @Test func arrivedBlockGoesWhereItsAssignmentIs() {
        var talk = BookConversation()
        talk.grant(9, piece: 0, 0..<2, assembler: 3)
        _ = talk.next(1, 2)
        let goal = talk.event { $0.arrived(block(0, 0), from: 1, into: &$1) }
        #expect(goal?.assignment == 9 && goal?.assembler == 3)
        #expect(talk.arrive(0, 0, from: 1) == nil, "twice is once too often")
        #expect(talk.arrive(1, 0, from: 1) == nil, "never granted")
        #expect(talk.book.outstandingCount == 1)
    }

    @Test func lateBlockFromAnotherPeerCancelsTheRequest() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<1)
        _ = talk.next(1, 1)
        _ = talk.giveBack(0, 0, by: 1)
        _ = talk.next(2, 1)
        #expect(talk.arrive(0, 0, from: 1) == 1)
        #expect(talk.actions == [.cancel(block(0, 0), at: 2)])
    }

    @Test func onlySharedBlocksAreAskedOfASecondPeerAndTheFirstAnswerCancelsTheOther() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<2)
        #expect(talk.next(1, 2).count == 2)
        #expect(talk.duplicates(2, 8).isEmpty)
        talk.grant(1, piece: 0, 0..<2, isShared: true)
        #expect(talk.book.outstandingCount == 2, "a grant of what is held is no new block")
        #expect(talk.duplicates(1, 8).isEmpty, "never twice of one peer")
        #expect(talk.duplicates(2, 8) == ["0/1", "0/0"])
        #expect(talk.duplicates(3, 8).isEmpty, "two are enough")
        #expect(talk.arrive(0, 1, from: 2) == 1)
        #expect(talk.actions == [.cancel(block(0, 1), at: 1)])
        #expect(talk.giveBack(0, 0, by: 1) == false, "the second peer still owes it")
        #expect(talk.arrive(0, 0, from: 2) == 1)
        #expect(talk.actions.isEmpty)
    }

    @Test func allBlocksOfATrialAreAskedOfOnePeer() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8, isTrial: true)
        #expect(talk.next(1, 3) == ["0/0", "0/1", "0/2"])
        #expect(talk.next(2, 8).isEmpty)
        #expect(talk.arrive(0, 0, from: 1) == 1)
        talk.grant(2, piece: 1, 0..<2)
        #expect(talk.next(2, 8) == ["1/0", "1/1"], "what is no trial is for everybody")
        #expect(talk.next(1, 8) == ["0/3", "0/4", "0/5", "0/6", "0/7"])
    }

    @Test func theTrialOfAPeerThatDoesNotDeliverIsForEverybody() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8, isTrial: true)
        _ = talk.next(1, 3)
        #expect(talk.giveBack(0, 1, by: 1) == true)
        #expect(talk.next(2, 2) == ["0/1", "0/3"])
    }

    @Test func theTrialOfAPeerThatLeavesIsForEverybody() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8, isTrial: true)
        _ = talk.next(1, 1)
        _ = talk.arrive(0, 0, from: 1)
        talk.event { book, _ in book.peerLeft(1) }
        #expect(talk.next(2, 1) == ["0/1"])
        #expect(talk.next(3, 1) == ["0/2"])
    }

    @Test func aTrialThatWaitsTooLongGoesBack() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<4, isTrial: true)
        _ = talk.next(1, 2)
        _ = talk.arrive(0, 0, from: 1)
        _ = talk.arrive(0, 1, from: 1)
        talk.clock.advance(by: GrantBook.patience)
        talk.sweep(.served)
        #expect(talk.actions == [.returnBlocks(1, [BlockRange(firstBlock: 2, blockCount: 2)], .slow)])
        talk.grant(1, piece: 0, 2..<4)
        #expect(talk.next(2, 1) == ["0/2"])
        #expect(talk.next(1, 1) == ["0/3"])
    }

    @Test func idlePeerAddsAFewDuplicatesAtATime() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8, isShared: true)
        _ = talk.next(1, 8)
        #expect(talk.duplicates(2, 100).count == GrantBook.mostDuplicates)
    }

    @Test func sharedGrantOfADeliveredBlockFetchesItNotAgain() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<2)
        _ = talk.next(1, 2)
        _ = talk.arrive(0, 0, from: 1)
        talk.grant(1, piece: 0, 0..<2, isShared: true)
        #expect(talk.book.outstandingCount == 1)
        #expect(talk.next(2, 8).isEmpty)
    }

    @Test func aDroppedBlockIsFetchedAgainWhenItIsGrantedAgain() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<2)
        _ = talk.next(1, 2)
        _ = talk.arrive(0, 0, from: 1)
        talk.event { book, _ in book.dropped(1, bits: [0b0000_0001]) }
        #expect(talk.next(2, 8).isEmpty, "it waits for a grant")
        talk.grant(1, piece: 0, 0..<1)
        #expect(talk.book.outstandingCount == 2)
        #expect(talk.next(2, 8) == ["0/0"])
        talk.event { book, _ in book.dropped(9, bits: [1]) }
    }

    @Test func blocksNotNeededAreCancelledWhereTheyWereAskedFor() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<3, isShared: true)
        _ = talk.next(1, 2)
        talk.event { $0.notNeeded(1, bits: [0b0000_0110], into: &$1) }
        #expect(talk.actions == [.cancel(block(0, 1), at: 1)])
        #expect(talk.book.outstandingCount == 1 && talk.book.unassignedCount == 0)
        talk.event { $0.notNeeded(1, bits: [0, 0], into: &$1) }
        #expect(talk.actions.isEmpty, "a map of another length is none of this assignment")
    }

    @Test func closedAssignmentIsForgottenAndCancelled() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8)
        _ = talk.next(1, 2)
        talk.event { $0.closed(1, into: &$1) }
        #expect(talk.actions == [.cancel(block(0, 0), at: 1), .cancel(block(0, 1), at: 1)])
        #expect(talk.book.isEmpty && talk.book.outstandingCount == 0)
        #expect(talk.arrive(0, 0, from: 1) == nil)
        talk.event { $0.closed(1, into: &$1) }
        #expect(talk.actions.isEmpty)
    }

    @Test func newAttemptAtAPieceEndsTheOldOne() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<1)
        _ = talk.next(1, 1)
        talk.grant(2, piece: 0, 0..<1)
        #expect(talk.actions == [.cancel(block(0, 0), at: 1)])
        #expect(talk.next(2, 1) == ["0/0"])
        #expect(talk.arrive(0, 0, from: 2) == 2)
    }

    @Test func blocksThatNobodyHasGoBackSoonAndThoseOfChokersLater() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 2..<5)
        talk.clock.advance(by: .milliseconds(999))
        talk.sweep(.noSource)
        #expect(talk.actions.isEmpty)
        talk.clock.advance(by: .milliseconds(1))
        talk.sweep(.choked)
        talk.sweep(.served)
        #expect(talk.actions.isEmpty)
        talk.sweep(.noSource)
        #expect(talk.actions == [.returnBlocks(1, [BlockRange(firstBlock: 2, blockCount: 3)], .sourceGone)])
        #expect(talk.book.outstandingCount == 0)
        talk.grant(1, piece: 0, 2..<5)
        talk.clock.advance(by: GrantBook.patience)
        talk.sweep(.choked)
        #expect(talk.actions == [.returnBlocks(1, [BlockRange(firstBlock: 2, blockCount: 3)], .choked)])
    }

    @Test func blocksThatWereAskedForStayWhenTheOthersGoBack() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8)
        _ = talk.next(1, 3)
        talk.clock.advance(by: GrantBook.patience)
        talk.sweep(.served)
        #expect(talk.actions == [.returnBlocks(1, [BlockRange(firstBlock: 3, blockCount: 5)], .slow)])
        #expect(talk.arrive(0, 0, from: 1) == 1)
        #expect(talk.book.outstandingCount == 2)
    }

    @Test func drainReturnsEverythingAndWhateverIsGrantedLater() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<8)
        _ = talk.next(1, 1)
        talk.event { $0.drained(into: &$1) }
        #expect(
            talk.actions == [
                .cancel(block(0, 0), at: 1), .returnBlocks(1, [BlockRange(firstBlock: 0, blockCount: 8)], .draining),
            ])
        talk.grant(2, piece: 1, 1..<2)
        #expect(talk.actions == [.returnBlocks(2, [BlockRange(firstBlock: 1, blockCount: 1)], .draining)])
        #expect(talk.next(1, 8).isEmpty)
    }

    @Test func assemblerThatIsGoneTakesItsAssignmentsAlong() {
        var talk = BookConversation()
        talk.grant(1, piece: 0, 0..<2, assembler: 0)
        talk.grant(2, piece: 1, 0..<2, assembler: 1)
        talk.event { $0.assemblerGone(1, into: &$1) }
        #expect(talk.actions == [.returnBlocks(2, [BlockRange(firstBlock: 0, blockCount: 2)], .sourceGone)])
        #expect(talk.book.outstandingCount == 2)
    }

    @Test(arguments: [(4, 0..<1), (0, 8..<9), (0, 7..<9), (0, 3..<3)] as [(Int, Range<UInt32>)])
    func grantOutsideTheTorrentIsRefused(_ piece: Int, _ blocks: Range<UInt32>) {
        var talk = BookConversation()
        #expect(talk.grant(1, piece: piece, blocks) == false)
        #expect(talk.book.isEmpty)
    }
}
