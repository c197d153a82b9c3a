import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

@Suite struct CancelTests {
    @Test func aCancelledPieceIsClosedEverywhereAndFetchedAnew() throws {
        var talk = try TorrentConversation.fetching(byteCount: 32768)
        _ = talk.want(32768)
        _ = talk.opened([1])
        #expect(talk.coordinator.pieces.state(of: PieceIndex(0)) == .open(1))
        let actions = talk.cancelled(piece: 0)
        #expect(actions?.contains(.tellPeerWorker(0, .assignmentsClosed([1]))) == true)
        #expect(actions?.contains(.tellHashWorker(0, .closePieces([1]))) == true)
        #expect(talk.coordinator.pieces.state(of: PieceIndex(0)) == .missing)
        // What still comes of the first attempt is late.
        #expect(talk.verified([1]).isEmpty)
        #expect(talk.coordinator.blocks.standing(of: 1) == nil)
        // The worker that has less to do wishes for more.
        _ = talk.want(32768)
        #expect(talk.coordinator.pieces.state(of: PieceIndex(0)) == .opening(2))
        #expect(talk.cancelled(piece: 0) != nil, "an attempt may be cancelled before it is opened")
        _ = talk.opened([2])
        #expect(talk.coordinator.blocks.openAssignments.isEmpty)
    }

    @Test func whatNobodyFetchesCannotBeCancelled() throws {
        var talk = try TorrentConversation.fetching(byteCount: 65536)
        #expect(talk.cancelled(piece: 0) == nil)
        _ = talk.want(32768)
        _ = talk.opened([1])
        _ = talk.verified([1])
        #expect(talk.cancelled(piece: 0) == nil, "it is verified and on its way to the disk")
    }

    @Test func aCancelledTorrentHoldsNothing() throws {
        var talk = try TorrentConversation.fetching(byteCount: 8 * 32768)
        let frames = talk.budget.freeCount
        _ = talk.want(3 * 32768)
        _ = talk.opened([1, 2])
        let actions = talk.cancelledAll()
        #expect(actions.contains(.tellPeerWorkers(.removeTorrent(torrent: 0))))
        #expect(talk.budget.freeCount == frames)
        #expect(talk.coordinator.pieces.livingAssignments.isEmpty)
        #expect(talk.want(32768).isEmpty, "nothing is granted any more")
    }

    @Test func aCancelledPeerIsClosedAndLeftAlone() {
        var clock = FakeClock()
        var book = PeerBook(
            torrent: 0, ownID: PeerID([UInt8](repeating: 9, count: 20)), ownAddresses: [], mostPeers: 10,
            now: clock.now, generator: SeededGenerator(seed: 1))
        var actions: [PeerBook.Action] = []
        book.workerReady(0, capacity: 10, now: clock.now, into: &actions)
        let address = PeerAddress(v4: 0x0A00_0001, port: 6881)
        book.learned([address], from: .tracker, now: clock.now, into: &actions)
        guard case .connect(0, let peer) = actions.last else {
            Issue.record("it is not tried")
            return
        }
        let key = PeerBook.Key(worker: 0, peer: peer.peer)
        actions = []
        #expect(book.cancelled(key, into: &actions))
        #expect(actions == [.close(worker: 0, peer: peer.peer, .userRequest)])
        #expect(!book.cancelled(key, into: &actions), "once is enough")
        actions = []
        book.closed(
            PeerClosed(peer: peer.peer, cause: .closedByUs, text: "", downloadedByteCount: 0), at: 0, now: clock.now,
            into: &actions)
        clock.advance(by: .seconds(300))
        book.connectMore(now: clock.now, into: &actions)
        #expect(!actions.contains { if case .connect = $0 { true } else { false } })
        clock.advance(by: .seconds(600))
        book.connectMore(now: clock.now, into: &actions)
        #expect(actions.contains { if case .connect = $0 { true } else { false } }, "not for ever")
        book.known.checkInvariants()
    }
}

extension TorrentConversation {
    /// - Returns: nil when nobody fetches the piece.
    mutating func cancelled(piece: Int) -> [Action]? {
        var isDone = false
        let actions = tell { isDone = $0.cancelled(PieceIndex(piece), budget: &$1, pool: $2, into: &$3) }
        return isDone ? actions : nil
    }

    mutating func cancelledAll() -> [Action] {
        tell { coordinator, budget, _, actions in coordinator.cancelledAll(budget: &budget, into: &actions) }
    }
}
