import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

/// What a death means for the pieces that are under way.
struct ReplacementTests {
    /// One piece of four blocks, all granted to the first worker.
    private func granted(workers: Int = 1, hashWorkers: Int = 1) throws -> TorrentConversation {
        var talk = try TorrentConversation.fetching(
            byteCount: 65536, pieceByteCount: 65536, hashWorkers: hashWorkers, workers: workers)
        _ = talk.want(65536)
        #expect(talk.opened([1]).grants == [grant(1, 0, 0..<4)])
        return talk
    }

    private func comesBack(_ worker: Int = 0, to talk: inout TorrentConversation) -> [TorrentCoordinator.Action] {
        talk.joined(worker)
        return talk.seeds(1, at: worker) + talk.want(1 << 20, by: worker)
    }

    // MARK: Peer-workers

    @Test func blocksOfADeadPeerWorkerAreInDoubtUntilProgressIsTold() throws {
        var talk = try granted()
        talk.peerWorkerLost(0)
        #expect(comesBack(to: &talk).grants == [], "some may have arrived")
        #expect(talk.peerWorkerLossSeen(0) == [.tellHashWorker(0, .reportProgress([1]))])
        #expect(
            talk.present(1, [0, 2], isWhole: true) == [
                .tellHashWorker(0, .admit(worker: 0, [1])),
                .tellPeerWorker(0, .grantBlocks([grant(1, 0, 1..<2), grant(1, 0, 3..<4)])),
            ])
    }

    @Test func blocksInDoubtThatArrivedAreNotFetchedAgain() throws {
        var talk = try granted()
        talk.peerWorkerLost(0)
        _ = comesBack(to: &talk)
        _ = talk.peerWorkerLossSeen(0)
        #expect(talk.present(1, [0, 1, 2, 3], isWhole: true).grants == [])
        #expect(talk.verified([1]) == [])
    }

    @Test func pieceThatWasVerifiedMeanwhileIsNotAskedAbout() throws {
        var talk = try granted()
        talk.peerWorkerLost(0)
        _ = talk.verified([1])
        #expect(talk.peerWorkerLossSeen(0) == [])
    }

    @Test func answerOlderThanTheSecondDeathDoesNotSettleIt() throws {
        var talk = try granted(workers: 2)
        // The second worker holds two blocks, too.
        _ = talk.returned(1, 2..<4)
        #expect(talk.want(32768, by: 1).grants == [grant(1, 0, 2..<4)])
        talk.peerWorkerLost(0)
        #expect(talk.peerWorkerLossSeen(0).questions == [1])
        talk.peerWorkerLost(1)
        #expect(comesBack(0, to: &talk).grants == [])
        #expect(talk.present(1, [], isWhole: true).grants == [], "it says nothing about the second one's blocks")
        #expect(talk.peerWorkerLossSeen(1).questions == [1])
        #expect(talk.present(1, [3], isWhole: true).grants == [grant(1, 0, 0..<3)])
    }

    // MARK: Hash-workers

    @Test func openingPiecesOfADeadHashWorkerAreMissingAgain() throws {
        var talk = try TorrentConversation.fetching(byteCount: 3 * 65536, pieceByteCount: 65536, frames: 3)
        _ = talk.want(1 << 20)
        _ = talk.opened([1])
        _ = talk.verified([1])
        _ = talk.opened([2])
        talk.hashWorkerLost(0)
        #expect(talk.state(2) == .missing)
        #expect(talk.budget.freeCount == 1)
        // Open and verified ones are the successor's.
        #expect(talk.adoptionOrders(0) == [talk.order(1, 0), talk.order(2, 1)])
        #expect(talk.adopted(0) == [.tellHashWorker(0, .admit(worker: 0, [2]))])
        #expect(talk.present(2, [0], isWhole: true).opens == [talk.order(4, 2)])
    }

    @Test func blocksGrantedBeforeAndAfterTheDeathGoOn() throws {
        var talk = try granted()
        talk.hashWorkerLost(0)
        _ = talk.adoptionOrders(0)
        _ = talk.adopted(0)
        // The worker still holds its grant and sends again what was not answered.
        #expect(talk.present(1, [0, 1], isWhole: true).grants == [])
        #expect(talk.verified([1]) == [.tellPeerWorker(0, .assignmentsClosed([1]))])
    }

    @Test func successorThatLacksTheFramesLosesThePieceOnly() throws {
        var talk = try granted()
        talk.hashWorkerLost(0)
        _ = talk.adoptionOrders(0)
        #expect(talk.refused([1]) == [.tellPeerWorker(0, .assignmentsClosed([1]))])
        #expect(talk.state(0) == .missing)
        #expect(talk.budget.freeCount == 64)
        #expect(talk.adopted(0) == [])
        #expect(talk.want(1 << 20).opens == [talk.order(2, 0)])
    }

    @Test func verdictIsHeardTwiceAndCountsOnce() throws {
        var talk = try granted()
        _ = talk.verified([1])
        talk.hashWorkerLost(0)
        #expect(talk.adoptionOrders(0) == [talk.order(1, 0)])
        _ = talk.adopted(0)
        #expect(talk.present(1, [0, 1, 2, 3], isWhole: true) == [])
        #expect(talk.verified([1]) == [])
        #expect(talk.written(1, 0).last == .allWritten)
    }

    @Test func placeThatIsGivenUpLosesItsPiecesToTheOthers() throws {
        var talk = try TorrentConversation.fetching(
            byteCount: 4 * 65536, pieceByteCount: 65536, hashWorkers: 2, frames: 4)
        _ = talk.want(1 << 20)
        _ = talk.opened([1, 2, 3, 4])
        _ = talk.verified([1])
        talk.hashWorkerLost(0)
        let actions = talk.hashWorkerGivenUp(0)
        // 1 was verified, 3 open; their grants end, and they are fetched once more.
        #expect(actions.first == .tellPeerWorker(0, .assignmentsClosed([3])))
        #expect(actions.opens == [talk.order(5, 0), talk.order(6, 2)])
        #expect(actions.last == talk.open(talk.order(5, 0), talk.order(6, 2), at: 1))
        #expect(talk.budget.freeCount == 0)
    }

    @Test func whatASuccessorThatStartsEmptyLacksIsGrantedAgain() throws {
        // The peer-worker has delivered two blocks and would never fetch them again under the same assignment.
        var talk = try granted()
        talk.hashWorkerLost(0)
        #expect(talk.regionLost(0) == [.tellPeerWorker(0, .assignmentsClosed([1]))])
        #expect(talk.budget.freeCount == 64)
        #expect(talk.adoptionOrders(0) == [])
        _ = talk.adopted(0)
        #expect(talk.want(1 << 20).opens == [talk.order(2, 0)])
        #expect(talk.opened([2]).grants == [grant(2, 0, 0..<4)])
    }

    // MARK: Both

    @Test func adoptionAnswersForThePeerWorkersThatDiedBeforeIt() throws {
        // A question to a dead hash-worker is never answered: blocks in doubt would stay so for ever.
        var talk = try granted()
        talk.peerWorkerLost(0)
        talk.hashWorkerLost(0)
        #expect(talk.peerWorkerLossSeen(0).questions == [], "its death was the answer")
        _ = comesBack(to: &talk)
        #expect(talk.adoptionOrders(0) == [talk.order(1, 0)])
        _ = talk.adopted(0)
        #expect(talk.present(1, [1], isWhole: true).grants == [grant(1, 0, 0..<1), grant(1, 0, 2..<4)])
    }

    @Test func adoptionAnswersForPeerWorkersThatDiedDuringTheChange() throws {
        var talk = try granted(hashWorkers: 2)
        talk.hashWorkerLost(0)
        talk.peerWorkerLost(0)
        _ = comesBack(to: &talk)
        _ = talk.adoptionOrders(0)
        _ = talk.adopted(0)
        // The other hash-worker was late to see it.
        #expect(talk.peerWorkerLossSeen(0).questions == [])
        #expect(talk.present(1, [], isWhole: true).grants == [grant(1, 0, 0..<4)])
    }

    @Test func deathAfterTheAdoptionIsAskedAbout() throws {
        var talk = try granted()
        talk.hashWorkerLost(0)
        _ = talk.adoptionOrders(0)
        talk.peerWorkerLost(0)
        _ = comesBack(to: &talk)
        #expect(talk.present(1, [], isWhole: true).grants == [], "older than the death")
        #expect(talk.peerWorkerLossSeen(0).questions == [1])
        #expect(talk.present(1, [2], isWhole: true).grants == [grant(1, 0, 0..<2), grant(1, 0, 3..<4)])
    }

    @Test func successorThatDiesToo() throws {
        var talk = try granted()
        talk.hashWorkerLost(0)
        _ = talk.adoptionOrders(0)
        talk.peerWorkerLost(0)
        talk.hashWorkerLost(0)
        #expect(talk.peerWorkerLossSeen(0).questions == [])
        _ = comesBack(to: &talk)
        _ = talk.adoptionOrders(0)
        _ = talk.adopted(0)
        #expect(talk.present(1, [], isWhole: true).grants == [grant(1, 0, 0..<4)])
    }
}
