import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

/// The straight way of pieces, and what may overtake what.
struct TorrentCoordinatorTests {
    @Test func pieceGoesFromGrantToDisk() throws {
        // One piece of three blocks, the last one short.
        var talk = try TorrentConversation(byteCount: 40_000, pieceByteCount: 65536)
        #expect(talk.start() == [])
        talk.joined(0)
        #expect(talk.seeds(1) == [])
        #expect(talk.want(100_000) == [talk.open(talk.order(1, 0))])
        #expect(talk.budget.freeCount == 63)
        #expect(
            talk.opened([1]) == [
                .tellHashWorker(0, .admit(worker: 0, [1])),
                .tellPeerWorker(0, .grantBlocks([grant(1, 0, 0..<3)])),
            ])
        #expect(talk.verified([1]) == [.tellPeerWorker(0, .assignmentsClosed([1]))])
        #expect(
            talk.written(1, 0) == [
                .tellHashWorker(0, .closePieces([1])),
                .tellPeerWorkers(.piecesOurs(torrent: 0, [PieceIndex(0)])),
                .allWritten,
            ])
        #expect(talk.budget.freeCount == 64)
        #expect(talk.synced([0]) == [.allSynced])
        #expect(talk.news.map(\.1) == [.granted, .assembled, .verified, .written, .synced])
    }

    @Test func nothingIsOpenedBeforeTheFilesAreReady() throws {
        var talk = try TorrentConversation(byteCount: 65536)
        talk.joined(0)
        #expect(talk.seeds(1) == [])
        #expect(talk.want(100_000) == [])
        #expect(talk.start().opens.map(\.piece.value) == [0, 1])
    }

    @Test func workerThatDoesNotKnowTheTorrentGetsNothing() throws {
        var talk = try TorrentConversation(byteCount: 65536)
        _ = talk.start()
        #expect(talk.seeds(1, at: 3) == [])
        #expect(talk.want(100_000, by: 3) == [])
    }

    @Test func piecesWithoutASourceAreNotOpened() throws {
        var talk = try TorrentConversation(byteCount: 4 * 32768)
        _ = talk.start()
        talk.joined(0)
        #expect(talk.want(1 << 20) == [])
        #expect(talk.sources([2: 1]).opens.map(\.piece.value) == [2])
        #expect(talk.sources([99: 1]) == [], "no such piece")
        #expect(talk.sources([1: 3]).opens.map(\.piece.value) == [1])
    }

    @Test func wantIsServedToTheByteAndRemembered() throws {
        var talk = try TorrentConversation.fetching(byteCount: 4 * 32768)
        let opens = talk.want(40_000).opens
        #expect(opens.count == 4, "opened ahead of need")
        // Three blocks cover 40,000 bytes.
        #expect(talk.opened([1, 2, 3, 4]).grants == [grant(1, 0, 0..<2), grant(2, 1, 0..<1)])
        #expect(talk.want(0) == [])
        #expect(talk.want(16384).grants == [grant(2, 1, 1..<2)])
    }

    @Test func piecesAreOpenedInStepsNotOneByOne() throws {
        var talk = try TorrentConversation.fetching(byteCount: 64 << 20, pieceByteCount: 1 << 20, frames: 1024)
        #expect(talk.want(1 << 20).opens.count == 9, "the wish and 8 MiB that are kept ready")
        #expect(talk.opened(Array(1...9)).opens.isEmpty)
        for _ in 0..<4 {
            let answer = talk.want(1 << 20)
            #expect(answer.grants.count == 1 && answer.opens.isEmpty, "half of it is there")
        }
        #expect(talk.want(1 << 20).opens.count == 5)
    }

    @Test func returnedBlocksGoToWhoWantsThem() throws {
        var talk = try TorrentConversation.fetching(byteCount: 65536, pieceByteCount: 65536, frames: 1)
        _ = talk.want(65536)
        #expect(talk.opened([1]).grants == [grant(1, 0, 0..<4)])
        #expect(talk.returned(1, 1..<3) == [], "whoever returns them has no use for them now")
        talk.joined(1)
        _ = talk.seeds(1, at: 1)
        #expect(talk.want(32768, by: 1).grants == [grant(1, 0, 1..<3)])
        #expect(talk.returned(1, 1..<2, by: 0) == [], "it does not hold them any more")
        #expect(talk.want(16384, by: 0).grants == [])
    }

    @Test func returnedBlocksAreOfferedToOthersFirst() throws {
        // Memory is full, and the worker that returns blocks wants more: a piece that only a slow peer of it has must not
        // come back to it while another worker has nothing to do.
        var talk = try TorrentConversation.fetching(
            byteCount: 2 * 65536, pieceByteCount: 65536, frames: 1, workers: 2)
        _ = talk.want(1 << 20, by: 0)
        #expect(talk.opened([1]).grants == [grant(1, 0, 0..<4)])
        #expect(talk.want(16384, by: 1) == [])
        #expect(
            talk.returned(1, 2..<4, .slow, by: 0) == [
                .tellHashWorker(0, .admit(worker: 1, [1])), .tellPeerWorker(1, .grantBlocks([grant(1, 0, 2..<3)])),
                .tellPeerWorker(0, .grantBlocks([grant(1, 0, 3..<4)])),
            ])
    }

    @Test func blocksBeyondThePieceAreNotTakenBack() throws {
        var talk = try TorrentConversation.fetching(byteCount: 65536, pieceByteCount: 65536)
        _ = talk.want(65536)
        _ = talk.opened([1])
        #expect(talk.returned(1, 3..<5) == [])
        #expect(talk.returned(1, (.max - 1) ..< .max) == [])
        #expect(talk.returned(77, 0..<1) == [])
    }

    @Test func lateNewsOfAnEndedAssignmentChangeNothing() throws {
        var talk = try TorrentConversation.fetching(byteCount: 65536)
        _ = talk.want(65536)
        _ = talk.opened([1, 2])
        _ = talk.verified([1])
        _ = talk.written(1, 0)
        #expect(talk.verified([1]) == [])
        #expect(talk.failed(1) == [])
        #expect(talk.written(1, 0) == [])
        #expect(talk.opened([1]) == [])
        #expect(talk.refused([1]) == [])
        #expect(talk.present(1, [0], isWhole: true) == [])
        #expect(talk.state(0) == .written)
        #expect(talk.budget.freeCount == 63)
    }

    @Test func pieceMayBeWrittenBeforeItsVerdictIsHeard() throws {
        var talk = try TorrentConversation.fetching(byteCount: 32768)
        _ = talk.want(65536)
        _ = talk.opened([1])
        let actions = talk.written(1, 0)
        #expect(actions[0] == .tellPeerWorker(0, .assignmentsClosed([1])))
        #expect(actions[1] == .tellHashWorker(0, .closePieces([1])))
        #expect(actions.last == .allWritten)
        #expect(talk.verified([1]) == [])
    }

    @Test func onlyWantedPiecesAreFetchedAndWaitedFor() throws {
        var talk = try TorrentConversation(byteCount: 3 * 32768, wanted: [1])
        _ = talk.start()
        talk.joined(0)
        _ = talk.seeds(1)
        #expect(talk.want(1 << 20).opens.map(\.piece.value) == [1])
        _ = talk.opened([1])
        #expect(talk.written(1, 1).last == .allWritten)
        #expect(talk.synced([1]) == [.allSynced])
    }

    @Test func whatIsOnDiskIsNotFetched() throws {
        var talk = try TorrentConversation(byteCount: 2 * 32768)
        talk.restored(0)
        talk.joined(0)
        _ = talk.seeds(1)
        _ = talk.want(1 << 20)
        #expect(talk.start().opens.map(\.piece.value) == [1])
        _ = talk.opened([1])
        #expect(talk.written(1, 1).last == .allWritten)
    }

    @Test func completeTorrentSaysSoAtOnce() throws {
        var talk = try TorrentConversation(byteCount: 2 * 32768)
        talk.restored(0)
        talk.restored(1)
        #expect(talk.start() == [.allWritten, .allSynced])
        #expect(talk.start() == [])
    }

    @Test func failedSyncMakesItsPiecesMissingAndFetchesThemAgain() throws {
        var talk = try TorrentConversation.fetching(byteCount: 2 * 32768)
        _ = talk.want(1 << 20)
        _ = talk.opened([1, 2])
        _ = talk.written(1, 0)
        _ = talk.synced([0])
        #expect(talk.written(2, 1).last == .allWritten)
        let actions = talk.syncFailed()
        #expect(actions.first == .tellPeerWorkers(.piecesLost(torrent: 0, [PieceIndex(1)])))
        // Nobody will ask again for what was asked for before.
        #expect(actions.opens == [talk.order(3, 1)])
        #expect(talk.synced([1]) == [])
        _ = talk.opened([3])
        #expect(talk.written(3, 1).last == .allWritten, "it is complete once more")
        #expect(talk.synced([1]) == [.allSynced])
    }

    @Test func orderlyStopOpensAndGrantsNothing() throws {
        var talk = try TorrentConversation.fetching(byteCount: 4 * 32768, frames: 2)
        _ = talk.want(1 << 20)
        _ = talk.opened([1, 2])
        talk.stop()
        #expect(talk.want(1 << 20) == [])
        #expect(talk.returned(1, 0..<2) == [])
        #expect(talk.coordinator.unfinishedByAssembler == [0: [1, 2]])
        // What arrives is still taken.
        _ = talk.verified([1])
        #expect(talk.coordinator.unfinishedByAssembler == [0: [2]])
        #expect(talk.written(1, 0).opens == [])
    }

    @Test func blocksOfTheLastRunAreReadBackAndNotGranted() throws {
        var talk = try TorrentConversation(
            byteCount: 65536, pieceByteCount: 65536, partials: [PieceIndex(0): [0b0110]])
        _ = talk.start()
        talk.joined(0)
        _ = talk.seeds(1)
        _ = talk.want(1 << 20)
        let actions = talk.opened([1])
        #expect(actions.first == .restore(1, PieceIndex(0), bits: [0b0110], at: 0))
        #expect(actions.grants == [grant(1, 0, 0..<1), grant(1, 0, 3..<4)])
        // One of them could not be read.
        #expect(talk.present(1, [1], isWhole: true).grants == [grant(1, 0, 2..<3)])
        #expect(talk.failed(1).opens.count == 1)
        #expect(!talk.opened([2]).contains { if case .restore = $0 { true } else { false } }, "once is enough")
    }
}
