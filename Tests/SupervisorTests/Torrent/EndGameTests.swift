import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

/// The end of a download, when one worker has nothing to do and another holds the last blocks.
struct EndGameOfTheTorrentTests {
    @Test func idleWorkerSharesTheLastBlocks() throws {
        var talk = try TorrentConversation.fetching(byteCount: 65536, pieceByteCount: 65536, workers: 2)
        _ = talk.want(65536, by: 0)
        _ = talk.opened([1])
        // First it must be known which blocks have arrived; from then on the hash-worker tells by itself.
        #expect(
            talk.want(65536, by: 1) == [
                .tellHashWorker(0, .admit(worker: 1, [1])), .tellHashWorker(0, .reportProgress([1])),
            ])
        #expect(talk.want(65536, by: 1) == [], "it was asked already")
        #expect(
            talk.present(1, [0], isWhole: true) == [
                .tellPeerWorker(1, .grantBlocks([grant(1, 0, 1..<4, isShared: true)]))
            ])
        // What one of them delivers, both hear of: it is contested.
        #expect(
            talk.present(1, [3], isWhole: false) == [
                .tellPeerWorker(0, .blocksNotNeeded(assignment: 1, bits: [0b1000])),
                .tellPeerWorker(1, .blocksNotNeeded(assignment: 1, bits: [0b1000])),
            ])
        #expect(
            talk.verified([1]) == [
                .tellPeerWorker(0, .assignmentsClosed([1])), .tellPeerWorker(1, .assignmentsClosed([1])),
            ])
    }

    @Test func nothingIsSharedWhileThereIsMoreToStart() throws {
        var talk = try TorrentConversation.fetching(byteCount: 2 * 65536, pieceByteCount: 65536, frames: 1, workers: 2)
        _ = talk.want(65536, by: 0)
        _ = talk.opened([1])
        #expect(talk.want(65536, by: 1) == [])
    }

    @Test func deadWorkerInTheEndGameLeavesItsShareToTheOther() throws {
        var talk = try TorrentConversation.fetching(byteCount: 65536, pieceByteCount: 65536, workers: 2)
        _ = talk.want(65536, by: 0)
        _ = talk.opened([1])
        _ = talk.want(49152, by: 1)
        _ = talk.present(1, [0], isWhole: true)
        talk.peerWorkerLost(0)
        #expect(talk.peerWorkerLossSeen(0).questions == [1])
        #expect(talk.present(1, [0, 1], isWhole: true).grants == [], "the other one fetches them")
        #expect(talk.returned(1, 2..<4, .choked, by: 1) == [])
        talk.joined(0)
        #expect(talk.seeds(1, at: 0) == [])
        #expect(talk.want(32768, by: 0).grants == [grant(1, 0, 2..<4)])
    }
}
