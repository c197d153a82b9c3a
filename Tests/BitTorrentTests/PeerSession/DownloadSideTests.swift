import BitTorrent
import TestSupport
import Testing

@Suite struct DownloadSideTests {
    private let first = BlockAddress.at(0, 0)
    private let second = BlockAddress.at(0, 1)

    // MARK: What may be requested

    @Test func aRequestGoesOutAndItsBlockIsTaken() {
        var talk = SessionConversation.unchoked()
        #expect(talk.request(first) == [.send(.request(BlockSpan(index: 0, begin: 0, byteCount: 16384)))])
        #expect(talk.session.awaitedCount == 1)
        #expect(talk.session.isAwaiting(first))
        #expect(talk.deliver(first).verdict == .take(first))
        #expect(talk.session.awaitedCount == 0)
        #expect(talk.session.unrequestedBlocks == 0)
    }

    @Test func theShortBlockAtTheEndIsRequestedWithItsLength() {
        var talk = SessionConversation.unchoked()
        let last = BlockAddress.at(19, 1)
        #expect(talk.request(last) == [.send(.request(BlockSpan(index: 19, begin: 16384, byteCount: 100)))])
        #expect(talk.deliver(last).verdict == .take(last))
    }

    @Test func nothingIsRequestedOfAPeerThatWouldNotAnswer() {
        var talk = SessionConversation.opened()
        _ = talk.hear(.have(0))
        #expect(talk.request(first).isEmpty)
        _ = talk.hear(.unchoke)
        #expect(talk.request(.at(1, 0)).isEmpty)
        #expect(!talk.request(first).isEmpty)
        #expect(talk.request(first).isEmpty)
        _ = talk.hear(.choke)
        #expect(talk.request(second).isEmpty)
    }

    @Test func neverMoreThanTheWindowIsOutstanding() {
        var talk = SessionConversation.unchoked()
        _ = talk.hear(.extended(id: 0, payload: Array("d4:reqqi5ee".utf8)))
        var sent = 0
        for piece in 0..<20 { sent += talk.request(.at(piece, 0)).count }
        #expect(sent == 5)
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 0)
        _ = talk.deliver(.at(0, 0))
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 1)
    }

    @Test func anAllowedFastPieceMayBeRequestedWhileChoked() {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.allowedFast(3)).isEmpty)  // the peer need not have it
        _ = talk.hear(.haveAll)
        #expect(talk.hear(.allowedFast(4)) == [.assignBlocks])
        #expect(talk.hear(.allowedFast(4)).isEmpty)
        #expect(talk.session.allowedFast == [PieceIndex(3), PieceIndex(4)])
        #expect(talk.request(.at(5, 0)).isEmpty)
        #expect(!talk.request(.at(4, 0)).isEmpty)
        #expect(talk.hear(.rejectRequest(talk.span(.at(4, 0)))) == [.returnBlock(.at(4, 0), because: .rejected)])
        #expect(!talk.session.canRequest(PieceIndex(4)))
        #expect(talk.session.canRequest(PieceIndex(3)))
    }

    @Test func allowedFastPiecesAreBounded() {
        let geometry = TorrentGeometry(totalByteCount: 1000 * 16384, pieceByteCount: 16384)
        var talk = SessionConversation.opened(geometry: geometry)
        for index in 0..<1000 { _ = talk.hear(.allowedFast(UInt32(index))) }
        #expect(talk.session.allowedFast.count == 64)
    }

    @Test func aSuggestionIsAdviceOnly() {
        var talk = SessionConversation.opened()
        #expect(talk.hear(.suggestPiece(3)).isEmpty)
        #expect(!talk.session.canRequest(PieceIndex(3)))
    }

    // MARK: Choke

    @Test func aChokeWithoutTheFastExtensionForgetsOurRequests() {
        var talk = SessionConversation.unchoked(.extensionProtocol)
        _ = talk.request(first)
        _ = talk.request(second)
        #expect(talk.hear(.choke) == [.returnBlock(first, because: .choked), .returnBlock(second, because: .choked)])
        #expect(talk.session.chokedSince == talk.clock.now)
        #expect(talk.hear(.unchoke) == [.assignBlocks])
        // Choke and unchoke in quick succession: the peer may still answer (BEP 3, "piece").
        #expect(talk.deliver(first).verdict == .takeLate(first))
        #expect(talk.session.unrequestedBlocks == 0)
    }

    @Test func aChokeWithTheFastExtensionLeavesTheAnswerToThePeer() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.request(second)
        #expect(talk.hear(.choke).isEmpty)
        #expect(talk.session.awaitedCount == 2)
        #expect(talk.deliver(first).verdict == .take(first))
        #expect(talk.hear(.rejectRequest(talk.span(second))) == [.returnBlock(second, because: .rejected)])
    }

    @Test func aPeerThatChokesAndNeverRejectsGivesItsBlocksBackInTime() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.hear(.choke)
        #expect(talk.pass(.seconds(10)) == [.returnBlock(first, because: .late)])
        #expect(!talk.session.isSnubbed)
    }

    // MARK: Deadlines

    @Test func aPeerThatNeverAnswersIsSnubbedAndGetsNothing() {
        var talk = SessionConversation.unchoked()
        for piece in 0..<16 { _ = talk.request(.at(piece, 0)) }
        #expect(talk.session.nextDeadline == talk.clock.now + .seconds(10))
        #expect(talk.pass(.seconds(9)).isEmpty)
        let actions = talk.pass(.seconds(1))
        #expect(actions.returned == (0..<16).map { .at($0, 0) })
        #expect(talk.session.isSnubbed && !talk.session.isServing)
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 0)
        #expect(talk.request(.at(17, 0)).isEmpty)
    }

    @Test func aSnubbedPeerIsProbedWithOneBlockForLongerEachTime() {
        var talk = SessionConversation.snubbed()
        for wait in [20, 40, 60, 60] {
            #expect(talk.probe() == [.send(.request(talk.span(.at(0, 0))))])
            #expect(talk.probe().isEmpty, "one at a time")
            #expect(talk.pass(.seconds(wait - 1)).returned.isEmpty)
            #expect(talk.pass(.seconds(1)).returned == [.at(0, 0)])
            _ = talk.hear(.keepAlive)
        }
    }

    @Test func theAnswerToAProbeMakesThePeerOneOfAll() {
        var talk = SessionConversation.snubbed()
        _ = talk.probe()
        let (verdict, actions) = talk.deliver(.at(0, 0))
        #expect(verdict == .take(.at(0, 0)))
        #expect(actions == [.assignBlocks])
        #expect(talk.session.isServing && talk.session.requestCapacity(now: talk.clock.now) == 2)
        #expect(talk.probe().isEmpty)
    }

    @Test func aProbeIsForAPeerThatTakesRequestsAndHasWhatWeNeed() {
        var talk = SessionConversation.snubbed()
        _ = talk.hear(.choke)
        #expect(talk.probe().isEmpty)
        _ = talk.hear(.unchoke)
        let needed = talk.torrent.needed
        talk.torrent.needed = PieceSet(pieceCount: 20)
        _ = talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) }
        #expect(talk.probe().isEmpty)
        talk.torrent.needed = needed
        talk.torrent.needed.remove(PieceIndex(0))
        let actions = talk.perform { $0.neededChanged(in: $1, now: $2, into: &$3) }
        // Behind it comes that we want something again (BEP 21).
        #expect(actions.prefix(2) == [.send(.interested), .assignBlocks], "the owner looks at it again, and so probes")
        #expect(talk.probe() == [.send(.request(talk.span(.at(1, 0))))])
    }

    @Test func aPeerThatAnswersIsNotProbed() {
        var talk = SessionConversation.unchoked()
        #expect(talk.probe().isEmpty)
    }

    @Test func aLateBlockIsStillWelcomeAndEndsTheSnub() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        #expect(talk.pass(.seconds(10)).returned == [first])
        let (verdict, actions) = talk.deliver(first)
        #expect(verdict == .takeLate(first))
        #expect(actions == [.assignBlocks])
        #expect(!talk.session.isSnubbed)
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 2)
    }

    @Test func aLostFirstBlockIsGivenBackAlthoughLaterOnesCome() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        var returned: [BlockAddress] = []
        for second in 1...10 {
            _ = talk.request(.at(second, 0))
            _ = talk.deliver(.at(second, 0))
            returned += talk.pass(.seconds(1)).returned
        }
        #expect(returned == [first])
        #expect(!talk.session.isSnubbed)
        #expect(talk.session.requestCapacity(now: talk.clock.now) > 1)
    }

    @Test func aSlowPeerThatAnswersInOrderIsNotSnubbed() {
        // 16 blocks at 4 KiB/s take 64 s: the first deadlines pass while their blocks are on the way.
        var talk = SessionConversation.unchoked()
        for piece in 0..<16 { _ = talk.request(.at(piece, 0)) }
        for piece in 0..<14 {
            #expect(talk.begin(talk.span(.at(piece, 0))).verdict == .take(.at(piece, 0)))
            for _ in 0..<4 {
                #expect(talk.pass(.seconds(1)).isEmpty)
                talk.payload(4096)
            }
            _ = talk.end()
        }
        #expect(!talk.session.isSnubbed)
    }

    @Test func noBlockIsLeftToAPeerForMoreThanAMinute() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.begin(talk.span(first))
        var returnedAfter: Int?
        for second in 1...120 where returnedAfter == nil {
            talk.payload(200)
            if talk.pass(.seconds(1)).returned == [first] { returnedAfter = second }
        }
        #expect(returnedAfter == 60)
        #expect(!talk.session.isSnubbed)
    }

    @Test func aByteEveryFiveSecondsIsNoProgress() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.request(second)
        _ = talk.begin(talk.span(first))
        talk.payload(1)
        #expect(talk.pass(.seconds(5)).isEmpty)
        talk.payload(1)
        #expect(talk.pass(.seconds(5)).returned == [first, second])
        #expect(talk.session.isSnubbed)
    }

    // MARK: Rejects

    @Test func aRejectGivesTheBlockBack() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        #expect(talk.hear(.rejectRequest(talk.span(first))) == [.returnBlock(first, because: .rejected)])
        #expect(talk.hear(.rejectRequest(talk.span(first))).isEmpty)
        #expect(talk.session.awaitedCount == 0)
    }

    @Test func aPeerThatRejectsEverythingIsSentAway() {
        var talk = SessionConversation.unchoked()
        var rejects = 0
        while talk.session.isOpen, rejects < 1000 {
            _ = talk.request(first)
            _ = talk.hear(.rejectRequest(BlockSpan(first, in: SessionConversation.geometry)))
            rejects += 1
        }
        #expect(rejects == 251)
    }

    @Test func rejectsThatFollowAChokeAreOrderly() {
        let geometry = TorrentGeometry(totalByteCount: 1000 * 16384, pieceByteCount: 16384)
        var talk = SessionConversation.unchoked(geometry: geometry)
        for _ in 0..<50 {
            for piece in 0..<16 { _ = talk.request(.at(piece, 0)) }
            _ = talk.hear(.choke)
            for piece in 0..<16 {
                #expect(
                    talk.hear(.rejectRequest(talk.span(.at(piece, 0)))) == [
                        .returnBlock(.at(piece, 0), because: .rejected)
                    ])
            }
            _ = talk.hear(.unchoke)
        }
        #expect(talk.session.isOpen)
    }

    // MARK: Cancels

    @Test func aCancelledBlockMayStillComeAndIsDropped() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.request(second)
        #expect(talk.cancel(first) == [.send(.cancel(talk.span(first)))])
        #expect(talk.cancel(first).isEmpty)
        #expect(talk.deliver(first).verdict == .drop)
        #expect(talk.session.unrequestedBlocks == 0)
        #expect(talk.cancel(second) == [.send(.cancel(talk.span(second)))])
        #expect(talk.hear(.rejectRequest(talk.span(second))).isEmpty)
        #expect(talk.pass(.seconds(60)).returned.isEmpty)
    }

    /// Each block that came from elsewhere would earn it another.
    @Test func aPeerThatHasAnsweredNothingGetsNoMoreForWhatIsCancelled() {
        var talk = SessionConversation.unchoked()
        for piece in 0..<16 { _ = talk.request(.at(piece, 0)) }
        for piece in 0..<16 { _ = talk.cancel(.at(piece, 0)) }
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 0)
        #expect(talk.deliver(.at(3, 0)).verdict == .drop, "it crossed the cancel")
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 17)
        #expect(talk.pass(.seconds(20)).isEmpty)
    }

    @Test func cancelsAreForgottenWithTheDeadlinesOfTheirRequests() {
        var talk = SessionConversation.unchoked()
        for piece in 0..<15 { _ = talk.request(.at(piece, 0)) }
        _ = talk.pass(.seconds(1))
        _ = talk.request(.at(15, 0))
        for piece in 0..<16 { _ = talk.cancel(.at(piece, 0)) }
        #expect(talk.session.nextDeadline == talk.clock.now + .seconds(10))
        #expect(talk.pass(.seconds(9)).isEmpty)
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 0)
        #expect(talk.pass(.seconds(1)) == [.assignBlocks])
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 16)
    }

    /// A hash-worker that dies takes all requests along; the next ones must not wait.
    @Test func aPeerWithoutTheFastExtensionNeedNotAnswerACancel() {
        var talk = SessionConversation.unchoked([])
        for piece in 0..<16 { _ = talk.request(.at(piece, 0)) }
        for piece in 0..<16 { _ = talk.cancel(.at(piece, 0)) }
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 16)
    }

    @Test func aCancelThatIsAnsweredCountsNoMore() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.request(second)
        _ = talk.cancel(first)
        _ = talk.cancel(second)
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 14)
        _ = talk.hear(.rejectRequest(talk.span(first)))
        #expect(talk.session.requestCapacity(now: talk.clock.now) == 15)
    }

    @Test func aPeerThatHasAnsweredIsFreeAtOnceOfWhatIsCancelled() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.deliver(first)
        _ = talk.request(second)
        let before = talk.session.requestCapacity(now: talk.clock.now)
        _ = talk.cancel(second)
        #expect(talk.session.requestCapacity(now: talk.clock.now) == before + 1)
    }

    @Test func aBlockThatIsArrivingIsNotCancelled() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.begin(talk.span(first))
        #expect(talk.cancel(first).isEmpty)
        #expect(talk.session.awaitedCount == 0)
    }

    @Test func whatNobodyAwaitsIsNotCancelled() {
        var talk = SessionConversation.unchoked()
        #expect(talk.cancel(first).isEmpty)
    }

    /// The end of the first copy was taken for the answer to the second request, whose block was then waited for in vain.
    @Test func aRequestMadeWhileADroppedCopyArrivesWaitsForItsOwnAnswer() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        _ = talk.cancel(first)
        #expect(talk.begin(talk.span(first)).verdict == .drop)
        #expect(!talk.request(first).isEmpty)
        _ = talk.end(wasDropped: true)
        #expect(talk.session.isAwaiting(first))
        #expect(talk.deliver(first).verdict == .take(first))
        #expect(talk.session.awaitedCount == 0)
    }

    // MARK: Blocks that nobody asked for

    @Test func unrequestedBlocksAreDroppedCountedAndThenEndTheConnection() {
        var talk = SessionConversation.unchoked()
        for count in 1...50 {
            #expect(talk.deliver(first).verdict == .drop)
            #expect(talk.session.unrequestedBlocks == count)
        }
        let (verdict, actions) = talk.deliver(first)
        #expect(verdict == .drop)
        #expect(actions == [.close(.peerBroke(.tooManyUnrequestedBlocks))])
    }

    @Test func aDuplicateOfAnAnsweredBlockIsUnrequested() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        #expect(talk.deliver(first).verdict == .take(first))
        #expect(talk.deliver(first).verdict == .drop)
        #expect(talk.session.unrequestedBlocks == 1)
    }

    @Test func theRightPieceWithAnotherBeginOrLengthIsUnrequested() {
        var talk = SessionConversation.unchoked()
        _ = talk.request(first)
        #expect(talk.begin(BlockSpan(index: 0, begin: 16384, byteCount: 16384)).verdict == .drop)
        #expect(talk.begin(BlockSpan(index: 0, begin: 0, byteCount: 100)).verdict == .drop)
        #expect(talk.session.unrequestedBlocks == 2)
        #expect(talk.session.isAwaiting(first))
    }

    @Test(arguments: [
        (BlockSpan(index: 0, begin: 1, byteCount: 16384), true),
        (BlockSpan(index: 0, begin: 16383, byteCount: 1), true),
        (BlockSpan(index: 0, begin: 32768, byteCount: 1), false),
        (BlockSpan(index: 19, begin: 16384, byteCount: 101), false),
        (BlockSpan(index: 0, begin: 0xFFFF_C000, byteCount: 16384), false),
    ])
    func aBlockThatFitsNowhereCloses(_ span: BlockSpan, _ isUnaligned: Bool) {
        var talk = SessionConversation.unchoked()
        let reason: PeerWireError = isUnaligned ? .blockUnaligned(span) : .spanOutOfRange(.piece, span)
        let (verdict, actions) = talk.begin(span)
        #expect(verdict == .drop)
        #expect(actions == [.close(.peerBroke(reason))])
    }

    @Test func goodBlocksForgiveStrayOnes() {
        var talk = SessionConversation.unchoked()
        for round in 0..<2000 {
            let block = BlockAddress.at(round % 20, 0)
            _ = talk.request(block)
            _ = talk.deliver(block)
            if round % 30 == 0 { _ = talk.deliver(block) }
        }
        #expect(talk.session.unrequestedBlocks == 67)
        #expect(talk.session.isOpen)
    }
}
