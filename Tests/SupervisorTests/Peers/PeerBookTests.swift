import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

private typealias Talk = PeerBookTalk

struct PeerBookTests {
    @Test func peersAreSpreadOverTheWorkersUnderNamesOfTheirOwn() {
        var talk = Talk(workers: 2)
        let actions = talk.learned((1...4).map { Talk.address($0, network: $0) })
        #expect(
            actions.connects == [
                "0 1 10.0.1.1:6881", "1 2 10.0.2.2:6881", "0 3 10.0.3.3:6881", "1 4 10.0.4.4:6881",
            ])
        #expect(talk.learned([Talk.address(1, network: 1)]) == [], "known already")
    }

    @Test func namesAreUniqueOverAllTorrentsOfTheRun() {
        var names: Set<UInt32> = []
        for torrent in [UInt16(0), 1, 2, 0x7FFF] {
            var talk = Talk(torrent: torrent)
            for action in talk.learned((1...40).map { Talk.address(1, network: $0) }) {
                guard case .connect(_, let peer) = action else { continue }
                #expect(peer.peer < 1 << 31 && peer.torrent == torrent)
                names.insert(peer.peer)
            }
        }
        #expect(names.count == 4 * 40)
    }

    @Test func aNameIsNotGivenAgainWhileItsConnectionLives() {
        var talk = Talk()
        let first = Talk.address(1), second = Talk.address(1, network: 1)
        #expect(talk.learned([first]).connects == ["0 1 10.0.0.1:6881"])
        _ = talk.connected(1, first, id: 1)
        // The second peer fails and is tried again until the numbers begin anew.
        var names = talk.learned([second]).connects.count
        var latest: UInt32 = 2
        while names < 70_000 {
            let again = talk.closed(latest, .closedByUs) + talk.wait(.seconds(60))
            guard case .connect(_, let peer)? = again.last else { break }
            #expect(peer.peer != 1)
            latest = peer.peer
            names += 1
        }
        #expect(names == 70_000)
    }

    @Test func nobodyConnectsBeforeAWorkerIsReady() {
        var talk = Talk(workers: 0)
        #expect(talk.learned([Talk.address(1)]) == [])
        #expect(talk.wait(.seconds(5)) == [])
    }

    /// The first worker that was ready got every peer of the command line, and the others none.
    @Test func firstWorkerWaitsForTheOthersBeforePeersAreSharedOut() {
        var book = PeerBook(
            torrent: 0, ownID: Talk.id(0), ownAddresses: [], mostPeers: 100, workerCount: 3, now: FakeClock().now,
            generator: SeededGenerator(seed: 1))
        var clock = FakeClock()
        var actions: [PeerBook.Action] = []
        book.learned((1...4).map { Talk.address($0) }, from: .commandLine, now: clock.now, into: &actions)
        book.workerReady(1, capacity: 10, now: clock.now, into: &actions)
        #expect(actions.isEmpty)
        let deadline = book.nextDeadline(now: clock.now)
        #expect(deadline == clock.now + PeerBook.gathering)
        book.workerReady(0, capacity: 10, now: clock.now, into: &actions)
        #expect(actions.isEmpty)
        // The third is late: those that are here share.
        clock.advance(by: PeerBook.gathering)
        book.connectMore(now: clock.now, into: &actions)
        let workers = actions.map { if case .connect(let worker, _) = $0 { worker } else { -1 } }
        #expect(workers.sorted() == [0, 0, 1, 1])
    }

    @Test func fullWorkersGetNoMore() {
        var talk = Talk(workers: 2, capacity: 3)
        #expect(talk.learned((1...20).map { Talk.address($0, network: $0) }).connectCount == 6)
        #expect(talk.closed(1, .connectFailed).connectCount == 1)
    }

    @Test func attemptsUnderWayAreBounded() {
        var talk = Talk(mostPeers: 1000)
        #expect(talk.learned((1...200).map { Talk.address(1, network: $0) }).connectCount == PeerBook.mostAttempts)
        _ = talk.connected(1, Talk.address(1, network: 1), id: 1)
        #expect(talk.wait(.zero).connectCount == 1)
    }

    @Test func connectionsAreBounded() {
        var talk = Talk(mostPeers: 3)
        #expect(talk.learned((1...9).map { Talk.address($0, network: $0) }).connectCount == 3)
        for peer in UInt32(1)...3 {
            _ = talk.connected(peer, Talk.address(Int(peer), network: Int(peer)), id: UInt8(peer))
        }
        #expect(talk.book.connectedCount == 3)
        #expect(talk.wait(.seconds(1)) == [])
        #expect(talk.closed(2, .lost, downloaded: 5).connectCount == 1)
    }

    @Test func quietConnectionYieldsToAnAddressThatWaits() {
        var talk = Talk(mostPeers: 2)
        for peer in UInt32(1)...2 {
            _ = talk.learned([Talk.address(Int(peer), network: Int(peer))])
            _ = talk.connected(peer, Talk.address(Int(peer), network: Int(peer)), id: UInt8(peer))
            talk.reported(peer)
        }
        // Nobody waits for a place.
        #expect(talk.wait(.seconds(3600)) == [])
        talk.reported(2, downloaded: 2)
        #expect(
            talk.learned([Talk.address(3, network: 3), Talk.address(4, network: 4)]) == [
                .close(worker: 0, peer: 1, .useless)
            ])
        #expect(talk.wait(.seconds(1)) == [], "it is on its way out, and the other is not quiet")
        #expect(talk.closed(1, .closedByUs).connects == ["0 3 10.0.3.3:6881"])
        #expect(talk.wait(.seconds(120)).connects == [], "there is no hurry to have it back")
    }

    @Test func quietConnectionYieldsToAPeerThatComes() {
        var talk = Talk(mostPeers: 1)
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        talk.reported(1)
        _ = talk.wait(.seconds(3600))
        let actions = talk.connected(incoming, Talk.address(2, network: 2, port: 50_000), id: 2, isIncoming: true)
        #expect(actions.last == .close(worker: 0, peer: 1, .useless))
    }

    @Test func quietestConnectionsMakeWayForAnotherTorrent() {
        var talk = Talk(mostPeers: 10)
        for peer in UInt32(1)...10 {
            _ = talk.learned([Talk.address(Int(peer), network: Int(peer))])
            _ = talk.connected(peer, Talk.address(Int(peer), network: Int(peer)), id: UInt8(peer))
        }
        #expect(talk.book.wish == 10)
        _ = talk.wait(.seconds(1))
        for peer in UInt32(1)...3 { talk.reported(peer, downloaded: 5) }
        #expect(
            talk.mayHave(5) == [4, 5, 6, 7].map { PeerBook.Action.close(worker: 0, peer: $0, .tooMany) })
        #expect(talk.mayHave(5) == [.close(worker: 0, peer: 8, .tooMany)])
        #expect(talk.mayHave(5) == [])
        for peer in UInt32(4)...8 { #expect(talk.closed(peer, .closedByUs).connectCount == 0) }
        // None comes back before it may.
        #expect(talk.wait(.seconds(60)).connectCount == 0)
        #expect(talk.mayHave(6) == [])
        #expect(talk.wait(.seconds(1)).connectCount == 1)
    }

    @Test func seedsAreClosedOnceAndLeftAlone() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 1)
        talk.reported(1, isSeed: true)
        #expect(talk.closedSeeds() == [.close(worker: 0, peer: 1, .useless)])
        #expect(talk.closedSeeds() == [])
        _ = talk.closed(1, .closedByUs)
        #expect(talk.wait(.seconds(300)).connectCount == 0)
        #expect(talk.wait(.seconds(301)).connectCount == 1)
    }

    @Test func handshakeIsReported() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        #expect(talk.book.connectedCount == 0)
        #expect(
            talk.connected(1, Talk.address(1), id: 1) == [
                .report(address: Talk.address(1), worker: 0, isIncoming: false, .connected(client: "test"))
            ])
        #expect(talk.book.connectedCount == 1)
        talk.reported(1, isSeed: true)
        talk.reported(77, isSeed: true)
        #expect(talk.book.seedCount == 1)
        #expect(
            talk.closed(1, .lost, downloaded: 9).first
                == .report(address: Talk.address(1), worker: 0, isIncoming: false, .closed("text")))
        #expect(talk.book.connectedCount == 0 && talk.book.seedCount == 0)
        #expect(talk.closed(1, .lost) == [], "it is gone already")
    }

    @Test func failedAddressIsTriedAgainLater() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        #expect(talk.closed(1, .connectFailed).connectCount == 0)
        #expect(talk.wait(.seconds(7)).connectCount == 0)
        #expect(talk.wait(.seconds(6)).connects == ["0 2 10.0.0.1:6881"])
    }

    @Test func ownTroubleIsNotThePeersFault() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        for peer in UInt32(1)...20 {
            #expect(talk.closed(peer, .localTrouble).connectCount == 0)
            #expect(talk.wait(.seconds(13)).connectCount == 1)
        }
    }

    @Test func secondConnectionToAPeerIsClosedWithoutBlame() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1, network: 1), Talk.address(2, network: 2)])
        _ = talk.connected(1, Talk.address(1, network: 1), id: 9)
        #expect(
            talk.connected(2, Talk.address(2, network: 2), id: 9) == [.close(worker: 0, peer: 2, .duplicate)])
        #expect(talk.book.connectedCount == 1)
        _ = talk.closed(2, .closedByUs)
        #expect(talk.book.connectedCount == 1)
        #expect(talk.wait(.seconds(60)).connectCount == 0, "it would be a duplicate again")
    }

    @Test func ourselvesAreNeverTriedAgain() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.closed(1, .ourselves)
        #expect(talk.wait(.seconds(10_000)).connectCount == 0)
        #expect(talk.learned([Talk.address(1)]) == [])
        #expect(talk.book.nobodyLeft(now: .distantFuture))
    }

    // MARK: Who comes to us

    private let incoming: UInt32 = 1 << 31

    @Test func incomingPeerIsCountedAndForgottenWhenItLeaves() {
        var talk = Talk()
        #expect(
            talk.connected(incoming, Talk.address(1, port: 50_000), id: 1, isIncoming: true) == [
                .report(
                    address: Talk.address(1, port: 50_000), worker: 0, isIncoming: true, .connected(client: "test"))
            ])
        #expect(talk.book.connectedCount == 1)
        _ = talk.closed(incoming, .lost, downloaded: 5)
        #expect(talk.book.connectedCount == 0 && talk.book.known.knownCount == 0)
    }

    @Test func incomingPeerThatIsConnectedAlreadyIsClosed() {
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 9)
        #expect(
            talk.connected(incoming, Talk.address(1, port: 50_000), id: 9, isIncoming: true) == [
                .close(worker: 0, peer: incoming, .duplicate)
            ])
        _ = talk.closed(incoming, .closedByUs)
        #expect(talk.book.connectedCount == 1)
    }

    @Test func endOfAnUnwelcomePeerDoesNotEndTheConnectionToItsAddress() {
        // It came from the very port that it listens on, to which we are connected.
        var talk = Talk()
        _ = talk.learned([Talk.address(1)])
        _ = talk.connected(1, Talk.address(1), id: 9)
        #expect(
            talk.connected(incoming, Talk.address(1), id: 9, isIncoming: true) == [
                .close(worker: 0, peer: incoming, .duplicate)
            ])
        _ = talk.closed(incoming, .closedByUs)
        #expect(talk.book.known.connectedCount == 1)
        #expect(talk.wait(.seconds(700)).connectCount == 0)
    }

    // MARK: Workers

    @Test func peersOfADeadWorkerAreTriedElsewhereWithinASecond() {
        var talk = Talk(workers: 2)
        _ = talk.learned((1...4).map { Talk.address($0, network: $0) })
        _ = talk.connected(1, Talk.address(1, network: 1), id: 1)
        _ = talk.connected(incoming, Talk.address(7, port: 50_000), id: 7, isIncoming: true)
        _ = talk.workerLost(0)
        #expect(talk.book.connectedCount == 0)
        let again = talk.wait(.seconds(1)).connects
        #expect(Set(again.map { $0.suffix(13) }) == ["10.0.1.1:6881", "10.0.3.3:6881"])
        #expect(again.allSatisfy { $0.hasPrefix("1 ") })
        // What the dead one had still to say is about nobody.
        #expect(talk.closed(3, .connectFailed) == [])
    }

    @Test func moreIsWantedWhileFewAreKnown() {
        var talk = Talk(mostPeers: 10)
        #expect(talk.book.wantsMore)
        _ = talk.learned((1...5).map { Talk.address($0, network: $0) }, from: .commandLine)
        for peer in UInt32(1)...5 {
            _ = talk.connected(peer, Talk.address(Int(peer), network: Int(peer)), id: UInt8(peer))
        }
        #expect(!talk.book.wantsMore)
    }
}
