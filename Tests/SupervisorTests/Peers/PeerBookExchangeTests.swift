import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

/// What a book makes of introductions and of hearsay, and what it has workers tell.
@Suite struct PeerBookExchangeTests {
    typealias Contact = PeerExchangeMessage.Contact
    private let incoming: UInt32 = 1 << 31

    private struct Talk {
        var book: PeerBook
        var clock = FakeClock()

        init(ownID: UInt8 = 0, listenPort: UInt16 = 6881, exchangesPeers: Bool = true, mostPeers: Int = 100) {
            book = PeerBook(
                torrent: 0, ownID: Talk.id(ownID), ownAddresses: [], mostPeers: mostPeers, listenPort: listenPort,
                exchangesPeers: exchangesPeers, now: clock.now, generator: SeededGenerator(seed: 1))
            _ = tell { $0.workerReady(0, capacity: 1000, now: $1, into: &$2) }
        }
        static func id(_ number: UInt8) -> PeerID { PeerID(Array(repeating: number, count: 20)) }
        /// Each in a network of its own.
        static func address(_ number: Int, port: UInt16 = 6881) -> PeerAddress {
            PeerAddress(v4: 0x0800_0001 + UInt32(number << 8), port: port)
        }

        mutating func tell(
            _ event: (inout PeerBook, MonotonicInstant, inout [PeerBook.Action]) -> Void
        ) -> [PeerBook.Action] {
            book.told(at: clock.now, event)
        }
        mutating func learn(_ address: PeerAddress) {
            _ = tell { $0.learned([address], from: .tracker, now: $1, into: &$2) }
        }
        mutating func connect(
            _ peer: UInt32, _ address: PeerAddress, id: UInt8, isIncoming: Bool = false
        ) -> [PeerBook.Action] {
            let news = PeerConnected(
                peer: peer, torrent: 0, address: address, isIncoming: isIncoming, remoteID: Self.id(id), client: "")
            return tell { $0.connected(news, at: 0, now: $1, into: &$2) }
        }
        mutating func close(_ peer: UInt32, _ cause: PeerClosed.Cause = .lost) {
            let news = PeerClosed(peer: peer, cause: cause, text: "", downloadedByteCount: 0)
            _ = tell { $0.closed(news, at: 0, now: $1, into: &$2) }
        }
        mutating func introduce(
            _ peer: UInt32, client: String = "", port: UInt16 = 0, ours: [UInt8] = []
        ) -> [PeerBook.Action] {
            let news = PeerIntroduction(
                peer: peer, torrent: 0, client: client, listenPort: port, ourAddress: ours)
            return tell { book, _, actions in book.introduced(news, at: 0, into: &actions) }
        }
        mutating func hear(_ addresses: [PeerAddress], from peer: UInt32) {
            _ = tell { $0.heard(addresses.map { Contact($0) }, from: peer, at: 0, now: $1, into: &$2) }
        }
        /// After a second.
        mutating func members() -> [PeerBook.Action] {
            clock.advance(by: .seconds(1))
            return tell { $0.tellMembers(now: $1, into: &$2) }
        }
    }

    @Test func workersAreToldOfWhoCanBeReachedWhere() {
        var talk = Talk()
        talk.learn(Talk.address(1))
        _ = talk.connect(1, Talk.address(1), id: 1)
        _ = talk.connect(incoming, Talk.address(2, port: 50_000), id: 2, isIncoming: true)
        let first = Contact(Talk.address(1), .isReachable), second = Contact(Talk.address(2, port: 7000))
        #expect(talk.members() == [.tellMembers(worker: 0, added: [first], dropped: [])])
        _ = talk.introduce(incoming, port: 7000)
        #expect(talk.members() == [.tellMembers(worker: 0, added: [second], dropped: [])])
        // A worker that is new hears of all.
        #expect(
            talk.tell { $0.workerReady(1, capacity: 10, now: $1, into: &$2) } == [
                .tellMembers(worker: 1, added: [first, second], dropped: [])
            ])
        talk.close(1)
        talk.close(incoming)
        #expect(
            talk.members()
                == [0, 1].map {
                    .tellMembers(worker: $0, added: [], dropped: [first.address, second.address])
                })
    }

    @Test func seedsAreTold() {
        var talk = Talk()
        talk.learn(Talk.address(1))
        _ = talk.connect(1, Talk.address(1), id: 1)
        let report = PeerReport(
            peer: 1, downloadedByteCount: 0, uploadedByteCount: 0, downloadRate: 0, uploadRate: 0,
            outstandingRequestCount: 0,
            isChokingUs: true, isSeed: true, isSnubbed: false, isInterested: false, isUnchoked: false)
        talk.book.reported([report], at: 0, isComplete: false, now: FakeClock().now)
        #expect(
            talk.members() == [
                .tellMembers(
                    worker: 0, added: [Contact(Talk.address(1), [.isReachable, .uploadsOnly])], dropped: [])
            ])
    }

    @Test func peersOfADeadWorkerAreDropped() {
        var talk = Talk()
        _ = talk.connect(incoming, Talk.address(2, port: 50_000), id: 2, isIncoming: true)
        _ = talk.introduce(incoming, port: 7000)
        _ = talk.members()
        _ = talk.tell { $0.workerReady(1, capacity: 10, now: $1, into: &$2) }
        _ = talk.tell { $0.workerLost(0, now: $1, into: &$2) }
        #expect(talk.members() == [.tellMembers(worker: 1, added: [], dropped: [Talk.address(2, port: 7000)])])
    }

    @Test func hearsayIsUsedOnlyWhereItIsAllowed() {
        for exchanges in [true, false] {
            var talk = Talk(exchangesPeers: exchanges)
            talk.learn(Talk.address(1))
            _ = talk.connect(1, Talk.address(1), id: 1)
            talk.hear([Talk.address(2)], from: 1)
            talk.hear([Talk.address(3)], from: 77)
            #expect(talk.book.known.knownCount == (exchanges ? 2 : 1))
            #expect(talk.members().isEmpty == !exchanges)
        }
    }

    /// As libtorrent does.
    @Test func aPeerThatNamesUsIsNotBelieved() {
        var talk = Talk(listenPort: 7000)
        talk.learn(Talk.address(1))
        _ = talk.connect(1, Talk.address(1), id: 1)
        _ = talk.introduce(1, ours: [9, 1, 2, 3])
        talk.hear([PeerAddress(v4: 0x0901_0203, port: 7000), PeerAddress(v4: 0x0901_0203, port: 7001)], from: 1)
        #expect(talk.book.known.knownCount == 2)
    }

    @Test func aLateNameIsReported() {
        var talk = Talk()
        talk.learn(Talk.address(1))
        _ = talk.connect(1, Talk.address(1), id: 1)
        #expect(
            talk.introduce(1, client: "late 1") == [
                .report(address: Talk.address(1), worker: 0, isIncoming: false, .named(client: "late 1"))
            ])
        #expect(talk.introduce(1, client: "late 1") == [])
        #expect(talk.introduce(9, client: "nobody") == [])
    }

    @Test func whatPeersSeeOfUsBecomesOurAddress() {
        var talk = Talk(listenPort: 7000)
        for number in 1...2 {
            talk.learn(Talk.address(number))
            _ = talk.connect(UInt32(number), Talk.address(number), id: UInt8(number))
            _ = talk.introduce(UInt32(number), ours: [9, 1, 2, 3])
        }
        let ourselves = PeerAddress(v4: 0x0901_0203, port: 7000)
        talk.learn(ourselves)
        #expect(talk.book.known.worker(of: ourselves) == nil && talk.book.known.knownCount == 2)
    }

    /// BEP 40.
    @Test func aNewcomerTakesThePlaceOfTheLeastDear() throws {
        let ours = PeerAddress(v4: 0x0901_0203, port: 6881)
        var talk = Talk(mostPeers: 5)
        // In different /16, so that each has a rank of its own.
        func address(_ number: Int, port: UInt16 = 6881) -> PeerAddress { Talk.address(number << 8, port: port) }
        func rank(_ number: Int) -> UInt32 { PeerPriority.of(ours, address(number))! }
        let order = (1...10).sorted { rank($0) > rank($1) }
        talk.book.externalAddressLearned(ours)
        // The last five of the order are connected, then the dearest comes, then the cheapest again.
        for number in order.suffix(5) {
            talk.learn(address(number))
            #expect(talk.book.connections.count <= 5)
        }
        let names = Dictionary(
            uniqueKeysWithValues: talk.book.connections.map { ($0.value.address, $0.key.peer) })
        for number in order.suffix(5) {
            _ = talk.connect(try #require(names[address(number)]), address(number), id: UInt8(number))
        }
        let least = try #require(names[address(order[9])])
        let dear = talk.connect(incoming, address(order[0], port: 50_000), id: 100, isIncoming: true)
        #expect(dear.contains(.close(worker: 0, peer: least, .tooMany)))
        talk.close(least, .closedByUs)
        let cheap = talk.connect(
            incoming + 1, address(order[9], port: 50_000), id: 101, isIncoming: true)
        #expect(cheap.contains(.close(worker: 0, peer: incoming + 1, .tooMany)) && cheap.count == 2)
    }

    /// Where BEP 40 has no ranks: among neighbours, or while no tracker has said who we are.
    @Test(arguments: [PeerAddress(v4: 0x0A00_0000, port: 6881), Talk.address(0)])
    func withoutRanksAnOrderOfOurOwnDecidesWhoStays(network: PeerAddress) {
        var talk = Talk(mostPeers: 3)
        func address(_ number: UInt32) -> PeerAddress {
            PeerAddress(v4: network.addressBytes.reduce(0) { $0 << 8 | UInt32($1) } + number, port: 50_000)
        }
        for number in 1...12 as ClosedRange<UInt32> {
            let actions = talk.connect(incoming + number, address(number), id: UInt8(number), isIncoming: true)
            for case .close(_, let peer, .tooMany) in actions { talk.close(peer, .closedByUs) }
        }
        let order = (1...12).map(address).sorted {
            talk.book.known.ownRank(of: $0) > talk.book.known.ownRank(of: $1)
        }
        #expect(Set(talk.book.connections.values.map(\.address)) == Set(order.prefix(3)))
    }

    // MARK: Two connections at once

    /// One of two books, and what its connections are called.
    private struct Side {
        var talk: Talk
        let address: PeerAddress
        let id: UInt8
        private(set) var closed: Set<String> = []

        init(_ number: Int, port: UInt16) {
            (address, id) = (Talk.address(number, port: port), UInt8(number))
            talk = Talk(ownID: id, listenPort: port)
        }
        /// A handshake is complete: of the connection that this side opened, or of the other's.
        mutating func complete(_ isOurs: Bool, with other: Side) {
            let actions =
                isOurs
                ? talk.connect(1, other.address, id: other.id)
                : talk.connect(1 << 31, Talk.address(Int(other.id), port: 50_000), id: other.id, isIncoming: true)
            for case .close(_, let peer, let cause) in actions {
                #expect(cause == .duplicate)
                closed.insert(peer == 1 ? "ours" : "theirs")
            }
        }
    }

    /// Every order in which the two ends may see the two handshakes, with either port lower, and with equal ones.
    @Test(arguments: [(6881, 7000), (7000, 6881), (6881, 6881)] as [(UInt16, UInt16)])
    func oneOfTwoConnectionsThatCrossSurvivesAtBothEnds(_ ports: (UInt16, UInt16)) {
        for order in 0..<4 {
            var first = Side(1, port: ports.0), second = Side(2, port: ports.1)
            first.talk.learn(second.address)
            second.talk.learn(first.address)
            for isOurs in [order & 1 == 0, order & 1 != 0] { first.complete(isOurs, with: second) }
            for isOurs in [order & 2 == 0, order & 2 != 0] { second.complete(isOurs, with: first) }
            #expect(first.closed.count == 1 && second.closed.count == 1, "\(order)")
            #expect(first.closed != second.closed, "they mean the same connection; \(order)")
            for side in [first, second] { #expect(side.talk.book.known.connectedCount <= 2) }
        }
    }

    @Test func anOldConnectionStaysWhateverComes() {
        var side = Side(1, port: 7000)
        let other = Side(2, port: 6881)
        side.talk.learn(other.address)
        side.complete(true, with: other)
        side.talk.clock.advance(by: .seconds(11))
        side.complete(false, with: other)
        #expect(side.closed == ["theirs"])
    }

    @Test func aBannedMachineTakesNobodysPlace() {
        var talk = Talk(listenPort: 7000)
        talk.learn(Talk.address(2))
        _ = talk.connect(1, Talk.address(2), id: 2)
        _ = talk.connect(incoming, Talk.address(3, port: 50_000), id: 3, isIncoming: true)
        _ = talk.tell { book, _, actions in
            book.ban(Contributor(worker: 0, peer: incoming), reason: "lies", into: &actions)
        }
        #expect(
            talk.connect(incoming + 1, Talk.address(3, port: 50_001), id: 2, isIncoming: true) == [
                .close(worker: 0, peer: incoming + 1, .banned)
            ])
    }
}
