import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

@Suite struct TorrentJournalTests {
    private let clock = FakeClock()
    private func key(_ peer: UInt32, at worker: Int = 0) -> PeerBook.Key { PeerBook.Key(worker: worker, peer: peer) }
    private func address(_ host: UInt32) -> PeerAddress { PeerAddress(v4: 0x0A00_0000 + host, port: 6881) }

    private func name(_ number: UInt16) -> PeerName { .outgoing(number) }

    @Test func peersKeepTheirNames() {
        var journal = TorrentJournal()
        journal.connecting(key(5), address(1), now: clock.now)
        let incoming = PeerName.firstIncoming | 1 << PeerName.incomingBitCount | 7
        let connected = PeerConnected(
            peer: incoming, torrent: 0, address: address(2), isIncoming: true,
            remoteID: PeerID([UInt8](repeating: 9, count: 20)), client: "x")
        journal.connected(key(incoming, at: 1), connected, now: clock.now)
        #expect(journal.peer(name(5))?.address == address(1))
        let newcomer = PeerName.incoming(worker: 1, generation: 1, number: 7)
        #expect(journal.peer(newcomer)?.isIncoming == true && journal.name(of: address(2), at: 1) == newcomer)
        journal.closed(key(5), "refused", now: clock.now)
        #expect(journal.peer(key(5)) == nil && journal.name(of: address(1), at: 0) == name(5))
        #expect(journal.peer(name(5))?.events.all.map(\.text) == ["connecting", "closed: refused"])
        journal.connecting(key(5), address(3), now: clock.now)
        #expect(journal.peer(name(5))?.events.all.count == 1, "a name that is used again is another peer")
    }

    @Test func aPeerWhoseNameCameAgainIsNotForgottenWithItsNamesake() {
        var journal = TorrentJournal()
        journal.connecting(key(1), address(1), now: clock.now)
        journal.closed(key(1), "late", now: clock.now)
        journal.connecting(key(1), address(2), now: clock.now)
        for peer in 2...UInt32(TorrentJournal.mostDeparted + 10) {
            journal.connecting(key(peer), address(peer), now: clock.now)
            journal.closed(key(peer), "late", now: clock.now)
        }
        #expect(journal.peer(key(1))?.address == address(2))
    }

    @Test func ofPeersThatLeftAFewAreRemembered() {
        var journal = TorrentJournal()
        for peer in 1...UInt32(TorrentJournal.mostDeparted + 10) {
            journal.connecting(key(peer), address(peer), now: clock.now)
            journal.closed(key(peer), "late", now: clock.now)
        }
        #expect(journal.peer(name(10)) == nil && journal.peer(name(11))?.leftAt == clock.now)
    }

    @Test func aWorkersDeathIsTheEndOfItsPeersOnly() {
        var journal = TorrentJournal()
        journal.connecting(key(1, at: 0), address(1), now: clock.now)
        journal.connecting(key(2, at: 1), address(2), now: clock.now)
        journal.workerLost(1, now: clock.now)
        #expect(journal.peer(name(1))?.leftAt == nil)
        #expect(journal.peer(name(2))?.events.last?.text == "closed: its worker died")
    }

    @Test func whatIsSaidOfAnAddressIsNotedAtItsConnection() {
        var journal = TorrentJournal()
        journal.connecting(key(1), address(1), now: clock.now)
        journal.note(address(1), at: 1, "elsewhere", now: clock.now)
        journal.note(address(1), at: 0, "banned: it lies", now: clock.now)
        #expect(journal.peer(name(1))?.events.all.map(\.text) == ["connecting", "banned: it lies"])
    }

    @Test func aPieceIsForgottenWhenItIsOnDisk() {
        var journal = TorrentJournal()
        for news in [TorrentCoordinator.PieceNews.granted, .assembled, .failed, .granted, .verified, .written] {
            journal.note(PieceIndex(3), news, now: clock.now)
        }
        #expect(journal.events(of: PieceIndex(3))?.all.count == 6)
        journal.note(PieceIndex(3), .synced, now: clock.now)
        #expect(journal.events(of: PieceIndex(3)) == nil)
    }

    @Test func aRingKeepsTheLastTwenty() {
        var ring = EventRing()
        #expect(ring.last == nil && ring.first == nil)
        for number in 1...50 {
            ring.add("\(number)", now: clock.now)
            #expect(ring.last?.text == "\(number)")
        }
        #expect(ring.all.map(\.text) == (31...50).map(String.init))
        #expect(ring.first?.text == "31")
    }
}
