import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

private typealias Talk = PeerBookTalk

/// Who is banned, what a ban covers, and who is pardoned.
struct PeerBookBanTests {
    private let incoming: UInt32 = 1 << 31

    @Test func bannedPeerIsClosedAndNeverTriedAgain() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        #expect(
            talk.ban(1) == [
                .report(address: Talk.address(1), worker: 0, isIncoming: false, .banned("lies")),
                .close(worker: 0, peer: 1, .banned),
            ])
        _ = talk.closed(1, .closedByUs)
        #expect(talk.learned([Talk.address(1)]) == [])
        #expect(talk.wait(.seconds(10_000)).connectCount == 0)
    }

    /// A lie is found when its piece is hashed.
    @Test func whoLeavesBeforeItsLieIsFoundIsBannedToo() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        _ = talk.closed(1, .lost, downloaded: 16384)
        #expect(
            talk.ban(1) == [.report(address: Talk.address(1), worker: 0, isIncoming: false, .banned("lies"))])
        #expect(talk.ban(1) == [], "once is enough")
        #expect(talk.wait(.seconds(10_000)).connectCount == 0)
    }

    @Test func theReturnOfADepartedLiarIsClosed() {
        var talk = Talk()
        _ = talk.connected(incoming, Talk.address(1, port: 50_000), id: 1, isIncoming: true)
        _ = talk.closed(incoming, .lost, downloaded: 16384)
        _ = talk.connected(incoming + 1, Talk.address(1, port: 50_001), id: 1, isIncoming: true)
        #expect(talk.ban(incoming).contains(.close(worker: 0, peer: incoming + 1, .banned)))
    }

    @Test func onlySoManyDepartedPeersAreRemembered() {
        var departed = DepartedPeers()
        func key(_ number: Int) -> PeerBook.Key { PeerBook.Key(worker: 0, peer: UInt32(number)) }
        for number in 0...DepartedPeers.maximumCount {
            departed.left(key(number), PeerBook.Connection(address: Talk.address(1), isIncoming: false))
        }
        #expect(departed[key(0)] == nil && departed[key(1)] != nil && departed[key(DepartedPeers.maximumCount)] != nil)
    }

    @Test func banOfAnIncomingPeerCoversItsMachine() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        _ = talk.connected(incoming, Talk.address(1, port: 50_000), id: 2, isIncoming: true)
        let closes = talk.ban(incoming).filter { if case .close = $0 { true } else { false } }
        #expect(closes.count == 2)
        #expect(closes.contains(.close(worker: 0, peer: 1, .banned)))
        #expect(
            talk.connected(incoming + 1, Talk.address(1, port: 50_001), id: 3, isIncoming: true) == [
                .close(worker: 0, peer: incoming + 1, .banned)
            ])
    }

    @Test func nobodyIsBannedForBlocksOfTheDisk() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        #expect(talk.ban(Contributor.disk.peer, at: Contributor.disk.worker) == [])
    }

    /// Its blocks survive the worker that they came through.
    @Test func theLiarOfADeadWorkerIsBannedAndNoOther() {
        var talk = Talk()
        let liar = Talk.address(1, port: 50_000), innocent = Talk.address(2, port: 50_000)
        _ = talk.connected(incoming, liar, id: 1, isIncoming: true)
        _ = talk.workerLost(0)
        _ = talk.connected(incoming | 1 << 21, innocent, id: 2, isIncoming: true)
        #expect(
            talk.ban(incoming) == [.report(address: liar, worker: 0, isIncoming: true, .banned("lies"))])
    }

    @Test func whomASpoilingWorkerGotBannedIsPardoned() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        _ = talk.connected(incoming, Talk.address(2, port: 50_000), id: 2, isIncoming: true)
        _ = talk.ban(1)
        _ = talk.ban(incoming)
        let actions = talk.workerLost(0, wasLiar: true)
        #expect(
            actions.prefix(2) == [
                .report(address: Talk.address(1), worker: 0, isIncoming: false, .pardoned),
                .report(address: Talk.address(2, port: 50_000), worker: 0, isIncoming: true, .pardoned),
            ])
        #expect(talk.book.known.bannedCount == 0 && talk.book.known.knownCount == 1)
        #expect(talk.workerLost(0, wasLiar: true) == [], "once is enough")
    }

    @Test func whoLiesBehindAnotherWorkerTooIsNotPardonedAgain() {
        var talk = Talk()
        _ = talk.connected(incoming, Talk.address(2, port: 50_000), id: 2, isIncoming: true)
        _ = talk.ban(incoming)
        _ = talk.workerLost(0, wasLiar: true)
        _ = talk.connected(incoming | 1 << 21, Talk.address(2, port: 50_000), id: 2, isIncoming: true)
        _ = talk.ban(incoming | 1 << 21)
        #expect(talk.workerLost(0, wasLiar: true) == [])
        #expect(talk.book.known.bannedCount == 1)
    }

    @Test func bansOutliveAWorkerThatWasSound() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        _ = talk.ban(1)
        #expect(talk.workerLost(0, wasLiar: false) == [])
        #expect(talk.workerLost(0, wasLiar: true) == [], "that is another process")
        #expect(talk.book.known.bannedCount == 1)
    }
}
